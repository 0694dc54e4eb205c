"""Depthwise kernels: how far they reach, how fine they are, and one channel followed exactly.

A kernel's centre is its tap ((K - 1) // 2, (K - 1) // 2), the one that meets the output's own
place; torch's "same" padding puts it there for even K as well.

Source: arXiv:2201.09792; timm.models.convmixer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from vislib.analysis.arrays import Array, check_index, float_values
from vislib.analysis.frequency import mean_frequency, radial_frequencies
from vislib.schema import ShapeError

_KERNELS = ("channel", "ky", "kx")
KernelOrder = Literal["radius", "norm", "frequency"]


@dataclass(frozen=True, kw_only=True)
class RadialSpectrum:
    """Mean power by distance from zero frequency.

    Attributes:
        frequency: Axes (ring,), middle of each ring, cycles per cell, 0 to 0.71.
        power: Axes (ring,), mean over the ring's coefficients and the channels.
    """

    frequency: np.ndarray
    power: np.ndarray


def energy_radius(kernels: Array) -> np.ndarray:
    """Root of the mean squared distance from the centre, weighted by energy w^2.

    Args:
        kernels: Axes (channel, ky, kx), signed.

    Returns:
        Axes (channel,), in cells; 0 for a kernel that only has its centre, or nothing at all.
    """
    energy = float_values(kernels, _KERNELS) ** 2
    total = energy.sum(axis=(1, 2))
    squared = np.hypot(*_distances(*energy.shape[1:])) ** 2
    moment = (energy * squared).sum(axis=(1, 2))
    return np.asarray(np.sqrt(moment / np.where(total > 0, total, 1.0)))


def centre_share(kernels: Array) -> np.ndarray:
    """Share of reading |w| / sum |w| of the centre tap: axes (channel,), percent.

    0 for a kernel of zeros.
    """
    size = np.abs(float_values(kernels, _KERNELS))
    total = size.sum(axis=(1, 2))
    centre = size[:, (size.shape[1] - 1) // 2, (size.shape[2] - 1) // 2]
    return np.asarray(100.0 * centre / np.where(total > 0, total, 1.0))


def kernel_frequency(kernels: Array) -> np.ndarray:
    """Mean spatial frequency, energy at zero included: axes (channel,), cycles per cell."""
    return mean_frequency(float_values(kernels, _KERNELS), keep_mean=True, per="cell")


def kernel_order(kernels: Array, by: KernelOrder = "radius") -> np.ndarray:
    """Channels in the order in which to show them: axes (channel,), indices.

    Args:
        kernels: Axes (channel, ky, kx), signed.
        by: "radius" (smallest first), "norm" (largest first) or "frequency" (lowest first). Ties
            keep the channels' own order.

    Raises:
        ShapeError: ``by`` is none of these.
    """
    if by == "radius":
        return np.argsort(energy_radius(kernels), kind="stable")
    if by == "norm":
        norms = np.linalg.norm(float_values(kernels, _KERNELS), axis=(1, 2))
        return np.argsort(-norms, kind="stable")
    if by == "frequency":
        return np.argsort(kernel_frequency(kernels), kind="stable")
    raise ShapeError("error.shape.kernel_order", order=by)


def spectrum(kernels: Array, size: int | None = None) -> np.ndarray:
    """Mean power spectrum over the channels.

    Args:
        kernels: Axes (channel, ky, kx), signed.
        size: Side of the spectrum; kernels are padded with zeros, which samples the same spectrum
            more finely. None: the kernel's own side.

    Returns:
        Axes (fy, fx), zero frequency in the middle (at size // 2), weight squared.

    Raises:
        ShapeError: ``size`` is smaller than the kernel.
    """
    taps = float_values(kernels, _KERNELS)
    shape = taps.shape[1:] if size is None else (size, size)
    if shape[0] < taps.shape[1] or shape[1] < taps.shape[2]:
        raise ShapeError(
            "error.shape.spectrum", size=size, rows=taps.shape[1], columns=taps.shape[2]
        )
    power = (np.abs(np.fft.fft2(taps, s=shape, axes=(-2, -1))) ** 2).mean(axis=0)
    return np.asarray(np.fft.fftshift(power))


def radial_spectrum(kernels: Array, size: int | None = None) -> RadialSpectrum:
    """The mean power spectrum in rings around zero frequency, each 1 / side wide.

    Args:
        kernels: Axes (channel, ky, kx), signed.
        size: As for ``spectrum``.
    """
    power = spectrum(kernels, size)
    radius = np.fft.fftshift(radial_frequencies(*power.shape, per="cell"))
    side = max(power.shape)
    ring = np.rint(radius * side).astype(np.int64).ravel()
    counts = np.bincount(ring)
    sums = np.bincount(ring, weights=power.ravel())
    there = counts > 0
    return RadialSpectrum(frequency=np.flatnonzero(there) / side, power=sums[there] / counts[there])


def convolve_same(inputs: Array, kernel: Array) -> np.ndarray:
    """One channel's depthwise convolution with zero padding, tap by tap in float64.

    Args:
        inputs: Axes (row, column), activation.
        kernel: Axes (ky, kx), signed weights; correlation as in torch.

    Returns:
        Axes (row, column), without the bias.

    Exactness:
        Recomputed: equals torch in float64 within 1e-12 of the output's scale
        (test_analysis_kernels.py); against a float32 forward pass within its rounding.
    """
    values = float_values(inputs, ("row", "column"))
    taps = float_values(kernel, ("ky", "kx"))
    padded = _pad(values, taps.shape)
    rows, columns = values.shape
    output = np.zeros_like(values)
    for ky in range(taps.shape[0]):
        for kx in range(taps.shape[1]):
            output += taps[ky, kx] * padded[ky : ky + rows, kx : kx + columns]
    return output


def place_terms(inputs: Array, kernel: Array, row: int, column: int) -> np.ndarray:
    """The products whose sum is one channel's output at one place (before the bias).

    Args:
        inputs: Axes (row, column), activation.
        kernel: Axes (ky, kx), signed weights.
        row: Row of the place that is written.
        column: Column of the place that is written.

    Returns:
        Axes (ky, kx): weight times the input it meets; 0 where it meets the padding.

    Raises:
        ShapeError: The place lies outside the grid.
    """
    values = float_values(inputs, ("row", "column"))
    taps = float_values(kernel, ("ky", "kx"))
    check_index("row", row, values.shape[0])
    check_index("column", column, values.shape[1])
    padded = _pad(values, taps.shape)
    return np.asarray(taps * padded[row : row + taps.shape[0], column : column + taps.shape[1]])


def _pad(values: np.ndarray, kernel: tuple[int, ...]) -> np.ndarray:
    """Zeros around a map, as torch's padding="same" puts them: the spare one after."""
    before = [(side - 1) // 2 for side in kernel]
    after = [side - 1 - first for side, first in zip(kernel, before, strict=True)]
    return np.pad(values, list(zip(before, after, strict=True)))


def _distances(down: int, across: int) -> tuple[np.ndarray, np.ndarray]:
    """Each tap's distance from the centre down and across, in cells, ready to broadcast."""
    ky, kx = np.arange(down) - (down - 1) // 2, np.arange(across) - (across - 1) // 2
    return ky[:, None].astype(np.float64), kx[None, :].astype(np.float64)
