"""More kinds of choice that the address keeps: a whole number in a range, on or off.

As in choices.py, the call declares the choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from views.frame import asked, links


def choose_number(
    label: str,
    most: int,
    *,
    key: str,
    least: int = 1,
    default: int | None = None,
    help_text: str | None = None,
    step: int = 1,
    quiet: bool = False,
) -> int:
    """A whole number; one that is too high or too low becomes the nearest.

    Args:
        label: What is counted.
        most: The largest.
        key: The widget's key and its name in the address.
        least: The smallest.
        default: ``least`` if None.
        help_text: Beside the label.
        step: What the buttons add and take away.
        quiet: The page itself calls ``links.say`` where the sentence can be seen.
    """
    first = min(max(least if default is None else default, least), most)
    start = _take_number(key, least, most, first)
    chosen = int(
        st.number_input(
            label,
            min_value=least,
            max_value=most,
            value=start,
            step=step,
            key=key,
            help=help_text,
            persist_state="session",
            on_change=links.chosen_by_hand,
        )
    )
    links.settle(key, chosen, None if chosen == first else str(chosen))
    if not quiet:
        links.say(key)
    return chosen


def choose_number_freely(label: str, most: int, *, key: str, placeholder: str) -> int | None:
    """A whole number from 1 that may stay open; the page itself calls ``links.say``.

    Args:
        label: What is counted.
        most: The largest.
        key: The widget's key and its name in the address.
        placeholder: What stands in the empty field.
    """

    def read(parts: Sequence[str]) -> asked.Found[int | None]:
        found = asked.whole_number(parts, least=1, most=most, default=0)
        return asked.Found(found.value or None, found.exact)

    start = links.take(key, None, read, lambda value: str(value or placeholder))
    chosen = st.number_input(
        label,
        min_value=1,
        max_value=most,
        value=start,
        step=1,
        placeholder=placeholder,
        key=key,
        persist_state="session",
        on_change=links.chosen_by_hand,
    )
    links.settle(key, chosen, None if chosen is None else str(chosen))
    return None if chosen is None else int(chosen)


def choose_percent(label: str, *, key: str, default: int, step: int) -> int:
    """A slider from 0 to 100 %.

    Args:
        label: What is set.
        key: The widget's key and its name in the address.
        default: Where it stands at first.
        step: What lies between becomes the nearest step.
    """

    def read(parts: Sequence[str]) -> asked.Found[int]:
        found = asked.whole_number(parts, least=0, most=100, default=default)
        value = round(found.value / step) * step
        return asked.Found(value, found.exact and value == found.value)

    start = links.take(key, default, read, lambda value: f"{value} %")
    chosen = int(
        st.slider(
            label,
            min_value=0,
            max_value=100,
            value=start,
            step=step,
            format="%d %%",
            key=key,
            persist_state="session",
            on_change=links.chosen_by_hand,
            width=260,
        )
    )
    links.settle(key, chosen, None if chosen == default else str(chosen))
    links.say(key)
    return chosen


def choose_switch(label: str, *, key: str, help_text: str | None = None) -> bool:
    """On or off; off at first.

    Args:
        label: What is switched on.
        key: The widget's key and its name in the address.
        help_text: Beside the label.
    """

    def read(parts: Sequence[str]) -> asked.Found[bool]:
        return asked.on_or_off(parts, default=False)

    start = links.take(key, False, read, lambda value: f"{label}: {asked.ON[0] if value else 0}")
    chosen = bool(
        st.toggle(
            label,
            value=start,
            key=key,
            help=help_text,
            persist_state="session",
            on_change=links.chosen_by_hand,
        )
    )
    links.settle(key, chosen, asked.ON[0] if chosen else None)
    links.say(key)
    return chosen


def _take_number(key: str, least: int, most: int, default: int) -> int:
    """What a number starts with; a state outside the range becomes its nearest end."""
    read = partial(asked.whole_number, least=least, most=most, default=default)
    start = links.take(key, default, read)
    held = st.session_state.get(key)
    if isinstance(held, int) and not least <= held <= most:
        start = st.session_state[key] = min(max(held, least), most)
    elif held is not None and not isinstance(held, int):
        start = st.session_state[key] = default
    return int(start)
