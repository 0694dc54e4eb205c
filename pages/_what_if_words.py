"""What the views of the page What if share: numbers in words, answers, links that ask too much."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence

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


def head(key: str, sub: str = "") -> None:
    """The model's name in its family's colour."""
    colour = colours.family_colour(spec(key).family)
    below = f'<div class="model-sub">{html.escape(sub)}</div>' if sub else ""
    st.html(
        f'<div class="model-title" style="border-color:{colour}">'
        f"{html.escape(_ui.title(key))}</div>{below}"
    )


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
        mark = f'<span class="was">{html.escape(place)}</span>' if earlier else ""
        rows.append(
            f'<div class="row"><div class="bar" style="width:{100 * share:.2f}%;'
            f'background:{colour}"></div><span class="label" title="{html.escape(label)}">'
            f'{html.escape(label)}</span><span class="value">{mark}{100 * share:.1f} %</span></div>'
        )
    st.markdown(f"**{heading}**")
    st.html(f'<div class="answers">{"".join(rows)}</div>')


def rank_options(options: Sequence[str], asked: str) -> str:
    """The option nearest to one that is not there: the same kind, another part of a block, any."""
    kind = asked.partition(".")[0]
    parts = ("unit", "kernel", "head", "channel_group")
    for alike in ((kind,), parts if kind in parts else ()):
        for option in options:
            if option.partition(".")[0] in alike:
                return option
    return next((option for option in options if option.startswith("operator")), options[0])


def choose_or_say(
    label: str,
    options: Sequence[str],
    *,
    key: str,
    texts: Mapping[str, str],
    default: str | None = None,
    compact: bool = True,
) -> str:
    """A choice; where a link asks for an option that is not there, the nearest, and it is said."""
    state = st.session_state
    held, named = state.get(key), st.query_params.get(key)
    stale = held if held is not None and held not in options else None
    link = named if named and named not in options and named not in texts.values() else None
    asked = stale or (link if state.get(f"_{key}_asked") != link else None)
    if asked:
        state[f"_{key}_asked"] = link
        state[key] = state[f"_{key}_nearest"] = rank_options(options, asked)
    chosen = _ui.choose(label, options, key=key, words=texts, default=default, compact=compact)
    if state.get(f"_{key}_nearest") == chosen:
        st.info(words("not_there", shown=texts.get(chosen, chosen)))
    else:
        state.pop(f"_{key}_nearest", None)
    return chosen


def choose_number(label: str, count: int, *, key: str) -> int:
    """A number from 1 that the address keeps, given back from 0; too high a one becomes the last.

    Args:
        label: What is counted.
        count: How many there are.
        key: The widget's key and its name in the address.
    """
    state = st.session_state
    named = st.query_params.get(key, "")
    held = state.get(key)
    asked = held if held is not None else (int(named) if named.isdecimal() else None)
    if asked is not None and not 1 <= asked <= count:
        state[key] = state[f"_{key}_nearest"] = min(max(asked, 1), count)
    chosen = st.number_input(
        label,
        min_value=1,
        max_value=count,
        step=1,
        key=key,
        bind="query-params",
        persist_state="session",
    )
    if state.get(f"_{key}_nearest") == chosen:
        st.info(words("not_there", shown=f"{chosen}"))
    else:
        state.pop(f"_{key}_nearest", None)
    return int(chosen) - 1
