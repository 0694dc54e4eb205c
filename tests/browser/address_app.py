"""A page with a choice outside a fragment, one inside, and the place: for the address."""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from views.frame import links
from views.frame.amounts import choose_number
from views.frame.choices import choose
from views.frame.following import follows_place


@st.fragment
def inside() -> None:
    """Its run is not the page's."""
    choose("Inner", ("one", "two"), key="inner")


links.begin("")
runs = st.session_state["runs"] = st.session_state.get("runs", 0) + 1
st.caption(f"run {runs}")
choose("Outer", ("one", "two"), key="outer")
inside()
follows_place(lambda: choose_number("Across", 1000, key="x", least=0, default=500))
follows_place(links.write)
