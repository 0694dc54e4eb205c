"""A map on the picture it belongs to: cell by cell, inside what the model saw of it.

The output's size depends on the picture alone, so the overlays of different models line up side
by side. Cells have hard edges (no smoothing): what one token reads is one block of colour. An
overlay blends colours and is for *where*; the plain map beside it has the legend's exact colours.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from vislib.figures import colours
from vislib.schema import ShapeError, ViewBox

DEFAULT_SIDE = 480
"""Pixels of the longer side of an overlay."""

OUTLINE = (255, 0, 200)
"""Magenta: in neither colour table, so the outline is never taken for a value."""

REGION = (255, 255, 255)
"""White with a black edge: the frame around several cells (a window, a row of a table)."""

MAP_SHARE = 0.62
"""How much of the blend inside the view box is the map's colour; the rest is the picture's."""

_GREY_STEP = 8
# The picture keeps every eighth grey: after blending a step is 3 of 255, which no eye sees, and
# the file is half as large.


def frame_size(picture_shape: tuple[int, int], side: int = DEFAULT_SIDE) -> tuple[int, int]:
    """The size of every overlay of a picture.

    Args:
        picture_shape: (rows, columns) of the upright picture, in pixels of that picture.
        side: Pixels of the longer side of the output.

    Returns:
        (rows, columns) of the output, in its own pixels.
    """
    rows, columns = picture_shape
    if rows < 1 or columns < 1 or side < 1:
        raise ShapeError("error.figure.overlay_side", rows=rows, columns=columns, side=side)
    factor = side / max(rows, columns)
    return max(1, round(rows * factor)), max(1, round(columns * factor))


def _cells(size: int, picture: int, start: float, length: float, count: int) -> np.ndarray:
    """For each output pixel along one axis: its cell, from 0; -1 outside the view box."""
    centres = (np.arange(size) + 0.5) * picture / size
    cell = np.floor((centres - start) / length * count).astype(np.int64)
    return np.asarray(np.where((cell >= 0) & (cell < count), cell, -1))


def _place(
    picture_shape: tuple[int, int], box: ViewBox, cells: tuple[int, int], side: int
) -> tuple[np.ndarray, np.ndarray]:
    """The cell row of each output row and the cell column of each output column."""
    if not (box.width > 0 and box.height > 0):
        raise ShapeError("error.figure.view_box", width=box.width, height=box.height)
    rows, columns = frame_size(picture_shape, side)
    return (
        _cells(rows, picture_shape[0], box.top, box.height, cells[0]),
        _cells(columns, picture_shape[1], box.left, box.width, cells[1]),
    )


def _check_map(values: np.ndarray, cell: tuple[int, int] | None) -> np.ndarray:
    """Refuse what is not a map, and a cell that is not on it."""
    array = np.asarray(values)
    if array.ndim != 2 or array.size == 0:
        raise ShapeError("error.figure.overlay_axes", shape=array.shape)
    if cell is not None and not (0 <= cell[0] < array.shape[0] and 0 <= cell[1] < array.shape[1]):
        raise ShapeError("error.figure.cell_of_overlay", cell=cell, shape=array.shape)
    return array


def _outline(
    canvas: np.ndarray, box: tuple[int, int, int, int], line: tuple[int, ...], halo: tuple[int, ...]
) -> None:
    """Draw a frame around (top, left, bottom, right), outside it, with a halo around the frame."""
    thick = max(3, max(canvas.shape[:2]) // 140)
    for wide, narrow, colour in ((thick + 1, thick, halo), (thick, 0, line), (1, 0, halo)):
        top, left, bottom, right = box
        t0, l0 = max(0, top - wide), max(0, left - wide)
        t1, l1 = max(0, top - narrow), max(0, left - narrow)
        b1, r1 = bottom + narrow, right + narrow
        canvas[t0:t1, l0 : right + wide] = colour
        canvas[b1 : bottom + wide, l0 : right + wide] = colour
        canvas[t0 : bottom + wide, l0:l1] = colour
        canvas[t0 : bottom + wide, r1 : right + wide] = colour


def _region_box(
    row_of: np.ndarray, column_of: np.ndarray, region: tuple[int, int, int, int]
) -> tuple[int, int, int, int] | None:
    """(top, left, bottom, right) in output pixels of a region, None when nothing shows."""
    top, left, down, across = region
    rows = np.flatnonzero((row_of >= top) & (row_of < top + down))
    columns = np.flatnonzero((column_of >= left) & (column_of < left + across))
    if not rows.size or not columns.size:
        return None
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


def _mark(
    canvas: np.ndarray,
    row_of: np.ndarray,
    column_of: np.ndarray,
    region: tuple[int, int, int, int] | None,
    cell: tuple[int, int] | None,
    outline_rgb: tuple[int, int, int],
) -> None:
    """Draw the frames of the region and, over it, of the selected cell."""
    opaque = (255,) * (canvas.shape[2] - 3)
    marks = ((region, REGION), (None if cell is None else (*cell, 1, 1), outline_rgb))
    for cells, colour in marks:
        where = None if cells is None else _region_box(row_of, column_of, cells)
        if where is not None:
            _outline(canvas, where, (*colour, *opaque), (0, 0, 0, *opaque))


def _greyed(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The picture as luminance at the output's size, 0 to 255, axes (row, column)."""
    resized = Image.fromarray(np.ascontiguousarray(picture)).convert("L")
    resized = resized.resize((size[1], size[0]), Image.Resampling.LANCZOS)
    return np.asarray(np.rint(np.asarray(resized, dtype=np.float64) / _GREY_STEP) * _GREY_STEP)


def _encode(picture: Image.Image) -> bytes:
    """PNG bytes."""
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=False)
    return buffer.getvalue()


