"""Rows of a table as points in plotly: the hover names the row, a line joins the Pareto front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from vislib.figures.colours import OTHER_FAMILY
from vislib.figures.heatmap import FONT_PX, base_layout
from vislib.schema import ShapeError

_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "cross", "star", "pentagon")
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash")


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """Points that share a colour and a symbol.

    Attributes:
        name: In the legend.
        x, y: One number a point.
        labels: What the hover calls each point.
        colour: CSS colour.
        symbol: Number of the symbol, from 0.
        beside: What stands beside each point, empty for nothing; nothing at all if there are none.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float]
    labels: Sequence[str]
    colour: str = OTHER_FAMILY
    symbol: int = 0
    beside: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Front:
    """A line through the points that no other point beats, by ascending x."""

    name: str
    x: Sequence[float]
    y: Sequence[float]


def scatter(
    clouds: Sequence[Cloud],
    fronts: Sequence[Front],
    *,
    x_title: str,
    y_title: str,
    logarithmic: bool = False,
    height: int = 560,
    dark: bool | None = None,
) -> go.Figure:
    """Draw a table's rows as points, and the fronts as thin lines below them.

    Args:
        clouds: The points; their order is the legend's.
        fronts: One a group of rows that may be compared.
        x_title: With its unit.
        y_title: The same.
        logarithmic: Whether the x axis is; all x must be above 0 then.
        height: Page pixels.
        dark: None leaves the text colour to the page's theme.

    Returns:
        A figure: first the fronts' traces, then one trace a cloud with its numbers unchanged.

    Raises:
        ShapeError: x, y and labels of a cloud differ in length, or an x has no logarithm.
    """
    for cloud in clouds:
        if not len(cloud.x) == len(cloud.y) == len(cloud.labels):
            raise ShapeError(
                "error.figure.dots_lists", name=cloud.name, x=len(cloud.x), y=len(cloud.y)
            )
        if logarithmic and any(x <= 0 for x in cloud.x):
            raise ShapeError("error.figure.log_axis", name=cloud.name)
    figure = go.Figure([_line(front, place) for place, front in enumerate(fronts)])
    for cloud in clouds:
        figure.add_trace(_points(cloud, x_title, y_title))
    base_layout(figure, title="", note="", height=height, dark=dark)
    grid = {"gridcolor": "rgba(128,128,128,0.3)", "zeroline": False, "linecolor": OTHER_FAMILY}
    figure.update_xaxes(title_text=x_title, **grid)
    figure.update_yaxes(title_text=y_title, **grid)
    if logarithmic:
        low, high = _decades([x for cloud in clouds for x in cloud.x])
        ticks = [d * 10.0**p for p in range(-4, 8) for d in (1, 2, 5)]
        shown = [tick for tick in ticks if low <= np.log10(tick) <= high]
        figure.update_xaxes(
            type="log", range=[low, high], tickvals=shown, ticktext=[f"{t:,g}" for t in shown]
        )
    figure.update_layout(
        showlegend=len(clouds) + len(fronts) > 1,
        legend={"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0},
        margin={"b": 100, "r": 24},
    )
    return figure


def _line(front: Front, place: int) -> go.Scatter:
    """A front, told from others by its dashes."""
    return go.Scatter(
        x=list(front.x),
        y=list(front.y),
        name=front.name,
        mode="lines",
        hoverinfo="skip",
        line={"color": OTHER_FAMILY, "width": 2, "dash": _DASHES[place % len(_DASHES)]},
    )


def _points(cloud: Cloud, x_title: str, y_title: str) -> go.Scatter:
    """A cloud; the hover has the row's name and both numbers."""
    return go.Scatter(
        x=list(cloud.x),
        y=list(cloud.y),
        name=cloud.name,
        customdata=list(cloud.labels),
        text=list(cloud.beside) or None,
        mode="markers+text" if cloud.beside else "markers",
        textposition="top center",
        textfont={"size": FONT_PX - 3},
        cliponaxis=False,
        marker={
            "color": cloud.colour,
            "size": 12,
            "symbol": _SYMBOLS[cloud.symbol % len(_SYMBOLS)],
        },
        hovertemplate=f"<b>%{{customdata}}</b><br>{x_title}: %{{x:,.7~g}}<br>"
        f"{y_title}: %{{y:.7~g}}<extra></extra>",
    )


def _decades(values: Sequence[float]) -> tuple[float, float]:
    """Both ends of a logarithmic axis, with a margin, as powers of ten."""
    low, high = float(np.log10(min(values))), float(np.log10(max(values)))
    margin = 0.12 * max(high - low, 0.3)
    return low - margin, high + margin
