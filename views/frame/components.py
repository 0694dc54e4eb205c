"""The two components written in JavaScript: the patch picker and the tile canvas.

Each is mounted as a pair. The large part (picture, tiles, texts) goes to the component itself and
stays byte for byte the same while the visitor clicks, so Streamlit sends a short reference instead
of it. What changes with a click goes to a *relay*, a second component of a few hundred bytes that
hands it over in the browser.

Who is right, when both sides can move the selection? Every action of the visitor carries a number
that rises. The functions here return an action once and never again, so an old click cannot undo a
newer choice made in Python; the number goes back to the browser, which in turn ignores answers to
actions older than its own last one. A page merges like this:

* ``on_change`` runs before the script, where bound widgets may still be set: write the new
  point (or tile) into ``st.session_state`` there.
* The returned value is the same action. A page with ``on_change`` can ignore it; a test that puts
  a state into ``st.session_state`` runs no callback and sees the returned value only.
"""

from __future__ import annotations

import hashlib
import json
import struct
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import streamlit as st

from vislib.schema import ImageError, ShapeError

Action = TypeVar("Action")
RECENT_SECONDS = 15.0
"""As long as the browser waits for an answer (Patience in wire.js)."""
_FOLDER = Path(__file__).resolve().parents[2] / "assets" / "components"

PICKER_TEXTS: Mapping[str, str] = {
    "hint": "Arrow keys move the point by one patch, with Shift a little; Home, End, Page Up and "
    "Page Down go to the ends.",
    "point": "x {x}, y {y}",
    "cell": "row {row}, column {column}",
    "outside": "outside the view",
}
"""English texts of the patch picker. Placeholders in braces are filled in the browser."""

TILE_TEXTS: Mapping[str, str] = {
    "hint": "Arrow keys move between tiles, Enter chooses one.",
    "cell": "row {row}, column {column}",
    "focused": "{label}, {number} of {count}",
    "chosen": "{label} chosen",
}
"""English texts of the tile canvas."""


@dataclass(frozen=True, kw_only=True)
class Box:
    """A model's view box on the upright picture, in thousandths of its width and height.

    Attributes:
        label: The model's name in the legend.
        colour: CSS colour of its family.
        left, top, width, height: Thousandths of the upright picture (may reach beyond 0 to 1000).
        across, down: Where it begins and how wide and high it is, as whole numbers in parts of
            ``geometry.FINEST``: what the cell of a point is found with (``geometry.edges``).
        rows, columns: The token grid over the box, 0 where none is to be shown. The browser finds
            the cell of a point with it at once, before Python answers.
        grid_lines: Whether the grid's lines are drawn.
    """

    label: str
    colour: str
    left: float
    top: float
    width: float
    height: float
    across: tuple[int, int]
    down: tuple[int, int]
    rows: int = 0
    columns: int = 0
    grid_lines: bool = False


@dataclass(frozen=True, kw_only=True)
class Cell:
    """An outline that belongs to the present point, for example what a token reads.

    Attributes:
        colour: CSS colour.
        left, top, width, height: Thousandths of the upright picture.
    """

    colour: str
    left: float
    top: float
    width: float
    height: float


def _text(name: str) -> str:
    """One file of the components' folder."""
    return (_FOLDER / name).read_text(encoding="utf-8")


# Registered once, when this module is imported: a registration inside a page would be repeated
# with every rerun.
_picker = st.components.v2.component(
    "mixscope_patch_picker",
    js=_text("wire.js") + _text("patch_picker.js"),
    css=_text("patch_picker.css"),
)
_tiles = st.components.v2.component(
    "mixscope_tile_canvas",
    js=_text("wire.js") + _text("tile_canvas.js"),
    css=_text("tile_canvas.css"),
)
_relay = st.components.v2.component("mixscope_relay", js=_text("relay.js"))


