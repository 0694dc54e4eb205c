"""Judging an attribution: cells, orders, areas, rank correlation."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from vislib.analysis import faithfulness
from vislib.schema import ShapeError

RANDOM = np.random.default_rng(5)


def test_cells_of_pixels_are_plain_sums() -> None:
    values = RANDOM.normal(size=(12, 12))
    got = faithfulness.cell_sums(values, 4)
    assert got[1, 2] == pytest.approx(values[3:6, 6:9].sum())
    assert not np.isclose(got[1, 2], values[6:9, 3:6].sum())


@pytest.mark.parametrize("size", [1, 7, 14, 16, 30, 56])
def test_a_grid_of_any_size_keeps_its_sum_and_its_places(size: int) -> None:
    values = np.zeros((size, size))
    values[size // 3, size - 1] = -2.5
    got = faithfulness.cell_sums(values, 16)
    assert got.sum() == pytest.approx(-2.5)
    row, column = np.unravel_index(np.abs(got).argmax(), got.shape)
    assert abs((row + 0.5) / 16 - (size // 3 + 0.5) / size) <= 0.5 / size + 0.5 / 16
    assert abs((column + 0.5) / 16 - (size - 0.5) / size) <= 0.5 / size + 0.5 / 16


def test_shares_are_of_strength_and_sum_to_100() -> None:
    values = np.array([[1.0, -3.0], [0.0, 0.0]])
    assert np.allclose(faithfulness.attribution_share(values, 2), [[25, 75], [0, 0]])


def test_the_order_goes_from_for_to_against() -> None:
    values = np.array([[0.2, -5.0], [0.0, 3.0]])
    assert faithfulness.order_of(values, 2).tolist() == [3, 0, 2, 1]
    assert faithfulness.order_of(-values, 2).tolist() == [1, 2, 0, 3]


def test_masks_begin_with_nothing_and_end_with_everything() -> None:
    order = faithfulness.random_order(4, 3)
    found = faithfulness.masks(order, cells=4, steps=5, shape=(10, 14))
    assert len(found) == 6
    assert not found[0].any()
    assert found[-1].all()
    for before, after in itertools.pairwise(found):
        assert (after | before == after).all()
        assert after.sum() > before.sum()
    row, column = divmod(int(order[0]), 4)
    first = faithfulness.masks(order, cells=4, steps=16, shape=(8, 8))[1]
    assert first[2 * row : 2 * row + 2, 2 * column : 2 * column + 2].all()
    assert first.sum() == 4
    assert not np.array_equal(order, faithfulness.random_order(4, 4))
    assert np.array_equal(order, faithfulness.random_order(4, 3))


def test_areas() -> None:
    assert faithfulness.area(np.array([0.0, 1.0])) == 0.5
    assert faithfulness.area(np.array([0.3, 0.3, 0.3])) == pytest.approx(0.3)
    assert faithfulness.area(np.array([0.0, 1.0, 1.0])) == pytest.approx(0.75)
    assert faithfulness.area(np.array([0.0, 0.0, 1.0])) == pytest.approx(0.25)


def test_rank_correlation() -> None:
    values = RANDOM.normal(size=(5, 5))
    assert faithfulness.spearman(values, np.exp(3 * values)) == pytest.approx(1)
    assert faithfulness.spearman(values, -values) == pytest.approx(-1)
    assert abs(faithfulness.spearman(values, values.T[::-1])) < 0.9
    # by hand: ranks 0, 1.5, 1.5, 3 and 0, 1, 2, 3
    ties = np.array([[1.0, 2.0], [2.0, 9.0]])
    assert faithfulness.spearman(ties, np.array([[1.0, 2.0], [3.0, 4.0]])) == pytest.approx(
        4.5 / np.sqrt(4.5 * 5)
    )
    assert np.isnan(faithfulness.spearman(np.ones((2, 2)), ties))


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ShapeError, match="each once"):
        faithfulness.masks(np.array([0, 0, 1, 2]), cells=2, steps=2, shape=(4, 4))
    with pytest.raises(ShapeError, match="1 or more"):
        faithfulness.cell_sums(np.ones((2, 2)), 0)
    with pytest.raises(ShapeError, match="two or more"):
        faithfulness.area(np.array([1.0]))
    with pytest.raises(ShapeError):
        faithfulness.spearman(np.ones((2, 2)), np.ones((2, 3)))


def curves_with(insertion: float, deletion: float) -> faithfulness.Curves:
    return faithfulness.Curves(insertion=np.full(3, insertion), deletion=np.full(3, deletion))


def test_a_map_beats_every_random_order_or_not() -> None:
    random = [curves_with(0.4, 0.3), curves_with(0.5, 0.4)]
    assert faithfulness.beats_random(curves_with(0.6, 0.2), random) == "both"
    assert faithfulness.beats_random(curves_with(0.45, 0.2), random) == "one"
    assert faithfulness.beats_random(curves_with(0.6, 0.35), random) == "one"
    assert faithfulness.beats_random(curves_with(0.45, 0.35), random) == "none"


def test_the_mean_of_curves_is_taken_step_by_step() -> None:
    ones = [
        faithfulness.Curves(insertion=np.array([0.0, a, 1.0]), deletion=np.array([1.0, b, 0.0]))
        for a, b in ((0.2, 0.6), (0.4, 0.2))
    ]
    found = faithfulness.mean_curves(ones)
    np.testing.assert_allclose(found.insertion, [0.0, 0.3, 1.0], rtol=1e-12)
    np.testing.assert_allclose(found.deletion, [1.0, 0.4, 0.0], rtol=1e-12)
    assert found.areas == pytest.approx((0.4, 0.45))


def test_what_a_rank_correlation_says() -> None:
    said = [faithfulness.alike(r) for r in (0.9, 0.51, 0.5, 0.3, 0.29, -0.8)]
    assert said == ["same", "same", "partly", "partly", "other", "other"]
    assert faithfulness.alike(float("nan")) == "flat"
