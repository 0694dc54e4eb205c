"""A small page with both components, for the browser test and to look at them.

``?long=1`` draws 384 tiles, ``?captions=1`` puts a caption under each, ``?rgb=1`` sends colours
instead of indices and a table, ``?gap=1`` leaves one value out.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import streamlit as st
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from views.frame.patch_picker import Box, patch_picker
from views.frame.tile_canvas import tile_canvas

WIDTH, HEIGHT = 600, 400
LIMITS = (-1.5, 1.5)
WIDE = {"left": 187, "top": 30, "width": 627, "height": 940}
WIDE |= {"across": (187_000_000, 627_000_000), "down": (30_000_000, 940_000_000)}
BOXES = [
    Box(
        label="MLP-Mixer",
        colour="#E69F00",
        left=208,
        top=62,
        width=583,
        height=875,
        across=(208_000_000, 583_000_000),
        down=(62_000_000, 875_000_000),
        rows=8,
        columns=8,
        grid_lines=True,
    ),
    Box(label="ConvMixer", colour="#56B4E9", rows=32, columns=32, **WIDE),
    Box(label="DaViT", colour="#009E73", rows=16, columns=16, **WIDE),
]


@st.cache_data
def picture() -> bytes:
    """A noisy gradient: a picture that does not compress, about as heavy as a photograph."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    noise = np.random.default_rng(0).integers(0, 24, (HEIGHT, WIDTH, 3))
    base = np.stack(
        [columns * 200 // WIDTH, rows * 200 // HEIGHT, 160 - columns * 150 // WIDTH], axis=-1
    )
    target = io.BytesIO()
    Image.fromarray((base + noise).astype(np.uint8)).save(target, "JPEG", quality=90)
    return target.getvalue()


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


def set_point(point: tuple[int, int]) -> None:
    """The visitor's point goes into the two inputs, which are the truth."""
    st.session_state["x"], st.session_state["y"] = point


def set_tile(tile: int) -> None:
    """The visitor's tile."""
    st.session_state["tile"] = tile


st.set_page_config(layout="wide")
st.session_state.setdefault("x", 430)
st.session_state.setdefault("y", 512)
st.session_state["runs"] = st.session_state.get("runs", 0) + 1
count = 384 if st.query_params.get("long") else 24
left, right = st.columns([2, 3])
with left:
    st.number_input("x", 0, 1000, key="x")
    st.number_input("y", 0, 1000, key="y")
    chosen = patch_picker(
        picture(),
        size=(WIDTH, HEIGHT),
        point=(st.session_state["x"], st.session_state["y"]),
        boxes=BOXES,
        label="Test picture",
        key="picker",
        on_change=set_point,
    )
maps, colours = tiles(count), table()
is_rgb = bool(st.query_params.get("rgb"))
if st.query_params.get("gap"):
    maps = maps.copy()
    maps[1, 2, 3] = 255
with right:
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
st.write(
    f"runs={st.session_state['runs']} point={st.session_state['x']},{st.session_state['y']} "
    f"tile={st.session_state['tile']} new={chosen} {index}"
)
