"""A matrix over the tokens: rows, columns, and its reach by depth."""

from __future__ import annotations

import numpy as np
import pytest

from vislib.analysis import linear_mixing
from vislib.analysis.common_ground import statistics
from vislib.analysis.reading import linear_reading
from vislib.schema import ShapeError

ROWS, COLUMNS = 4, 3
MATRIX = np.random.default_rng(0).normal(size=(12, 12)) * np.linspace(0.2, 3.0, 12)[:, None]


def test_who_reads_a_token_is_its_column_as_part_of_each_readers_reading() -> None:
    found = linear_mixing.read_by(MATRIX, token=5, rows=ROWS, columns=COLUMNS)
    np.testing.assert_array_equal(found.raw.ravel(), MATRIX[:, 5])
    for reader in range(12):
        reading = linear_reading(MATRIX, token=reader, rows=ROWS, columns=COLUMNS)
        assert found.share.ravel()[reader] == pytest.approx(reading.share.ravel()[5])
    # Negative control: neither the row nor the column divided by its own sum.
    column = 100 * np.abs(MATRIX[:, 5]) / np.abs(MATRIX[:, 5]).sum()
    assert not np.allclose(found.share.ravel(), column, rtol=0.05)
    assert not np.allclose(found.raw.ravel(), MATRIX[5])


def test_reach_and_own_share_are_those_of_each_row() -> None:
    other = np.eye(12)
    found = linear_mixing.over_depth([MATRIX, other], rows=ROWS, columns=COLUMNS)
    numbers = []
    for token in range(12):
        share = linear_reading(MATRIX, token=token, rows=ROWS, columns=COLUMNS).share
        row, column = divmod(token, COLUMNS)
        numbers.append(statistics(share, row=row, column=column, cell_px=1.0))
    reach = [n.reach_px for n in numbers]
    local = [n.local_percent for n in numbers]
    np.testing.assert_allclose(found.reach[0], reach)
    np.testing.assert_allclose(found.local[0], local)
    np.testing.assert_array_equal(found.reach[1], 0.0)
    np.testing.assert_array_equal(found.local[1], 100.0)
    assert found.block.tolist() == [1, 2]
    even = linear_mixing.over_depth([np.ones((12, 12))], rows=ROWS, columns=COLUMNS)
    assert np.median(even.reach[0]) == pytest.approx(found.even_reach)
    assert np.median(even.local[0]) == pytest.approx(found.even_local)
    # Negative control: read down the columns, or on the grid turned round, it is another reach.
    assert not np.allclose(
        linear_mixing.over_depth([MATRIX.T], rows=ROWS, columns=COLUMNS).reach[0], reach
    )
    assert not np.allclose(
        linear_mixing.over_depth([MATRIX], rows=COLUMNS, columns=ROWS).reach[0], reach
    )


def test_quartiles_are_over_the_tokens() -> None:
    values = np.array([[0.0, 1.0, 2.0, 3.0, 4.0], [10.0, 10.0, 10.0, 10.0, 90.0]])
    lower, median, upper = linear_mixing.quartiles(values)
    assert (lower.tolist(), median.tolist(), upper.tolist()) == ([1, 10], [2, 10], [3, 10])


def test_the_mirror_of_a_symmetric_matrix_is_one() -> None:
    assert linear_mixing.mirror(MATRIX + MATRIX.T, token=3) == pytest.approx(1.0)
    assert linear_mixing.mirror(MATRIX - MATRIX.T, token=3) < -0.9
    assert abs(linear_mixing.mirror(MATRIX, token=3)) < 0.9
    assert linear_mixing.mirror(np.ones((12, 12)), token=3) == 0.0


def test_places_are_spaced_when_there_are_too_many() -> None:
    places, step = linear_mixing.spaced(14, 14, 16)
    assert (len(places), step, places[15]) == (196, 1, (1, 1))
    places, step = linear_mixing.spaced(28, 28, 16)
    assert (len(places), step, places[15]) == (196, 2, (2, 2))


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ShapeError, match="token 12"):
        linear_mixing.read_by(MATRIX, token=12, rows=ROWS, columns=COLUMNS)
    with pytest.raises(ShapeError, match="token_in"):
        linear_mixing.over_depth([MATRIX[:, :9]], rows=ROWS, columns=COLUMNS)
    with pytest.raises(ShapeError, match="No matrix"):
        linear_mixing.over_depth([], rows=ROWS, columns=COLUMNS)
    with pytest.raises(ShapeError):
        linear_mixing.mirror(MATRIX, token=12)
