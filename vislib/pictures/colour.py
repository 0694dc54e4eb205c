"""What a file states about its colours, and the way from there to sRGB.

Primaries and curves that are stated as numbers become an ICC profile, so that there is one way of
converting. Whether a profile is sRGB is judged by what it does to colours, never by its name.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

from vislib.texts import Message

MAX_PROFILE_BYTES = 4 * 2**20
NEAR = 2
"""A profile that moves no colour by more than this, of 255, is taken for sRGB."""
D65, DCI, C, E = (0.3127, 0.3290), (0.314, 0.351), (0.310, 0.316), (1 / 3, 1 / 3)
D50_XYZ = (0.9642, 1.0, 0.8249)
SRGB_POINTS: tuple[float, ...] = (0.640, 0.330, 0.300, 0.600, 0.150, 0.060, *D65)
"""x and y of red, green, blue and white."""
SRGB_CURVE: tuple[float, ...] = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
"""ICC's parametric curve, type 3: exponent, a, b, c, d. One number is an exponent alone."""
ADOBE_POINTS: tuple[float, ...] = (0.640, 0.330, 0.210, 0.710, 0.150, 0.060, *D65)
ADOBE_CURVE: tuple[float, ...] = (563 / 256,)
_POINTS: dict[int, tuple[float, ...]] = {
    1: SRGB_POINTS,
    4: (0.67, 0.33, 0.21, 0.71, 0.14, 0.08, *C),
    5: (0.64, 0.33, 0.29, 0.60, 0.15, 0.06, *D65),
    6: (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *D65),
    7: (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *D65),
    8: (0.681, 0.319, 0.243, 0.692, 0.145, 0.049, *C),
    9: (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, *D65),
    11: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, *DCI),
    12: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, *D65),
    22: (0.630, 0.340, 0.295, 0.605, 0.155, 0.077, *D65),
}
_CURVES: dict[int, tuple[float, ...]] = {4: (2.2,), 5: (2.8,), 8: (1.0,), 13: SRGB_CURVE}
_VIDEO = {1, 6, 14, 15}
"""Curves of cameras (BT.709 and the like): how a screen is to show them is another standard's."""
BT1886: tuple[float, ...] = (2.4,)
"""The screen that ITU-R BT.1886 means for them."""
UNSPECIFIED = 2
_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)


@dataclass(frozen=True, kw_only=True)
class Stated:
    """What a file states about its colours.

    Attributes:
        profile: An ICC profile; empty where the statement cannot be followed.
        how: Where it stands ("cICP"); empty for a profile of the file's own.
    """

    profile: bytes
    how: str = ""


def unused(how: str) -> Stated:
    """A statement that cannot be followed."""
    return Stated(profile=b"", how=how)


def of_code_points(
    primaries: int, curve: int, how: str, *, video: tuple[float, ...]
) -> Stated | None:
    """From the code points of ITU-T H.273; None where they say nothing.

    PQ and HLG state brightness beyond a screen's white and are not followed.

    Args:
        primaries: Code point of the primaries.
        curve: Code point of the transfer characteristics.
        how: Where they stand.
        video: The curve to take where that of a video camera is stated.
    """
    if primaries == UNSPECIFIED and curve == UNSPECIFIED:
        return None
    points = _POINTS.get(1 if primaries == UNSPECIFIED else primaries)
    shape = video if curve in _VIDEO else _CURVES.get(13 if curve == UNSPECIFIED else curve)
    return unused(how) if points is None or shape is None else of_numbers(points, shape, how)


def of_numbers(points: Sequence[float], curve: Sequence[float], how: str) -> Stated:
    """From x and y of red, green, blue and white, and a curve (see SRGB_CURVE)."""
    try:
        return Stated(profile=profile(points, curve), how=how)
    except (ValueError, ArithmeticError, struct.error, np.linalg.LinAlgError):
        return unused(how)