def share_overlay(
    picture: np.ndarray,
    share: np.ndarray,
    *,
    box: ViewBox,
    limits: tuple[float, float],
    side: int = DEFAULT_SIDE,
    cell: tuple[int, int] | None = None,
    region: tuple[int, int, int, int] | None = None,
    outline_rgb: tuple[int, int, int] = OUTLINE,
    signed: bool = False,
) -> bytes:
    """Draw a map over the whole upright picture, inside the model's view box.

    Args:
        picture: uint8, axes (row, column, rgb), pixels of the upright picture.
        share: Axes (row, column) of the token grid, percent; any size.
        box: What the model saw, in pixels of the upright picture.
        limits: Values of the first and the last colour; shared by maps that are compared.
        side: Pixels of the output's longer side.
        cell: The selected cell (row, column), counted from 0: outlined from outside.
        region: Cells with a white frame: (first row, first column, rows, columns).
        outline_rgb: The outline's colour.
        signed: Whether the map has its zero in the middle (then the diverging table is used).

    Returns:
        RGB PNG. Outside the view box the picture is grey and dark; inside,
        ``MAP_SHARE`` of the colour is the map's and the rest the picture's luminance.

    Raises:
        ShapeError: An array, the box, the limits or the cell does not fit.
    """
    values = _check_map(share, cell)
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
        raise ShapeError("error.figure.picture", dtype=picture.dtype, shape=picture.shape)
    shape = (int(picture.shape[0]), int(picture.shape[1]))
    row_of, column_of = _place(shape, box, (values.shape[0], values.shape[1]), side)
    grey = _greyed(picture, (len(row_of), len(column_of)))[:, :, np.newaxis]
    table = colours.table(signed).astype(np.float64)
    colour = table[colours.to_indices(values, limits)][np.ix_(row_of, column_of)]
    blend = MAP_SHARE * colour + (1.0 - MAP_SHARE) * grey
    inside = (row_of >= 0)[:, np.newaxis, np.newaxis] & (column_of >= 0)[np.newaxis, :, np.newaxis]
    canvas = np.rint(np.where(inside, blend, 24.0 + 0.3 * grey)).astype(np.uint8)
    _mark(canvas, row_of, column_of, region, cell, outline_rgb)
    return _encode(Image.fromarray(canvas))


def plain_map(
    values: np.ndarray,
    *,
    picture_shape: tuple[int, int],
    box: ViewBox,
    limits: tuple[float, float],
    signed: bool,
    side: int = DEFAULT_SIDE,
    cell: tuple[int, int] | None = None,
    region: tuple[int, int, int, int] | None = None,
    outline_rgb: tuple[int, int, int] = OUTLINE,
) -> bytes:
    """Draw a map without the picture, at the overlay's size and place, in the legend's colours.

    Args:
        values: Axes (row, column) of the token grid, any unit.
        picture_shape: (rows, columns) of the upright picture.
        box: What the model saw, in pixels of the upright picture.
        limits: Values of the first and the last colour.
        signed: Whether zero is the middle of the colours.
        side: Pixels of the output's longer side.
        cell: The selected cell (row, column), counted from 0: outlined from outside.
        region: Cells with a white frame: (first row, first column, rows, columns).
        outline_rgb: The outline's colour.

    Returns:
        PNG with exact colours, transparent outside the view box and where a value is not finite.

    Raises:
        ShapeError: An array, the box, the limits or the cell does not fit.
    """
    array = _check_map(values, cell)
    row_of, column_of = _place(picture_shape, box, (array.shape[0], array.shape[1]), side)
    rows = colours.to_indices(array, limits)[np.ix_(row_of, column_of)]
    rows[row_of < 0, :] = colours.GAP
    rows[:, column_of < 0] = colours.GAP
    canvas = np.zeros((*rows.shape, 4), dtype=np.uint8)
    canvas[:, :, :3] = colours.table(signed)[rows]
    canvas[:, :, 3] = 255
    canvas[rows == colours.GAP] = 0
    _mark(canvas, row_of, column_of, region, cell, outline_rgb)
    return _encode(Image.fromarray(canvas))


def colour_map(
    cells: np.ndarray,
    *,
    picture_shape: tuple[int, int],
    box: ViewBox,
    side: int = DEFAULT_SIDE,
    cell: tuple[int, int] | None = None,
    outline_rgb: tuple[int, int, int] = OUTLINE,
) -> bytes:
    """Draw one colour a token, at the overlay's size and place.

    Args:
        cells: Axes (row, column, rgb) of the token grid, 0 to 1.
        picture_shape: (rows, columns) of the upright picture.
        box: What the model saw, in pixels of the upright picture.
        side: Pixels of the output's longer side.
        cell: The selected cell (row, column), counted from 0: outlined.
        outline_rgb: The outline's colour.

    Returns:
        PNG, transparent outside the view box.

    Raises:
        ShapeError: The array, the box or the cell does not fit.
    """
    shades = np.asarray(cells, dtype=np.float64)
    if shades.ndim != 3 or shades.shape[2] != 3:
        raise ShapeError("error.figure.colours", shape=shades.shape)
    _check_map(shades[:, :, 0], cell)
    row_of, column_of = _place(picture_shape, box, (shades.shape[0], shades.shape[1]), side)
    canvas = np.full((len(row_of), len(column_of), 4), 255, dtype=np.uint8)
    drawn = np.rint(np.clip(shades, 0.0, 1.0) * 255.0).astype(np.uint8)
    canvas[:, :, :3] = drawn[np.ix_(row_of, column_of)]
    canvas[row_of < 0, :] = 0
    canvas[:, column_of < 0] = 0
    _mark(canvas, row_of, column_of, None, cell, outline_rgb)
    return _encode(Image.fromarray(canvas))
