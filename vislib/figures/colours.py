"""The colours of every figure: one per family, one table for signed values, one for magnitudes.

Both tables are built here, in Oklab (a space in which equal distances look equal), at equal
steps: no third-party colour map has to be loaded, and the PNGs, the tile canvas and plotly use
the very same rows.

A table has 256 rows. Rows 0 to 254 are colours (an odd number, so that zero of a signed map is
exactly row 127: pure white); row 255 stands for "no value" and for gaps, which are transparent.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from vislib.schema import ShapeError

FAMILY_COLOURS: Mapping[str, str] = {
    "mixer": "#0072B2",
    "convmixer": "#D55E00",
    "davit": "#009E73",
    "vit": "#B076FF",
    "resnet": "#8491A8",
    "resmlp": "#924973",
    "swin": "#7F2CF2",
}
"""Family -> colour, the same on every page. The first three are Okabe and Ito's; the others were
chosen by distance to them as deutan and protan eyes see it. Each has a contrast of 3 or more to
white and to #0e1117, so bars and lines are readable on light and dark pages."""

OTHER_FAMILY = "#7D7D7D"
"""For a family that has no colour yet."""

MIDDLE = 127
"""The row of a table that stands for zero of a signed map."""

LEVELS = 255
"""Rows of a table that are colours."""

GAP = 255
"""The row of a table that stands for gaps and for values that are not finite."""

DARK_PAGE = "#0e1117"

_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
# Viridis at seventeen places; between them the path is straight in Oklab.
_SEQUENTIAL = (
    "#440154 #48186a #472d7b #424086 #3b528b #33638d #2c728e #26828e #21918c "
    "#1fa088 #28ae80 #3fbc73 #5ec962 #84d44b #addc30 #d8e219 #fde725"
)
# Both arms pass the same lightnesses, so that +x and -x look equally strong.
_NEGATIVE = "#ffffff #b6d7f0 #6fafe0 #2f80c4 #12508f #06305c"
_POSITIVE = "#ffffff #fac9b5 #f08f70 #d44d3c #9c1127 #5e0016"


def rgb(colour: str) -> tuple[int, int, int]:
    """Turn "#rrggbb" into three numbers from 0 to 255."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def text_colour(dark: bool) -> str:
    """The colour of text on a dark or a light page."""
    return "#fafafa" if dark else "#1f2430"


def family_colour(family: str) -> str:
    """The family's colour, a neutral grey for a family that has none yet."""
    return FAMILY_COLOURS.get(family, OTHER_FAMILY)


def to_oklab(colours: np.ndarray) -> np.ndarray:
    """Turn sRGB (0 to 255), axes (..., rgb), into Oklab, axes (..., L a b); L is 0 to 1."""
    share = np.asarray(colours, dtype=np.float64) / 255.0
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return np.asarray(np.cbrt(linear @ _LMS.T) @ _OKLAB.T)


def _from_oklab(points: np.ndarray) -> np.ndarray:
    """Turn Oklab into sRGB, uint8."""
    linear = (points @ np.linalg.inv(_OKLAB).T) ** 3 @ np.linalg.inv(_LMS).T
    linear = np.clip(linear, 0.0, 1.0)
    share = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(share * 255.0), dtype=np.uint8)


def _ramp(colours: str, count: int) -> np.ndarray:
    """Walk through the named colours in ``count`` steps that look equally large."""
    points = to_oklab(np.array([rgb(colour) for colour in colours.split()]))
    lengths = np.linalg.norm(np.diff(points, axis=0), axis=1)
    places = np.concatenate([[0.0], np.cumsum(lengths)])
    wanted = np.linspace(0.0, places[-1], count)
    path = np.stack([np.interp(wanted, places, points[:, i]) for i in range(3)], axis=1)
    return _from_oklab(path)


