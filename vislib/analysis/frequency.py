"""How fine the pattern of a map is: spatial frequency, weighted by energy."""

from __future__ import annotations

import numpy as np

from vislib.schema import ShapeError


def radial_frequencies(rows: int, columns: int, *, per: str) -> np.ndarray:
    """Distance of each Fourier coefficient from zero frequency, axes (fy, fx) as ``np.fft.fft2``.

    Args:
        rows: Height of the map, in cells.
        columns: Width of the map, in cells.
        per: "cell" (cycles per cell, 0 to 0.71) or "map" (cycles per map side).

    Raises:
        ShapeError: ``per`` is neither.
    """
    if per not in ("cell", "map"):
        raise ShapeError("error.shape.frequency_per", per=per)
    down, across = np.fft.fftfreq(rows), np.fft.fftfreq(columns)
    if per == "map":
        down, across = down * rows, across * columns
    return np.asarray(np.hypot(down[:, None], across[None, :]))


def mean_frequency(maps: np.ndarray, *, keep_mean: bool, per: str) -> np.ndarray:
    """Mean spatial frequency of each map, weighted by energy: axes (...,).

    Args:
        maps: Axes (..., row, column).
        keep_mean: Whether the map's mean counts as energy at frequency 0, or is taken off first.
        per: "cell" or "map", see ``radial_frequencies``.

    Returns:
        0 for a map without energy (all zero, or constant and ``keep_mean`` false).
    """
    values = np.asarray(maps, dtype=np.float64)
    radius = radial_frequencies(values.shape[-2], values.shape[-1], per=per)
    power = np.abs(np.fft.fft2(values)) ** 2
    # A constant map keeps rounding dust at other frequencies; it must not decide the answer.
    total_with_mean = power.sum(axis=(-2, -1))
    if not keep_mean:
        power[..., 0, 0] = 0.0
    total = power.sum(axis=(-2, -1))
    weighted = (power * radius).sum(axis=(-2, -1))
    counts = total > 1e-20 * total_with_mean
    return np.asarray(np.where(counts, weighted / np.where(counts, total, 1.0), 0.0))
