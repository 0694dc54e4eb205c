"""Every term in one sentence, each with a place that a link leads to."""

from __future__ import annotations

import streamlit as st

from views import frame
from vislib.texts import glossary


def draw() -> None:
    """All terms in their order, in two columns."""
    terms = list(glossary().values())
    half = (len(terms) + 1) // 2
    for column, part in zip(st.columns(2, gap="large"), (terms[:half], terms[half:]), strict=True):
        with column:
            for term in part:
                name, sentence = term.words(frame.language())
                st.subheader(name, anchor=term.key)
                st.markdown(sentence)
