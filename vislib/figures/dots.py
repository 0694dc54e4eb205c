"""Measured runs in plotly: a dot a run, a bar for the mean of a row, a line for the spread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from vislib.figures.colours import OTHER_FAMILY, text_colour
from vislib.figures.heatmap import FONT_PX, OUTLINE, base_layout, row_zero_on_top
from vislib.schema import ShapeError

_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "star", "pentagon")
_SLOT_PX, _ROOM_PX = 32, 130
_BESIDE = "\N{NO-BREAK SPACE}" * 3
"""Between a dot and a number."""
_GAP = 0.5
"""Between two groups, in rows."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """The runs that share a setting.

    Attributes:
        label: Left of the row.
        percent: One value a run, 0 to 100.
        keys: What a click on a run's dot hands back, one a run.
        names: What the hover calls each run.
        colour: CSS colour.
        symbol: Number of the dots' symbol, from 0: the setting can be read without colour.
        group: Heading above the first row of a group; empty for none.
    """

    label: str
    percent: Sequence[float]
    keys: Sequence[str]
    names: Sequence[str]
    colour: str = OTHER_FAMILY
    symbol: int = 0
    group: str = ""

    @property
    def mean(self) -> float:
        """Of the runs, in percent."""
        return sum(self.percent) / len(self.percent)


def dots(
    rows: Sequence[Row],
    *,
    x_title: str,
    chance: float,
    chance_name: str,
    chosen: str = "",
    dark: bool | None = None,
) -> go.Figure:
    """Draw a row a setting, in the order given, the first at the top.

    Args:
        rows: At least one run each.
        x_title: With its unit.
        chance: What guessing reaches, in percent: a named line.
        chance_name: Its name.
        chosen: Key of the run that is outlined; empty for none.
        dark: None leaves the text colour to the page's theme.

    Returns:
        A figure of these traces: bars of the means; spreads (lowest to highest run of rows with
        several, one line each); the means as text; dots, one a run, whose first ``customdata``
        is the run's key.

    Raises:
        ShapeError: There is no row, or one has no run, or not as many keys and names as runs.
    """
    if not rows:
        raise ShapeError("error.figure.no_row")
    for row in rows:
        if not len(row.percent) == len(row.keys) == len(row.names) > 0:
            raise ShapeError(
                "error.figure.dots",
                row=row.label,
                runs=len(row.percent),
                keys=len(row.keys),
                names=len(row.names),
            )
    places, ticks, last = _places(rows)
    drawn = [_bars(rows, places), _spreads(rows, places, dark), _numbers(rows, places, dark)]
    figure = go.Figure([*drawn, _runs(rows, places, chosen, dark)])
    height = round(_SLOT_PX * last) + _ROOM_PX
    base_layout(figure, title="", note="", height=height, dark=dark)
    row_zero_on_top(figure, round(last))
    figure.update_yaxes(
        range=[last + 0.6, 0.4],
        tickvals=list(ticks),
        ticktext=list(ticks.values()),
        showgrid=False,
        zeroline=False,
    )
    top = max(chance, *(value for row in rows for value in row.percent))
    figure.update_xaxes(
        title_text=x_title,
        range=[0, 1.06 * top],
        rangemode="tozero",
        gridcolor="rgba(128,128,128,0.3)",
        zeroline=True,
        zerolinecolor=OTHER_FAMILY,
        nticks=6,
    )
    figure.add_vline(x=chance, line={"color": OTHER_FAMILY, "width": 3, "dash": "dash"})
    figure.add_annotation(
        x=chance, y=1, yref="paper", text=chance_name, showarrow=False, xanchor="left",
        yanchor="bottom", xshift=-6,
    )  # fmt: skip
    figure.update_layout(showlegend=False, margin={"r": 84, "t": 36}, barmode="overlay")
    return figure


def _places(rows: Sequence[Row]) -> tuple[list[float], dict[float, str], float]:
    """Each row's height, the words at the left, and the last height; a heading has its own."""
    places: list[float] = []
    ticks: dict[float, str] = {}
    at, group = 0.0, ""
    for row in rows:
        if row.group and row.group != group:
            at += 1.0 if not places else 1.0 + _GAP
            ticks[at] = f"<b>{row.group}</b>"
        group = row.group
        at += 1.0
        places.append(at)
        ticks[at] = row.label
    return places, ticks, at


def _bars(rows: Sequence[Row], places: Sequence[float]) -> go.Bar:
    """Means; a click on a bar is one on its first run."""
    return go.Bar(
        x=[row.mean for row in rows],
        y=list(places),
        orientation="h",
        width=0.72,
        customdata=[[row.keys[0]] for row in rows],
        hoverinfo="skip",
        marker={"color": [row.colour for row in rows], "opacity": 0.35, "line": {"width": 0}},
    )


def _numbers(rows: Sequence[Row], places: Sequence[float], dark: bool | None) -> go.Scatter:
    """The mean in figures, beyond the farthest dot."""
    return go.Scatter(
        x=[max(row.percent) for row in rows],
        y=list(places),
        mode="text",
        text=[f"{_BESIDE}{row.mean:.1f} %" for row in rows],
        textposition="middle right",
        textfont={"size": FONT_PX - 1, "color": text_colour(bool(dark))},
        cliponaxis=False,
        hoverinfo="skip",
    )


def _spreads(rows: Sequence[Row], places: Sequence[float], dark: bool | None) -> go.Scatter:
    """From the lowest to the highest run of each row that has several."""
    x: list[float | None] = []
    y: list[float | None] = []
    for row, place in zip(rows, places, strict=True):
        if len(row.percent) > 1:
            x += [min(row.percent), max(row.percent), None]
            y += [place, place, None]
    line = {"color": text_colour(bool(dark)), "width": 3}
    return go.Scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip")


def _runs(
    rows: Sequence[Row], places: Sequence[float], chosen: str, dark: bool | None
) -> go.Scatter:
    """A dot a run; the chosen one is larger and has the outline's colour."""
    each = [
        (row, place, value, key, name)
        for row, place in zip(rows, places, strict=True)
        for value, key, name in zip(row.percent, row.keys, row.names, strict=True)
    ]
    edge = text_colour(bool(dark))
    return go.Scatter(
        x=[value for _, _, value, _, _ in each],
        y=[place for _, place, *_ in each],
        mode="markers",
        customdata=[[key, name] for *_, key, name in each],
        cliponaxis=False,
        marker={
            "color": [row.colour for row, *_ in each],
            "symbol": [_SYMBOLS[row.symbol % len(_SYMBOLS)] for row, *_ in each],
            "size": [18 if key == chosen else 13 for *_, key, _ in each],
            "opacity": 1,
            "line": {
                "color": [OUTLINE if key == chosen else edge for *_, key, _ in each],
                "width": [4 if key == chosen else 1 for *_, key, _ in each],
            },
        },
        hovertemplate="<b>%{customdata[1]}</b><br>%{x:.2f} %<extra></extra>",
    )
