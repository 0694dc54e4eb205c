"""Bytes of an accepted format to a picture of full size and what the file states about it.

Each format has one function. Nothing is reduced, turned or converted here, except that a JPEG is
decoded to a half, a quarter or an eighth at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO

import numpy as np
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    ExifTags,
    GifImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    WebPImagePlugin,
)

from vislib.pictures import avif, bmp, colour, limits, png, samples, tiff
from vislib.texts import Message


@dataclass(kw_only=True)
class Opened:
    """A decoded picture as it lies in its file.

    Attributes:
        image: Pillow's image, or an array uint8 or uint16, axes (row, column[, sample]).
        size: Width and height that are to be kept.
        turn: The stated orientation as EXIF counts, 1 to 8.
        colours: What the file states about its colours.
        notes: What decoding has changed so far.
        eight: Brings a band to mode L, LA, RGB, RGBA or CMYK with 8 bits.
    """

    image: samples.Source
    size: tuple[int, int]
    turn: int = 1
    colours: colour.Stated | None = None
    notes: list[Message] = field(default_factory=list)
    eight: samples.Piece = samples.eight_bits


def read(kind: str, data: bytes) -> Opened:
    """Decode the first picture of bytes that claim to be of ``kind``.

    The readers are called by name rather than through Image.open: nothing else is ever tried, and
    Image.open warns about large headers through a process-wide filter.

    Raises:
        ImageError: Too large, too small, too long, or it would take too much memory.
        Exception: Nearly any kind, on damaged bytes.
    """
    return _READERS[kind](data)


def _started(image: Image.Image, data_note: str = "animation") -> Opened:
    """Check the size that a header claims; begin the notes."""
    limits.check_size(*image.size)
    opened = Opened(image=image, size=limits.kept_size(*image.size))
    if getattr(image, "is_animated", False):
        opened.notes.append(Message(f"note.picture.{data_note}"))
    if opened.size != image.size:
        opened.notes.append(reduced(image.size, opened.size))
    return opened


def reduced(was: tuple[int, int], size: tuple[int, int]) -> Message:
    """The note on a picture that was made smaller."""
    return Message(
        "note.picture.reduced", width=was[0], height=was[1], to_width=size[0], to_height=size[1]
    )


def _png(data: bytes) -> Opened:
    """Colour keys are compared at the file's own depth."""
    stated = png.chunks(data)
    image = PngImagePlugin.PngImageFile(BytesIO(data))
    depth, _ = png.depth_and_type(stated)
    key, clear = png.key_of(stated), image.info.get("transparency")
    opened = _started(image)
    opened.turn = _turn_of(stated.get(b"eXIf", b""))
    opened.colours = png.stated_colours(stated)
    if depth == 16:
        opened.notes.append(Message("note.picture.depth", bits=16))
    low = None
    if key is not None and image.mode == "RGB" and depth == 16:
        low = _low_bytes_differ(data, key)
        key = tuple(value >> 8 for value in key)
    image.load()
    image.info = {"transparency": clear} if image.mode == "P" and b"tRNS" in stated else {}
    if key is not None:
        opened.eight = _with_key(key, depth, low)
    return opened


def _low_bytes_differ(data: bytes, key: png.Key) -> Image.Image:
    """255 where the low bytes of 16-bit colours are not the key's; mode L.

    Pillow keeps the high bytes. Read as if the bytes lay the other way round, it keeps the low.
    """
    image = PngImagePlugin.PngImageFile(BytesIO(data))
    image.tile = [tile._replace(args="RGB;16L") for tile in image.tile]
    image.load()
    found = Image.new("L", image.size)
    lows = tuple(value & 255 for value in key)
    for top, band in samples.bands(image):
        found.paste(png.clear_where(band, lows, 8), (0, top))
    return found


