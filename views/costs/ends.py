"""Numbers at the ends of curves, so that curves which lie close together are told apart."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

NUMBER_PX, MARKER_PX, LONE_PX = 24, 6, 20
"""Height of a number; size of a curve's markers, and of a lone point."""
EDGE_PX = 90
"""Of the chart's height, what axes and margins take."""
ROOM = 0.9
"""Of the width, what the curves take; the numbers have the rest."""
TICKS = (64, 112, 224, 336, 448)
Lines = Mapping[str, tuple[np.ndarray, np.ndarray]]


def label(figure: Figure, lines: Lines, height: int) -> None:
    """Write each curve's number at its end, and a lone point's beside it.

    Args:
        figure: With one trace a line, as ``charts.spectrum`` draws it; changed in place.
        lines: Name -> (x, y), the same.
        height: Of the figure, in page pixels.
    """
    low, high = _axes(figure, lines)
    pixels = (height - EDGE_PX) / (high - low)
    found = {name: float(_scaled(figure, y)[-1]) for name, (_, y) in lines.items()}
    moved = apart({n: -found[n] * pixels for n, (x, _) in lines.items() if len(x) > 1})
    for place, (name, (x, _)) in enumerate(lines.items()):
        size = MARKER_PX if name in moved else LONE_PX
        figure.data[place].marker.size = size
        figure.add_annotation(
            x=x[-1],
            y=found[name],
            text=f"<b>{place + 1}</b>",
            xanchor="left",
            ax=24,
            ay=moved[name] + found[name] * pixels if name in moved else -24,
            arrowhead=0,
            arrowwidth=2,
            arrowcolor=figure.data[place].line.color,
        )
    figure.update_layout(showlegend=False, margin={"b": 12})


def _scaled(figure: Figure, values: np.ndarray) -> np.ndarray:
    """As the figure's y axis has them."""
    return np.log10(values) if figure.layout.yaxis.type == "log" else values


def _axes(figure: Figure, lines: Lines) -> tuple[float, float]:
    """Room at the right, and ticks that are read from afar; both ends of the y axis."""
    values = _scaled(figure, np.concatenate([y for _, y in lines.values()]))
    sizes = np.concatenate([x for x, _ in lines.values()])
    logarithmic = figure.layout.yaxis.type == "log"
    low, high = (float(values.min()) if logarithmic else 0.0), float(values.max())
    margin = 0.06 * max(high - low, 1e-9)
    low, high = low - margin, high + margin
    first, last = float(sizes.min()), float(sizes.max())
    end = first + max(last - first, 1.0) / ROOM
    figure.update_xaxes(range=[first - 0.04 * (end - first), end])
    figure.update_xaxes(tickvals=[size for size in TICKS if size <= last])
    figure.update_yaxes(range=[low, high], autorange=False)
    if logarithmic:
        powers = [10.0**p for p in range(int(np.floor(low)), int(np.ceil(high)) + 1)]
        figure.update_yaxes(tickvals=powers, ticktext=[f"{power:g}" for power in powers])
    return low, high


def names(figure: Figure, lines: Lines) -> None:
    """Which curve has which number, with its last value."""
    items = []
    for place, (name, (x, y)) in enumerate(lines.items()):
        value = f"{y[-1]:,.0f}" if y[-1] >= 1000 else f"{y[-1]:.3g}"
        colour = figure.data[place].line.color
        items.append(
            f'<li><b style="border-color:{colour}">{place + 1}</b> {html.escape(name)}: '
            f"<b>{value}</b> ({x[-1]:.0f} px)</li>"
        )
    st.html(f'<ul class="ends">{"".join(items)}</ul>')


def apart(places: Mapping[str, float]) -> dict[str, float]:
    """Heights in pixels, moved as little as must be so that numbers do not lie on each other.

    Args:
        places: Name -> where it should stand, downwards.
    """
    found: dict[str, float] = {}
    order = sorted(places, key=lambda name: places[name])
    for name in order:
        above = max(found.values(), default=-float("inf"))
        found[name] = max(places[name], above + NUMBER_PX)
    shift = np.mean([found[name] - places[name] for name in order]) if order else 0
    return {name: place - float(shift) for name, place in found.items()}
