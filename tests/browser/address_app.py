"""A page with one choice outside a fragment and two inside, for the tests of the address."""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from views.frame import links
from views.frame.amounts import choose_number
from views.frame.choices import choose


@st.fragment
def inside() -> None:
    """Its run is not the page's."""
    choose("Inner", ("one", "two"), key="inner")
    choose_number("Across", 1000, key="x", least=0, default=500)


links.begin("")
runs = st.session_state["runs"] = st.session_state.get("runs", 0) + 1
st.caption(f"run {runs}")
choose("Outer", ("one", "two"), key="outer")
inside()
links.write()
