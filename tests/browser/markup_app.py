"""Names that a person may give a file, at every kind of place that takes Markdown.

``?raw=1`` shows them as they came.
"""

import sys
from pathlib import Path

import streamlit as st

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.browser.hostile import NAMES
from views import frame

st.set_page_config(layout="wide")
for number, name in enumerate(NAMES):
    text = name if "raw" in st.query_params else frame.plain(name)
    with st.container(key=f"shown-{number}"):
        st.error(f"{text} is damaged")
        st.error(text)
        st.info(text)
        st.caption(f"{text} · 20 × 30 pixels")
        st.markdown(f"Most disputed: **{text}**")
        st.progress(0.5, text=text)
        st.button(text, key=f"button-{number}", help=text)
