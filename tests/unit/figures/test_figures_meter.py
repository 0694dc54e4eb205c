"""The faithfulness meter's chart: every number where it belongs."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from vislib.figures.meter import BOTTOM, LEFT, RIGHT, TOP, MeterLine, meter, nice_top
from vislib.schema import ShapeError

SVG = "{http://www.w3.org/2000/svg}"
LINES = [
    MeterLine(name="random", values=(0.1, 0.1), colour="#777", dashed=True),
    MeterLine(name="A <&> B", values=(0.0, 0.3, 0.4), colour="#0072B2"),
]


def test_points_lie_on_the_shared_scale() -> None:
    drawn = ElementTree.fromstring(
        meter(LINES, top=0.5, x_title="share", y_title="%", width=400, height=300)
    )
    dashed, line = drawn.iter(f"{SVG}polyline")
    points = [tuple(map(float, pair.split(","))) for pair in line.attrib["points"].split()]
    across, down = 400 - LEFT - RIGHT, 300 - TOP - BOTTOM
    for (x, y), (share, value) in zip(points, ((0, 0), (0.5, 0.3), (1, 0.4)), strict=True):
        assert x == pytest.approx(LEFT + across * share, abs=0.06)
        assert y == pytest.approx(TOP + down * (1 - value / 0.5), abs=0.06)
    assert line.find(f"{SVG}title").text == "A <&> B"
    assert "stroke-dasharray" in dashed.attrib
    assert "stroke-dasharray" not in line.attrib
    assert {"0", "25", "50", "100"} <= {str(t.text) for t in drawn.iter(f"{SVG}text")}


def test_the_top_is_a_round_number_that_holds_all() -> None:
    assert [nice_top(value) for value in (0.004, 0.3, 0.5, 0.51, 1.0)] == [0.01, 0.5, 0.5, 1.0, 1.0]
    with pytest.raises(ShapeError, match="A <&> B"):
        meter(LINES, top=0.3, x_title="", y_title="")
    with pytest.raises(ShapeError):
        meter([MeterLine(name="one", values=(0.1,), colour="#000")], top=1, x_title="", y_title="")
