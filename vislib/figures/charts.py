"""Bars and lines in plotly: the best classes, a number over depth, a spectrum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from vislib.figures.colours import OTHER_FAMILY
from vislib.figures.heatmap import FONT_PX, TRANSPARENT, base_layout, row_zero_on_top
from vislib.schema import ShapeError

Series = Mapping[str, tuple[np.ndarray, np.ndarray]]
"""Name -> (x, y), one-dimensional arrays of equal length."""

# Lines differ by dash and marker too: colour is never the only sign.
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
_MARKERS = ("circle", "square", "diamond", "triangle-up", "x", "cross")


def _shorten(text: str, length: int) -> str:
    """Cut a long label; the hover has it whole."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"


def top5_bars(
    entries: Sequence[tuple[str, float]],
    colour: str,
    *,
    title: str = "",
    label_length: int = 26,
    height: int | None = None,
    dark: bool | None = None,
) -> go.Figure:
    """Draw the best classes, best at the top, each label above its bar.

    Args:
        entries: (label, probability 0 to 1), best first; the order is kept.
        colour: The family's.
        title: Above the chart; empty for none.
        label_length: Letters of a label that are shown; the hover has all of it.
        height: Page pixels; None fits the number of bars.
        dark: None leaves the text colour to the page's theme.

    Returns:
        Bars from 0 to 1 (the same scale for every model), ``data[0].x`` the raw probabilities.
    """
    labels = [label for label, _ in entries]
    values = np.array([value for _, value in entries], dtype=np.float64)
    places = np.arange(1, len(entries) + 1)
    figure = go.Figure(
        go.Bar(
            x=values,
            y=places,
            customdata=labels,
            orientation="h",
            width=0.36,
            marker={"color": colour, "line": {"width": 0}},
            hovertemplate="%{customdata}<br>%{x:.7~g}<extra></extra>",
        )
    )
    tall = height or 30 + 52 * max(1, len(entries)) + (34 if title else 0)
    base_layout(figure, title=title, note="", height=tall, dark=dark)
    for place, (label, value) in zip(places.tolist(), entries, strict=True):
        for text, x, anchor in (
            (_shorten(label, label_length), 0, "left"),
            (_percent(value), 1, "right"),
        ):
            figure.add_annotation(
                x=x, y=place - 0.2, text=text, showarrow=False, xanchor=anchor, yanchor="bottom"
            )
    figure.update_xaxes(range=[0, 1], visible=False)
    figure.update_yaxes(visible=False)
    row_zero_on_top(figure, len(entries))
    # Room for the first label, which stands above its bar.
    figure.update_yaxes(range=[len(entries) + 0.3, 0.2])
    return figure


def _percent(value: float) -> str:
    """A probability as a percentage: one decimal, never "0.0 %" for what is not zero."""
    if 0 < value < 0.0005:
        return "<0.1 %".replace("<", "&lt;")
    return f"{100 * value:.1f} %"


def _check_series(series: Series) -> None:
    """Refuse series whose x and y differ in length."""
    for name, (x, y) in series.items():
        if np.ndim(x) != 1 or np.shape(x) != np.shape(y):
            raise ShapeError("error.figure.line_lists", name=name, x=np.shape(x), y=np.shape(y))


