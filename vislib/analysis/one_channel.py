"""One channel followed exactly: what one place of its depthwise output is made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vislib.analysis.arrays import Array, check_index, float_values
from vislib.analysis.kernels import place_terms
from vislib.schema import freeze


@dataclass(frozen=True, kw_only=True)
class Window:
    """The places that a kernel meets when it writes one place, counted from 0.

    Attributes:
        top, left: The first place; below 0 where the kernel meets the padding.
        height, width: The kernel's sides.
        padded: Taps that meet the padding.
    """

    top: int
    left: int
    height: int
    width: int
    padded: int


def window_at(kernel: tuple[int, int], grid: tuple[int, int], *, row: int, column: int) -> Window:
    """Where a kernel lies on a map when it writes one place (torch's "same" padding).

    Args:
        kernel: (ky, kx) sides.
        grid: (rows, columns) of the map.
        row: Of the place that is written, counted from 0.
        column: The same.

    Raises:
        ShapeError: The place lies outside the grid.
    """
    check_index("row", row, grid[0])
    check_index("column", column, grid[1])
    top, left = row - (kernel[0] - 1) // 2, column - (kernel[1] - 1) // 2
    down = min(grid[0], top + kernel[0]) - max(0, top)
    across = min(grid[1], left + kernel[1]) - max(0, left)
    return Window(
        top=top,
        left=left,
        height=kernel[0],
        width=kernel[1],
        padded=kernel[0] * kernel[1] - down * across,
    )


@dataclass(frozen=True, kw_only=True)
class PlaceSum:
    """A sum of products beside the value that the model itself computed there.

    Attributes:
        terms: The products; (ky, kx) of a depthwise kernel, (channel_in,) of pointwise mixing.
        bias: Added to their sum.
        captured: The model's own value, hooked.
    """

    terms: np.ndarray
    bias: float
    captured: float

    @property
    def total(self) -> float:
        """The sum of the products, without the bias."""
        return float(self.terms.sum())

    @property
    def difference(self) -> float:
        """Rebuilt minus captured: rounding only."""
        return self.total + self.bias - self.captured


def follow_place(
    inputs: Array, kernel: Array, bias: float, output: Array, *, row: int, column: int
) -> PlaceSum:
    """One channel's depthwise output at one place, product by product.

    Args:
        inputs: The channel's map before, axes (row, column), activation.
        kernel: The channel's kernel, axes (ky, kx), signed weights.
        bias: The channel's bias.
        output: The channel's map after, axes (row, column), activation.
        row: Of the place, counted from 0.
        column: The same.

    Exactness:
        Recomputed in float64; the difference is the forward pass's own rounding.
    """
    return PlaceSum(
        terms=freeze(place_terms(inputs, kernel, row, column)),
        bias=float(bias),
        captured=float(float_values(output, ("row", "column"))[row, column]),
    )
