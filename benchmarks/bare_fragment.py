"""The least that a click can cost in Streamlit: a fragment with one button and three pictures.

``benchmarks/hover.py`` starts it beside the app and times its clicks in the same run.
"""

from __future__ import annotations

import numpy as np
import streamlit as st

SIDE = 400


@st.fragment
def three_pictures() -> None:
    """A button; a click draws three other pictures."""
    with st.container(key="picker"):
        st.button("Another", width=SIDE, key="another")
    draw = np.random.default_rng()
    for place in st.columns(3):
        place.image(draw.integers(256, size=(SIDE, SIDE, 3), dtype=np.uint8), width=SIDE)


three_pictures()