def line_over_depth(
    series: Series,
    *,
    x_title: str,
    y_title: str,
    colours: Mapping[str, str],
    marker: float | None = None,
    title: str = "",
    from_zero: bool = True,
    height: int = 460,
    dark: bool | None = None,
) -> go.Figure:
    """Draw one number over depth, a line a model.

    Args:
        series: Name -> (x, y); x is the block counted from 1 as pages do, or the share of depth.
        x_title: With its unit.
        y_title: With its unit.
        colours: Name -> colour; grey for a name that is missing.
        marker: Where the shown block is: a thin vertical line; None for none.
        title: Above the chart; empty for none.
        from_zero: Whether the y axis begins at zero.
        height: Page pixels.
        dark: None leaves the text colour to the page's theme.

    Returns:
        A figure whose traces hold the arrays unchanged.

    Raises:
        ShapeError: x and y of a series differ in length.
    """
    _check_series(series)
    figure = go.Figure()
    for i, (name, (x, y)) in enumerate(series.items()):
        colour = colours.get(name, OTHER_FAMILY)
        figure.add_trace(
            go.Scatter(
                x=np.asarray(x),
                y=np.asarray(y),
                name=name,
                mode="lines+markers",
                line={"color": colour, "width": 3, "dash": _DASHES[i % len(_DASHES)]},
                marker={"color": colour, "size": 9, "symbol": _MARKERS[i % len(_MARKERS)]},
                hovertemplate=f"{x_title} %{{x}}<br>{y_title}: %{{y:.7~g}}"
                "<extra>%{fullData.name}</extra>",
            )
        )
    base_layout(figure, title=title, note="", height=height, dark=dark)
    _axes(figure, x_title, y_title, from_zero)
    # The legend goes below: above it would run into the title where many models are shown.
    figure.update_layout(
        showlegend=len(series) > 1,
        legend={"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0},
        margin={"b": 56 if len(series) > 1 else 12},
    )
    if marker is not None:
        figure.add_vline(x=marker, line={"color": OTHER_FAMILY, "width": 2, "dash": "dot"})
    return figure


def _axes(figure: go.Figure, x_title: str, y_title: str, from_zero: bool) -> None:
    """Titles and quiet grid lines."""
    grid = {"gridcolor": "rgba(128,128,128,0.3)", "zeroline": False, "linecolor": OTHER_FAMILY}
    figure.update_xaxes(title_text=x_title, **grid)
    figure.update_yaxes(title_text=y_title, rangemode="tozero" if from_zero else "normal", **grid)


def spectrum(
    series: Series,
    *,
    x_title: str,
    y_title: str,
    colours: Mapping[str, str],
    logarithmic: bool = False,
    title: str = "",
    height: int = 420,
    dark: bool | None = None,
) -> go.Figure:
    """Draw energy over spatial frequency, a line a model or a depth.

    Args:
        series: Name -> (frequency, energy).
        x_title: With its unit (cycles per token, or per kernel).
        y_title: With its unit.
        colours: Name -> colour.
        logarithmic: Whether the y axis is; values of zero are not drawn then.
        title: Above the chart; empty for none.
        height: Page pixels.
        dark: None leaves the text colour to the page's theme.

    Returns:
        A figure whose traces hold the arrays unchanged.
    """
    figure = line_over_depth(
        series,
        x_title=x_title,
        y_title=y_title,
        colours=colours,
        title=title,
        height=height,
        dark=dark,
    )
    if logarithmic:
        figure.update_yaxes(type="log", rangemode="normal", exponentformat="power")
    return figure


def bars(
    labels: Sequence[str],
    values: np.ndarray,
    *,
    x_title: str,
    y_title: str,
    colour: str | Sequence[str],
    title: str = "",
    height: int = 420,
    dark: bool | None = None,
) -> go.Figure:
    """Draw one upright bar a label; bars always begin at zero.

    Args:
        labels: One a bar, all different.
        values: One a bar, any sign.
        x_title: What the labels are.
        y_title: With its unit.
        colour: One for all, or one a bar.
        title: Above the chart; empty for none.
        height: Page pixels.
        dark: None leaves the text colour to the page's theme.

    Returns:
        A figure; ``data[0].y`` is ``values``.

    Raises:
        ShapeError: The numbers of labels and values differ, or labels repeat (they would be added).
    """
    heights = np.asarray(values)
    if heights.shape != (len(labels),) or len(set(labels)) != len(labels):
        raise ShapeError("error.figure.bars", labels=len(labels), shape=heights.shape)
    figure = go.Figure(
        go.Bar(
            x=list(labels),
            y=heights,
            marker={"color": colour if isinstance(colour, str) else list(colour)},
            hovertemplate=f"%{{x}}<br>{y_title}: %{{y:.7~g}}<extra></extra>",
        )
    )
    base_layout(figure, title=title, note="", height=height, dark=dark)
    _axes(figure, x_title, y_title, True)
    figure.update_xaxes(type="category", showgrid=False)
    figure.update_layout(bargap=0.3, font={"size": FONT_PX}, paper_bgcolor=TRANSPARENT)
    return figure
