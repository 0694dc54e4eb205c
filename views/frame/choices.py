"""The kinds of choice that the address keeps: one key or several (numbers: amounts.py).

Each draws its widget and is declared by the call: what it is called in the address, what there is
to choose, and the default. A link that asks for what is not there gets the nearest, with a sentence
until the visitor chooses something else; another model or block brings the nearest without one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from views.frame import asked, links
from views.frame.asked import Nearest

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator


def choose(
    label: str,
    options: Sequence[str],
    *,
    key: str,
    words: Mapping[str, str] | None = None,
    default: str | None = None,
    compact: bool = True,
    nearest: Nearest | None = None,
    quiet: bool = False,
) -> str:
    """A choice: buttons for few options, a list for many.

    Args:
        label: What is chosen.
        options: Short, stable keys: they stand in the address.
        key: The widget's key and its name in the address.
        words: Option -> text; the option itself where there is none.
        default: First option if None.
        compact: Buttons for up to six options.
        nearest: What to show instead of an option that is not there; None takes the one with the
            nearest number, else the default.
        quiet: The page itself calls ``links.say`` where the sentence can be seen.
    """
    texts = words or {}
    first = default if default is not None and default in options else options[0]
    start = _take_one(key, options, texts, first, nearest)
    # A default goes to the widget and not into the state: what the browser brought is newer.
    shared: dict[str, Any] = {
        "format_func": lambda option: texts.get(option, option),
        "key": key,
        "persist_state": "session",
        "on_change": links.chosen_by_hand,
    }
    if compact and len(options) <= 6:
        chosen = st.segmented_control(
            label, options, default=start, required=True, wrap=True, **shared
        )
    else:
        chosen = st.selectbox(label, options, index=list(options).index(start), **shared)
    chosen = str(chosen) if chosen in options else first
    links.settle(key, chosen, None if chosen == first else chosen)
    if not quiet:
        links.say(key)
    return chosen


def choice_ahead(key: str, options: Sequence[str]) -> str:
    """What a choice is about to be, before it is drawn: what stands before it may depend on it.

    Args:
        key: The widget's key and its name in the address.
        options: As ``choose`` gets them; the first is the default.
    """
    parts = links.asked(key)
    linked = asked.key_of(key, parts[0], options, {}) if len(parts) == 1 else None
    return linked or str(st.session_state.get(key, options[0]))


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
    start = _take_one(key, options, texts, options[-1], None)
    chosen = str(
        st.select_slider(
            label,
            options,
            value=start,
            format_func=lambda option: texts.get(option, option),
            key=key,
            persist_state="session",
            on_change=links.chosen_by_hand,
            help=help_text,
        )
    )
    links.settle(key, chosen, None if chosen == options[-1] else chosen)
    links.say(key)
    return chosen


def choose_freely(
    label: str, options: Sequence[str], *, key: str, words: Mapping[str, str]
) -> str | None:
    """A choice that may stay open: buttons, and None until one is pressed.

    Args:
        label: What is chosen.
        options: Short, stable keys: they stand in the address.
        key: The widget's key and its name in the address.
        words: Option -> text.
    """

    def read(parts: Sequence[str]) -> asked.Found[str | None]:
        found = asked.one_of(parts, name=key, options=options, words=words, default="")
        return asked.Found(found.value or None, found.exact)

    start = links.take(key, None, read, lambda option: words.get(option, option or "-"))
    start = start if start in options else None
    chosen = st.segmented_control(
        label,
        options,
        default=start,
        format_func=lambda option: words.get(option, option),
        key=key,
        wrap=True,
        persist_state="session",
        on_change=links.chosen_by_hand,
    )
    links.settle(key, chosen, chosen)
    links.say(key)
    return chosen


def choose_several(
    label: str,
    options: Sequence[str],
    *,
    key: str,
    words: Mapping[str, str],
    start_with: Sequence[str],
    default: Sequence[str],
    most: int,
    help_text: str | None = None,
    away: Callable[[str], bool] = lambda _: False,
) -> list[str]:
    """Several of many; an empty choice counts as the default.

    Args:
        label: What is chosen.
        options: Short, stable keys without a comma: they stand in the address.
        key: The widget's key and its name in the address.
        words: Option -> text.
        start_with: What is chosen at first.
        default: What the address leaves out.
        most: How many at most.
        help_text: Beside the label.
        away: Whether an entry of a link is known though it is not here: that is not a fault.
    """

    def read(parts: Sequence[str]) -> asked.Found[list[str]]:
        entries = asked.listed(parts)
        keys = [asked.key_of(key, entry, options, words) for entry in entries]
        here = list(dict.fromkeys(found for found in keys if found is not None))[:most]
        others = [not away(e) for e, found in zip(entries, keys, strict=True) if found is None]
        exact = bool(entries) and not any(others) and len(here) + len(others) == len(entries)
        return asked.Found(here or list(start_with), exact)

    def titles(chosen: Sequence[str]) -> str:
        return ", ".join(words[option] for option in chosen)

    start = links.take(key, list(start_with), read, titles)
    chosen = st.multiselect(
        label,
        options,
        default=[option for option in start if option in options],
        format_func=lambda option: words[option],
        key=key,
        max_selections=most,
        help=help_text,
        persist_state="session",
        on_change=links.chosen_by_hand,
    )
    links.settle(key, chosen, None if chosen in ([], list(default)) else ",".join(chosen))
    links.say(key)
    return chosen


def choose_tab(words: Mapping[str, str], *, key: str) -> tuple[str, DeltaGenerator]:
    """Tabs: the name of the one that is open, and where it is drawn; the others stay empty.

    Args:
        words: Short, stable keys, which stand in the address, and the tabs' titles.
        key: Its name in the address.
    """
    options, widget = list(words), f"{key}_tab"
    start = _take_one(key, options, words, options[0], None)

    def opened() -> None:
        titles = {title: option for option, title in words.items()}
        st.session_state[key] = titles.get(st.session_state[widget], options[0])

    chosen: str = st.session_state.setdefault(key, start)
    st.session_state[widget] = words[chosen]
    tabs = st.tabs(list(words.values()), key=widget, on_change=opened)
    links.settle(key, chosen, None if chosen == options[0] else chosen)
    links.say(key)
    return chosen, tabs[options.index(chosen)]


def choose_only(option: str, *, key: str, words: Mapping[str, str]) -> str:
    """Where there is one option and nothing is drawn: a link may name it, and no other."""
    _take_one(key, [option], words, option, None)
    links.settle(key, option, None)
    links.say(key)
    return option


def _take_one(
    key: str,
    options: Sequence[str],
    words: Mapping[str, str],
    default: str,
    nearest: Nearest | None,
) -> str:
    """What one of several starts with; a state that is not among them becomes the nearest."""
    read = partial(
        asked.one_of, name=key, options=options, words=words, default=default, nearest=nearest
    )
    start = links.take(key, default, read, lambda option: words.get(option, option))
    held = st.session_state.get(key)
    if held is not None and held not in options:
        start = st.session_state[key] = asked.instead(options, str(held), default, nearest)
    return str(start)
