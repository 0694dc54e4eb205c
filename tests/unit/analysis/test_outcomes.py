"""The rules that read an experiment: they follow the numbers, and say where these are too close."""

from __future__ import annotations

import pytest

from vislib.analysis import outcomes
from vislib.schema import ShapeError


def test_a_relative_change_is_the_papers() -> None:
    assert outcomes.relative_change(0.22, 0.4) == pytest.approx(-0.45)
    assert outcomes.relative_change(0.4, 0.4) == 0
    with pytest.raises(ShapeError, match="above 0"):
        outcomes.relative_change(0.2, 0.0)


def test_tolerance_is_two_standard_errors_or_the_spread_of_seeds() -> None:
    # sqrt(2 * 0.5 * 0.5 / 1000) = 0.02236
    assert outcomes.tolerance([[0.5], [0.1]], 1000) == pytest.approx(0.04472, abs=1e-5)
    assert outcomes.tolerance([[0.5]], 4000) == pytest.approx(0.02236, abs=1e-5)
    assert outcomes.tolerance([[0.45, 0.55], [0.1]], 1000) == pytest.approx(0.1)
    assert outcomes.tolerance([[0.1]], 1000) < outcomes.tolerance([[0.5]], 1000)


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ((0.4, 0.39), (0.4, 0.2), "second"),
        ((0.4, 0.2), (0.4, 0.39), "first"),
        ((0.4, 0.2), (0.4, 0.2), "both"),
        ((0.4, 0.39), (0.4, 0.5), "neither"),
        ((0.4, 0.365), (0.4, 0.35), "second"),
    ],
)
def test_who_loses(first: tuple[float, float], second: tuple[float, float], said: str) -> None:
    assert outcomes.who_loses(first, second, 0.03) == said


def test_a_loss_within_the_tolerance_is_none() -> None:
    assert outcomes.clear_loss(0.2, 0.17, 0.02)
    assert not outcomes.clear_loss(0.2, 0.17, 0.04)
    assert not outcomes.clear_loss(0.8, 0.75, 0.04), "less than a tenth"


def test_the_largest_must_lead_clearly() -> None:
    assert outcomes.largest({"a": 0.3, "b": 0.4, "c": 0.1}, 0.05) == "b"
    assert outcomes.largest({"a": 0.38, "b": 0.4, "c": 0.1}, 0.05) == outcomes.ALIKE
    with pytest.raises(ShapeError, match="two"):
        outcomes.largest({"a": 0.3}, 0.05)


def test_effects_are_means_over_the_other_factor() -> None:
    table = {("4", "3"): 0.5, ("4", "5"): 0.6, ("8", "3"): 0.3, ("8", "5"): 0.2}
    rows, columns = outcomes.effects(table)
    assert rows == pytest.approx({"4": 0.55, "8": 0.25})
    assert columns == pytest.approx({"3": 0.4, "5": 0.4})
    del table["8", "5"]
    with pytest.raises(ShapeError, match="missing"):
        outcomes.effects(table)


def test_no_value_has_no_mean() -> None:
    assert outcomes.mean([1.0, 2.0]) == 1.5
    assert outcomes.spread([]) == 0.0
    with pytest.raises(ShapeError, match="at least one"):
        outcomes.mean([])
