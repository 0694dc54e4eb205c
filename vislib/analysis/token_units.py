"""MLP-Mixer's hidden units as maps on the token grid, in pairs of opposite phase.

The paper shows the first token-mixing layers' units so: each unit's weights by input token as a
map, beside the unit that is most nearly its negative, from low to high frequency.

Source: arXiv:2105.01601, Figures 5 and 6; timm.models.mlp_mixer.MixerBlock.mlp_tokens.fc1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vislib.analysis.arrays import Array, as_grid, float_values
from vislib.analysis.frequency import mean_frequency

OPPOSITE = -0.5
"""The highest correlation at which two units count as a pair; random weights reach -0.31."""


@dataclass(frozen=True, kw_only=True)
class UnitPair:
    """Two hidden units of opposite phase, or one that has none.

    Attributes:
        first: Unit, counted from 0; the smaller of the two.
        second: The other unit, None where no free unit is opposite enough.
        correlation: Pearson's, between the two maps, -1 to 1. Without a second unit: the lowest
            that the unit has with any other (its opposite may be taken by a closer match); NaN
            where there is no other.
        frequency: Cycles per side of the grid, weighted by energy, the maps' means left out; the
            mean over the two.
        mean_share: Percent of the maps' energy that lies in their means (zero frequency), which
            correlation and frequency do not see; the mean over the two.
    """

    first: int
    second: int | None
    correlation: float
    frequency: float
    mean_share: float


def unit_maps(fc1: Array, rows: int, columns: int) -> np.ndarray:
    """Each unit's weights by input token as a map: axes (unit, row, column), float64, signed.

    Raises:
        ShapeError: There are not rows * columns tokens.
    """
    return as_grid(float_values(fc1, ("unit", "token_in")), rows, columns)


def unit_correlations(fc1: Array) -> np.ndarray:
    """Pearson's correlation of every two units' maps: axes (unit, unit), -1 to 1.

    A constant map, which has none, gets 0.
    """
    centred = float_values(fc1, ("unit", "token_in"))
    scale = np.linalg.norm(centred, axis=1, keepdims=True)
    centred = centred - centred.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(centred, axis=1, keepdims=True)
    varies = norms > 1e-12 * scale
    unit_length = np.where(varies, centred / np.where(varies, norms, 1.0), 0.0)
    return np.asarray(np.clip(unit_length @ unit_length.T, -1.0, 1.0))


def pair_units(
    fc1: Array, rows: int, columns: int, *, opposite: float = OPPOSITE, like: Array | None = None
) -> list[UnitPair]:
    """Pair the hidden units, lowest frequency first.

    Pairs are taken greedily, the most opposite first; ties go to the smaller units, so the same
    weights always give the same pairs.

    Args:
        fc1: Axes (unit, token_in), signed weights.
        rows: Rows of the token grid.
        columns: Columns of the token grid.
        opposite: The highest correlation that makes a pair.
        like: Weights of the same shape that decide which units are a pair, and the order: the
            trained ones where several epochs are shown. The numbers are those of ``fc1``.

    Returns:
        Pairs and single units; every unit is in exactly one entry.

    Raises:
        ShapeError: There are not rows * columns tokens.

    Exactness:
        Arithmetic on the parameter as it is; the pairing is ours (the paper does not give its own).
    """
    deciding = fc1 if like is None else like
    partner = _match(unit_correlations(deciding), opposite)
    members = [
        (unit, partner.get(unit))
        for unit in range(len(unit_maps(deciding, rows, columns)))
        if partner.get(unit, unit) >= unit
    ]
    order = {one: entry.frequency for one, entry in _measured(deciding, members, rows, columns)}
    members.sort(key=lambda one: (order[one], one[0]))
    return [entry for _, entry in _measured(fc1, members, rows, columns)]


def _measured(
    fc1: Array, members: Sequence[tuple[int, int | None]], rows: int, columns: int
) -> list[tuple[tuple[int, int | None], UnitPair]]:
    """The numbers of pairs and single units."""
    maps, correlations = unit_maps(fc1, rows, columns), unit_correlations(fc1)
    frequencies = mean_frequency(maps, keep_mean=False, per="map")
    mean_shares = _mean_shares(maps)
    found = []
    for first, second in members:
        both = [first] if second is None else [first, second]
        others = np.delete(correlations[first], first)
        lowest = float(others.min()) if others.size else float("nan")
        entry = UnitPair(
            first=first,
            second=second,
            correlation=lowest if second is None else float(correlations[first, second]),
            frequency=float(frequencies[both].mean()),
            mean_share=float(mean_shares[both].mean()),
        )
        found.append(((first, second), entry))
    return found


def _match(correlations: np.ndarray, opposite: float) -> dict[int, int]:
    """Greedy matching, most negative first: unit -> its partner, both ways."""
    # Rounded, so that equal maps stay ties whatever the order of summation was.
    rounded = np.round(correlations, 9)
    left, right = np.nonzero(np.triu(rounded <= opposite, k=1))
    order = np.argsort(rounded[left, right], kind="stable")
    partner: dict[int, int] = {}
    for first, second in zip(left[order].tolist(), right[order].tolist(), strict=True):
        if first not in partner and second not in partner:
            partner[first], partner[second] = second, first
    return partner


def _mean_shares(maps: np.ndarray) -> np.ndarray:
    """Percent of each map's energy that lies in its mean; 0 for a map of zeros."""
    energy = (maps**2).mean(axis=(1, 2))
    steady = maps.mean(axis=(1, 2)) ** 2
    return np.asarray(100.0 * steady / np.where(energy > 0, energy, 1.0))
