"""Runs as dots: unchanged numbers, a key for each click, a line a spread, the first row on top."""

from __future__ import annotations

import dataclasses

import pytest

from vislib.figures.dots import Row, dots
from vislib.schema import ShapeError

TWO = Row(label="a", percent=[40.0, 44.0], keys=["a.0", "a.1"], names=["A 0", "A 1"], group="G")
ONE = Row(label="b", percent=[10.0], keys=["b.0"], names=["B 0"], symbol=1, group="G")
OTHER = Row(label="a", percent=[30.0], keys=["c.0"], names=["C 0"], group="H")
WORDS = {"x_title": "accuracy (%)", "chance": 5.0, "chance_name": "chance, 5 %"}


def test_bars_are_means_and_dots_are_runs() -> None:
    bars, spreads, numbers, runs = dots([TWO, ONE, OTHER], **WORDS).data  # type: ignore[arg-type]
    assert list(bars.x) == [42.0, 10.0, 30.0]
    assert [text.strip("\N{NO-BREAK SPACE}") for text in numbers.text] == [
        "42.0 %",
        "10.0 %",
        "30.0 %",
    ]
    assert list(runs.x) == [40.0, 44.0, 10.0, 30.0]
    assert [key for key, _ in runs.customdata] == ["a.0", "a.1", "b.0", "c.0"]
    assert [key for (key,) in bars.customdata] == ["a.0", "b.0", "c.0"]
    assert list(spreads.x) == [40.0, 44.0, None]


def test_settings_differ_by_symbol_and_the_chosen_run_by_its_outline() -> None:
    *_, runs = dots([TWO, ONE, OTHER], chosen="b.0", **WORDS).data  # type: ignore[arg-type]
    first, _, second, _ = runs.marker.symbol
    assert first != second
    widths = list(runs.marker.line.width)
    assert widths.index(max(widths)) == 2
    assert widths.count(max(widths)) == 1


def test_a_heading_stands_above_its_rows_and_the_first_is_on_top() -> None:
    figure = dots([TWO, ONE, OTHER], **WORDS)  # type: ignore[arg-type]
    axis = figure.layout.yaxis
    assert list(axis.ticktext) == ["<b>G</b>", "a", "b", "<b>H</b>", "a"]
    assert list(axis.tickvals) == sorted(axis.tickvals)
    assert axis.range[0] > axis.range[1]
    assert list(figure.data[0].y) == [axis.tickvals[place] for place in (1, 2, 4)]
    plain = dataclasses.replace(TWO, group="")
    assert list(dots([plain], **WORDS).layout.yaxis.ticktext) == ["a"]  # type: ignore[arg-type]


def test_chance_is_a_named_line_inside_the_axis() -> None:
    figure = dots([dataclasses.replace(ONE, percent=[1.0])], **WORDS)  # type: ignore[arg-type]
    (line,) = figure.layout.shapes
    assert line.x0 == line.x1 == 5.0
    assert figure.layout.annotations[0].text == "chance, 5 %"
    assert figure.layout.xaxis.range[0] == 0
    assert figure.layout.xaxis.range[1] > 5.0


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [dataclasses.replace(ONE, percent=[])],
        [dataclasses.replace(ONE, keys=["b.0", "b.1"])],
        [dataclasses.replace(ONE, names=[])],
    ],
)
def test_rows_without_runs_are_refused(rows: list[Row]) -> None:
    with pytest.raises(ShapeError, match="one"):
        dots(rows, **WORDS)  # type: ignore[arg-type]
