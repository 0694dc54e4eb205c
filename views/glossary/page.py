"""Every term in one sentence, each with a place that a link leads to."""

from __future__ import annotations

import streamlit as st

from views import frame
from vislib.texts import glossary

COLUMNS = 4


def draw() -> None:
    """All terms in their order, in columns."""
    terms = list(glossary().values())
    most = -(-len(terms) // COLUMNS)
    with st.container(key="glossary"):
        with frame.row_of_choices(picture=False, models=False):
            pass  # the page has no choice of its own, and keeps those of the others
        for place, column in enumerate(st.columns(COLUMNS, gap="medium")):
            with column:
                for term in terms[place * most : (place + 1) * most]:
                    name, sentence = term.words(frame.language())
                    st.header(name, anchor=term.key)
                    st.markdown(sentence)
