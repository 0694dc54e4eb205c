"""Axis names and indices are checked before any number is used."""

from __future__ import annotations

import numpy as np
import pytest

from vislib.analysis import arrays, reading
from vislib.schema import LabelledArray, ShapeError


def labelled(values: np.ndarray, axes: tuple[str, ...]) -> LabelledArray:
    return LabelledArray(
        values=values,
        axes=axes,
        role="token_mixing",
        unit="weight",
        signed=True,
        provenance="parameter",
        source="test",
    )


def test_a_labelled_array_is_read_by_its_axis_names() -> None:
    square = np.arange(16.0).reshape(4, 4)
    right = labelled(square, ("token_out", "token_in"))
    turned = labelled(square.T, ("token_in", "token_out"))
    plain = reading.linear_reading(square, token=1, rows=2, columns=2)
    named = reading.linear_reading(right, token=1, rows=2, columns=2)
    np.testing.assert_array_equal(plain.raw, named.raw)
    with pytest.raises(ShapeError, match="this analysis reads"):
        reading.linear_reading(turned, token=1, rows=2, columns=2)


def test_plain_arrays_need_the_right_number_of_axes() -> None:
    with pytest.raises(ShapeError, match="one axis for each name"):
        arrays.values_of(np.zeros((2, 2, 2)), ("row", "column"))


@pytest.mark.parametrize("index", [-1, 4])
def test_an_index_outside_is_refused(index: int) -> None:
    arrays.check_index("token", 3, 4)
    with pytest.raises(ShapeError, match="0 to 3 exist"):
        arrays.check_index("token", index, 4)


def test_as_grid_is_row_major() -> None:
    grid = arrays.as_grid(np.arange(6), 2, 3)
    assert grid[1, 0] == 3  # column-major would put 1 there
    with pytest.raises(ShapeError, match="6 entries, 4 were expected"):
        arrays.as_grid(np.arange(6), 2, 2)


def test_spread_keeps_both_ends() -> None:
    assert arrays.spread(9, 3) == [0, 4, 8]
    assert arrays.spread(11, 3) == [0, 5, 10]
    assert arrays.spread(3, 16) == [0, 1, 2]
    assert arrays.spread(32, 12)[::11] == [0, 31]
    for length, count in ((0, 3), (3, 0)):
        with pytest.raises(ShapeError, match="1 or more fit"):
            arrays.spread(length, count)


def test_each_map_is_divided_by_its_own_largest() -> None:
    maps = np.array([[[1.0, -4.0]], [[0.0, 0.0]], [[0.5, 0.25]]])
    expected = [[[0.25, -1.0]], [[0.0, 0.0]], [[1.0, 0.5]]]
    np.testing.assert_array_equal(arrays.by_own_largest(maps), expected)
    assert not np.array_equal(maps, expected)
