"""Pixels on their way to a page: made smaller, cut to what a model sees, as PNG or JPEG bytes."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image

from vislib.schema import DecodedImage, ImageError, ShapeError, ViewBox


def thumbnail(image: DecodedImage, side: int) -> np.ndarray:
    """A copy of at most ``side`` pixels a side; uint8, axes (row, column, rgb)."""
    small = Image.fromarray(image.pixels)
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    return np.array(small)


def cut(image: DecodedImage, box: ViewBox, side: int) -> np.ndarray:
    """A part of a picture, its longer side ``side`` pixels; uint8, axes (row, column, rgb).

    Args:
        image: The upright picture.
        box: The part, in its pixels, inside it.
        side: In pixels; a part that is smaller is drawn larger.
    """
    scale = side / max(box.width, box.height)
    size = max(1, round(box.width * scale)), max(1, round(box.height * scale))
    area = box.left, box.top, box.left + box.width, box.top + box.height
    smaller = Image.fromarray(image.pixels).resize(size, Image.Resampling.BICUBIC, box=area)
    return np.array(smaller)


def crop_to_view(image: DecodedImage, box: ViewBox, side: int) -> np.ndarray:
    """What the model sees, drawn ``side`` x ``side``; uint8, axes (row, column, rgb).

    Exactness:
        Resampled for display, not the model's input. Parts outside the picture are mid-grey (128).
    """
    left, top = max(box.left, 0.0), max(box.top, 0.0)
    right = min(box.left + box.width, float(image.width))
    bottom = min(box.top + box.height, float(image.height))
    canvas = Image.new("RGB", (side, side), (128, 128, 128))
    x0, x1 = (round((at - box.left) / box.width * side) for at in (left, right))
    y0, y1 = (round((at - box.top) / box.height * side) for at in (top, bottom))
    if x1 > x0 and y1 > y0:
        seen = Image.fromarray(image.pixels).resize(
            (x1 - x0, y1 - y0), Image.Resampling.BICUBIC, box=(left, top, right, bottom)
        )
        canvas.paste(seen, (x0, y0))
    return np.array(canvas)


def encode_png(pixels: np.ndarray) -> bytes:
    """PNG bytes of uint8 pixels, axes (row, column, rgb) or (row, column) for grey; lossless."""
    return _encode(pixels, "PNG")


def encode_jpeg(pixels: np.ndarray, *, quality: int = 88) -> bytes:
    """JPEG bytes (``quality`` 1 to 95) of uint8 pixels: for photographs, not for maps."""
    return _encode(pixels, "JPEG", quality=quality)


def mime_of(picture: bytes) -> str:
    """The type of encoded bytes, "image/jpeg" or "image/png", from the first of them.

    Raises:
        ImageError: They are neither.
    """
    if picture.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if picture.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    raise ImageError("error.figure.picture_bytes")


def _encode(pixels: np.ndarray, kind: str, **options: int) -> bytes:
    """Encode uint8 grey or RGB pixels."""
    grey_or_rgb = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3)
    if pixels.dtype != np.uint8 or not grey_or_rgb:
        raise ShapeError("error.picture.pixels", dtype=str(pixels.dtype), shape=str(pixels.shape))
    sink = BytesIO()
    Image.fromarray(pixels).save(sink, kind, **options)
    return sink.getvalue()
