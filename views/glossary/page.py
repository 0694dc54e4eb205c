"""Every term in one sentence, each with a place that a link leads to."""

from __future__ import annotations

import streamlit as st

from views import frame
from vislib.texts import glossary


def draw() -> None:
    """All terms in their order, in as many columns as there is room for."""
    with st.container(key="glossary"):
        for term in glossary().values():
            name, sentence = term.words(frame.language())
            with st.container(gap="xxsmall"):
                st.header(name, anchor=term.key)
                st.markdown(sentence)
