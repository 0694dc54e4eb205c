"""Signed maps on a block's grid, packed for the browser: one for all places, or one for each.

A ``SignedField`` is to the stage what a ``ReadingField`` is, for numbers with a sign: a map that is
the same whichever place is selected (a hidden unit's weights), the products of a map and a kernel
that is laid at the selected place, or the cosines of the selected place's token and all others.
``SignedField.at`` computes one place just as the page's JavaScript does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from vislib.analysis.arrays import Array, check_index, check_size, float_values
from vislib.schema import ShapeError, freeze

Kind = Literal["still", "products", "factors"]

MOST_BYTES = 310_000
"""Factors that would be larger as int16 are packed as int8, then with fewer features."""
_READERS = 256
"""Places that are compared at once when the loss of packing is measured."""


@dataclass(frozen=True, kw_only=True)
class SignedField:
    """A signed number at every place of a grid, for every selected place.

    Attributes:
        kind: "still", "products" or "factors".
        rows, columns: The grid.
        values: "still" and "products": axes (row, column), float32. "factors": axes (place,
            feature), int16 or int8: the directions of the tokens; their lengths mean nothing.
        largest: The |value| that has the full colour, above 0.
        kernel: Axes (ky, kx), float32, of "products"; None for the others.
        bias: Of "products": added to their sum, it makes the place's output.
        loss: Of "factors": how far a cosine may lie from the one of unpacked tokens.
    """

    kind: Kind
    rows: int
    columns: int
    values: np.ndarray
    largest: float
    kernel: np.ndarray | None = None
    bias: float = 0.0
    loss: float = 0.0

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
        if self.kind == "factors":
            units = _unit_length(self.values)
            cosines = units @ units[row * self.columns + column]
            return np.asarray(cosines.reshape(self.rows, self.columns))
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


def similarity_field(tokens: Array, rows: int, columns: int) -> SignedField:
    """The cosine of every two tokens, as directions that the browser multiplies.

    Args:
        tokens: Axes (token, channel), row-major over the grid.
        rows: Rows of the grid.
        columns: Columns of the grid.

    Returns:
        At most ``MOST_BYTES``: int16; else int8; else int8 of the principal features alone. What
        that costs is measured over all pairs: ``loss``.

    Raises:
        ShapeError: There are not rows * columns tokens, or a number is not finite.
    """
    units = _unit_length(_finite(float_values(tokens, ("token", "channel"))))
    check_size("token", len(units), rows * columns)
    most = MOST_BYTES // max(1, len(units))
    wide = units.shape[1] * 2 <= most
    kept = units if units.shape[1] <= most else _principal(units, most)
    packed = _whole_numbers(kept, np.dtype(np.int16 if wide else np.int8))
    return SignedField(
        kind="factors",
        rows=rows,
        columns=columns,
        values=freeze(packed),
        largest=1.0,
        loss=_furthest(units, _unit_length(packed)),
    )


def _principal(units: np.ndarray, count: int) -> np.ndarray:
    """The tokens in the ``count`` orthogonal features that hold most of their energy."""
    _, directions = np.linalg.eigh(units.T @ units)
    return np.asarray(units @ directions[:, ::-1][:, :count])


def _whole_numbers(units: np.ndarray, dtype: np.dtype[np.signedinteger]) -> np.ndarray:
    """Each token by its own largest number: directions as whole numbers."""
    largest = np.abs(units).max(axis=1, keepdims=True)
    scaled = np.divide(units, largest, out=np.zeros_like(units), where=largest > 0)
    return np.asarray(np.rint(scaled * np.iinfo(dtype).max).astype(dtype))


def _unit_length(values: np.ndarray) -> np.ndarray:
    """Rows of length 1, float64; a row of zeros stays as it is."""
    wide = values.astype(np.float64)
    length = np.sqrt((wide**2).sum(axis=1, keepdims=True))
    return np.asarray(np.divide(wide, length, out=np.zeros_like(wide), where=length > 0))


def _furthest(one: np.ndarray, other: np.ndarray) -> float:
    """The largest difference between the cosines of two lists of directions."""
    furthest = 0.0
    for start in range(0, len(one), _READERS):
        part = slice(start, start + _READERS)
        away = np.abs(one[part] @ one.T - other[part] @ other.T)
        furthest = max(furthest, float(away.max()))
    return furthest


def _finite(values: np.ndarray) -> np.ndarray:
    if not np.isfinite(values).all():
        raise ShapeError("error.shape.not_finite")
    return values
