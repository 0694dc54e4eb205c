"""What a file states about itself is followed at every depth, or a note says that it is not."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.unit.pictures import made
from vislib.pictures import colour, decoding, limits
from vislib.schema import ImageError


def notes(picture: decoding.DecodedImage) -> list[str]:
    return [note.key.removeprefix("note.picture.") for note in picture.notes]


# Keys --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "depth"), [k for k in made.PNG_KINDS if k[0] in (0, 2)])
def test_a_colour_key_clears_that_colour_and_no_other(kind: int, depth: int) -> None:
    top = (1 << depth) - 1
    values = made.colours(made.SAMPLES[kind], top)
    if depth == 16:
        values[0, 0] = values[5, 9] ^ 1  # differs in the lowest bit alone
        values[0, 1] = values[5, 9] ^ 256
    data = made.png(kind, depth, values=values, clear=made.key_of(kind, depth))
    picture = decoding.decode(data, name="key.png")
    clear = (values == values[5, 9]).all(axis=2)
    want = np.rint(values * (255.0 / top)).astype(int)
    want = np.where(clear[..., None], 255, want)
    assert np.abs(picture.pixels.astype(int) - want).max() <= 1
    assert notes(picture)[-1] == "on_white"
    if depth == 16:
        assert picture.pixels[0, 0].min() < 255 > picture.pixels[0, 1].min()
        assert notes(picture)[0] == "depth"


def test_a_text_called_transparency_is_no_key() -> None:
    texts = [(b"tEXt", b"transparency\0" + b"0"), (b"tEXt", b"gamma\0x"), (b"tEXt", b"exif\0x")]
    for kind, depth in made.PNG_KINDS:
        plain = decoding.decode(made.png(kind, depth), name="a")
        told = decoding.decode(made.png(kind, depth, chunks=texts), name="a")
        np.testing.assert_array_equal(told.pixels, plain.pixels)
        assert told.notes == plain.notes


@pytest.mark.parametrize("kind", [made.GREY, made.RGB, made.GREY_ALPHA, made.RGB_ALPHA])
def test_sixteen_bits_are_reduced_with_the_note(kind: int) -> None:
    assert "depth" in notes(decoding.decode(made.png(kind, 16), name="a"))
    assert "depth" not in notes(decoding.decode(made.png(kind, 8), name="a"))


# Colours -----------------------------------------------------------------------------------------


def test_a_profile_is_judged_by_what_it_does() -> None:
    def read(profile: bytes) -> decoding.DecodedImage:
        chunks = [(b"iCCP", b"a\0\0" + zlib.compress(profile))]
        return decoding.decode(made.png(2, 8, chunks=chunks), name="a")

    srgb, wide = "sRGB".encode("utf-16-be"), "wide".encode("utf-16-be")
    named = made.P3.replace("stated".encode("utf-16-be"), "sRGB  ".encode("utf-16-be"))
    other = made.SRGB.replace("stated".encode("utf-16-be"), "Wide  ".encode("utf-16-be"))
    assert srgb in named
    assert wide not in other
    assert notes(read(named)) == ["profile"]
    assert notes(read(other)) == []
    np.testing.assert_array_equal(read(named).pixels, read(made.P3).pixels)
    assert np.abs(read(named).pixels.astype(int) - read(other).pixels).max() > 40


def test_primaries_make_the_matrix_that_is_published() -> None:
    """Display P3's red in sRGB, linear: 1.2249, -0.0420, -0.0196 (CSS Color 4, section 10.8)."""
    profile = made.P3

    def place(tag: bytes, data: bytes) -> list[float]:
        at = data.index(tag, 128) + 4
        start = struct.unpack_from(">I", data, at)[0] + 8
        return [n / 65536 for n in struct.unpack_from(">3i", data, start)]

    columns = [
        np.array([place(t, d) for t in (b"rXYZ", b"gXYZ", b"bXYZ")]).T for d in (profile, made.SRGB)
    ]
    matrix = np.linalg.inv(columns[1]) @ columns[0]
    np.testing.assert_allclose(matrix[:, 0], [1.2249, -0.0420, -0.0196], atol=2e-3)
    np.testing.assert_allclose(matrix.sum(axis=1), 1.0, atol=1e-3)


