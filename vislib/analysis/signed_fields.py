"""Signed maps on a block's grid, packed for the browser: one for all places, or one for each.

A ``SignedField`` is to the stage what a ``ReadingField`` is, for numbers with a sign: a map that is
the same whichever place is selected (a hidden unit's weights), or the products of a map and a
kernel that is laid at the selected place.
``SignedField.at`` computes one place just as the page's JavaScript does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from vislib.analysis.arrays import Array, check_index, float_values
from vislib.schema import ShapeError, freeze

Kind = Literal["still", "products"]


@dataclass(frozen=True, kw_only=True)
class SignedField:
    """A signed number at every place of a grid, for every selected place.

    Attributes:
        kind: "still" or "products".
        rows, columns: The grid.
        values: Axes (row, column), float32.
        largest: The |value| that has the full colour, above 0.
        kernel: Axes (ky, kx), float32, of "products"; None for "still".
        bias: Of "products": added to their sum, it makes the place's output.
    """

    kind: Kind
    rows: int
    columns: int
    values: np.ndarray
    largest: float
    kernel: np.ndarray | None = None
    bias: float = 0.0

    @property
    def nbytes(self) -> int:
        """Bytes on their way to the browser."""
        return self.values.nbytes + (0 if self.kernel is None else self.kernel.nbytes)

    def at(self, row: int, column: int) -> np.ndarray:
        """The map for one selected place: axes (row, column), float64; NaN where there is nothing.

        Raises:
            ShapeError: The place lies outside the grid.
        """
        check_index("row", row, self.rows)
        check_index("column", column, self.columns)
        values = self.values.astype(np.float64)
        return values if self.kernel is None else self._products(values, row, column)

    def _products(self, values: np.ndarray, row: int, column: int) -> np.ndarray:
        assert self.kernel is not None
        laid = np.full(values.shape, np.nan)
        down, across = self.kernel.shape
        for ky, kx in np.ndindex(down, across):
            y, x = row - (down - 1) // 2 + ky, column - (across - 1) // 2 + kx
            if 0 <= y < self.rows and 0 <= x < self.columns:
                laid[y, x] = values[y, x] * float(self.kernel[ky, kx])
        return laid


def still_field(array: Array, *, largest: float | None = None) -> SignedField:
    """A map that is the same for every selected place.

    Args:
        array: Axes (row, column), signed.
        largest: The |value| that has the full colour; the map's own largest if None.

    Raises:
        ShapeError: A number is not finite.
    """
    values = _finite(float_values(array, ("row", "column")))
    own = float(np.abs(values).max(initial=0.0))
    return SignedField(
        kind="still",
        rows=values.shape[0],
        columns=values.shape[1],
        values=freeze(values.astype(np.float32)),
        largest=largest or own or 1.0,
    )


def product_field(inputs: Array, kernel: Array, bias: float) -> SignedField:
    """What a channel's depthwise kernel multiplies when it writes the selected place.

    Args:
        inputs: The channel's map before the convolution, axes (row, column).
        kernel: The channel's kernel, axes (ky, kx).
        bias: The channel's bias.

    Returns:
        Its ``at`` gives the products, NaN beyond the kernel; their sum and the bias are the output.

    Raises:
        ShapeError: A number is not finite.
    """
    values = _finite(float_values(inputs, ("row", "column")))
    taps = _finite(float_values(kernel, ("ky", "kx")))
    largest = 0.0
    for (ky, kx), tap in np.ndenumerate(taps):
        down, across = ky - (taps.shape[0] - 1) // 2, kx - (taps.shape[1] - 1) // 2
        met = values[_met(down, values.shape[0]), _met(across, values.shape[1])]
        largest = max(largest, float(np.abs(met * tap).max(initial=0.0)))
    return SignedField(
        kind="products",
        rows=values.shape[0],
        columns=values.shape[1],
        values=freeze(values.astype(np.float32)),
        largest=largest or 1.0,
        kernel=freeze(taps.astype(np.float32)),
        bias=float(bias),
    )


def _met(offset: int, size: int) -> slice:
    """The places along an axis that a tap meets while its kernel is laid at every place."""
    return slice(max(0, offset), max(0, size + min(0, offset)))


def _finite(values: np.ndarray) -> np.ndarray:
    if not np.isfinite(values).all():
        raise ShapeError("error.shape.not_finite")
    return values
