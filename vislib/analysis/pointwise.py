"""Pointwise mixing (a 1 x 1 convolution): which channels one channel is made of at one place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vislib.analysis.arrays import Array, check_index, check_size, float_values
from vislib.schema import ShapeError

_WEIGHT = ("channel_out", "channel_in", "ky", "kx")
_MAPS = ("channel", "row", "column")


@dataclass(frozen=True, kw_only=True)
class StrongestInputs:
    """The channels that one channel reads most.

    Attributes:
        channel: Axes (rank,), indices, largest |weight| first.
        weight: Axes (rank,), signed.
        share: Of all the channel's |weights|, how much these have together, percent.
    """

    channel: np.ndarray
    weight: np.ndarray
    share: float


def output_weights(weight: Array, channel_out: int) -> np.ndarray:
    """One written channel's weights: axes (channel_in,), float64.

    Args:
        weight: Axes (channel_out, channel_in, ky, kx) with ky = kx = 1.
        channel_out: The channel that is written.

    Raises:
        ShapeError: The kernel is larger than one place, or there is no such channel.
    """
    values = float_values(weight, _WEIGHT)
    if values.shape[2:] != (1, 1):
        raise ShapeError("error.shape.pointwise", shape=values.shape[2:])
    check_index("channel_out", channel_out, values.shape[0])
    return np.asarray(values[channel_out, :, 0, 0])


def largest_weights(weight: Array, channel_out: int, count: int) -> StrongestInputs:
    """The channels with the largest |weight| for one written channel.

    Args:
        weight: As in ``output_weights``.
        channel_out: The channel that is written.
        count: How many, at most. Ties keep the channels' own order.
    """
    row = output_weights(weight, channel_out)
    order = np.argsort(-np.abs(row), kind="stable")[:count]
    total = float(np.abs(row).sum())
    share = 100.0 * float(np.abs(row[order]).sum()) / total if total > 0 else 0.0
    return StrongestInputs(channel=order, weight=row[order], share=share)


def mixing_terms(
    inputs: Array, weight: Array, channel_out: int, *, row: int, column: int
) -> np.ndarray:
    """The products whose sum is one channel's value at one place (before the bias).

    Args:
        inputs: What goes into the convolution, axes (channel, row, column), activation.
        weight: As in ``output_weights``.
        channel_out: The channel that is written.
        row: Of the place, counted from 0; no other place is read.
        column: The same.

    Returns:
        Axes (channel_in,): weight times the input channel's value at the place.

    Raises:
        ShapeError: Sizes do not fit, or the place lies outside the grid.

    Exactness:
        Recomputed: the sum equals torch in float64 within 1e-12 of the output's scale.
    """
    values = float_values(inputs, _MAPS)
    weights = output_weights(weight, channel_out)
    check_size("channel", values.shape[0], weights.shape[0])
    check_index("row", row, values.shape[1])
    check_index("column", column, values.shape[2])
    return np.asarray(weights * values[:, row, column])