def test_statements_that_cannot_be_followed_are_noted() -> None:
    silent = {
        "PQ": (b"cICP", bytes((9, 16, 0, 1))),
        "narrow range": (b"cICP", bytes((1, 13, 0, 0))),
        "unknown primaries": (b"cICP", bytes((77, 13, 0, 1))),
        "no curve": (b"cHRM", made.P3_POINTS),
        "gamma of 0": (b"gAMA", bytes(4)),
        "gamma out of reach": (b"gAMA", struct.pack(">I", 1)),
    }
    plain = decoding.decode(made.png(2, 8), name="a")
    for name, chunk in silent.items():
        picture = decoding.decode(made.png(2, 8, chunks=[chunk]), name="a")
        assert notes(picture) == ["stated_unused"], name
        np.testing.assert_array_equal(picture.pixels, plain.pixels)
    points = [(b"gAMA", made.GAMMA), (b"cHRM", struct.pack(">8I", *[30000] * 8))]
    assert notes(decoding.decode(made.png(2, 8, chunks=points), name="a")) == ["stated_unused"]
    with pytest.raises(ValueError, match="span"):
        colour.profile((0.3,) * 8, (2.2,))


def test_bmp_states_its_colours() -> None:
    told = {name: decoding.decode(data, name="a") for name, data in made.bmps()}
    assert {name: notes(picture) for name, picture in told.items()} == {
        "BMP with P3": ["profile"],
        "BMP, calibrated P3": ["stated_unused"],
        "BMP, sRGB": [],
    }


def test_adobe_rgb_that_a_camera_states_without_a_profile() -> None:
    image = Image.fromarray(made.colours(3, 255).astype(np.uint8))
    for kind, options in (
        ("JPEG", {"quality": 97, "subsampling": 0}),
        ("WEBP", {"lossless": True}),
    ):
        told = made.saved(image, kind, exif=made.exif(1, adobe=True), **options)
        profiled = made.saved(image, kind, icc_profile=made.ADOBE, **options)
        picture = decoding.decode(told, name="a")
        assert notes(picture) == ["stated"]
        want = decoding.decode(profiled, name="a").pixels
        assert np.abs(picture.pixels.astype(int) - want).max() <= 1
        bare = decoding.decode(made.saved(image, kind, **options), name="a").pixels
        assert np.abs(picture.pixels.astype(int) - bare).max() > 30


def test_tiff_states_primaries() -> None:
    image = Image.fromarray(made.colours(3, 255).astype(np.uint8))
    points = (0.68, 0.32, 0.265, 0.69, 0.15, 0.06)
    tags = {318: (0.3127, 0.329), 319: points}
    picture = decoding.decode(made.saved(image, "TIFF", tiffinfo=tags), name="a")
    assert notes(picture) == ["stated"]
    assert np.abs(picture.pixels.astype(int) - np.asarray(image)).max() > 30
    tags = {318: (0.3127, 0.329), 319: colour.SRGB_POINTS[:6]}
    assert notes(decoding.decode(made.saved(image, "TIFF", tiffinfo=tags), name="a")) == []


# TIFF --------------------------------------------------------------------------------------------


def levels(bits: int, form: int) -> np.ndarray:
    """Grey of every depth; axes (row, column)."""
    grey = made.colours(3, 1000)[..., 2] / 1000.0
    if form == 3:
        return (grey * 9.0 - 4.0).astype(np.float32)
    if form == 2:
        return np.rint(grey * 200 - 100).astype({8: np.int8, 16: np.int16, 32: np.int32}[bits])
    top = (1 << bits) - 1
    return np.rint(grey * top).astype(np.uint32)


def independent(data: bytes) -> np.ndarray:
    """Black 0 to white 1 by tifffile, which leaves the values as they are."""
    with tifffile.TiffFile(BytesIO(data)) as file:
        page = file.pages[0]
        values = page.asarray().astype(np.float64)
        if page.dtype.kind in "fi" or page.bitspersample == 32:
            values = (values - values.min()) / (values.max() - values.min())
        else:
            values /= 2.0**page.bitspersample - 1
        return 1.0 - values if page.photometric == 0 else values


@pytest.mark.parametrize("white_is_zero", [False, True])
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize(
    ("bits", "form"),
    [(1, 1), (2, 1), (4, 1), (8, 1), (8, 2), (16, 1), (16, 2), (32, 2), (32, 3)],
)
def test_tiff_says_which_end_is_white(bits: int, form: int, big: bool, white_is_zero: bool) -> None:
    values = levels(bits, form)
    stored = (
        values.view({8: np.uint8, 16: np.uint16}.get(bits, values.dtype)) if form == 2 else values
    )
    tags = {262: (3, [0 if white_is_zero else 1]), 339: (3, [form])}
    data = made.tiff(stored, bits, tags=tags, big=big)
    picture = decoding.decode(data, name="a")
    want = np.rint(255 * independent(data))
    assert np.abs(picture.pixels - want[..., None]).max() <= 2
    assert np.abs(picture.pixels - (255 - want[..., None])).max() > 100  # negative control


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_tiff_is_the_same_by_every_compression(compression: str | None) -> None:
    values = (made.colours(3, 65535)[..., 2]).astype(np.uint16)
    data = made.saved(Image.fromarray(values), "TIFF", compression=compression, tiffinfo={262: 0})
    want = 255 - np.rint(values / 257.0)
    assert np.abs(decoding.decode(data, name="a").pixels - want[..., None]).max() <= 1


