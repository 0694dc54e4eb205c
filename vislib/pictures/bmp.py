"""BMP: what its later headers state about colours."""

from __future__ import annotations

import struct

import numpy as np

from vislib.pictures import colour

_CALIBRATED, _EMBEDDED = 0, 0x4D424544


def stated_colours(data: bytes) -> colour.Stated | None:
    """From the headers of version 4 and 5; None for sRGB and for earlier ones.

    A profile is followed. Primaries as numbers are not: whether their gamma is the exponent or its
    inverse differs from program to program.

    Source: BITMAPV4HEADER and BITMAPV5HEADER, Windows GDI reference.
    """
    size = int.from_bytes(data[14:18], "little")
    if size < 108 or len(data) < 14 + size:
        return None
    space = int.from_bytes(data[70:74], "little")
    if space == _EMBEDDED and size >= 124:
        at, length = struct.unpack_from("<II", data, 126)
        return colour.Stated(profile=data[14 + at : 14 + at + length])
    if space != _CALIBRATED:
        return None
    ends = [n / 2**30 for n in struct.unpack_from("<9i", data, 74)]
    if not any(ends):  # nothing was filled in
        return None
    points = [value for n in (0, 3, 6) for value in _chromaticity(ends[n : n + 3])]
    near = np.abs(np.subtract(points, colour.SRGB_POINTS[:6])).max() < 0.01
    return None if near else colour.unused("BMP")


def _chromaticity(xyz: list[float]) -> tuple[float, float]:
    """The x and y of a colour given as X, Y, Z."""
    total = sum(xyz)
    return (xyz[0] / total, xyz[1] / total) if total > 0 else (0.0, 0.0)