def profile(points: Sequence[float], curve: Sequence[float]) -> bytes:
    """An ICC profile (version 4, matrix and curves) of these primaries.

    Args:
        points: x and y of red, green, blue and white.
        curve: See SRGB_CURVE.

    Raises:
        ValueError: No curve, or primaries that span no colours.

    Source: ICC.1:2022, 8.3.3 and 10.18; Bradford adaptation to D50, Annex E.
    """
    if len(curve) not in (1, 5) or min(points[1::2]) <= 0 or not 0.1 <= curve[0] <= 10:
        raise ValueError("no curve, or no primaries")
    columns = np.array([_xyz(points[at], points[at + 1]) for at in (0, 2, 4)]).T
    if abs(np.linalg.det(columns)) < 1e-4:
        raise ValueError("the primaries span no colours")
    white = np.array(_xyz(points[6], points[7]))
    columns = columns * np.linalg.solve(columns, white)
    cones = _BRADFORD @ np.array(D50_XYZ) / (_BRADFORD @ white)
    columns = np.linalg.inv(_BRADFORD) @ np.diag(cones) @ _BRADFORD @ columns
    shape = b"para" + struct.pack(">IHH", 0, 0 if len(curve) == 1 else 3, 0)
    shape += b"".join(_fixed(value) for value in curve)
    tags = {b"desc": _words("stated"), b"cprt": _words("none"), b"wtpt": _place(D50_XYZ)}
    tags |= {name: _place(columns[:, n]) for n, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))}
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), shape)
    return _assembled(tags)


def _xyz(x: float, y: float) -> tuple[float, float, float]:
    return x / y, 1.0, (1.0 - x - y) / y


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def _place(values: Sequence[float] | np.ndarray) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(_fixed(float(value)) for value in values)


def _words(words: str) -> bytes:
    body = words.encode("utf-16-be")
    return b"mluc\0\0\0\0" + struct.pack(">II4sII", 1, 12, b"enUS", len(body), 28) + body


def _assembled(tags: dict[bytes, bytes]) -> bytes:
    """Header, table of tags, tags; each on a multiple of four bytes."""
    table, bodies = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, body in tags.items():
        table += struct.pack(">4sII", name, start + len(bodies), len(body))
        bodies += body + bytes(-len(body) % 4)
    head = struct.pack(
        ">I4sI4s4s4s12x4s", start + len(bodies), b"", 0x04300000, b"mntr", b"RGB ", b"XYZ ", b"acsp"
    )
    return head.ljust(68, b"\0") + b"".join(map(_fixed, D50_XYZ)) + bytes(48) + table + bodies


def to_srgb(image: Image.Image, stated: Stated, notes: list[Message]) -> Image.Image:
    """Convert by what the file states; says in ``notes`` what was done.

    Args:
        image: Mode L, RGB or CMYK.
        stated: What the file states.
        notes: Gets a message where colours were converted, or could not be.

    Returns:
        The picture in sRGB; the same one where the statement comes to sRGB.
    """
    try:
        if not 0 < len(stated.profile) <= MAX_PROFILE_BYTES:
            raise ImageCms.PyCMSError("no profile, or too large")
        source = ImageCms.ImageCmsProfile(BytesIO(stated.profile))
        if image.mode == "L" and source.profile.xcolor_space.strip() == "RGB":
            image = image.convert("RGB")
        target = ImageCms.createProfile("sRGB")
        convert = ImageCms.buildTransform(source, target, image.mode, "RGB")
        converted = _applied(image, convert)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError, AttributeError):
        key = "stated_unused" if stated.how else "profile_unused"
        notes.append(Message(f"note.picture.{key}", how=stated.how))
        return image
    if converted is not None:
        notes.append(
            Message(f"note.picture.{'stated' if stated.how else 'profile'}", how=stated.how)
        )
    return image if converted is None else converted


def _applied(image: Image.Image, convert: ImageCms.ImageCmsTransform) -> Image.Image | None:
    """The converted picture; None where the transform moves no colour."""
    if image.mode != "CMYK":
        ramp = np.arange(256, dtype=np.uint8)
        probe = ramp[None]
        if image.mode == "RGB":
            levels = np.stack(np.meshgrid(*[ramp[::51]] * 3), axis=-1).reshape(1, -1, 3)
            probe = np.concatenate([levels, np.repeat(ramp[None, :, None], 3, axis=2)], axis=1)
        before = Image.fromarray(probe)
        after = np.asarray(ImageCms.applyTransform(before, convert)).astype(int)
        if np.abs(after - np.asarray(before.convert("RGB"))).max() <= NEAR:
            return None
    return ImageCms.applyTransform(image, convert)
