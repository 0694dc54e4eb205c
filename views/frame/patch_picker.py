"""The visitor's picture, on which a click or the keyboard chooses a point."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import streamlit as st

from views.frame.wire import announce, number, pack, relay, text, unseen
from vislib.schema import ImageError

PICKER_TEXTS: Mapping[str, str] = {
    "hint": "Arrow keys move the point by one patch, with Shift a little; Home, End, Page Up and "
    "Page Down go to the ends.",
    "point": "x {x}, y {y}",
    "cell": "row {row}, column {column}",
    "outside": "outside the view",
}
"""English texts of the patch picker. Placeholders in braces are filled in the browser."""


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


# Registered once, when this module is imported: a registration inside a page would be repeated
# with every rerun.
_picker = st.components.v2.component(
    "mixscope_patch_picker",
    js=text("wire.js") + text("patch_picker.js"),
    css=text("patch_picker.css"),
)


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
        "mime": mime_of(picture),
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
            data=pack(header, picture),
            on_point_change=lambda: announce(key, "point", _read_point, on_change),
        )
        chosen = unseen(key, "returned", "point", _read_point)
        message = {
            "target": key,
            "x": point[0],
            "y": point[1],
            "ack": number(key, "point"),
            "cells": [asdict(cell) for cell in cells],
        }
        relay(key=f"{key}.relay", data=message)
    return chosen


def mime_of(picture: bytes) -> str:
    """The picture's type, from its first bytes."""
    if picture.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if picture.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    raise ImageError("error.figure.picker_bytes")


def _read_point(value: Any) -> tuple[int, int] | None:
    """The browser's point, or None where it is not one: it may send anything."""
    if not isinstance(value, Mapping):
        return None
    x, y = value.get("x"), value.get("y")
    if type(x) is not int or type(y) is not int:
        return None
    return min(1000, max(0, x)), min(1000, max(0, y))