def _with_key(key: png.Key, depth: int, low: Image.Image | None) -> samples.Piece:
    """``eight_bits`` that makes a colour clear."""

    def piece(band: samples.Source, top: int) -> Image.Image:
        assert isinstance(band, Image.Image)
        kept = png.clear_where(band, key, depth if low is None else 8)
        if low is not None:
            other = low.crop((0, top, band.width, top + band.height))
            kept = Image.fromarray(np.maximum(np.asarray(kept), np.asarray(other)))
        plain = samples.eight_bits(band, top)
        plain = plain.convert("LA" if plain.mode == "L" else "RGBA")
        plain.putalpha(kept)
        return plain

    return piece


def _jpeg(data: bytes) -> Opened:
    """Made smaller while it is decoded; its coefficients allow a half, a quarter, an eighth."""
    image = JpegImagePlugin.JpegImageFile(BytesIO(data))
    opened = _started(image)
    exif = _exif(image)
    opened.turn, opened.colours = _turn(exif), _profile(image) or _adobe_rgb(exif)
    if opened.size != image.size:
        image.draft(None, opened.size)  # never below that size
    image.load()
    return opened


def _gif(data: bytes) -> Opened:
    opened = _started(image := GifImagePlugin.GifImageFile(BytesIO(data)))
    image.load()
    return opened


def _bmp(data: bytes) -> Opened:
    opened = _started(image := BmpImagePlugin.BmpImageFile(BytesIO(data)))
    opened.colours = bmp.stated_colours(data)
    image.load()
    return opened


def _tiff(data: bytes) -> Opened:
    image = tiff.TiffFile(BytesIO(data))
    limits.check_size(*image.size)
    turn = image.turn
    turned = image.size[::-1] if turn in (5, 6, 7, 8) else image.size
    opened = Opened(image=image, size=limits.kept_size(*image.size), turn=turn)
    if tiff.first_is_preview(data):
        opened.notes.append(Message("note.picture.preview"))
    if tiff.pages(data) > 1:
        opened.notes.append(Message("note.picture.pages"))
    if opened.size != image.size:
        kept = opened.size[::-1] if turn in (5, 6, 7, 8) else opened.size
        opened.notes.append(reduced(turned, kept))
    limits.check_memory(image.size[0] * image.size[1] * 4 + image.strip_bytes())
    opened.colours = _profile(image) or _tiff_colours(image)
    bits = int((image.numbers(tiff.BITS) or (1.0,))[0])
    form = int((image.numbers(tiff.SAMPLE_FORMAT) or (1.0,))[0])
    image.load()
    if bits in (12, 16) and image.mode not in ("I", "F"):
        opened.notes.append(Message("note.picture.depth", bits=bits))
    opened.eight = samples.of_numbers(image, bits, form, image.white_is_zero, opened.notes)
    return opened


def _tiff_colours(image: tiff.TiffFile) -> colour.Stated | None:
    """White point and primaries of a TIFF; its curve is then an exponent of 2.2.

    Source: TIFF 6.0, section 20.
    """
    points = image.numbers(tiff.PRIMARIES) + image.numbers(tiff.WHITE_POINT)
    if len(points) != 8 or image.mode not in ("RGB", "RGBA", "P", "PA"):
        return None
    near = np.abs(np.subtract(points, colour.SRGB_POINTS)).max() < 1e-3
    return None if near else colour.of_numbers(points, (2.2,), "TIFF")


def _webp(data: bytes) -> Opened:
    """One picture is decoded at once; Pillow's reader keeps four copies, for animations."""
    limits.check_size(*_webp_size(data))  # its reader allocates the canvas while it opens
    moving = data[12:16] == b"VP8X" and bool(data[20] & 2)
    if moving:
        width, height = _webp_size(data)
        limits.check_memory(width * height * 16)
    image = WebPImagePlugin.WebPImageFile(BytesIO(data)) if moving else None
    if image is not None:
        opened = _started(image)
        image.load()
    else:
        width, height = _webp_size(data)
        import imagecodecs

        opened = Opened(image=imagecodecs.webp_decode(data), size=limits.kept_size(width, height))
        if opened.size != (width, height):
            opened.notes.append(reduced((width, height), opened.size))
    found = _riff(data)
    exif = _parsed(found.get(b"EXIF", b""))
    opened.turn = _turn(exif)
    own = found.get(b"ICCP")
    opened.colours = colour.Stated(profile=own) if own else _adobe_rgb(exif)
    return opened


