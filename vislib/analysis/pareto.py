"""Which rows of a table no other row beats in both columns."""

from __future__ import annotations

import numpy as np

from vislib.schema import ShapeError


def pareto_front(
    x: np.ndarray, y: np.ndarray, *, more_x: bool, more_y: bool = True
) -> tuple[int, ...]:
    """Find the rows that no other row beats: at least as good in both, and better in one.

    Args:
        x: One number a row, finite.
        y: The same, as many.
        more_x: Whether more of it is better; less is better otherwise.
        more_y: The same for y.

    Returns:
        Indices of the rows on the front, by ascending x; rows with equal numbers are all on it.

    Raises:
        ShapeError: The lists differ in length or hold what is no number.
    """
    first, second = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if first.ndim != 1 or first.shape != second.shape:
        raise ShapeError("error.shape.front_lists", x=first.shape, y=second.shape)
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise ShapeError("error.shape.front_numbers")
    gain_x, gain_y = first if more_x else -first, second if more_y else -second
    kept = [
        row
        for row in range(len(first))
        if not np.any(
            (gain_x >= gain_x[row])
            & (gain_y >= gain_y[row])
            & ((gain_x > gain_x[row]) | (gain_y > gain_y[row]))
        )
    ]
    return tuple(sorted(kept, key=lambda row: (first[row], second[row])))
