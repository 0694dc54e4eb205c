"""Samples of any depth to 8 bits, and large pictures made smaller, a band of rows at a time.

So a picture of 40 million pixels is never there twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar, cast

import numpy as np
from PIL import Image

from vislib.pictures import tiff
from vislib.texts import Message

_BAND_PIXELS = 2_000_000
S = TypeVar("S", bound="Image.Image | np.ndarray")
Source = Image.Image | np.ndarray
"""Pillow's image, or an array uint8 or uint16, axes (row, column[, sample])."""
Piece = Callable[[Source, int], Image.Image]
"""A band of the picture and the row at which it begins -> the same with 8 bits a sample."""


def bands(source: S, multiple: int = 1) -> Iterator[tuple[int, S]]:
    """First row and piece of each band; its height is a multiple of ``multiple``, or the rest."""
    width, height = sides(source)
    rows = max(1, _BAND_PIXELS // width // multiple) * multiple
    for top in range(0, height, rows):
        end = min(top + rows, height)
        yield top, cast("S", _rows(source, top, end))


def _rows(source: Source, top: int, end: int) -> Source:
    """The rows from ``top`` up to ``end``."""
    if isinstance(source, np.ndarray):
        return source[top:end]
    return source.crop((0, top, source.width, end))


def sides(source: Source) -> tuple[int, int]:
    """Width and height."""
    if isinstance(source, np.ndarray):
        return int(source.shape[1]), int(source.shape[0])
    return source.size


def smaller(source: Source, size: tuple[int, int], eight: Piece) -> Image.Image:
    """The picture with 8 bits a sample, at most ``size``; equal to reducing it as a whole.

    Whole factors are averaged band by band; the last step, of at least a factor of 2, is Lanczos
    (Pillow's ``reducing_gap=2``).
    """
    width, height = sides(source)
    factor = max(1, int(min(width / size[0], height / size[1]) / 2.0))
    found: Image.Image | None = None
    for top, band in bands(source, factor):
        piece = eight(band, top)
        piece = piece.reduce(factor) if factor > 1 else piece
        if found is None:
            whole = (-(-width // factor), -(-height // factor))
            found = Image.new(piece.mode, whole)
        found.paste(piece, (0, top // factor))
    if found is None:
        raise EOFError
    if (width, height) == size:
        return found
    box = (0.0, 0.0, width / factor, height / factor)
    return found.resize(size, Image.Resampling.LANCZOS, box=box)


def eight_bits(band: Source, top: int = 0) -> Image.Image:
    """Bring any mode of Pillow, or an array uint8, to L, LA, RGB, RGBA or CMYK.

    Args:
        band: The piece of a picture.
        top: At which row it begins.
    """
    if isinstance(band, np.ndarray):
        return Image.fromarray(band[..., 0] if band.ndim == 3 and band.shape[2] == 1 else band)
    mode = band.mode
    if mode.startswith("I;16"):
        return Image.fromarray(_scaled(np.asarray(band), 65535))
    if mode in ("RGBa", "La"):
        return band.convert(mode.upper())
    if mode in ("P", "PA"):
        clear = mode == "PA" or "transparency" in band.info
        return band.convert("RGBA" if clear else "RGB")
    if mode == "1":
        return band.convert("L")
    return band if mode in ("L", "LA", "RGB", "RGBA", "CMYK") else band.convert("RGB")


def _scaled(values: np.ndarray, top: int) -> np.ndarray:
    """Unsigned integers from 0 to ``top`` as uint8, rounded."""
    wide = values.astype(np.uint32)
    return ((wide * 255 + top // 2) // top).clip(0, 255).astype(np.uint8)


def of_numbers(
    image: Image.Image, bits: int, form: int, inverted: bool, notes: list[Message]
) -> Piece:
    """For the samples of a TIFF.

    Args:
        image: The decoded picture.
        bits: A sample.
        form: 1 unsigned, 2 signed, 3 float.
        inverted: Whether the least value is white.
        notes: Gets a message where a range of values is stretched.
    """

    def read(band: Image.Image) -> np.ndarray | None:
        if band.mode in ("I", "F"):
            values = np.asarray(band)
            unsigned = band.mode == "I" and form == tiff.UNSIGNED
            return values.view(np.uint32) if unsigned else values
        if band.mode == "L" and form == tiff.SIGNED:
            return np.asarray(band).view(np.int8)
        return None

    low, high = _range(image, read) if read(image.crop((0, 0, 1, 1))) is not None else (0.0, 0.0)
    if high > low:
        notes.append(Message("note.picture.stretched", low=low, high=high))

    def piece(band: Source, top: int) -> Image.Image:
        assert isinstance(band, Image.Image)
        values = read(band)
        if values is not None:
            found = Image.fromarray(_stretch(values, low, high))
        elif band.mode.startswith("I;16") and bits == 12:
            found = Image.fromarray(_scaled(np.asarray(band), 4095))
        else:
            found = eight_bits(band, top)
        return _inverted(found) if inverted else found

    return piece


def _inverted(image: Image.Image) -> Image.Image:
    """Grey the other way round; alpha stays."""
    if image.mode == "LA":
        grey, alpha = image.split()
        return Image.merge("LA", (_inverted(grey), alpha))
    return image.point(lambda value: 255 - value) if image.mode == "L" else image


def _range(
    image: Image.Image, read: Callable[[Image.Image], np.ndarray | None]
) -> tuple[float, float]:
    """Least and greatest finite value; 0 and 1 for values that lie between them."""
    least, greatest = np.inf, -np.inf
    for _, band in bands(image):
        values = read(band)
        finite = values[np.isfinite(values)] if values is not None else np.empty(0)
        if finite.size:
            least, greatest = min(least, float(finite.min())), max(greatest, float(finite.max()))
    if not least <= greatest or (least >= 0.0 and greatest <= 1.0):
        return 0.0, 1.0
    return least, greatest if greatest > least else least + 1.0


def _stretch(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """``low`` to ``high`` as black to white, uint8; what is no number is black."""
    safe = np.nan_to_num(values.astype(np.float64), nan=low, posinf=high, neginf=low)
    scaled: np.ndarray = np.rint((safe - low) * (255.0 / (high - low))).astype(np.uint8)
    return scaled
