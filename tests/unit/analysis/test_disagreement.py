"""Disagreement of answers: known values, bounds, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from vislib.analysis.disagreement import alike, disagreement, jensen_shannon, ranked
from vislib.schema import ShapeError


def test_equal_answers_do_not_disagree() -> None:
    row = np.array([0.2, 0.3, 0.5])
    assert jensen_shannon(np.stack([row, row, row])) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("models", [2, 3, 5])
def test_answers_without_a_common_class_disagree_fully(models: int) -> None:
    assert jensen_shannon(np.eye(models)) == pytest.approx(np.log2(models))
    assert disagreement(np.eye(models)) == pytest.approx(1.0)


def test_by_the_mean_divergence_from_the_middle() -> None:
    rows = np.random.default_rng(0).dirichlet(np.ones(6), size=3)
    middle = rows.mean(axis=0)
    by_hand = np.mean([(row * np.log2(row / middle)).sum() for row in rows])
    assert jensen_shannon(rows) == pytest.approx(by_hand, rel=1e-12)
    turned = np.roll(rows, 1, axis=1)
    turned[0] = rows[0]
    assert abs(jensen_shannon(turned) - by_hand) > 1e-3  # the order of the classes matters


def test_the_largest_comes_first() -> None:
    same = np.array([[0.9, 0.1], [0.9, 0.1]])
    apart = np.array([[0.9, 0.1], [0.1, 0.9]])
    near = np.array([[0.9, 0.1], [0.7, 0.3]])
    names = [name for name, _ in ranked({"same": same, "apart": apart, "near": near})]
    assert names == ["apart", "near", "same"]


def test_only_models_with_the_same_classes_are_compared() -> None:
    few, many = ("a", "b"), ("a", "b", "c")
    assert alike({"one": many, "two": few, "three": few}) == ["two", "three"]
    assert alike({"one": many, "two": few}) == ["one"]
    assert alike({}) == []


@pytest.mark.parametrize("rows", [np.ones((1, 2)) / 2, np.ones(3), np.ones((2, 2)), -np.eye(2)])
def test_what_is_no_set_of_answers_is_refused(rows: np.ndarray) -> None:
    with pytest.raises(ShapeError):
        jensen_shannon(rows)
