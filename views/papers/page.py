"""Papers: the result tables of the three papers, and the app's own version of their figures."""

from __future__ import annotations

import streamlit as st

from views import frame
from views.papers import figures, tables
from vislib.tables import papers

SHOWS = {"tables": tables.draw, "figures": figures.draw}


def draw() -> None:
    """One paper at a time: its numbers are not those of another one's machine."""
    left, right = st.columns([1.4, 1])
    with left:
        paper = frame.choose(
            frame.t("papers.paper"),
            papers.KEYS,
            key="paper",
            words={key: frame.t(f"papers.paper_{key}") for key in papers.KEYS},
        )
    with right:
        show = frame.choose(
            frame.t("papers.show"),
            tuple(SHOWS),
            key="paper_show",
            words={name: frame.t(f"papers.show_{name}") for name in SHOWS},
        )
    frame.shielded(lambda: SHOWS[show](paper))
