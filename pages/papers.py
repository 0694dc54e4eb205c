"""Papers: the result tables of the three papers, and the app's own version of their figures."""

from __future__ import annotations

import streamlit as st

from pages import _papers_figures, _papers_tables, _ui
from vislib import papers

SHOWS = {"tables": _papers_tables.draw, "figures": _papers_figures.draw}


def draw() -> None:
    """One paper at a time: its numbers are not those of another one's machine."""
    _papers_figures.follow()
    left, right = st.columns([1.4, 1])
    with left:
        paper = _ui.choose(
            _ui.t("papers.paper"),
            papers.KEYS,
            key="paper",
            words={key: _ui.t(f"papers.paper_{key}") for key in papers.KEYS},
        )
    with right:
        show = _ui.choose(
            _ui.t("papers.show"),
            tuple(SHOWS),
            key="paper_show",
            words={name: _ui.t(f"papers.show_{name}") for name in SHOWS},
        )
    _ui.shielded(lambda: SHOWS[show](paper))


_ui.page("papers")
_ui.shielded(draw)
