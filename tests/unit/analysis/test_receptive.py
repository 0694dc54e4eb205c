"""Maps over input pixels on the common ground."""

from __future__ import annotations

import numpy as np
import pytest

from vislib.analysis.receptive import field_reading, share_moved
from vislib.schema import ShapeError


def test_a_field_is_summed_cell_by_cell() -> None:
    field = np.zeros((6, 8))
    field[4, 1] = 3.0
    field[0, 7] = 1.0
    found = field_reading(field, rows=3, columns=4)
    assert found.share[2, 0] == pytest.approx(75.0)
    assert found.share[0, 3] == pytest.approx(25.0)
    assert found.share.sum() == pytest.approx(100.0)
    assert found.raw[2, 0] == pytest.approx(3.0 / 4)
    assert found.provenance == "attribution"
    assert not field_reading(np.zeros((6, 8)), rows=3, columns=4).share.any()


def test_cells_that_do_not_divide_are_refused() -> None:
    with pytest.raises(ShapeError, match="4 x 4 cells do not divide"):
        field_reading(np.zeros((6, 8)), rows=4, columns=4)


def test_what_moved_between_two_readings() -> None:
    one = np.array([[100.0, 0.0], [0.0, 0.0]])
    assert share_moved(one, one) == 0.0
    assert share_moved(one, np.roll(one, 1, axis=1)) == 100.0
    assert share_moved(one, np.array([[60.0, 40.0], [0.0, 0.0]])) == pytest.approx(40.0)
    with pytest.raises(ShapeError):
        share_moved(one, np.zeros((3, 2)))