def patch_picker(
    picture: bytes,
    *,
    size: tuple[int, int],
    point: tuple[int, int],
    boxes: Sequence[Box],
    label: str,
    key: str,
    step: tuple[int, int] = (20, 20),
    cells: Sequence[Cell] = (),
    texts: Mapping[str, str] = PICKER_TEXTS,
    on_change: Callable[[tuple[int, int]], None] | None = None,
) -> tuple[int, int] | None:
    """Show the visitor's picture and let a click or the keyboard choose a point on it.

    Args:
        picture: The upright picture as JPEG or PNG, at most about 800 pixels wide; sent once.
        size: Width and height of that picture; only the ratio matters.
        point: The selected point (x, y), thousandths of the upright picture, 0 to 1000.
        boxes: One a model. An arrow key moves by one cell of the first box's grid, if it has one.
        label: What the picture is, for screen readers.
        key: Streamlit's key of the component.
        step: How far (x, y) an arrow key moves outside the first grid, in thousandths.
        cells: Outlines for exactly this point, where the even grid of ``boxes`` is not enough.
        texts: Words in the page's language, keys as in ``PICKER_TEXTS``.
        on_change: Called with the new point before the script runs; see the module's text.

    Returns:
        The point that the visitor chose since the last run, or None if there is nothing new. In
        ``st.session_state[key]`` it has the shape ``{"point": {"x": 430, "y": 512, "n": 1}}``;
        ``n`` is any number that differs from the last one, and a test may leave it out.

    Raises:
        ImageError: The bytes are neither JPEG nor PNG.
    """
    header = {
        "key": key,
        "mime": _mime(picture),
        "width": size[0],
        "height": size[1],
        "boxes": [asdict(box) for box in boxes],
        "step": list(step),
        "label": label,
        "texts": dict(texts),
    }
    with st.container(gap=None):
        _picker(
            key=key,
            data=_pack(header, picture),
            on_point_change=lambda: _announce(key, "point", _read_point, on_change),
        )
        chosen = _unseen(key, "returned", "point", _read_point)
        message = {
            "target": key,
            "x": point[0],
            "y": point[1],
            "ack": _number(key, "point"),
            "cells": [asdict(cell) for cell in cells],
        }
        _relay(key=f"{key}.relay", data=message)
    return chosen


def tile_canvas(
    indices: np.ndarray,
    table: np.ndarray | None,
    *,
    limits: tuple[float, float] | None,
    unit: str,
    labels: Sequence[str],
    selected: int | None,
    key: str,
    alt: str,
    tile_px: int = 56,
    per_row: int | None = None,
    group: int = 1,
    gap: int = 2,
    captions: Sequence[str] = (),
    texts: Mapping[str, str] = TILE_TEXTS,
    on_change: Callable[[int], None] | None = None,
) -> int | None:
    """Draw many small maps as one canvas whose tiles can be hovered and chosen.

    Args:
        indices: uint8, axes (tile, row, column): indices into ``table``. Or the colours themselves,
            axes (tile, row, column, rgb), with ``table`` None.
        table: uint8, axes (index, rgb), 256 rows; None for colours.
        limits: The values (low, high) of index 0 and 254, in ``unit``. The tip of a tile shows
            low + (high - low) * index / 254, marked as approximate. Index 255 stands for no
            value and is left out, as in ``vislib.figures.colours``. None where an index is a
            colour and no value: the tip then gives the place alone.
        unit: What one number counts, in words.
        labels: One a tile, shown in the tip ("unit 12").
        selected: The tile that is outlined, counted from 0, or None.
        key: Streamlit's key of the component.
        alt: What the maps show, for screen readers.
        tile_px: Wanted width of a tile in CSS pixels. The browser takes the nearest whole
            enlargement.
        per_row: Tiles side by side; None fills the width. Fewer where the screen is too narrow.
        group: Consecutive tiles that belong together: never on two rows (where the screen has room
            for one group), with a wider gap to the next group.
        gap: CSS pixels between tiles.
        captions: One a tile, drawn below it; empty for none.
        texts: Words in the page's language, keys as in ``TILE_TEXTS``.
        on_change: Called with the new tile before the script runs; see the module's text.

    Returns:
        The tile that the visitor chose since the last run, or None if there is nothing new. In
        ``st.session_state[key]`` it has the shape ``{"tile": {"index": 5, "n": 1}}``; ``n`` is any
        number that differs from the last one, and a test may leave it out.

    Raises:
        ShapeError: The arrays, labels or captions do not fit each other.
    """
    _check_tiles(indices, table, labels, captions)
    count, rows, columns = indices.shape[:3]
    header = {
        "key": key,
        "count": count,
        "rows": rows,
        "columns": columns,
        "rgb": table is None,
        "limits": None if limits is None else [float(limits[0]), float(limits[1])],
        "unit": unit,
        "labels": list(labels),
        "captions": list(captions),
        "alt": alt,
        "tile_px": tile_px,
        "per_row": per_row,
        "group": group,
        "gap": gap,
        "texts": dict(texts),
    }
    body = indices.tobytes() + (b"" if table is None else table.tobytes())

    def read(value: Any) -> int | None:
        return _read_tile(value, count)

    with st.container(gap=None):
        _tiles(
            key=key,
            data=_pack(header, body),
            on_tile_change=lambda: _announce(key, "tile", read, on_change),
        )
        chosen = _unseen(key, "returned", "tile", read)
        message = {"target": key, "selected": selected, "ack": _number(key, "tile")}
        _relay(key=f"{key}.relay", data=message)
    return chosen


