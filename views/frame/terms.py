"""Links to the glossary: below each page stand the terms that it uses."""

from __future__ import annotations

import streamlit as st

from views.frame.language import LANGUAGE, language
from views.frame.state import t
from vislib.texts import glossary


def links_of(page: str) -> str:
    """Links to the terms of a page, as markdown; empty where it has none."""
    spoken = language()
    found = [term for term in glossary().values() if page in term.pages]
    return " · ".join(
        f"[{term.words(spoken)[0]}](glossary?{LANGUAGE}={spoken}#{term.key})" for term in found
    )


def draw(page: str) -> None:
    """The line of links below a page."""
    found = links_of(page)
    if found:
        with st.container(key="terms"):
            st.caption(f"{t('nav.glossary')}: {found}")
