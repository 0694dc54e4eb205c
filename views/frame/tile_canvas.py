"""Many small maps as one canvas whose tiles can be hovered and chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import streamlit as st

from views.frame.wire import announce, number, pack, relay, text, unseen
from vislib.schema import ShapeError

TILE_TEXTS: Mapping[str, str] = {
    "hint": "Arrow keys move between tiles, Enter chooses one.",
    "cell": "row {row}, column {column}",
    "focused": "{label}, {number} of {count}",
    "chosen": "{label} chosen",
}
"""English texts of the tile canvas."""


# Registered once, when this module is imported: a registration inside a page would be repeated
# with every rerun.
_tiles = st.components.v2.component(
    "mixscope_tile_canvas",
    js=text("wire.js") + text("tile_canvas.js"),
    css=text("tile_canvas.css"),
)


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
            data=pack(header, body),
            on_tile_change=lambda: announce(key, "tile", read, on_change),
        )
        chosen = unseen(key, "returned", "tile", read)
        message = {"target": key, "selected": selected, "ack": number(key, "tile")}
        relay(key=f"{key}.relay", data=message)
    return chosen


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


def _read_tile(value: Any, count: int) -> int | None:
    """The browser's tile, or None where there is no such tile."""
    index = value.get("index") if isinstance(value, Mapping) else None
    return index if type(index) is int and 0 <= index < count else None
