"""Numbers as a page writes them."""

from __future__ import annotations

import math

EXACT = 1e-4
"""Relative differences below this are rounding: float32 leaves some 1e-6 after a whole network, and
what is not exact lies above 1e-2."""
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float) -> str:
    """A number to be read aloud: 0.83, 2 × 10⁻⁷, 0."""
    if value == 0 or not math.isfinite(value):
        return f"{value:.0f}"
    if 1e-3 <= abs(value) < 1e4:
        return f"{value:.2g}" if abs(value) < 100 else f"{value:.0f}"
    power = math.floor(math.log10(abs(value)))
    first = round(value / 10**power)
    if abs(first) == 10:
        first, power = first // 10, power + 1
    return f"{first} × 10{str(power).translate(RAISED)}".replace(" ", "\u00a0")


def percent(share: float) -> str:
    """A share from 0 to 1 in percent."""
    if 0 < abs(share) < 0.0005:
        return "< 0.1 %".replace(" ", "\u00a0")
    return f"{100 * share:.1f}\u00a0%"


POINTS = "percentage_points"
"""The unit of ``points``, as the table of texts names it (``unit.*``)."""


def points(change: float) -> str:
    """A change of a probability in percentage points, with its sign."""
    return f"{round(100 * change, 1) + 0.0:+.1f}".replace("-", "\N{MINUS SIGN}")
