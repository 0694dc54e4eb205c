"""PNG: what its chunks state, taken from the bytes themselves.

Pillow puts the keys of a picture's texts beside what it has read, so that a text called
"transparency" would count as a colour key; and it compares 16-bit keys with 8-bit colours.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

from vislib.pictures import colour

_TOP = 4 * 2**20
"""Most bytes of a profile, unpacked."""
GREY, RGB, PALETTE = 0, 2, 3
_GAMMA_OF_SRGB = 45455
Key = tuple[int, ...]
"""The colour that is clear, as samples of the file's own depth: one of grey, or three."""


def chunks(data: bytes) -> dict[bytes, bytes]:
    """Name -> body of the first chunk of each name; IDAT's body is left empty."""
    found: dict[bytes, bytes] = {}
    for name, body in _walk(data):
        found.setdefault(name, b"" if name == b"IDAT" else body)
    return found


def _walk(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 8
    while at + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        if at + 12 + length > len(data) and name != b"IDAT":
            return
        yield name, b"" if name == b"IDAT" else data[at + 8 : at + 8 + length]
        at += 12 + length


def depth_and_type(found: dict[bytes, bytes]) -> tuple[int, int]:
    """Bits a sample, and the colour type: 0 grey, 2 RGB, 3 palette, 4 and 6 with alpha."""
    header = found.get(b"IHDR", b"").ljust(13, b"\0")
    return header[8], header[9]


def key_of(found: dict[bytes, bytes]) -> Key | None:
    """The colour that is clear; None for a palette, which states an alpha for each colour."""
    depth, kind = depth_and_type(found)
    body, count = found.get(b"tRNS", b""), {GREY: 1, RGB: 3}.get(kind, 0)
    if not count or len(body) < 2 * count:
        return None
    mask = (1 << depth) - 1
    return tuple(value & mask for value in struct.unpack_from(f">{count}H", body))


def stated_colours(found: dict[bytes, bytes]) -> colour.Stated | None:
    """By the order of the specification (third edition): cICP, iCCP, sRGB, gAMA with cHRM."""
    if len(found.get(b"cICP", b"")) == 4:
        first, curve, matrix, full = found[b"cICP"]
        usable = matrix == 0 and full == 1
        if not usable:
            return colour.unused("cICP")
        return colour.of_code_points(first, curve, "cICP", video=colour.BT1886)
    if b"iCCP" in found:
        return colour.Stated(profile=_profile(found[b"iCCP"]))
    if b"sRGB" in found or not found.keys() & {b"gAMA", b"cHRM"}:
        return None
    if b"gAMA" not in found:  # primaries without a curve
        return colour.unused("cHRM")
    return _by_numbers(found)


def _profile(body: bytes) -> bytes:
    """The profile of an iCCP chunk; empty where it cannot be unpacked."""
    _, _, rest = body.partition(b"\0")
    try:
        return zlib.decompressobj().decompress(rest[1:], _TOP)
    except zlib.error:
        return b""


def _by_numbers(found: dict[bytes, bytes]) -> colour.Stated | None:
    """From gAMA, and cHRM where it is there; None for the value that stands for sRGB."""
    exponent = int.from_bytes(found[b"gAMA"][:4])
    if len(found.get(b"cHRM", b"")) < 32:
        if exponent == _GAMMA_OF_SRGB:
            return None
        return colour.of_numbers(colour.SRGB_POINTS, _curve(exponent), "gAMA")
    numbers = [n / 100_000 for n in struct.unpack_from(">8I", found[b"cHRM"])]
    return colour.of_numbers(numbers[2:] + numbers[:2], _curve(exponent), "gAMA, cHRM")


def _curve(exponent: int) -> tuple[float, ...]:
    """The curve of a gAMA chunk; empty, which cannot be followed, for 0."""
    return (100_000 / exponent,) if exponent else ()


def clear_where(image: Image.Image, key: Key, depth: int) -> Image.Image:
    """255 where the picture has another colour than the key, 0 where it has it; mode L.

    Args:
        image: A piece of the picture as Pillow reads it: mode 1, L, I;16 or RGB. Of RGB with 16
            bits the high bytes, and the key is then one of these.
        key: See ``key_of``.
        depth: Bits a sample.
    """
    if image.mode == "1":
        image = image.convert("L")
    values = np.asarray(image)
    top = (1 << depth) - 1
    scaled = tuple(k * 255 // top for k in key) if depth < 8 else key
    same = values == (scaled[0] if values.ndim == 2 else np.array(scaled, dtype=values.dtype))
    kept = ~(same if same.ndim == 2 else same.all(axis=2))
    return Image.fromarray(kept.astype(np.uint8) * np.uint8(255))
