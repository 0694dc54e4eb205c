"""Attention windows: a grid cut into squares, stitched back, and places found in them.

A grid that the window does not divide is padded with zeros on the right and at the bottom, as timm
does; the padding is attended like any other token. Where windows are shifted (Swin), the grid is
rolled up and left by the shift first, so the last windows hold pieces of opposite edges; a mask
keeps the pieces apart. timm builds that mask for the padded grid, so the pieces are apart for
certain only where the window divides the grid (as it does in the published models).

Source: arXiv:2204.03645, timm.models.davit.SpatialBlock; arXiv:2103.14030,
timm.models.swin_transformer.SwinTransformerBlock; window_partition, window_reverse.
"""

from __future__ import annotations

import numpy as np

from vislib.analysis.arrays import check_index, check_size
from vislib.schema import ShapeError


def window_grid(rows: int, columns: int, window: int) -> tuple[int, int]:
    """How many windows lie down and across, those that are partly padding included.

    Raises:
        ShapeError: A size is below 1.
    """
    if min(rows, columns, window) < 1:
        raise ShapeError("error.shape.windows", rows=rows, columns=columns, window=window)
    return -(-rows // window), -(-columns // window)


def partition(grid: np.ndarray, window: int, shift: int = 0) -> np.ndarray:
    """Cut a grid into windows.

    Args:
        grid: Axes (row, column, ...).
        window: Side of a window, in cells.
        shift: Cells by which the grid is rolled up and left first.

    Returns:
        Axes (window, query, ...), both in row-major order; cells beyond the grid are 0.
    """
    rows, columns = grid.shape[:2]
    down, across = window_grid(rows, columns, window)
    rest = grid.shape[2:]
    padded = np.zeros((down * window, across * window, *rest), dtype=grid.dtype)
    padded[:rows, :columns] = np.roll(grid, (-shift, -shift), axis=(0, 1))
    cut = padded.reshape(down, window, across, window, *rest).swapaxes(1, 2)
    return cut.reshape(down * across, window * window, *rest)


def stitch_windows(
    windows: np.ndarray, rows: int, columns: int, window: int, shift: int = 0
) -> np.ndarray:
    """The exact inverse of ``partition``: axes (row, column, ...), padding cut off.

    Args:
        windows: Axes (window, query, ...).
        rows: The grid's height without padding, in cells.
        columns: The grid's width without padding, in cells.
        window: Side of a window, in cells.
        shift: Cells by which the grid was rolled up and left before it was cut.

    Raises:
        ShapeError: Number or size of the windows do not fit the grid.
    """
    down, across = window_grid(rows, columns, window)
    check_size("window", windows.shape[0], down * across)
    check_size("query", windows.shape[1], window * window)
    rest = windows.shape[2:]
    laid = windows.reshape(down, across, window, window, *rest).swapaxes(1, 2)
    whole = laid.reshape(down * window, across * window, *rest)[:rows, :columns]
    return np.roll(whole, (shift, shift), axis=(0, 1))


def window_of(
    row: int, column: int, *, rows: int, columns: int, window: int, shift: int = 0
) -> tuple[int, int]:
    """Where a cell of the grid lies: (window index, query index within it), row-major.

    Args:
        row: Row of the grid as the picture has it, from 0.
        column: Column of it, from 0.
        rows: Rows of the grid, without padding.
        columns: Columns of it.
        window: Side of a window, in cells.
        shift: Cells by which the grid was rolled up and left before it was cut.

    Raises:
        ShapeError: The cell lies outside the grid.
    """
    check_index("row", row, rows)
    check_index("column", column, columns)
    across = window_grid(rows, columns, window)[1]
    row, column = (row - shift) % rows, (column - shift) % columns
    index = (row // window) * across + column // window
    return index, (row % window) * window + column % window


def window_corner(index: int, *, rows: int, columns: int, window: int) -> tuple[int, int]:
    """The grid cell (row, column) at a window's top left.

    Raises:
        ShapeError: There is no such window.
    """
    down, across = window_grid(rows, columns, window)
    check_index("window", index, down * across)
    return (index // across) * window, (index % across) * window


def window_piece(
    row: int, column: int, *, rows: int, columns: int, window: int, shift: int = 0
) -> tuple[int, int, int, int]:
    """The cells of the grid that are in one window, and in one piece, with a cell.

    A shifted window at an edge of the picture is made of pieces of opposite edges, which do not
    read each other; the piece is the one that holds the cell.

    Args:
        row: Row of the cell, from 0.
        column: Column of the cell, from 0.
        rows: Rows of the grid, without padding.
        columns: Columns of it.
        window: Side of a window, in cells.
        shift: Cells by which the windows lie further down and right.

    Returns:
        (first row, first column, rows, columns) on the grid as the picture has it.

    Raises:
        ShapeError: The cell lies outside the grid.
    """
    check_index("row", row, rows)
    check_index("column", column, columns)
    window_grid(rows, columns, window)
    top, down = _piece(row, rows, window, shift)
    left, across = _piece(column, columns, window, shift)
    return top, left, down, across


def _piece(place: int, size: int, window: int, shift: int) -> tuple[int, int]:
    """First cell and number of cells of a window's piece, along one axis."""
    rolled = (place - shift) % size
    first = rolled - rolled % window
    last = min(first + window, size)
    if rolled < size - shift:  # not carried round the edge
        return first + shift, min(last, size - shift) - first
    first = max(first, size - shift)
    return first + shift - size, last - first
