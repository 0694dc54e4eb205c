"""Which cell a point falls into; tests/browser/test_geometry.py has the same in JavaScript."""

from __future__ import annotations

from fractions import Fraction

import pytest

from vislib.pictures import gallery, geometry
from vislib.schema import ViewBox

GRIDS = (1, 3, 4, 7, 8, 14, 16, 24, 28, 32, 49, 56, 64)


@pytest.mark.parametrize("count", GRIDS)
def test_a_border_belongs_to_the_cell_behind_it(count: int) -> None:
    whole = geometry.view_box(1000, 1000, size=64, crop=1.0)
    for place in range(1001):
        found = geometry.cell_at(
            whole, picture=(1000, 1000), x=place, y=0, rows=count, columns=count
        )
        assert found == (0, min(int(Fraction(place * count, 1000)), count - 1))


@pytest.mark.parametrize("name", ["cat", "coffee", "checker_coarse"])
@pytest.mark.parametrize("count", [2, 8, 14, 16])
def test_the_middle_of_the_picture_begins_the_second_half_of_the_grid(
    name: str, count: int
) -> None:
    picture = gallery.load(name)
    size = picture.width, picture.height
    box = geometry.view_box(*size, size=64, crop=1.0)
    cell = geometry.cell_at(box, picture=size, x=500, y=500, rows=count, columns=count)
    assert cell == (count // 2, count // 2)


def test_what_several_models_see_together() -> None:
    small = ViewBox(left=30.0, top=10.0, width=40.0, height=40.0)
    large = ViewBox(left=20.0, top=-5.0, width=60.0, height=70.0)
    whole = ViewBox(left=0.0, top=0.0, width=100.0, height=60.0)
    assert geometry.seen([], picture=(100, 60)) == whole
    assert geometry.seen([small], picture=(100, 60)) == small
    cut = ViewBox(left=20.0, top=0.0, width=60.0, height=60.0)  # nothing lies above the picture
    assert geometry.seen([small, large], picture=(100, 60)) == cut
