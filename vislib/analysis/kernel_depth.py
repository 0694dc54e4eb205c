"""Depthwise kernels of all blocks beside each other: radius, spectrum, samples.

Source: arXiv:2201.09792, whose appendix shows kernels of progressively deeper layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vislib.analysis.arrays import Array, float_values, spread
from vislib.analysis.kernels import KernelOrder, energy_radius, kernel_order, spectrum
from vislib.schema import ShapeError, freeze

_KERNELS = ("channel", "ky", "kx")
_FINEST = 15


@dataclass(frozen=True, kw_only=True)
class RadiusOverDepth:
    """Energy radius of a model's kernels, block by block.

    Attributes:
        block: Axes (block,), counted from 1.
        lower, median, upper: Axes (block,), quartiles over the channels, in cells.
        even: The radius of a kernel whose taps are all equally strong, in cells.
    """

    block: np.ndarray
    lower: np.ndarray
    median: np.ndarray
    upper: np.ndarray
    even: float


def radius_over_depth(blocks: Sequence[Array]) -> RadiusOverDepth:
    """Quartiles of the energy radius over the channels of each block.

    Args:
        blocks: One array a block, axes (channel, ky, kx), signed; kernels of one size.

    Raises:
        ShapeError: No block came.
    """
    if not blocks:
        raise ShapeError("error.shape.no_kernels")
    quartiles = np.stack(
        [np.percentile(energy_radius(kernels), (25, 50, 75)) for kernels in blocks]
    )
    side = float_values(blocks[0], _KERNELS).shape[1:]
    return RadiusOverDepth(
        block=freeze(np.arange(1, len(blocks) + 1)),
        lower=freeze(quartiles[:, 0]),
        median=freeze(quartiles[:, 1]),
        upper=freeze(quartiles[:, 2]),
        even=float(energy_radius(np.ones((1, *side)))[0]),
    )


def samples_over_depth(
    blocks: Sequence[Array], *, depths: int, count: int, by: KernelOrder = "radius"
) -> list[tuple[int, int]]:
    """A few kernels of a few blocks: no chance is in it, evenly spaced places of the sorted list.

    Args:
        blocks: One array a block, axes (channel, ky, kx), signed.
        depths: Blocks to show at most, evenly spaced.
        count: Kernels to show of each, at most.
        by: As in ``kernel_order``.

    Returns:
        (block, channel), both from 0, block by block.
    """
    found = []
    for block in spread(len(blocks), depths):
        order = kernel_order(blocks[block], by)
        found += [(block, int(channel)) for channel in order[spread(len(order), count)]]
    return found


def spectra(blocks: Sequence[Array]) -> np.ndarray:
    """Each block's mean power spectrum over its channels.

    Args:
        blocks: One array a block, axes (channel, ky, kx), signed; kernels of one size.

    Returns:
        Axes (block, fy, fx), weight squared, zero frequency in the middle; 15 x 15 or, for large
        kernels, twice the kernel's side and one (an odd side, so that there is a middle).
    """
    sides = [max(float_values(kernels, _KERNELS).shape[1:]) for kernels in blocks]
    size = max(_FINEST, 2 * max(sides, default=0) + 1)
    return freeze(np.stack([spectrum(kernels, size) for kernels in blocks]))