def _riff(data: bytes) -> dict[bytes, bytes]:
    """Name -> body of a WebP's chunks."""
    found: dict[bytes, bytes] = {}
    at = 12
    while at + 8 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        name = data[at : at + 4]
        if name in (b"EXIF", b"ICCP"):
            found.setdefault(name, data[at + 8 : at + 8 + size])
        at += 8 + size + size % 2
    return found


def _webp_size(data: bytes) -> tuple[int, int]:
    """Width and height that a WebP header claims, in source pixels."""
    if data[12:16] == b"VP8X":
        sides = data[24:27], data[27:30]
        return int.from_bytes(sides[0], "little") + 1, int.from_bytes(sides[1], "little") + 1
    if data[12:16] == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
    if len(data) < 30:
        raise EOFError
    width, height = (int.from_bytes(data[at : at + 2], "little") & 0x3FFF for at in (26, 28))
    return width, height


def _avif(data: bytes) -> Opened:
    """Through Pillow, which makes 8 bits of any depth and keeps two copies on the way."""
    image = AvifImagePlugin.AvifImageFile(BytesIO(data))
    head = avif.header(data)
    opened = _started(image)
    alpha = image.mode == "RGBA"
    planes = (head.planes + alpha) * (2 if head.depth > 8 else 1)
    each = planes + 2 * (4 if alpha else 3) + 2
    limits.check_memory(math.ceil(image.size[0] * image.size[1] * each))
    opened.colours = _profile(image) or head.colours
    opened.turn = _turn(_exif(image))
    if head.cut:
        opened.notes.append(Message("note.picture.cut"))
    if head.depth > 8:
        opened.notes.append(Message("note.picture.depth", bits=head.depth))
    image.load()
    return opened


def _profile(image: Image.Image) -> colour.Stated | None:
    """The file's own profile, where there is one."""
    found = image.info.get("icc_profile")
    return colour.Stated(profile=found) if isinstance(found, bytes) and found else None


def _exif(image: Image.Image) -> Image.Exif:
    """The EXIF data; empty where they are missing or damaged: they must not cost the picture."""
    try:
        return image.getexif()
    except Exception:
        return Image.Exif()


def _parsed(body: bytes) -> Image.Exif:
    """EXIF data of a chunk, with or without their own mark in front."""
    exif = Image.Exif()
    try:
        exif.load(body if body.startswith(b"Exif\0\0") else b"Exif\0\0" + body)
    except Exception:  # as above
        return Image.Exif()
    return exif


def _turn(exif: Image.Exif) -> int:
    """The orientation, 1 (upright) to 8."""
    value = exif.get(ExifTags.Base.Orientation, 1)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _turn_of(body: bytes) -> int:
    return _turn(_parsed(body)) if body else 1


def _adobe_rgb(exif: Image.Exif) -> colour.Stated | None:
    """Adobe RGB, which cameras state without a profile.

    Source: DCF 2.0, 5.1: interoperability index "R03".
    """
    try:
        index = exif.get_ifd(ExifTags.IFD.Interop).get(1)
    except Exception:  # as above
        return None
    if index != "R03":
        return None
    return colour.of_numbers(colour.ADOBE_POINTS, colour.ADOBE_CURVE, "EXIF")


_READERS: dict[str, Callable[[bytes], Opened]] = {
    "PNG": _png,
    "JPEG": _jpeg,
    "WEBP": _webp,
    "GIF": _gif,
    "BMP": _bmp,
    "TIFF": _tiff,
    "AVIF": _avif,
}
