"""Hidden units as maps, paired by opposite phase."""

from __future__ import annotations

import time

import numpy as np
import pytest

from vislib.analysis import token_units
from vislib.analysis.frequency import mean_frequency, radial_frequencies
from vislib.schema import ShapeError

ROWS, COLUMNS = 8, 8


def wave(down: int, across: int, phase: float = 0.0) -> np.ndarray:
    """A cosine of whole cycles per grid, as one unit's weights."""
    y, x = np.mgrid[:ROWS, :COLUMNS]
    return np.cos(2 * np.pi * (down * y / ROWS + across * x / COLUMNS) + phase).ravel()


def test_opposite_waves_are_paired_and_sorted_by_frequency() -> None:
    fc1 = np.stack([wave(3, 0), wave(0, 1), -2 * wave(3, 0), wave(2, 2), -wave(0, 1)])
    pairs = token_units.pair_units(fc1, ROWS, COLUMNS)
    assert [(p.first, p.second) for p in pairs] == [(1, 4), (3, None), (0, 2)]
    assert [p.frequency for p in pairs] == pytest.approx([1.0, np.sqrt(8), 3.0])
    assert [p.correlation for p in pairs] == pytest.approx([-1.0, 0.0, -1.0], abs=1e-12)
    # Negative control: equal phase is no pair.
    same = token_units.pair_units(np.abs(fc1[[0, 0]]), ROWS, COLUMNS)
    assert [p.second for p in same] == [None, None]


def test_correlation_is_pearsons() -> None:
    fc1 = np.random.default_rng(0).standard_normal((6, 64)) + 3.0
    ours = token_units.unit_correlations(fc1)
    np.testing.assert_allclose(ours, np.corrcoef(fc1), atol=1e-12)
    uncentred = fc1 / np.linalg.norm(fc1, axis=1, keepdims=True)
    assert np.abs(ours - uncentred @ uncentred.T).max() > 0.1  # the cosine is another number


def test_the_mean_is_left_out_and_told() -> None:
    pair = token_units.pair_units(np.stack([wave(2, 0) + 1, 1 - wave(2, 0)]), ROWS, COLUMNS)[0]
    assert pair.second == 1
    assert pair.frequency == pytest.approx(2.0)
    assert pair.mean_share == pytest.approx(100 * 1 / 1.5)  # a cosine's energy is 1/2


def test_the_threshold_is_kept() -> None:
    rng = np.random.default_rng(1)
    first = rng.standard_normal(64)
    for correlation, paired in ((-0.55, True), (-0.45, False)):
        other = _with_correlation(first, rng.standard_normal(64), correlation)
        pairs = token_units.pair_units(np.stack([first, other]), ROWS, COLUMNS)
        assert (pairs[0].second is not None) == paired
        assert pairs[0].correlation == pytest.approx(correlation)


def _with_correlation(first: np.ndarray, noise: np.ndarray, wanted: float) -> np.ndarray:
    a = first - first.mean()
    a /= np.linalg.norm(a)
    b = noise - noise.mean()
    b -= a * (a @ b)
    b /= np.linalg.norm(b)
    return wanted * a + np.sqrt(1 - wanted**2) * b


def test_the_most_opposite_units_come_first() -> None:
    rng = np.random.default_rng(2)
    first = rng.standard_normal(64)
    near = _with_correlation(first, rng.standard_normal(64), -0.7)
    pairs = token_units.pair_units(np.stack([near, first, -first]), ROWS, COLUMNS)
    matched = next(p for p in pairs if p.second is not None)
    assert (matched.first, matched.second) == (1, 2)
    single = next(p for p in pairs if p.second is None)
    assert single.correlation == pytest.approx(-0.7)  # its opposite is taken


def test_random_weights_stay_single_and_every_unit_is_shown_once() -> None:
    fc1 = np.random.default_rng(3).standard_normal((384, 196)).astype(np.float32)
    pairs = token_units.pair_units(fc1, 14, 14)
    shown = [p.first for p in pairs] + [p.second for p in pairs if p.second is not None]
    assert sorted(shown) == list(range(384))
    assert all(p.second is None for p in pairs)
    assert pairs == token_units.pair_units(fc1, 14, 14)


def test_equal_units_and_constant_units_are_paired_by_number() -> None:
    fc1 = np.stack([wave(1, 0), wave(1, 0), -wave(1, 0), -wave(1, 0), np.full(64, 0.1)])
    pairs = token_units.pair_units(fc1, ROWS, COLUMNS)
    assert [(p.first, p.second) for p in pairs] == [(4, None), (0, 2), (1, 3)]
    assert pairs[0].frequency == 0
    assert pairs[0].correlation == 0
    assert pairs[0].mean_share == pytest.approx(100)


def test_a_thousand_units_are_quick() -> None:
    base = np.random.default_rng(4).standard_normal((512, 196))
    start = time.process_time()
    pairs = token_units.pair_units(np.concatenate([base, -base]), 14, 14)
    assert time.process_time() - start < 5.0  # takes 0.3 s; busy neighbours do not count
    assert {(p.first, p.second) for p in pairs} == {(i, i + 512) for i in range(512)}


def test_another_grid_is_refused() -> None:
    with pytest.raises(ShapeError, match="64 entries, 49"):
        token_units.pair_units(np.zeros((2, 64)), 7, 7)


def test_frequency_counts_both_directions_and_units() -> None:
    maps = np.stack([wave(3, 0), wave(0, 3)]).reshape(2, 8, 8)
    np.testing.assert_allclose(mean_frequency(maps, keep_mean=False, per="map"), 3.0)
    np.testing.assert_allclose(mean_frequency(maps, keep_mean=False, per="cell"), 3 / 8)
    lifted = mean_frequency(maps + 1.0, keep_mean=True, per="map")
    np.testing.assert_allclose(lifted, 3.0 / 3.0)  # energy 1/2 at 3, energy 1 at 0
    with pytest.raises(ShapeError, match="'cell' and 'map'"):
        radial_frequencies(8, 8, per="pixel")