def _pack(header: Mapping[str, Any], body: bytes) -> bytes:
    """Header and raw bytes as one payload: raw bytes cannot travel beside JSON otherwise."""
    words = json.dumps(header, sort_keys=True).encode()
    stamp = hashlib.blake2b(words + body, digest_size=12).hexdigest()
    words = json.dumps({**header, "stamp": stamp}, sort_keys=True).encode()
    return struct.pack("<I", len(words)) + words + body


def _mime(picture: bytes) -> str:
    """The picture's type, from its first bytes."""
    if picture.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if picture.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    raise ImageError("error.figure.picker_bytes")


def _check_tiles(
    indices: np.ndarray, table: np.ndarray | None, labels: Sequence[str], captions: Sequence[str]
) -> None:
    """Say which of the arrays does not fit."""
    wanted = 3 if table is not None else 4
    if indices.dtype != np.uint8 or indices.ndim != wanted or 0 in indices.shape:
        raise ShapeError("error.figure.canvas_tiles", dtype=indices.dtype, shape=indices.shape)
    if table is None and indices.shape[3] != 3:
        raise ShapeError("error.figure.canvas_colours", count=indices.shape[3])
    if table is not None and (table.dtype != np.uint8 or table.shape != (256, 3)):
        raise ShapeError("error.figure.canvas_table", dtype=table.dtype, shape=table.shape)
    if len(labels) != len(indices) or len(captions) not in (0, len(indices)):
        raise ShapeError(
            "error.figure.canvas_labels",
            tiles=len(indices),
            labels=len(labels),
            captions=len(captions),
        )


def _read_point(value: Any) -> tuple[int, int] | None:
    """The browser's point, or None where it is not one: it may send anything."""
    if not isinstance(value, Mapping):
        return None
    x, y = value.get("x"), value.get("y")
    if type(x) is not int or type(y) is not int:
        return None
    return min(1000, max(0, x)), min(1000, max(0, y))


def _read_tile(value: Any, count: int) -> int | None:
    """The browser's tile, or None where there is no such tile."""
    index = value.get("index") if isinstance(value, Mapping) else None
    return index if type(index) is int and 0 <= index < count else None


def _state(key: str, name: str) -> Any:
    """What the browser (or a test) last put into the component's state."""
    state = st.session_state.get(key)
    return state.get(name) if isinstance(state, Mapping) else None


def _number(key: str, name: str) -> int | None:
    """The number of the visitor's last action, for the browser to compare."""
    value = _state(key, name)
    number = value.get("n") if isinstance(value, Mapping) else None
    return number if type(number) is int else None


def is_recent(key: str, name: str) -> bool:
    """Whether the visitor's last action is a few seconds old: its number is the browser's clock."""
    number = _number(key, name)
    return number is not None and abs(time.time() - number / 1000) < RECENT_SECONDS


def _unseen(
    key: str, reader: str, name: str, read: Callable[[Any], Action | None]
) -> Action | None:
    """The last action if this reader has not had it yet."""
    value = _state(key, name)
    action = read(value)
    if action is None:
        return None
    # Kept under a key of its own: Streamlit forgets a component's state when its page is left, and
    # the browser may send the old state again when it comes back.
    memory = f"{key}.{reader}"
    seen = json.dumps(value, sort_keys=True, default=str)
    if st.session_state.get(memory) == seen:
        return None
    st.session_state[memory] = seen
    return action


def _announce(
    key: str,
    name: str,
    read: Callable[[Any], Action | None],
    on_change: Callable[[Action], None] | None,
) -> None:
    """Streamlit's callback: pass a new action on."""
    action = _unseen(key, "announced", name, read)
    if action is not None and on_change is not None:
        on_change(action)
