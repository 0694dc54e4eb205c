"""Numbers as a page writes them: a real minus, units that stay on the number's line."""

from __future__ import annotations

import math
from collections.abc import Sequence

from views.frame.state import t
from vislib.analysis.channel_groups import most_bits

EXACT = 1e-4
"""Relative differences below this are rounding: float32 leaves some 1e-6 after a whole network, and
what is not exact lies above 1e-2."""
MINUS, NO_BREAK, THIN = "\N{MINUS SIGN}", "\N{NO-BREAK SPACE}", "\N{NARROW NO-BREAK SPACE}"
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float) -> str:
    """A number to be read aloud, two digits: 0.83, 2 × 10⁻⁷, 0."""
    if value == 0 or not math.isfinite(value):
        return f"{value:.0f}"
    if 1e-3 <= abs(value) < 1e4:
        return f"{value:.2g}" if abs(value) < 100 else f"{value:.0f}"
    power = math.floor(math.log10(abs(value)))
    first = round(value / 10**power)
    if abs(first) == 10:
        first, power = first // 10, power + 1
    return f"{first} × 10{str(power).translate(RAISED)}".replace(" ", NO_BREAK)


def whole(value: int) -> str:
    """A whole number in groups of three: 1 048 576."""
    return f"{value:,}".replace(",", THIN)


def decimals(value: float, digits: int = 2) -> str:
    """A number with so many decimals: −0.35; what rounds to nothing is 0.00."""
    return f"{_rounded(value, digits):.{digits}f}".replace("-", MINUS)


def signed(value: float, digits: int = 2) -> str:
    """The same with its sign: +0.35; what rounds to nothing is +0.00."""
    return f"{_rounded(value, digits):+.{digits}f}".replace("-", MINUS)


def _rounded(value: float, digits: int) -> float:
    """Rounded, and no negative zero."""
    return round(float(value), digits) + 0.0


def percent(share: float, digits: int = 1) -> str:
    """A share from 0 to 1 in percent; what would round to nothing is below the last digit."""
    if 0 < abs(share) < 0.005 * 10**-digits:
        return f"< {10**-digits:.{digits}f} %".replace(" ", NO_BREAK)
    return f"{100 * share:.{digits}f}{NO_BREAK}%"


def percent_value(share: float) -> str:
    """A share from 0 to 1 in percent, without the sign: one decimal, or two digits below 1."""
    return f"{100 * share:.1f}" if share >= 0.01 else f"{100 * share:.2g}"


def percent_change(change: float) -> str:
    """A relative change in whole percent: −45 %; one that rounds to nothing has no sign."""
    rounded = round(100 * change)
    sign = MINUS if rounded < 0 else "+" if rounded > 0 else ""
    return f"{sign}{abs(rounded)}{NO_BREAK}%"


POINTS = "percentage_points"
"""The unit of ``points``, as the table of texts names it (``unit.*``)."""


def points(change: float) -> str:
    """A change of a probability in percentage points, with its sign."""
    return signed(100 * change, 1)


def between(values: Sequence[float], digits: int = 0) -> str:
    """Smallest and largest: "3", or "3 to 7" where they differ."""
    low, high = (f"{value:,.{digits}f}" for value in (min(values), max(values)))
    return low if low == high else t("number.between", low=low, high=high)


def bits(value: float, most: int) -> str:
    """An entropy, and the largest that so many places or channels allow."""
    return t("number.bits", value=f"{value:.2f}", most=f"{most_bits(most):.2f}")


def power_of_ten(value: float) -> str:
    """The next power of ten above a small number: 10⁻⁶; "0" for nothing."""
    if value <= 0.0:
        return "0"
    return f"10{str(math.floor(math.log10(value)) + 1).translate(RAISED)}"
