"""One rule for relative depth, against fractions."""

from __future__ import annotations

from fractions import Fraction

import pytest

from vislib.analysis import depth
from vislib.schema import ShapeError

COUNTS = range(1, 33)


def nearest(part: Fraction, count: int) -> int:
    """By trying all blocks; the first of the nearest ones."""
    places = [Fraction(block, max(1, count - 1)) for block in range(count)]
    return min(range(count), key=lambda block: abs(places[block] - part))


@pytest.mark.parametrize("count", COUNTS)
def test_every_percent_is_the_nearest_block_and_of_two_the_earlier(count: int) -> None:
    for percent in range(101):
        assert depth.block_at(percent / 100, count) == nearest(Fraction(percent, 100), count)


@pytest.mark.parametrize("count", COUNTS)
def test_ends_and_middle(count: int) -> None:
    assert depth.block_at(0.0, count) == 0
    assert depth.block_at(1.0, count) == count - 1
    assert depth.block_at(0.5, count) == (count - 1) // 2


@pytest.mark.parametrize("count", COUNTS)
def test_a_block_lies_at_its_own_depth(count: int) -> None:
    for block in range(count):
        assert depth.same_depth(block, count, count) == block


@pytest.mark.parametrize("count", COUNTS)
def test_the_same_depth_in_another_model(count: int) -> None:
    for others in COUNTS:
        found = [depth.same_depth(block, count, others) for block in range(count)]
        last = max(1, count - 1)
        assert found == [nearest(Fraction(block, last), others) for block in range(count)]


def test_known_pairs() -> None:
    assert [depth.same_depth(b, 8, 7) for b in range(8)] == [0, 1, 2, 3, 3, 4, 5, 6]
    assert depth.same_depth(31, 32, 16) == 15
    assert depth.same_depth(0, 1, 5) == 0


@pytest.mark.parametrize(("part", "count"), [(0.5, 0), (1.01, 3), (-0.1, 3), (float("nan"), 3)])
def test_a_depth_that_is_none_is_refused(part: float, count: int) -> None:
    with pytest.raises(ShapeError, match=r"0 \(first\) to 1 \(last\) fit"):
        depth.block_at(part, count)


def test_a_block_that_is_none_is_refused() -> None:
    with pytest.raises(ShapeError, match="block 8 came"):
        depth.same_depth(8, 8, 7)
