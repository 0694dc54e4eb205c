"""Attention windows: a grid cut into squares, stitched back, and places found in them.

A grid that the window does not divide is padded with zeros on the right and at the bottom, as timm
does; the padding is attended like any other token.

Source: arXiv:2204.03645; timm.models.davit.SpatialBlock, window_partition, window_reverse.
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
        raise ShapeError(
            f"A grid of {rows} x {columns} and a window of {window} came; all must be 1 or more."
        )
    return -(-rows // window), -(-columns // window)


def partition(grid: np.ndarray, window: int) -> np.ndarray:
    """Cut a grid into windows.

    Args:
        grid: Axes (row, column, ...).
        window: Side of a window, in cells.

    Returns:
        Axes (window, query, ...), both in row-major order; cells beyond the grid are 0.
    """
    rows, columns = grid.shape[:2]
    down, across = window_grid(rows, columns, window)
    rest = grid.shape[2:]
    padded = np.zeros((down * window, across * window, *rest), dtype=grid.dtype)
    padded[:rows, :columns] = grid
    cut = padded.reshape(down, window, across, window, *rest).swapaxes(1, 2)
    return cut.reshape(down * across, window * window, *rest)


def stitch_windows(windows: np.ndarray, rows: int, columns: int, window: int) -> np.ndarray:
    """The exact inverse of ``partition``: axes (row, column, ...), padding cut off.

    Args:
        windows: Axes (window, query, ...).
        rows: The grid's height without padding, in cells.
        columns: The grid's width without padding, in cells.
        window: Side of a window, in cells.

    Raises:
        ShapeError: Number or size of the windows do not fit the grid.
    """
    down, across = window_grid(rows, columns, window)
    check_size("window", windows.shape[0], down * across)
    check_size("query", windows.shape[1], window * window)
    rest = windows.shape[2:]
    laid = windows.reshape(down, across, window, window, *rest).swapaxes(1, 2)
    return laid.reshape(down * window, across * window, *rest)[:rows, :columns]


def window_of(row: int, column: int, *, rows: int, columns: int, window: int) -> tuple[int, int]:
    """Where a cell of the grid lies: (window index, query index within it), row-major.

    Raises:
        ShapeError: The cell lies outside the grid.
    """
    check_index("row", row, rows)
    check_index("column", column, columns)
    across = window_grid(rows, columns, window)[1]
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
