"""Dense kernels beside depthwise ones: how many tables of taps, and where their energy lies.

A depthwise convolution has one table of taps for each channel; a dense one has one for each pair
of an output and an input channel.

Source: arXiv:2201.09792 (ConvMixer), arXiv:1512.03385 (ResNet).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from vislib.analysis.arrays import Array, check_index
from vislib.analysis.kernels import energy_radius
from vislib.schema import LabelledArray, ShapeError, freeze

DEPTHWISE = ("channel", "ky", "kx")
DENSE = ("channel_out", "channel_in", "ky", "kx")


@dataclass(frozen=True, kw_only=True)
class KernelCount:
    """What a convolution consists of, counted.

    Attributes:
        side: Taps a side.
        outputs: Channels that are written.
        reads: Channels that one written channel reads: 1 where it is depthwise.
        tables: Tables of taps.
        weights: Taps in all tables.
        other_kind: Weights that a convolution of the other kind (dense or depthwise) would have
            for as many channels.
    """

    side: int
    outputs: int
    reads: int
    tables: int
    weights: int
    other_kind: int


@dataclass(frozen=True, kw_only=True)
class EnergyOverDepth:
    """Where the energy w^2 of a model's kernels lies, block by block, over all tables of a block.

    Attributes:
        depth: Axes (block,), percent: 0 for the first block, 100 for the last.
        taps: Axes (block, ky, kx), percent of the block's energy; sums to 100.
        centre: Axes (block,), percent of the energy on the centre tap.
        radius: Axes (block,), root mean squared distance of the energy from the centre, in cells.
        even: Percent on the centre tap of a kernel whose taps are all equally strong.
        side: Taps a side.
    """

    depth: np.ndarray
    taps: np.ndarray
    centre: np.ndarray
    radius: np.ndarray
    even: float
    side: int

    def __post_init__(self) -> None:
        for name in ("depth", "taps", "centre", "radius"):
            object.__setattr__(self, name, freeze(getattr(self, name)))


def taps_of(kernels: Array) -> np.ndarray:
    """All tables of taps of a convolution: float64, axes (table, ky, kx).

    Args:
        kernels: Axes (channel, ky, kx) of a depthwise convolution, or (channel_out, channel_in, ky,
            kx) of a dense one.

    Raises:
        ShapeError: The axes are others.
    """
    values = kernels.values if isinstance(kernels, LabelledArray) else kernels
    named = kernels.axes if isinstance(kernels, LabelledArray) else None
    wanted = {len(DEPTHWISE): DEPTHWISE, len(DENSE): DENSE}.get(values.ndim)
    if wanted is None or (named is not None and named != wanted):
        raise ShapeError(
            "error.shape.kernel_axes", axes=named or values.shape, depthwise=DEPTHWISE, dense=DENSE
        )
    return np.asarray(values, dtype=np.float64).reshape(-1, *values.shape[-2:])


def count(kernels: Array) -> KernelCount:
    """Count a convolution's tables and weights.

    Args:
        kernels: As for ``taps_of``.
    """
    taps = taps_of(kernels)
    shape = kernels.values.shape if isinstance(kernels, LabelledArray) else kernels.shape
    is_dense, size = len(shape) == len(DENSE), int(taps[0].size)
    outputs = int(shape[0])
    return KernelCount(
        side=int(shape[-1]),
        outputs=outputs,
        reads=int(shape[1]) if is_dense else 1,
        tables=len(taps),
        weights=int(taps.size),
        other_kind=outputs * size * (1 if is_dense else outputs),
    )


def one_output(kernels: Array, channel_out: int) -> np.ndarray:
    """The tables through which a dense convolution writes one channel: axes (channel_in, ky, kx).

    Args:
        kernels: Axes (channel_out, channel_in, ky, kx), signed.
        channel_out: The channel that is written.

    Raises:
        ShapeError: The axes are others, or there is no such channel.
    """
    values = kernels.values if isinstance(kernels, LabelledArray) else kernels
    if taps_of(kernels).size and values.ndim != len(DENSE):
        raise ShapeError("error.shape.dense_kernels", shape=values.shape, axes=DENSE)
    check_index("channel_out", channel_out, values.shape[0])
    return np.asarray(values[channel_out])


def energy_over_depth(blocks: Iterable[Array]) -> EnergyOverDepth:
    """Energy at the centre and radius, over all tables of each block.

    Args:
        blocks: One array a block, as for ``taps_of``, all of one side; read one after the other, so
            that a generator need not hold a large model's kernels at once.

    Raises:
        ShapeError: No block came, or their sides differ.
    """
    taps, radius = [], []
    for kernels in blocks:
        # One table that holds each tap's energy over all tables: the radius is of their sum.
        energy = (taps_of(kernels) ** 2).sum(axis=0)
        taps.append(100.0 * energy / (float(energy.sum()) or 1.0))
        radius.append(float(energy_radius(np.sqrt(energy)[np.newaxis])[0]))
    sides = sorted({energy.shape for energy in taps})
    if len(sides) != 1:
        raise ShapeError("error.shape.kernel_sides", sides=sides)
    down, across = sides[0]
    table = np.stack(taps)
    return EnergyOverDepth(
        depth=np.linspace(0.0, 100.0, len(taps)) if len(taps) > 1 else np.zeros(1),
        taps=table,
        centre=table[:, (down - 1) // 2, (across - 1) // 2],
        radius=np.asarray(radius),
        even=100.0 / (down * across),
        side=down,
    )
