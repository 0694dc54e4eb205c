"""Uploads are hostile; the view box is exact."""

from __future__ import annotations

import hashlib
import struct
import threading
import zlib
from io import BytesIO

import imagecodecs
import numpy as np
import pytest
from PIL import Image, ImageCms, ImageFile

from tests.unit.pictures import mutate
from vislib.pictures import (
    decoding,
    encoding,
    geometry,
    limits,
    reading,
    samples,
    signatures,
)
from vislib.schema import DecodedImage, ImageError, ShapeError, ViewBox


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    sink = BytesIO()
    image.save(sink, kind, **options)
    return sink.getvalue()


def noise(width: int = 40, height: int = 30) -> Image.Image:
    values = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(values)


def quadrants(width: int = 32, height: int = 16) -> Image.Image:
    """Red, green / blue, white: each orientation of it is different."""
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    pixels[: height // 2, : width // 2] = (255, 0, 0)
    pixels[: height // 2, width // 2 :] = (0, 255, 0)
    pixels[height // 2 :, : width // 2] = (0, 0, 255)
    pixels[height // 2 :, width // 2 :] = 255
    return Image.fromarray(pixels)


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def claiming_png(width: int, height: int) -> bytes:
    """A few hundred bytes whose header claims a large picture."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    body = png_chunk(b"IDAT", zlib.compress(bytes(1000))) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + header + body


@pytest.mark.parametrize("kind", signatures.FORMATS)
def test_every_accepted_format_is_read_by_content(kind: str) -> None:
    data = encoded(noise(), kind)
    picture = decoding.decode(data, name="x.txt")
    assert picture.source_format == kind
    assert picture.pixels.shape == (30, 40, 3)
    assert picture.pixels.dtype == np.uint8
    assert picture.sha256 == hashlib.sha256(data).hexdigest()
    assert picture.notes == ()
    assert not picture.pixels.flags.writeable


def test_lossless_formats_keep_every_pixel() -> None:
    want = np.asarray(noise())
    for kind in ("PNG", "BMP", "TIFF"):
        np.testing.assert_array_equal(
            decoding.decode(encoded(noise(), kind), name="a").pixels, want
        )
    assert not np.array_equal(decoding.decode(encoded(noise(), "JPEG"), name="a").pixels, want)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"hello, this is no picture", "text"),
        (b"BMW is a car maker, and this is text", "text"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"<!DOCTYPE html><html><body><img src=x></body></html>", "HTML"),
        (b"%PDF-1.7\n", "PDF"),
        (b"PK\x03\x04" + bytes(40), "ZIP"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(20), "HEIC"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + bytes(20), "video"),
        (bytes(range(256)), "unknown kind"),
        (encoded(noise(), "ICO"), "ICO"),
    ],
)
def test_what_is_no_picture_is_named(data: bytes, words: str) -> None:
    with pytest.raises(ImageError, match=words):
        decoding.decode(data, name="renamed.png")


def test_bomb_is_refused_from_its_header(monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(self: ImageFile.ImageFile) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", explode)
    with pytest.raises(ImageError, match=r"30,000 x 30,000 pixels.*40 million"):
        decoding.decode(claiming_png(30_000, 30_000), name="bomb.png")
    # 50 million: below the size at which Pillow itself would warn
    with pytest.raises(ImageError, match="40 million"):
        decoding.decode(claiming_png(10_000, 5_000), name="bomb.png")


def test_webp_bomb_is_refused_before_its_reader_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imagecodecs, "webp_decode", None)
    monkeypatch.setattr(reading, "WebPImagePlugin", None)
    sides = (16_383).to_bytes(3, "little") * 2
    data = b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + sides + bytes(8)
    with pytest.raises(ImageError, match="16,384 x 16,384"):
        decoding.decode(data, name="bomb.webp")


@pytest.mark.parametrize("lossless", [False, True])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_webp_header_is_read_right(lossless: bool, mode: str) -> None:
    data = encoded(noise(41, 23).convert(mode), "WEBP", lossless=lossless, exif=b"Exif\0\0")
    assert reading._webp_size(data) == (41, 23)
    assert reading._webp_size(encoded(noise(41, 23), "WEBP", lossless=lossless)) == (41, 23)


def test_too_many_bytes() -> None:
    with pytest.raises(ImageError, match="10 MB"):
        decoding.decode(encoded(noise(), "PNG") + bytes(limits.MAX_BYTES), name="a.png")


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 2), (1, 4000), (4000, 1), (100, 4000)])
def test_shapes_that_are_refused(width: int, height: int) -> None:
    with pytest.raises(ImageError, match=f"{width:,} x {height:,} pixels"):
        decoding.decode(encoded(Image.new("RGB", (width, height)), "PNG"), name="a.png")


@pytest.mark.parametrize(("width", "height"), [(2, 2), (2, 40), (200, 4000)])
def test_shapes_that_are_just_accepted(width: int, height: int) -> None:
    picture = decoding.decode(encoded(Image.new("RGB", (width, height)), "PNG"), name="a.png")
    assert picture.width / picture.height == pytest.approx(width / height)


@pytest.mark.parametrize("kind", signatures.FORMATS)
def test_no_part_of_a_file_raises_anything_else(kind: str) -> None:
    data = encoded(noise(), kind)
    cuts = sorted({0, 1, 4, 12, 20, 30, len(data) // 4, len(data) // 2, len(data) * 9 // 10})
    refused = 0
    for cut in cuts:
        try:
            decoding.decode(data[:cut], name="a")
        except ImageError:
            refused += 1
    assert refused >= len(cuts) - 1


@pytest.mark.parametrize("kind", signatures.FORMATS)
def test_flipped_bytes_raise_nothing_else(kind: str) -> None:
    data = encoded(noise(), kind)
    generator = np.random.default_rng(1)
    for _ in range(40):
        broken = bytearray(data)
        for at in generator.integers(0, min(len(data), 400), 4):
            broken[at] = int(generator.integers(0, 256))
        try:
            said = decoding.decode(bytes(broken), name="a").source_format
        except ImageError as error:
            said = str(error)
        assert said in signatures.FORMATS or len(said) > 20


@pytest.mark.parametrize(
    ("kind", "words"),
    [("PNG", "truncated"), ("JPEG", "truncated"), ("BMP", "truncated"), ("WEBP", "damaged")],
)
def test_truncated_says_so(kind: str, words: str) -> None:
    data = encoded(noise(200, 200), kind)
    with pytest.raises(ImageError, match=words):
        decoding.decode(data[: len(data) // 2], name="a")


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_every_orientation_comes_out_upright(orientation: int, kind: str) -> None:
    upright = quadrants()
    stored_by = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    stored = upright if stored_by is None else upright.transpose(stored_by)
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = decoding.decode(encoded(stored, kind, exif=exif.tobytes()), name="a")
    assert (picture.width, picture.height) == (32, 16)
    difference = picture.pixels.astype(int) - np.asarray(upright).astype(int)
    assert np.median(np.abs(difference)) <= 3
    assert np.abs(difference).mean() < 16
    turned = [note for note in picture.notes if "upright" in str(note)]
    assert len(turned) == (0 if orientation == 1 else 1)
    # negative control: the stored picture as it lies in the file is not the upright one
    if stored.size == upright.size and orientation != 1:
        raw = np.asarray(stored).astype(int) - np.asarray(upright).astype(int)
        assert np.abs(raw).mean() > 60


def test_cmyk_jpeg() -> None:
    picture = decoding.decode(encoded(quadrants().convert("CMYK"), "JPEG", quality=95), name="a")
    assert any("CMYK" in str(note) for note in picture.notes)
    assert picture.pixels[3, 3, 0] > 200
    assert picture.pixels[3, 3, 1] < 60
    assert picture.pixels[12, 28].min() > 240


def test_sixteen_bit_grey_is_scaled_not_clipped() -> None:
    ramp = np.linspace(0, 65535, 64).astype(np.uint16)[None].repeat(8, axis=0)
    for kind in ("PNG", "TIFF"):
        picture = decoding.decode(encoded(Image.fromarray(ramp), kind), name="a")
        want = np.rint(ramp / 257.0)
        assert np.abs(picture.pixels[:, :, 0].astype(int) - want).max() <= 1
        assert any("16" in str(note) for note in picture.notes)
    clipped = np.minimum(ramp, 255)
    assert np.abs(clipped.astype(int) - np.rint(ramp / 257.0)).max() > 200


def test_sixteen_bit_colour() -> None:
    values = np.zeros((4, 8, 3), dtype=">u2")
    values[:, :, 0] = 0x8000
    values[:, 4:, 1] = 0xFFFF
    rows = b"".join(b"\0" + row.tobytes() for row in values)
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 4, 16, 2, 0, 0, 0))
    data = b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", zlib.compress(rows))
    picture = decoding.decode(data + png_chunk(b"IEND", b""), name="a")
    assert picture.pixels[0, 0].tolist() == [128, 0, 0]
    assert picture.pixels[0, 7].tolist() == [128, 255, 0]
    assert any("16" in str(note) for note in picture.notes)


def test_float_tiff_with_gaps() -> None:
    values = np.linspace(-3.0, 5.0, 64, dtype=np.float32).reshape(8, 8)
    values[0, 1] = np.nan
    picture = decoding.decode(encoded(Image.fromarray(values), "TIFF"), name="a")
    assert picture.pixels[0, 0, 0] == 0
    assert picture.pixels[7, 7, 0] == 255
    assert any("-3" in str(note) for note in picture.notes)
    unit = decoding.decode(encoded(Image.fromarray(values * 0 + 0.5), "TIFF"), name="a")
    assert unit.pixels[7, 7, 0] == 128


def test_palette_with_transparency_goes_on_white() -> None:
    image = Image.new("P", (8, 8), 0)
    image.putpalette([0, 0, 0, 10, 200, 30])
    image.paste(1, (4, 0, 8, 8))
    for transparency in (0, bytes([0, 255])):
        picture = decoding.decode(encoded(image, "PNG", transparency=transparency), name="a")
        assert picture.pixels[0, 0].tolist() == [255, 255, 255]
        assert picture.pixels[0, 7].tolist() == [10, 200, 30]
        assert any("white" in str(note) for note in picture.notes)
    opaque = decoding.decode(encoded(image, "PNG"), name="a")
    assert opaque.pixels[0, 0].tolist() == [0, 0, 0]
    assert opaque.notes == ()


def test_half_transparent_blends_and_opaque_alpha_is_silent() -> None:
    half = decoding.decode(encoded(Image.new("RGBA", (8, 8), (0, 0, 0, 128)), "PNG"), name="a")
    assert abs(int(half.pixels[0, 0, 0]) - 127) <= 1
    assert half.notes
    grey = decoding.decode(encoded(Image.new("LA", (8, 8), (0, 0)), "PNG"), name="a")
    assert grey.pixels.min() == 255
    full = decoding.decode(encoded(Image.new("RGBA", (8, 8), (9, 8, 7, 255)), "PNG"), name="a")
    assert full.pixels[0, 0].tolist() == [9, 8, 7]
    assert full.notes == ()


def test_one_bit() -> None:
    picture = decoding.decode(encoded(Image.new("1", (8, 8), 1), "PNG"), name="a")
    assert picture.pixels.min() == 255


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_first_frame_of_several(kind: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue", "lime")]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    picture = decoding.decode(data, name="a")
    assert picture.pixels[4, 4].tolist() == [255, 0, 0]
    assert any("first" in str(note) for note in picture.notes)


def test_large_pictures_are_reduced_with_a_note() -> None:
    picture = decoding.decode(
        encoded(Image.new("RGBA", (3200, 1000), (1, 2, 3, 255)), "PNG"), name="a"
    )
    assert (picture.width, picture.height) == (1600, 500)
    assert picture.pixels[250, 800].tolist() == [1, 2, 3]
    assert [str(n) for n in picture.notes] == ["Reduced from 3200 x 1000 to 1600 x 500 pixels."]


@pytest.mark.parametrize(("kind", "height"), [("JPEG", 3201), ("TIFF", 1701)])
def test_large_pictures_stay_in_place_and_are_turned(kind: str, height: int) -> None:
    """Reducing, also inside the JPEG reader, moves nothing, and a turn comes on top."""
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = quadrants(height // 2, height).transpose(Image.Transpose.ROTATE_90)
    options = {"compression": "tiff_lzw"} if kind == "TIFF" else {}
    picture = decoding.decode(encoded(stored, kind, exif=exif.tobytes(), **options), name="a")
    assert (picture.width, picture.height) == (800, 1600)
    centre = picture.pixels[794:806, 394:406].astype(int)
    assert centre[0, 0, 0] > 200 > 60 > centre[0, 0, 1]
    assert centre[0, -1, 1] > 200 > 60 > centre[0, -1, 0]
    assert centre[-1, 0, 2] > 200 > 60 > centre[-1, 0, 0]
    assert centre[-1, -1].min() > 200
    assert len(picture.notes) == 2


def test_reducing_a_jpeg_while_decoding_keeps_what_fits() -> None:
    stripes = np.where(np.arange(3200) % 8 < 4, 255, 0).astype(np.uint8)[None].repeat(800, axis=0)
    picture = decoding.decode(encoded(Image.fromarray(stripes), "JPEG"), name="a")
    assert picture.pixels.shape == (400, 1600, 3)
    assert picture.pixels.std() > 100  # an eighth of the size would be even grey


def test_colour_profiles() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert decoding.decode(encoded(noise(), "PNG", icc_profile=srgb), name="a").notes == ()
    # an honest other profile: sRGB with its description and its red and blue primaries exchanged
    wide_name = ["sRGB".encode("utf-16-be"), "oRGB".encode("utf-16-be")]
    other = srgb.replace(*wide_name).replace(b"sRGB", b"oRGB")
    other = other.replace(b"rXYZ", b"tXYZ").replace(b"bXYZ", b"rXYZ").replace(b"tXYZ", b"bXYZ")
    picture = decoding.decode(encoded(quadrants(), "PNG", icc_profile=other), name="a")
    assert any("profile to sRGB" in str(note) for note in picture.notes)
    assert picture.pixels[2, 2].tolist() == [0, 0, 255]
    for bad in (b"nonsense", srgb[:200]):
        picture = decoding.decode(encoded(quadrants(), "PNG", icc_profile=bad), name="a")
        assert picture.pixels[2, 2].tolist() == [255, 0, 0]
        assert any("could not be used" in str(note) for note in picture.notes)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("/home/me/secret/cat.jpg", "cat.jpg"),
        ("C:\\Users\\me\\cat.jpg", "cat.jpg"),
        ("ca\nt\x00\u202e.jpg", "cat.jpg"),
        ("", "picture"),
        ("a/", "picture"),
        ("x" * 200, "x" * 40 + "…" + "x" * 19),
    ],
)
def test_names_are_cleaned(name: str, kept: str) -> None:
    assert decoding.decode(encoded(noise(), "PNG"), name=name).name == kept


def test_memory_running_out_is_an_image_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(self: ImageFile.ImageFile) -> None:
        raise MemoryError

    monkeypatch.setattr(reading.PngImagePlugin.PngImageFile, "load", none_left)
    with pytest.raises(ImageError, match="memory"):
        decoding.decode(encoded(noise(), "PNG"), name="a")


def test_threads_get_their_own_pictures() -> None:
    uploads = [encoded(Image.new("RGB", (64, 64), (n, 2 * n, 255 - n)), "PNG") for n in range(24)]
    found: dict[int, list[int]] = {}

    def work(n: int) -> None:
        found[n] = decoding.decode(uploads[n], name="a").pixels[5, 5].tolist()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {n: [n, 2 * n, 255 - n] for n in range(24)}
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False


# The view box ------------------------------------------------------------------------------------

SHAPES = [(64, 64), (65, 64), (100, 37), (37, 100), (333, 500), (640, 427), (451, 300), (20, 400)]
INPUTS = [(64, 1.0), (224, 0.875), (224, 0.9), (224, 0.95), (224, 0.96), (256, 0.94)]


def nearest_indices(width: int, height: int, size: int, crop: float) -> tuple[np.ndarray, ...]:
    """Which source row and column each model pixel takes through the real transform, unblurred."""
    transforms = pytest.importorskip("torchvision.transforms")
    chain = transforms.Compose(
        [transforms.Resize(int(size / crop), interpolation=0), transforms.CenterCrop(size)]
    )
    rows, columns = np.indices((height, width), dtype=np.int32)
    seen = [np.asarray(chain(Image.fromarray(np.ascontiguousarray(a)))) for a in (rows, columns)]
    return seen[0][:, size // 2], seen[1][size // 2]


def disagreements(start: float, length: float, found: np.ndarray) -> int:
    """How many model pixels' centres fall into another source pixel; ties of floats are let off."""
    centres = start + (np.arange(len(found)) + 0.5) * length / len(found)
    tie = np.abs(centres - np.rint(centres)) < 1e-6
    return int(((np.floor(centres) != found) & ~tie).sum())


def test_view_box_agrees_on_every_pixel_with_the_real_transform() -> None:
    generator = np.random.default_rng(3)
    shifted = 0
    for _ in range(150):
        width, height = (int(n) for n in generator.integers(20, 200, 2))
        size, crop = (int(generator.integers(16, 80)), float(generator.uniform(0.8, 1.0)))
        box = geometry.view_box(width, height, size=size, crop=crop)
        rows, columns = nearest_indices(width, height, size, crop)
        assert disagreements(box.top, box.height, rows) == 0
        assert disagreements(box.left, box.width, columns) == 0
        # negative control: nearly a model pixel beside is noticed
        step = box.width / size
        shifted += disagreements(box.left + 0.9 * step, box.width, columns) > 0
    assert shifted == 150


@pytest.mark.parametrize(("width", "height"), SHAPES)
@pytest.mark.parametrize(("size", "crop"), INPUTS)
def test_view_box_is_torchvisions_rounding(width: int, height: int, size: int, crop: float) -> None:
    """Send pictures of coordinates through the real transform; each model pixel must agree."""
    transforms = pytest.importorskip("torchvision.transforms")
    chain = transforms.Compose(
        [transforms.Resize(int(size / crop), interpolation=2), transforms.CenterCrop(size)]
    )
    y, x = np.indices((height, width), dtype=np.float32) + np.float32(0.5)
    seen_x, seen_y = (np.asarray(chain(Image.fromarray(np.ascontiguousarray(a)))) for a in (x, y))
    box = geometry.view_box(width, height, size=size, crop=crop)
    centres = (np.arange(size) + 0.5) / size
    want_x, want_y = box.left + box.width * centres, box.top + box.height * centres
    # bilinear resampling of a ramp is the ramp, except near the picture's border
    reach = 2.0 * max(box.width / size, box.height / size, 1.0)
    inside_x = (want_x > reach) & (want_x < width - reach)
    inside_y = (want_y > reach) & (want_y < height - reach)
    assert inside_x.sum() > size // 3
    assert inside_y.sum() > size // 3
    step = max(box.width, box.height) / size
    tolerance = 0.1 * step if step > 1.0 else 0.002  # where it shrinks, Pillow's filter ripples
    assert np.abs(seen_x[size // 2] - want_x)[inside_x].max() < tolerance
    assert np.abs(seen_y[:, size // 2] - want_y)[inside_y].max() < tolerance
    # negative control: one model pixel beside is told apart
    beside = want_x + box.width / size
    assert np.abs(seen_x[size // 2] - beside)[inside_x].min() > tolerance


@pytest.mark.parametrize(("width", "height"), [(333, 500), (640, 427), (300, 300)])
@pytest.mark.parametrize(("size", "crop"), [(64, 1.0), (224, 0.875), (224, 0.95)])
def test_corners_map_back_to_marked_pixels(width: int, height: int, size: int, crop: float) -> None:
    """A marker drawn in each corner of the view box lights that corner of the model's input."""
    transforms = pytest.importorskip("torchvision.transforms")
    chain = transforms.Compose(
        [transforms.Resize(int(size / crop), interpolation=3), transforms.CenterCrop(size)]
    )
    box = geometry.view_box(width, height, size=size, crop=crop)
    for row in (0, size - 1):
        for column in (0, size - 1):
            cell = geometry.cell_box(box, row=row, column=column, rows=size, columns=size)
            canvas = np.zeros((height, width), dtype=np.uint8)
            at_y = min(int(cell.top + cell.height / 2), height - 1)
            at_x = min(int(cell.left + cell.width / 2), width - 1)
            canvas[at_y, at_x] = 255
            seen = np.asarray(chain(Image.fromarray(canvas)))
            found = np.unravel_index(int(seen.argmax()), seen.shape)
            back_y = box.top + (found[0] + 0.5) * box.height / size
            back_x = box.left + (found[1] + 0.5) * box.width / size
            step = max(box.width / size, 1.0)
            assert seen.max() > 0
            assert abs(back_y - at_y - 0.5) <= step
            assert abs(back_x - at_x - 0.5) <= step
            assert abs(int(found[0]) - row) <= 1
            assert abs(int(found[1]) - column) <= 1


def test_known_view_boxes() -> None:
    assert geometry.view_box(256, 256, size=224, crop=0.875) == ViewBox(
        left=16.0, top=16.0, width=224.0, height=224.0
    )
    box = geometry.view_box(640, 427, size=224, crop=1.0)
    assert box.height == pytest.approx(427)
    assert box.left == pytest.approx((640 - box.width) / 2, abs=1)
    padded = geometry.view_box(100, 100, size=200, crop=1.25)
    assert padded.left == pytest.approx(-12.5)
    assert padded.width == pytest.approx(125.0)
    with pytest.raises(ShapeError):
        geometry.view_box(0, 5, size=224, crop=1.0)


@pytest.mark.parametrize(("width", "height"), SHAPES)
@pytest.mark.parametrize("grid", [8, 14, 16, 32, 56])
def test_point_and_cell_are_inverse(width: int, height: int, grid: int) -> None:
    picture = (width, height)
    box = geometry.view_box(width, height, size=224, crop=0.9)
    checked = 0
    for row in range(grid):
        for column in range(grid):
            x, y = geometry.point_at(
                box, picture=picture, row=row, column=column, rows=grid, columns=grid
            )
            if min(box.width / grid / width, box.height / grid / height) >= 1 / 500:
                back = geometry.cell_at(box, picture=picture, x=x, y=y, rows=grid, columns=grid)
                assert back == (row, column)
                checked += 1
    assert checked or (width * 20 == height and grid > 20)


def test_points_outside_the_view() -> None:
    box = geometry.view_box(640, 427, size=224, crop=0.9)
    ask = {"picture": (640, 427), "rows": 14, "columns": 14}
    assert geometry.cell_at(box, x=0, y=500, **ask) is None
    assert geometry.cell_at(box, x=500, y=0, **ask) is None
    assert geometry.cell_at(box, x=1000, y=1000, **ask) is None
    assert geometry.cell_at(box, x=510, y=510, **ask) == (7, 7)
    whole = ViewBox(left=0.0, top=0.0, width=640.0, height=427.0)
    assert geometry.cell_at(whole, x=0, y=0, **ask) == (0, 0)
    assert geometry.cell_at(whole, x=1000, y=1000, **ask) == (13, 13)
    assert geometry.cell_at(whole, x=1001, y=0, **ask) is None
    assert geometry.cell_at(whole, x=900, y=100, **ask) == (1, 12)  # (row, column), not (x, y)


def test_cell_outside_the_grid_is_refused() -> None:
    box = ViewBox(left=0.0, top=0.0, width=10.0, height=10.0)
    with pytest.raises(ShapeError, match="row 2"):
        geometry.cell_box(box, row=2, column=0, rows=2, columns=2)


def test_cells_tile_the_box() -> None:
    box = ViewBox(left=3.0, top=-1.0, width=10.0, height=20.0)
    cell = geometry.cell_box(box, row=1, column=2, rows=4, columns=5)
    assert cell == ViewBox(left=7.0, top=4.0, width=2.0, height=5.0)


def picture_of(pixels: np.ndarray) -> DecodedImage:
    return decoding.decode(encoding.encode_png(pixels), name="a.png")


def test_crop_to_view_shows_the_box_and_grey_beyond() -> None:
    picture = picture_of(np.asarray(quadrants(32, 16)))
    seen = encoding.crop_to_view(picture, ViewBox(left=0.0, top=0.0, width=16.0, height=16.0), 64)
    assert seen.shape == (64, 64, 3)
    assert seen[10, 10].tolist() == [255, 0, 0]
    assert seen[50, 50].tolist() == [0, 0, 255]
    over = encoding.crop_to_view(
        picture, ViewBox(left=-16.0, top=-8.0, width=32.0, height=32.0), 64
    )
    assert over[2, 2].tolist() == [128, 128, 128]
    assert over[20, 36].tolist() == [255, 0, 0]
    far = encoding.crop_to_view(picture, ViewBox(left=99.0, top=0.0, width=8.0, height=8.0), 8)
    assert far.min() == far.max() == 128


def test_thumbnail_and_encoding() -> None:
    picture = picture_of(np.asarray(noise(400, 200)))
    small = encoding.thumbnail(picture, 100)
    assert small.shape == (50, 100, 3)
    assert small.dtype == np.uint8
    np.testing.assert_array_equal(
        decoding.decode(encoding.encode_png(small), name="a").pixels, small
    )
    assert encoding.thumbnail(picture, 4000).shape == (200, 400, 3)
    assert decoding.decode(encoding.encode_jpeg(small), name="a").source_format == "JPEG"
    assert decoding.decode(encoding.encode_png(small[:, :, 0]), name="a").pixels.shape == (
        50,
        100,
        3,
    )
    with pytest.raises(ShapeError, match="float64"):
        encoding.encode_png(small / 255.0)


@pytest.mark.parametrize("length", [59, 60, 61, 200])
def test_a_long_name_keeps_its_ending(length: int) -> None:
    name = "holiday " + "x" * (length - 20) + " 0042.jpeg"
    name = name[: length - 10] + name[-10:]
    shown = decoding.clean_name(name)
    assert shown.startswith("holiday ")
    assert shown.endswith(" 0042.jpeg")
    assert len(shown) == min(len(name), decoding.MAX_NAME)
    assert ("…" in shown) is (len(name) > decoding.MAX_NAME)


# Damage, memory, and how many at a time ----------------------------------------------------------


def test_damaged_files_end_in_a_picture_or_an_image_error() -> None:
    ends, _, _ = mutate.run(300, seed=2)
    assert sum(ends.values()) == 300
    assert ends["shown"] > 20
    assert ends["damaged"] + ends["truncated"] > 100


def test_at_most_two_are_decoded_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    inside, most, guard = [0], [0], threading.Lock()
    real = reading.read

    def counted(kind: str, data: bytes) -> reading.Opened:
        with guard:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        together.wait(0.05)
        try:
            return real(kind, data)
        finally:
            with guard:
                inside[0] -= 1

    together = threading.Event()
    monkeypatch.setattr(reading, "read", counted)
    data = encoded(noise(), "PNG")
    threads = [
        threading.Thread(target=decoding.decode, args=(data,), kwargs={"name": "a"})
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] == decoding.AT_ONCE == 2


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P", "CMYK", "I;16", "F", "1"])
def test_bands_are_the_whole(monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    """Reduced band by band it is, bit for bit, what Pillow makes of the whole."""
    values = np.random.default_rng(4).integers(0, 256, (613, 911, 4), dtype=np.uint8)
    if mode in ("I;16", "F"):
        image = Image.fromarray(values[..., 0].astype(np.uint16 if mode == "I;16" else np.float32))
    else:
        image = Image.fromarray(values).convert("RGB").convert(mode)
    eight = samples.eight_bits(image)
    want = eight.resize((110, 74), Image.Resampling.LANCZOS, reducing_gap=2.0)
    for size in (10**9, 20_000, 1):
        monkeypatch.setattr(samples, "_BAND_PIXELS", size)
        found = samples.smaller(image, (110, 74), samples.eight_bits)
        np.testing.assert_array_equal(np.asarray(found), np.asarray(want))


def test_of_a_moving_avif_the_first_picture_is_read() -> None:
    frames = [Image.new("RGB", (24, 16), colour) for colour in ("red", "blue")]
    moving = encoded(frames[0], "AVIF", save_all=True, append_images=frames[1:], quality=100)
    picture = decoding.decode(moving, name="a")
    assert np.abs(picture.pixels[4, 4].astype(int) - [255, 0, 0]).max() <= 2
