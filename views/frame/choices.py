"""Choices that the address keeps; what a link asks for and is not there is said.

Widgets are bound to the address. A link, or a choice that was made for another model or block, may
name something that this one does not have: the nearest is shown, with a sentence, until the visitor
chooses something else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from views.frame.state import from_link, t

Nearest = Callable[[Sequence[str], str], str]
"""(options, what was asked for) -> the option to show instead."""


def nearest_number(options: Sequence[str], asked: str) -> str | None:
    """The option whose numbers are nearest ("3.2" to "3.9"); None where there are none."""

    def numbers(text: str) -> list[int]:
        return [int(part) for part in text.split(".")] if re.fullmatch(r"\d+(\.\d+)*", text) else []

    wanted = numbers(asked)
    alike = [option for option in options if len(numbers(option)) == len(wanted) > 0]
    if not alike:
        return None
    pairs = {o: [abs(a - b) for a, b in zip(numbers(o), wanted, strict=True)] for o in alike}
    return min(alike, key=lambda option: pairs[option])


def choose(
    label: str,
    options: Sequence[str],
    *,
    key: str,
    words: Mapping[str, str] | None = None,
    default: str | None = None,
    compact: bool = True,
    nearest: Nearest | None = None,
) -> str:
    """A choice: buttons for few options, a list for many.

    Args:
        label: What is chosen.
        options: Short, stable values: they stand in the address.
        key: The widget's key and its name in the address.
        words: Option -> text; the option itself where there is none.
        default: First option if None.
        compact: Buttons for up to six options.
        nearest: What to show instead of an option that is not there; None takes the one with the
            nearest number, else the default.
    """
    texts = words or {}
    first = default if default is not None and default in options else options[0]
    asked = _asked(key, [*options, *texts.values()])
    from_link(key, options)
    if asked is not None:
        found = nearest(options, asked) if nearest else nearest_number(options, asked)
        _instead(key, found or first)
    # The default goes to the widget and not into the state: the address leaves out a value that
    # is the widget's default, and a copied link must come back to the same one.
    shared: dict[str, Any] = {
        "format_func": lambda option: texts.get(option, option),
        "key": key,
        "bind": "query-params",
        "persist_state": "session",
    }
    if compact and len(options) <= 6:
        chosen = st.segmented_control(
            label, options, default=first, required=True, wrap=True, **shared
        )
    else:
        chosen = st.selectbox(label, options, index=list(options).index(first), **shared)
    chosen = chosen if chosen in options else first
    _say(key, chosen, texts.get(chosen, chosen))
    return str(chosen)


def choose_step(
    label: str,
    options: Sequence[str],
    *,
    key: str,
    words: Mapping[str, str] | None = None,
    help_text: str | None = None,
) -> str:
    """A slider over few options; the last one by default, and the nearest number for others.

    Args:
        label: What is stepped through.
        options: Numbers as text, ascending.
        key: The widget's key and its name in the address.
        words: Option -> text; the option itself where there is none.
        help_text: Beside the label.
    """
    texts = words or {}
    asked = _asked(key, [*options, *texts.values()])
    from_link(key, options)
    if asked is not None:
        _instead(key, nearest_number(options, asked) or options[-1])
    chosen = str(
        st.select_slider(
            label,
            options,
            value=options[-1],
            format_func=lambda option: texts.get(option, option),
            key=key,
            bind="query-params",
            persist_state="session",
            help=help_text,
        )
    )
    _say(key, chosen, texts.get(chosen, chosen))
    return chosen


def choose_number(
    label: str,
    most: int,
    *,
    key: str,
    least: int = 1,
    default: int | None = None,
    help_text: str | None = None,
) -> int:
    """A whole number; one that is too high or too low becomes the nearest.

    Args:
        label: What is counted.
        most: The largest.
        key: The widget's key and its name in the address.
        least: The smallest.
        default: ``least`` if None.
        help_text: Beside the label.
    """
    allowed, first = range(least, most + 1), least if default is None else default
    asked = _asked(key, allowed)
    if asked is not None:
        _instead(key, min(max(int(asked), least), most) if asked.isdecimal() else first)
    chosen = int(
        st.number_input(
            label,
            min_value=least,
            max_value=most,
            value=first,
            step=1,
            key=key,
            help=help_text,
            bind="query-params",
            persist_state="session",
        )
    )
    _say(key, chosen, str(chosen))
    return chosen


def _asked(key: str, there: Sequence[Any]) -> str | None:
    """What the state or a new link asks for although it is not there; None for nothing."""
    state = st.session_state
    held = state.get(key)
    if held is not None and held not in there:
        return str(held)
    link = st.query_params.get(key)
    known = link is None or link in [str(value) for value in there]
    if known or state.get(f"_{key}_asked") == link:  # the visitor's next choice is not undone
        return None
    state[f"_{key}_asked"] = link
    return link


def _instead(key: str, value: Any) -> None:
    """Show a value in place of the one that was asked for, and remember to say so."""
    st.session_state[key] = st.session_state[f"_{key}_instead"] = value


def _say(key: str, chosen: Any, shown: str) -> None:
    """The sentence, until something else is chosen."""
    state = st.session_state
    if state.get(f"_{key}_instead") == chosen:
        st.info(t("choice.not_there", shown=shown))
    else:
        state.pop(f"_{key}_instead", None)
