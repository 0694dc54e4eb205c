"""Untrusted bytes to DecodedImage."""

from __future__ import annotations

import hashlib
import threading
import unicodedata

import numpy as np
from PIL import Image

from vislib.pictures import colour, limits, reading, samples, signatures
from vislib.schema import DecodedImage, ImageError
from vislib.texts import Message

MAX_NAME = 60
KEPT_END = 19
"""Characters of the end of a longer name that are kept."""
AT_ONCE = 2
"""Decodes at a time, of all visitors; others wait."""
_places = threading.BoundedSemaphore(AT_ONCE)
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def decode(data: bytes, *, name: str) -> DecodedImage:
    """Decode hostile bytes into an upright, opaque sRGB picture.

    Args:
        data: The uploaded bytes, up to limits.MAX_BYTES, in one of FORMATS (told by content).
        name: The upload's name, as it came; only a cleaned base name is kept.

    Returns:
        Pixels uint8, 0 to 255, axes (row, column, rgb), sRGB, at most limits.MAX_SIDE_KEPT a side;
        ``sha256`` is of ``data``; ``notes`` holds a message for each thing that decoding changed,
        and for each statement of the file that is not followed. No metadata is kept.

    Raises:
        ImageError: Anything that is not such a picture, in words for a person that name the file.
            No other exception leaves here.
    """
    shown = clean_name(name)
    kind = None
    try:
        kind = _accepted(data)
        with _places:
            opened = reading.read(kind, data)
            pixels = np.asarray(_to_rgb(opened))
    except ImageError as error:
        raise ImageError(error.message.key, **{**error.message.values, "name": shown}) from None
    except MemoryError:
        raise ImageError("error.picture.no_memory", name=shown) from None
    except Exception as reason:  # readers raise nearly any kind on damaged bytes
        raise ImageError(
            "error.picture.truncated" if _breaks_off(reason) else "error.picture.damaged",
            name=shown,
            kind=kind,
        ) from None
    return DecodedImage(
        pixels=pixels,
        sha256=hashlib.sha256(data).hexdigest(),
        name=shown,
        source_format=kind,
        notes=tuple(opened.notes),
    )


def clean_name(name: str) -> str:
    """The base name: no folders, no control or direction characters, at most 60 characters.

    A longer one loses its middle: the ending stays.
    """
    base = name.replace("\\", "/").rsplit("/", 1)[-1]
    visible = "".join(c for c in base if not unicodedata.category(c).startswith("C"))
    shown = visible.strip()
    if len(shown) > MAX_NAME:
        shown = f"{shown[: MAX_NAME - KEPT_END - 1].rstrip()}…{shown[-KEPT_END:].lstrip()}"
    return shown or "picture"


def _breaks_off(reason: Exception) -> bool:
    """Whether a reader failed because the bytes end too early."""
    return isinstance(reason, (EOFError, IndexError)) or "truncated" in str(reason).lower()


def _accepted(data: bytes) -> str:
    """The format of bytes that may be decoded.

    Raises:
        ImageError: They may not.
    """
    if not data:
        raise ImageError("error.picture.empty_file")
    if len(data) > limits.MAX_BYTES:
        raise ImageError(
            "error.picture.too_heavy",
            megabytes=len(data) / 2**20,
            most=limits.MAX_BYTES // 2**20,
        )
    raw = signatures.raw_of(data)
    if raw is not None:
        key = "raw" if raw == "raw" else "raw_kind"
        raise ImageError(f"error.picture.{key}", kind=raw)
    kind = signatures.format_of(data)
    if kind is None and signatures.is_heic(data):
        raise ImageError("error.picture.heic")
    if kind is None:
        raise ImageError(
            "error.picture.no_picture",
            what=signatures.looks_like(data),
            formats=list(signatures.FORMATS),
        )
    return kind


def _to_rgb(opened: reading.Opened) -> Image.Image:
    """Smaller, eight bits, sRGB, opaque, upright; says in the notes what it did."""
    notes = opened.notes
    image = samples.smaller(opened.image, opened.size, opened.eight)
    opened.image = image  # the large one is let go
    alpha = None
    if image.mode in ("LA", "RGBA"):
        lowest = image.getchannel("A").getextrema()[0]
        alpha = image.getchannel("A") if lowest != 255 else None
        image = image.convert("L" if image.mode == "LA" else "RGB")
    cmyk = image.mode == "CMYK"
    if opened.colours is not None:
        image = colour.to_srgb(image, opened.colours, notes)
    if cmyk:
        notes.append(Message("note.picture.cmyk"))
    rgb = image.convert("RGB")
    if alpha is not None:
        rgb = Image.composite(rgb, Image.new("RGB", rgb.size, "white"), alpha)
        notes.append(Message("note.picture.on_white"))
    turn = _UPRIGHT.get(opened.turn)
    if turn is not None:
        rgb = rgb.transpose(turn)
        notes.append(Message("note.picture.turned"))
    return rgb
