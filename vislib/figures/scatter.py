"""Rows of a table as points in plotly: the hover names the row, a line joins the Pareto front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from vislib.figures import labels
from vislib.figures.colours import OTHER_FAMILY
from vislib.figures.heatmap import FONT_PX, base_layout
from vislib.schema import ShapeError

_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "cross", "star", "pentagon")
_WIDTH_PX, _ROOM_PX, _MARGIN = 740, 150, 0.08
"""Of the plot on a projector; what axes and legend take of the height; at each edge."""
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
            Where there is no room for it, the hover has it alone.
        listed: Whether the legend has it.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float]
    labels: Sequence[str]
    colour: str = OTHER_FAMILY
    symbol: int = 0
    beside: Sequence[str] = ()
    listed: bool = True


@dataclass(frozen=True, kw_only=True)
class Front:
    """A line through the points that no other point beats, by ascending x.

    Attributes:
        name: In the legend.
        x: One number a point.
        y: The same.
        symbol: Number of the symbol of its group's points, which the legend shows; None for none.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float]
    symbol: int | None = None


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
    positions = iter(_positions(clouds, logarithmic, height))
    for cloud in clouds:
        own = [next(positions) for _ in cloud.x]
        figure.add_trace(_points(cloud, own, x_title, y_title))
    base_layout(figure, title="", note="", height=height, dark=dark)
    grid = {"gridcolor": "rgba(128,128,128,0.3)", "zeroline": False, "linecolor": OTHER_FAMILY}
    figure.update_xaxes(title_text=x_title, **grid)
    figure.update_yaxes(title_text=y_title, **grid)
    if any(any(cloud.beside) for cloud in clouds):
        every = [value for cloud in clouds for value in cloud.y]
        room = _MARGIN / (1 - 2 * _MARGIN) * (max(every) - min(every) or 1)
        figure.update_yaxes(range=[min(every) - room, max(every) + room])
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
        mode="lines" if front.symbol is None else "lines+markers",
        marker={"symbol": _SYMBOLS[(front.symbol or 0) % len(_SYMBOLS)], "color": OTHER_FAMILY},
        hoverinfo="skip",
        line={"color": OTHER_FAMILY, "width": 2, "dash": _DASHES[place % len(_DASHES)]},
    )


def _positions(clouds: Sequence[Cloud], logarithmic: bool, height: int) -> list[str]:
    """A position for each point's name, cloud by cloud; empty for none."""
    x = np.array([value for cloud in clouds for value in cloud.x], dtype=float)
    y = np.array([value for cloud in clouds for value in cloud.y], dtype=float)
    names = [name for cloud in clouds for name in (cloud.beside or [""] * len(cloud.x))]
    if not any(names):
        return [""] * len(names)
    x = np.log10(x) if logarithmic else x
    tall = height - _ROOM_PX
    across = _MARGIN + (1 - 2 * _MARGIN) * (x - x.min()) / max(np.ptp(x), 1e-9)
    down = 1 - _MARGIN - (1 - 2 * _MARGIN) * (y - y.min()) / max(np.ptp(y), 1e-9)
    points = list(zip((across * _WIDTH_PX).tolist(), (down * tall).tolist(), strict=True))
    return labels.place(points, names, width=_WIDTH_PX, height=tall)


def _points(cloud: Cloud, positions: Sequence[str], x_title: str, y_title: str) -> go.Scatter:
    """A cloud; the hover has the row's name and both numbers."""
    beside = [
        name if position else ""
        for name, position in zip(cloud.beside or [""] * len(cloud.x), positions, strict=True)
    ]
    return go.Scatter(
        x=list(cloud.x),
        y=list(cloud.y),
        name=cloud.name,
        showlegend=cloud.listed,
        customdata=list(cloud.labels),
        text=beside if any(beside) else None,
        mode="markers+text" if any(beside) else "markers",
        textposition=[position or "top center" for position in positions],
        textfont={"size": FONT_PX - 2},
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
    margin = _MARGIN / (1 - 2 * _MARGIN) * max(high - low, 0.3)
    return low - margin, high + margin
