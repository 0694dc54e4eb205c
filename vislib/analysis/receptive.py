"""Maps over a model's input pixels, brought to the common ground."""

from __future__ import annotations

import numpy as np

from vislib.analysis.arrays import Array, check_size, values_of
from vislib.analysis.common_ground import Reading, share
from vislib.schema import ShapeError


def field_reading(field: Array, *, rows: int, columns: int) -> Reading:
    """An effective receptive field as a reading on a grid of cells.

    Args:
        field: Axes (row, column), model pixels, 0 or more (``attribution.receptive_field``).
        rows: Cells down; must divide the field's height.
        columns: Cells across.

    Returns:
        share: percent of the field's sum that lies in each cell; raw: mean over the cell's pixels.

    Raises:
        ShapeError: The cells do not divide the field.
    """
    values = values_of(field, ("row", "column")).astype(np.float64)
    if rows < 1 or columns < 1 or values.shape[0] % rows or values.shape[1] % columns:
        raise ShapeError(
            "error.shape.cells_of_field", rows=rows, columns=columns, shape=values.shape
        )
    cells = values.reshape(rows, values.shape[0] // rows, columns, values.shape[1] // columns)
    means = cells.mean(axis=(1, 3))
    return Reading(
        share=share(means),
        raw=means,
        raw_unit="gradient",
        raw_signed=False,
        provenance="attribution",
        note="receptive_field",
    )


def share_moved(one: np.ndarray, two: np.ndarray) -> float:
    """How much of a reading lies elsewhere in another: 0 (the same) to 100 percent.

    Args:
        one: Axes (row, column), percent.
        two: The same grid.

    Returns:
        Half the sum of the absolute differences.

    Raises:
        ShapeError: The grids differ.
    """
    first, second = values_of(one, ("row", "column")), values_of(two, ("row", "column"))
    check_size("row", second.shape[0], first.shape[0])
    check_size("column", second.shape[1], first.shape[1])
    return float(np.abs(first.astype(np.float64) - second.astype(np.float64)).sum() / 2)