def _with_gap(colours: np.ndarray) -> np.ndarray:
    """Append the row for gaps and refuse writes: the table is shared."""
    table = np.concatenate([colours, np.full((1, 3), 128, dtype=np.uint8)])
    table.flags.writeable = False
    return table


@lru_cache(maxsize=1)
def diverging_table() -> np.ndarray:
    """Colours of signed values: blue below zero, white at zero, red above.

    Returns:
        uint8, axes (row of the table, rgb), 256 rows; row 127 is white, row 255 is the gap's.
    """
    negative, positive = _ramp(_NEGATIVE, MIDDLE + 1), _ramp(_POSITIVE, MIDDLE + 1)
    return _with_gap(np.concatenate([negative[::-1], positive[1:]]))


@lru_cache(maxsize=1)
def sequential_table() -> np.ndarray:
    """Colours of magnitudes: viridis' path at equal steps, dark at zero, bright at the top.

    Returns:
        uint8, axes (row of the table, rgb), 256 rows; row 255 is the gap's.
    """
    return _with_gap(_ramp(_SEQUENTIAL, LEVELS))


def table(signed: bool) -> np.ndarray:
    """The table for signed values or for magnitudes, uint8, axes (row of the table, rgb)."""
    return diverging_table() if signed else sequential_table()


def plotly_scale(signed: bool) -> list[list[Any]]:
    """The same table as plotly wants it: [place from 0 to 1, "rgb(r,g,b)"], 255 stops."""
    colours = table(signed)[:LEVELS].tolist()
    return [[i / (LEVELS - 1), f"rgb({r},{g},{b})"] for i, (r, g, b) in enumerate(colours)]


def limits(*values: np.ndarray, signed: bool) -> tuple[float, float]:
    """Find colour limits that all the given arrays share.

    Args:
        values: Arrays of one unit; values that are not finite are passed over.
        signed: Whether zero is the middle.

    Returns:
        (-m, m) with m the largest |value| for signed maps, (0, largest value) for magnitudes;
        (-1, 1) or (0, 1) where nothing differs from zero, so the range is never empty.
    """
    top = 0.0
    for array in values:
        finite = np.asarray(array, dtype=np.float64)
        finite = finite[np.isfinite(finite)]
        if finite.size:
            top = max(top, float(np.abs(finite).max() if signed else finite.max()))
    if top <= 0.0:
        top = 1.0
    return (-top, top) if signed else (0.0, top)


def check_limits(pair: tuple[float, float]) -> tuple[float, float]:
    """Return the limits as floats.

    Raises:
        ShapeError: They are not finite, or the lower is not below the upper.
    """
    low, high = float(pair[0]), float(pair[1])
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise ShapeError("error.figure.colour_limits", low=low, high=high)
    return low, high


def count_clipped(values: np.ndarray, pair: tuple[float, float]) -> int:
    """Count the finite values that lie outside the limits and so show the end colours."""
    array = np.asarray(values)
    low, high = check_limits(pair)
    # The limits are float64 while the values may be float32: compare in the wider type.
    wide = array.astype(np.float64, copy=False)
    return int(np.count_nonzero(np.isfinite(wide) & ((wide < low) | (wide > high))))


def to_indices(values: np.ndarray, pair: tuple[float, float]) -> np.ndarray:
    """Turn values into rows of a colour table.

    Args:
        values: Any axes.
        pair: The values of rows 0 and 254; values beyond them get the end rows.

    Returns:
        uint8 of the same shape, 0 to 254; 255 (the gap) where a value is not finite. With
        symmetric limits, zero is exactly 127.

    Raises:
        ShapeError: The limits are empty.
    """
    low, high = check_limits(pair)
    wide = np.asarray(values, dtype=np.float64)
    finite = np.isfinite(wide)
    place = (np.where(finite, wide, low) - low) / (high - low) * (LEVELS - 1)
    rows = np.clip(np.rint(place), 0, LEVELS - 1)
    return np.asarray(np.where(finite, rows, GAP), dtype=np.uint8)
