"""What the views of the page What if share: numbers in words, answers, links that ask too much."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

import streamlit as st

from pages import _ui
from vislib.figures import colours
from vislib.registry import spec
from vislib.schema import ActivationCache

EXACT = 1e-4
"""Relative differences below this are rounding: float32 leaves some 1e-6 after a whole network, and
what is not exact lies above 1e-2."""
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def words(name: str, /, **values: object) -> str:
    """A text of the page's own section."""
    return _ui.t(f"what_if.{name}", **values)


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


def points(change: float) -> str:
    """A change of a probability in percentage points, with its sign."""
    return f"{round(100 * change, 1) + 0.0:+.1f}".replace("-", "\N{MINUS SIGN}")


def big(verdict: str, value: str) -> None:
    """A number that is read from the last row, under its verdict."""
    st.html(
        f'<div class="verdict">{html.escape(verdict)}</div>'
        f'<div class="verdict-number">{html.escape(value)}</div>'
    )


def answers(
    cache: ActivationCache, key: str, heading: str, *, before: ActivationCache | None = None
) -> None:
    """The five most probable classes as bars from 0 to 100 %.

    Args:
        cache: The answer.
        key: Whose it is: the bars have its family's colour.
        heading: Above the bars.
        before: The answer to compare with: each class gets the place that it had there.
    """
    earlier = [] if before is None else before.top(5)  # a cache without arrays counts as empty
    places = {label: place for place, (label, _) in enumerate(earlier, 1)}
    colour = colours.family_colour(spec(key).family)
    rows = []
    for label, share in cache.top(5):
        place = words("was", place=places[label]) if label in places else words("was_not")
        rows.append((label, share, place if earlier else ""))
    st.markdown(f"**{heading}**")
    _ui.answer_bars(rows, colour)


def rank_options(options: Sequence[str], asked: str) -> str:
    """The option nearest to one that is not there: the same kind, another part of a block, any."""
    kind = asked.partition(".")[0]
    parts = ("unit", "kernel", "head", "channel_group")
    for alike in ((kind,), parts if kind in parts else ()):
        for option in options:
            if option.partition(".")[0] in alike:
                return option
    return next((option for option in options if option.startswith("operator")), options[0])
