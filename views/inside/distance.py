"""How far each depth mixes: all families on one axis, in pixels of the picture."""

from __future__ import annotations

from functools import partial

import streamlit as st

from views import frame
from views.inside import runs
from views.inside.runs import Distances, words
from vislib.figures import colours
from vislib.registry import spec

EVENLY = 0.5214
"""Mean distance of two places drawn evenly from a square, over its side (Santalo, 1976)."""


def draw() -> None:
    """A line a model; then what kind of mixing each line is."""
    from vislib.figures import charts

    st.markdown(words("distance_how"))
    frame.formula(words("distance_formula"))
    found = runs.each(frame.view().models, runs.distances)
    if not found:
        return
    lines, shades = {}, {}
    for key, line in found.items():
        lines[frame.title(key)] = (line.depth, line.share * frame.box(key).width)
        shades[frame.title(key)] = colours.family_colour(spec(key).family)
    figure = charts.line_over_depth(
        lines,
        x_title=words("distance_x"),
        y_title=words("distance_y"),
        colours=shades,
        dark=frame.dark(),
    )
    figure.update_xaxes(range=[-0.04, 1.04])
    frame.plot(figure, key="mixing-distance", alt=words("distance_alt"))
    side = max(frame.box(key).width for key in found)
    evenly = words("distance_said", side=f"{side:.0f}", evenly=f"{EVENLY * side:.0f}")
    other = [key for key in found if _mixes_channels(key)]
    st.caption(f"{evenly} {words('distance_channels') if other else ''}")
    columns = st.columns(len(found))
    for column, (key, line) in zip(columns, found.items(), strict=True):
        with column:
            frame.shielded(partial(_column, key, line))
    frame.offer_csv(lambda: _rows(found), name="mixing_distance", key="distance.csv")


def _column(key: str, line: Distances) -> None:
    """Badge, first block, last block, the farthest."""
    frame.model_head(key)
    for mixing in line.mixing:
        frame.badge(mixing)
    side = frame.box(key).width
    pixels = line.share * side
    ends = ((words("distance_first"), 0), (words("distance_last"), -1))
    facts = [(name, _pixels(float(pixels[place]))) for name, place in ends]
    facts.append((words("distance_most"), _pixels(float(pixels.max()))))
    frame.html_table(facts)


def _mixes_channels(key: str) -> bool:
    """Whether a model has an operator that the chart leaves out."""
    return any("channel_attention" in site.operators for site in frame.model(key).sites)


def _pixels(value: float) -> str:
    return f"{value:.0f} px" if value >= 10 else f"{value:.1f} px"


def _rows(found: dict[str, Distances]) -> list[list[object]]:
    """The numbers behind the lines."""
    rows: list[list[object]] = [["model", "block", "depth", "cells", "share_of_side", "pixels"]]
    for key, line in found.items():
        side = frame.box(key).width
        for i, group in enumerate(line.groups):
            share = float(line.share[i])
            rows.append([key, group, line.depth[i], line.cells[i], share, share * side])
    return rows
