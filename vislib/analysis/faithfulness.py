"""Judging an attribution: cells in the order of a map, curves and their areas, rank correlation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vislib.analysis.arrays import Array, check_size, values_of
from vislib.analysis.common_ground import share
from vislib.schema import ShapeError

METHODS = ("integrated_gradients", "smooth_grad", "grad_cam", "occlusion")
"""Those that are judged."""
STAND_INS = ("blur", "mean")
CELLS = 16
"""Cells a side: maps are summed over them, and the meter takes them out and puts them in."""
STEPS = 16
"""Steps of the meter from nothing to everything."""
SEEDS = (1, 2, 3)
"""Of the random orders that a map is compared with."""
SAME, OTHER = 0.5, 0.3
"""Rank correlations from which two maps count as much the same, and below which as different."""


@dataclass(frozen=True, kw_only=True)
class Curves:
    """Probability of a class over the share of cells; float64, axes (step,), evenly spaced.

    Attributes:
        insertion: While the cells come in, from nothing to the whole picture.
        deletion: While they go, from the whole picture to nothing.
    """

    insertion: np.ndarray
    deletion: np.ndarray

    @property
    def areas(self) -> tuple[float, float]:
        """Under insertion and deletion, 0 to 1."""
        return area(self.insertion), area(self.deletion)


def mean_curves(several: Sequence[Curves]) -> Curves:
    """The mean of some curves, step by step."""
    return Curves(
        insertion=np.mean([one.insertion for one in several], axis=0),
        deletion=np.mean([one.deletion for one in several], axis=0),
    )


def beats_random(own: Curves, random: Sequence[Curves]) -> str:
    """Whether a map beats every random order of the cells.

    Args:
        own: In the order of the map.
        random: In random orders.

    Returns:
        "both" (more area under insertion and less under deletion), "one" or "none" of the two.
    """
    insertion = all(own.areas[0] > other.areas[0] for other in random)
    deletion = all(own.areas[1] < other.areas[1] for other in random)
    return ("none", "one", "both")[insertion + deletion]


def alike(correlation: float) -> str:
    """What a rank correlation says: "same", "partly", "other", or "flat" where there is none."""
    if math.isnan(correlation):
        return "flat"
    return "same" if correlation > SAME else "partly" if correlation >= OTHER else "other"


def cell_sums(values: Array, cells: int) -> np.ndarray:
    """A map as sums over cells that are the same part of the view box for every map and model.

    Args:
        values: Axes (row, column): model pixels or a token grid, any size; spread evenly over the
            area that each of its entries has.
        cells: Cells a side.

    Returns:
        float64, axes (row, column), ``cells`` a side; the sum over everything is kept.

    Raises:
        ShapeError: The number of cells is below 1.
    """
    grid = values_of(values, ("row", "column")).astype(np.float64)
    if cells < 1:
        raise ShapeError("error.shape.cells", cells=cells)
    down, across = (_overlap(size, cells) for size in grid.shape)
    return np.asarray(down @ grid @ across.T)


def _overlap(size: int, cells: int) -> np.ndarray:
    """Which part of each of ``size`` entries lies in each cell: axes (cell, entry)."""
    edges = np.arange(cells + 1) / cells * size
    low, high = edges[:-1, None], edges[1:, None]
    entry = np.arange(size)[None, :]
    return np.asarray(np.clip(np.minimum(high, entry + 1) - np.maximum(low, entry), 0, None))


def attribution_share(values: Array, cells: int) -> np.ndarray:
    """Where a map has its strength: percent of the sum of |value| in each cell.

    Args:
        values: Axes (row, column), signed or not.
        cells: Cells a side.
    """
    strength = np.abs(values_of(values, ("row", "column")).astype(np.float64))
    return share(cell_sums(strength, cells))


def order_of(values: Array, cells: int) -> np.ndarray:
    """The cells from the one that speaks most for the class to the one that speaks most against it.

    Args:
        values: Axes (row, column); signed maps count with their sign.
        cells: Cells a side.

    Returns:
        A permutation of the cells in row-major order; equals stay in row-major order.
    """
    return np.argsort(-cell_sums(values, cells).ravel(), kind="stable")


def random_order(cells: int, seed: int) -> np.ndarray:
    """A seeded order of the cells: what a map has to be better than.

    Args:
        cells: Cells a side.
        seed: The same seed is the same order for every map and model.
    """
    return np.random.default_rng(seed).permutation(cells * cells)


def masks(order: np.ndarray, *, cells: int, steps: int, shape: tuple[int, int]) -> list[np.ndarray]:
    """Which pixels have been touched after each step, in the order of the cells.

    Args:
        order: A permutation of the cells.
        cells: Cells a side.
        steps: Steps from nothing to everything.
        shape: Model pixels (rows, columns); a pixel belongs to the cell that its middle lies in.

    Returns:
        ``steps`` + 1 arrays, bool, axes (row, column): nothing first, everything last.

    Raises:
        ShapeError: The order is no permutation of the cells, or there is no step.
    """
    if not np.array_equal(np.sort(order), np.arange(cells * cells)) or steps < 1:
        raise ShapeError("error.shape.cell_order", count=cells * cells)
    rank = np.empty(cells * cells, dtype=np.int64)
    rank[order] = np.arange(cells * cells)
    rows, columns = (((np.arange(size) + 0.5) * cells / size).astype(np.int64) for size in shape)
    place = rank.reshape(cells, cells)[np.ix_(rows, columns)]
    counts = [round(step * cells * cells / steps) for step in range(steps + 1)]
    return [place < count for count in counts]


def area(curve: np.ndarray) -> float:
    """Area under a curve over the share of cells from 0 to 1 (trapezoids): the mean probability.

    Args:
        curve: Probabilities after each step, evenly spaced.

    Raises:
        ShapeError: There are fewer than two.
    """
    if curve.ndim != 1 or len(curve) < 2:
        raise ShapeError("error.shape.faithfulness_curve", shape=curve.shape)
    return float(((curve[1:] + curve[:-1]) / 2).mean())


def spearman(one: Array, two: Array) -> float:
    """Rank correlation of two maps of one shape: 1 the same order, 0 none, -1 the opposite.

    Args:
        one: Axes (row, column).
        two: The same grid.

    Returns:
        -1 to 1; equal values share their mean rank. Not a number where a map has one value only.

    Raises:
        ShapeError: The grids differ.
    """
    first, second = values_of(one, ("row", "column")), values_of(two, ("row", "column"))
    check_size("row", second.shape[0], first.shape[0])
    check_size("column", second.shape[1], first.shape[1])
    a, b = (_ranks(values.ravel()) for values in (first, second))
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / scale if scale > 0 else float("nan")


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 0, equals get their mean."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts) - 1
    return np.asarray((last - (counts - 1) / 2)[inverse.ravel()])
