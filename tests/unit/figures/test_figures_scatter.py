"""A table as points: unchanged numbers, the hover names the row, a logarithm needs x > 0."""

from __future__ import annotations

import numpy as np
import pytest

from vislib.figures.scatter import Cloud, Front, scatter
from vislib.schema import ShapeError

CLOUD = Cloud(name="a", x=[1.0, 10.0, 1000.0], y=[3.0, 2.0, 1.0], labels=["p", "q", "r"])
FRONT = Front(name="front", x=[1.0, 10.0], y=[3.0, 2.0])


def test_points_and_fronts_hold_the_numbers() -> None:
    figure = scatter([CLOUD], [FRONT], x_title="x (G)", y_title="y (%)")
    line, points = figure.data
    assert (list(line.x), list(line.y)) == (list(FRONT.x), list(FRONT.y))
    assert (list(points.x), list(points.y)) == (list(CLOUD.x), list(CLOUD.y))
    assert list(points.customdata) == list(CLOUD.labels)
    assert "%{customdata}" in points.hovertemplate
    assert points.mode == "markers"


def test_names_stand_beside_points_where_they_are_wanted() -> None:
    named = Cloud(name="a", x=[1.0, 2.0], y=[1.0, 2.0], labels=["p", "q"], beside=["p", ""])
    (points,) = scatter([named], [], x_title="x", y_title="y").data
    assert points.mode == "markers+text"
    assert list(points.text) == ["p", ""]


def test_a_logarithmic_axis_holds_every_point() -> None:
    figure = scatter([CLOUD], [], x_title="x", y_title="y", logarithmic=True)
    low, high = figure.layout.xaxis.range
    assert low < np.log10(min(CLOUD.x))
    assert high > np.log10(max(CLOUD.x))
    assert all(low <= np.log10(tick) <= high for tick in figure.layout.xaxis.tickvals)
    assert "1,000" in figure.layout.xaxis.ticktext
    assert scatter([CLOUD], [], x_title="x", y_title="y").layout.xaxis.type != "log"


@pytest.mark.parametrize(
    "wrong",
    [
        Cloud(name="a", x=[0.0], y=[1.0], labels=["p"]),
        Cloud(name="a", x=[1.0], y=[1.0, 2.0], labels=["p"]),
        Cloud(name="a", x=[1.0], y=[1.0], labels=[]),
    ],
)
def test_what_has_no_place_is_refused(wrong: Cloud) -> None:
    with pytest.raises(ShapeError, match="a:"):
        scatter([wrong], [], x_title="x", y_title="y", logarithmic=True)
