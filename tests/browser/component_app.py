"""A small page with the tile canvas, for the browser test and to look at it.

``?long=1`` draws 384 tiles, ``?captions=1`` puts a caption under each, ``?rgb=1`` sends colours
instead of indices and a table, ``?gap=1`` leaves one value out.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import streamlit as st

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from views.frame.tile_canvas import tile_canvas

LIMITS = (-1.5, 1.5)


@st.cache_data
def tiles(count: int) -> np.ndarray:
    """uint8 (tile, row, column), 10 rows by 14 columns: index = 16 * row + column in tile 0."""
    rows, columns = np.mgrid[0:10, 0:14]
    waves = [
        127.0 + 127.0 * np.cos(2 * np.pi * ((i % 6) * rows / 10 + (i // 6 % 6) * columns / 14))
        for i in range(count)
    ]
    waves[0] = 16.0 * rows + columns
    return np.round(np.stack(waves)).astype(np.uint8)


def table() -> np.ndarray:
    """Blue, white, red."""
    low, middle, high = np.array([[33, 102, 172], [255, 255, 255], [178, 24, 43]], dtype=float)
    part = np.linspace(-1, 1, 256)[:, None]
    colours = np.where(part < 0, middle + (low - middle) * -part, middle + (high - middle) * part)
    return np.round(colours).astype(np.uint8)


def set_tile(tile: int) -> None:
    """The visitor's tile."""
    st.session_state["tile"] = tile


st.set_page_config(layout="wide")
st.session_state["runs"] = st.session_state.get("runs", 0) + 1
count = 384 if st.query_params.get("long") else 24
maps, colours = tiles(count), table()
is_rgb = bool(st.query_params.get("rgb"))
if st.query_params.get("gap"):
    maps = maps.copy()
    maps[1, 2, 3] = 255
index = tile_canvas(
    colours[maps] if is_rgb else maps,
    None if is_rgb else colours,
    limits=LIMITS,
    unit="weight",
    labels=[f"unit {i + 1}" for i in range(count)],
    captions=[f"unit {i + 1}" for i in range(count)] if st.query_params.get("captions") else (),
    selected=st.session_state.setdefault("tile", 3),
    tile_px=56,
    key="tiles",
    alt="Hidden units",
    on_change=set_tile,
)
st.write(f"runs={st.session_state['runs']} tile={st.session_state['tile']} new={index}")
