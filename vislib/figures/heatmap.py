"""The one enlarged map, with the raw value under the pointer: a plotly heatmap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from vislib.figures import colours
from vislib.figures.fonts import OF_PAGE, wrap
from vislib.figures.strip import axis_words, clip_note, quantity_words
from vislib.schema import LabelledArray, ShapeError
from vislib.texts import FALLBACK

FONT_PX = 18
TRANSPARENT = "rgba(0,0,0,0)"
OUTLINE = "#ff00c8"

CONFIG: Mapping[str, Any] = {"displayModeBar": False, "displaylogo": False, "scrollZoom": False}
"""What to give plotly when a figure is shown: its buttons would cover the title."""

_TITLE_LETTERS = 44
_SQUARE = (("row", "column"), ("ky", "kx"))


def row_zero_on_top(figure: go.Figure, rows: int) -> go.Figure:
    """Put the first row at the top: plotly puts it at the bottom. All figures come through here.

    Args:
        figure: Its y axis counts rows from 1.
        rows: How many there are.

    Returns:
        The same figure.
    """
    figure.update_yaxes(range=[rows + 0.5, 0.5], autorange=False)
    return figure


def base_layout(
    figure: go.Figure, *, title: str, note: str, height: int, dark: bool | None
) -> None:
    """Set what all charts share: fonts, no background, room for the title.

    Args:
        figure: Changed in place.
        title: May be empty; then no room is left for it.
        note: A smaller line below the title: a clip or a normalisation.
        height: Page pixels.
        dark: None leaves the text colour to the page's theme.
    """
    lines = wrap(title, _TITLE_LETTERS)
    top = 14 + 26 * len(lines) + (26 if note else 0) + (8 if title else 0)
    figure.update_layout(
        height=height,
        margin={"l": 12, "r": 12, "t": top, "b": 12},
        paper_bgcolor=TRANSPARENT,
        plot_bgcolor=TRANSPARENT,
        font={"size": FONT_PX, "family": OF_PAGE},
        hoverlabel={"font": {"size": FONT_PX}},
        xaxis={"automargin": True, "title": {"standoff": 8}},
        yaxis={"automargin": True, "title": {"standoff": 8}},
    )
    if title or note:
        words = {
            "text": "<br>".join(lines),
            "x": 0,
            "xanchor": "left",
            "y": 1,
            "yanchor": "top",
            # Plotly leaves a title of several lines without its shift of 0.7 em.
            "pad": {"t": 6 if len(lines) < 2 else 6 + round(0.7 * (FONT_PX + 2))},
        }
        words["font"] = {"size": FONT_PX + 2}
        if note:
            words["subtitle"] = {"text": note, "font": {"size": FONT_PX - 3}}
        figure.update_layout(title=words)
    if dark is not None:
        ink = colours.text_colour(dark)
        figure.update_layout(font={"color": ink})
        figure.update_xaxes(color=ink)
        figure.update_yaxes(color=ink)


def _outline_cell(figure: go.Figure, cell: tuple[int, int]) -> None:
    """Frame one cell, in a colour that is in no table, with a black edge."""
    row, column = cell[0] + 1, cell[1] + 1
    for colour, width in (("#000000", 6), (OUTLINE, 3)):
        figure.add_shape(
            type="rect",
            x0=column - 0.5,
            x1=column + 0.5,
            y0=row - 0.5,
            y1=row + 0.5,
            line={"color": colour, "width": width},
        )


def heatmap(
    array: LabelledArray,
    *,
    title: str = "",
    quantity: str | None = None,
    limits: tuple[float, float] | None = None,
    cell: tuple[int, int] | None = None,
    x_title: str | None = None,
    y_title: str | None = None,
    note: str | None = None,
    height: int = 560,
    dark: bool | None = None,
    language: str = FALLBACK,
) -> go.Figure:
    """Draw one map, row 0 at the top.

    Args:
        array: Two axes; the first goes down, the second across. Its numbers are shown unchanged.
        title: Above the map; empty for none.
        quantity: What the colour means; the bar reads "quantity (unit)", or the unit alone.
        limits: Values of the first and the last colour; None takes them from the map.
        cell: The selected cell (down, across), counted from 0: outlined.
        x_title: Words for the second axis; None takes its name.
        y_title: Words for the first axis; None takes its name.
        note: Below the title; None says how many values were clipped, where any were.
        height: Page pixels.
        dark: None leaves the text colour to the page's theme.
        language: Of the axes' names, the unit and the note.

    Returns:
        A figure whose axes count from 1, as the pages do; ``data[0].z`` is the array.

    Raises:
        ShapeError: The array has not two axes, or the cell does not exist.
    """
    if array.values.ndim != 2 or array.values.size == 0:
        raise ShapeError("error.figure.heatmap_axes", source=array.source, shape=array.shape)
    rows, columns = array.values.shape
    if cell is not None and not (0 <= cell[0] < rows and 0 <= cell[1] < columns):
        raise ShapeError("error.figure.cell_of_heatmap", cell=cell, rows=rows, columns=columns)
    pair = colours.check_limits(limits or colours.limits(array.values, signed=array.signed))
    names = [axis_words(axis, language) for axis in array.axes]
    down, across = y_title or names[0], x_title or names[1]
    bar = quantity_words(quantity, array.unit, language)
    figure = go.Figure(
        go.Heatmap(
            z=array.values,
            x=np.arange(1, columns + 1),
            y=np.arange(1, rows + 1),
            zmin=pair[0],
            zmax=pair[1],
            zauto=False,
            colorscale=colours.plotly_scale(array.signed),
            reversescale=False,
            colorbar={"title": {"text": bar, "side": "right"}, "thickness": 18, "outlinewidth": 0},
            hovertemplate=f"{down} %{{y}}<br>{across} %{{x}}<br>{quantity or bar}: "
            "%{z:.7~g}<extra></extra>",
        )
    )
    clip = clip_note(array.values, pair)
    said = (clip.text(language) if clip else "") if note is None else note
    base_layout(figure, title=title, note=said, height=height, dark=dark)
    tidy: dict[str, Any] = {"showgrid": False, "zeroline": False, "tickformat": "d"}
    figure.update_xaxes(
        title_text=across, range=[0.5, columns + 0.5], constrain="domain", **tidy, **_steps(columns)
    )
    figure.update_yaxes(title_text=down, constrain="domain", **tidy, **_steps(rows))
    if array.axes in _SQUARE or rows == columns:
        figure.update_yaxes(scaleanchor="x", scaleratio=1)
    if cell is not None:
        _outline_cell(figure, cell)
    return row_zero_on_top(figure, rows)


def _steps(count: int) -> dict[str, int]:
    """Ticks at 1, 1 + n, 1 + 2n ...: never half a row, never more than about eight."""
    return {"tick0": 1, "dtick": max(1, -(-count // 8))}


def heatmaps(
    arrays: Sequence[LabelledArray],
    *,
    titles: Sequence[str] | None = None,
    shared: bool = True,
    **options: Any,
) -> list[go.Figure]:
    """Draw several maps; those that share a unit share their limits.

    Args:
        arrays: Two axes each.
        titles: One for each, or None.
        shared: False gives every map its own limits.
        **options: As in ``heatmap``, the same for all.

    Returns:
        One figure an array, in order.

    Raises:
        ShapeError: The number of titles differs from the number of arrays.
    """
    words = list(titles) if titles is not None else [""] * len(arrays)
    if len(words) != len(arrays):
        raise ShapeError("error.figure.titles", titles=len(words), maps=len(arrays))
    common: dict[tuple[str, bool], tuple[float, float]] = {}
    for array in arrays if shared else ():
        like = [a.values for a in arrays if (a.unit, a.signed) == (array.unit, array.signed)]
        common[(array.unit, array.signed)] = colours.limits(*like, signed=array.signed)
    return [
        heatmap(array, title=title, limits=common.get((array.unit, array.signed)), **options)
        for array, title in zip(arrays, words, strict=True)
    ]
