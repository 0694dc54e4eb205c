"""Text that a person typed, shown as it is, since Streamlit reads most as Markdown; formulas."""

from __future__ import annotations

import re

import streamlit as st

_JOINER = "\u2060"
"""No width and no break: keeps apart what Streamlit would join to a sign."""
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
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
