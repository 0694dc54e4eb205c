"""The training curve: every number where it belongs."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from vislib.figures.curve import BOTTOM, LEFT, RIGHT, TOP, CurveLine, as_lines, training_curve
from vislib.schema import ShapeError

SVG = "{http://www.w3.org/2000/svg}"


def drawn(marker: int = 2) -> ElementTree.Element:
    lines = as_lines({"A <&> B": [(1, 0.1), (2, 0.25), (4, 0.4)]}, {"A <&> B": "#0072B2"})
    return ElementTree.fromstring(
        training_curve(
            lines, marker=marker, x_title="epoch", y_title="top-1", width=400, height=200
        )
    )


def test_points_lie_on_one_scale_from_zero() -> None:
    (line,) = drawn().iter(f"{SVG}polyline")
    points = [tuple(map(float, pair.split(","))) for pair in line.attrib["points"].split()]
    across, down = 400 - LEFT - RIGHT, 200 - TOP - BOTTOM
    for (x, y), (epoch, percent) in zip(points, ((1, 10), (2, 25), (4, 40)), strict=True):
        assert x == pytest.approx(LEFT + across * epoch / 4, abs=0.06)
        assert y == pytest.approx(TOP + down * (1 - percent / 40), abs=0.06)
    assert line.find(f"{SVG}title").text == "A <&> B"


def test_the_marker_stands_at_its_epoch() -> None:
    (dot,) = drawn(2).iter(f"{SVG}circle")
    assert float(dot.attrib["cx"]) == pytest.approx(LEFT + (400 - LEFT - RIGHT) / 2, abs=0.06)
    assert not list(drawn(3).iter(f"{SVG}circle"))  # no value was measured there
    dashed = [p.attrib["d"] for p in drawn(4).iter(f"{SVG}path") if "stroke-dasharray" in p.attrib]
    assert dashed[0].startswith(f"M{400 - RIGHT}.0 ")


def test_a_line_without_values_is_refused() -> None:
    broken = CurveLine(name="x", epochs=[1, 2], percent=[1.0], colour="#000")
    for lines in ([], [broken]):
        with pytest.raises(ShapeError):
            training_curve(lines, marker=0, x_title="", y_title="")