def test_large_unsigned_numbers_do_not_turn_negative() -> None:
    values = np.linspace(0, 2**32 - 1, 384).astype(np.uint32).reshape(16, 24)
    data = made.tiff(values, 32, tags={262: (3, [1]), 339: (3, [1])}, big=False)
    got = decoding.decode(data, name="a").pixels[..., 0].astype(int)
    assert (np.diff(got.ravel()) >= 0).all()
    assert (got[0, 0], got[-1, -1]) == (0, 255)


# Raw and others ----------------------------------------------------------------------------------


def thumbnail_with(**tags: object) -> bytes:
    """A small RGB TIFF with more tags: what a raw file begins with."""
    return made.saved(Image.new("RGB", (64, 48), "gray"), "TIFF", tiffinfo=tags.get("tags"))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (thumbnail_with(tags={50706: b"\1\4\0\0"}), "DNG"),
        (made.tiff(levels(8, 1), 8, tags={262: (3, [32803])}, big=False), "camera's raw file"),
        (b"II*\0\x10\0\0\0CR\2\0" + bytes(60), "CR2"),
        (b"FUJIFILMCCD-RAW 0201" + bytes(60), "RAF"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1" + bytes(60), "CR3"),
        (b"IIU\0" + bytes(60), "RW2"),
    ],
)
def test_raw_files_are_refused_by_that_name(data: bytes, words: str) -> None:
    with pytest.raises(ImageError, match=words) as caught:
        decoding.decode(data, name="holiday.tif")
    assert "holiday.tif" in str(caught.value)
    assert "JPEG" in str(caught.value)


def test_a_sensor_below_the_preview_makes_it_raw() -> None:
    """As NEF and ARW have it: the sensor's values lie in a directory below the first page."""
    plain = thumbnail_with()
    assert decoding.decode(plain, name="a").width == 64
    below = struct.pack("<HHHII", 1, 262, 3, 1, 32803) + bytes(4)
    with_room = thumbnail_with(tags={330: 7})
    at = with_room.index(struct.pack("<HH", 330, 4))
    data = bytearray(with_room + below)
    struct.pack_into("<I", data, at + 8, len(with_room))
    with pytest.raises(ImageError, match="raw"):
        decoding.decode(bytes(data), name="a.nef")


def test_a_preview_is_announced() -> None:
    picture = decoding.decode(thumbnail_with(tags={254: 1}), name="a")
    assert notes(picture) == ["preview"]


def test_heic_says_how_to_get_a_jpeg() -> None:
    with pytest.raises(ImageError) as caught:
        decoding.decode(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(20), name="IMG_1.HEIC")
    for words in ("IMG_1.HEIC", "Most Compatible", "Preview", "Export"):
        assert words in str(caught.value)


def test_every_refusal_names_the_file() -> None:
    tall = Image.new("1", (2, 200))
    one = Image.new("1", (1, 1))
    wide = Image.new("1", (7000, 7000))
    whole = made.png(2, 8)
    bad = [b"", b"words", whole[:60], whole[: len(whole) // 2], whole + bytes(limits.MAX_BYTES)]
    bad += [made.saved(image, "PNG") for image in (tall, one, wide)]
    for data in bad:
        with pytest.raises(ImageError) as caught:
            decoding.decode(data, name="/tmp/my cat.png")
        assert "my cat.png" in str(caught.value)
        assert "/tmp" not in str(caught.value)


# AVIF --------------------------------------------------------------------------------------------


def test_avif_of_twelve_bits_is_scaled_by_its_header() -> None:
    dark = np.full((16, 24, 3), 900, dtype=np.uint16)
    for depth, want in ((10, 224), (12, 56)):
        data = imagecodecs.avif_encode(dark, level=100, bitspersample=depth, matrix=0)
        picture = decoding.decode(data, name="a")
        assert np.abs(picture.pixels.astype(int) - want).max() <= 1
        assert notes(picture) == ["depth"]


def test_avif_that_would_take_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = made.saved(Image.new("RGB", (64, 64)), "AVIF", subsampling="4:4:4")
    decoding.decode(data, name="a")
    monkeypatch.setattr(limits, "MAX_WORKING_BYTES", 64 * 64 * 6 - 1)
    with pytest.raises(ImageError, match="memory to read"):
        decoding.decode(data, name="a")
