"""What the parts of the page Estimates share: words, columns, verdicts."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from views import frame
from views.estimates.tasks import Question

_SMALL_TITLE = "font-weight:700;font-size:.95rem"


@dataclass(frozen=True)
class Shown:
    """What all rows have in common."""

    question: Question
    methods: Sequence[str]


def words(name: str, /, **values: object) -> str:
    """A text of the page's own section."""
    return frame.t(f"estimates.{name}", **values)


def name_of(method: str) -> str:
    """A method in words."""
    return words(f"name_{method}")


def in_columns(shown: Shown, part: Callable[[Shown, str], None]) -> None:
    """One column a method, so that the parts of a row begin at one height."""
    places = st.columns(max(2, len(shown.methods)))  # a single map fills half of the page
    for place, method in zip(places, shown.methods, strict=False):
        with place:
            part(shown, method)


def named(method: str) -> None:
    """The method over a picture: on a phone the columns lie below each other."""
    st.html(f'<div style="{_SMALL_TITLE}">{html.escape(name_of(method))}</div>')


def say(text: str, failed: bool) -> None:
    """The sentence that is read from the last row; a map that fails stands out."""
    mark = "\N{WARNING SIGN} " if failed else ""
    st.html(
        f'<div class="model-sub" style="min-height:3.9em;opacity:1;font-weight:700">'
        f"{html.escape(mark + text)}</div>"
    )
