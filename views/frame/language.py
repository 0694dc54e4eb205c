"""The visitor's language: chosen in the bar on top, by a link, or by the browser."""

from __future__ import annotations

from contextvars import ContextVar

import streamlit as st

from vislib.texts import FALLBACK, best, languages

LANGUAGE = "lang"
"""The switch, and its name in the address."""


_spoken: ContextVar[str] = ContextVar("mixscope_spoken", default="")


def settle_language() -> None:
    """Ask once what is asked for each word of a page: call it where the choice may have changed."""
    _spoken.set("")
    _spoken.set(language())


def language() -> str:
    """The code of the language that the visitor reads ("en").

    Before the switch is drawn in a first run it is what the address says.
    """
    if _spoken.get():
        return _spoken.get()
    for chosen in (st.session_state.get(LANGUAGE), st.query_params.get(LANGUAGE)):
        if chosen in languages():
            return str(chosen)
    return of_browser()


def of_browser() -> str:
    """The language that the visitor's browser asks for; English where there is none of its own."""
    locale = st.context.locale
    return best([locale]) if locale else FALLBACK
