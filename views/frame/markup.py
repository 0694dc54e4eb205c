"""Text that a person typed, shown as it is, since Streamlit reads most as Markdown; formulas."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextvars import ContextVar

import streamlit as st

_JOINER = "\u2060"
"""No width and no break: keeps apart what Streamlit would join to a sign."""
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_joined: ContextVar[list[str] | None] = ContextVar("mixscope_joined", default=None)
_SIGNS = re.compile(r"(?<=[:@<>=~-])(?=\S)|(?i:(?<=www)(?=\.))")


def plain(text: str) -> str:
    """The text for any place that takes Markdown, shown letter by letter.

    A backslash keeps Markdown from reading a sign. Icons, emoji, arrows and addresses are found
    only after that, in the text that is left; an invisible joiner within them prevents it.
    """
    return _PUNCTUATION.sub(r"\\\1", _SIGNS.sub(_JOINER, text))


def formula(latex: str) -> None:
    """A formula of the table of texts, typeset by KaTeX."""
    st.markdown(f"${latex}$")


def put_html(markup: str) -> None:
    """HTML of our own; within ``columns_of_html`` it becomes a part of one element."""
    parts = _joined.get()
    if parts is None:
        st.html(markup)
    else:
        parts.append(markup)


def columns_of_html(columns: Iterable[Callable[[], None]]) -> None:
    """Columns of nothing but ``put_html``, as one element: each has a price in the browser.

    What else a column draws, an error for one, stands below all of them.

    Args:
        columns: One draws each.
    """
    parts: list[str] = []
    token = _joined.set(parts)
    try:
        for draw in columns:
            parts.append("<div>")
            draw()
            parts.append("</div>")
    finally:
        _joined.reset(token)
    st.html(f'<div class="columns">{"".join(parts)}</div>')
