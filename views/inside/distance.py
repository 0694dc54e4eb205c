"""How far each depth mixes: all families on one axis, in pixels of the picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from views import frame
from views.inside import runs
from views.inside.runs import Distances, words
from vislib.figures import colours
from vislib.registry import spec
from vislib.schema import DecodedImage, MixScopeError

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

EVENLY = 0.5214
"""Mean distance of two places drawn evenly from a square, over its side (Santalo, 1976)."""


@dataclass(frozen=True, kw_only=True)
class Depth:
    """What the stage shows.

    Attributes:
        steps: Relative depths that can be stepped through, percent.
        step: The one that is shown.
        scale: The stage's.
        errors: Which of the models cannot be run, and why.
    """

    steps: tuple[str, ...]
    step: str
    scale: str
    errors: dict[str, MixScopeError]


def choose(place: DeltaGenerator) -> Depth:
    """The relative depth of the maps.

    Args:
        place: The stage's, which says meanwhile that models are being loaded.
    """
    errors = frame.load_on_stage(frame.view().models, place)
    steps = frame.depth_steps([key for key in frame.view().models if key not in errors])
    with st.container(width=150):
        step = frame.choose(
            words("depth"),
            steps,
            key="inside_depth",
            words={step: words("depth_at", percent=step) for step in steps},
            compact=False,
        )
    with st.popover(words("colours")):
        scale = frame.choose_scale()
    return Depth(steps=steps, step=step, scale=scale, errors=errors)


def draw(chosen: Depth, place: DeltaGenerator) -> None:
    """What the place reads at one depth; below it how far every depth reaches."""
    frame.stage(
        [_map(key, chosen.errors.get(key)) for key in frame.view().models],
        label=words("view_distance"),
        blocks=chosen.steps,
        block=chosen.step,
        block_key="inside_depth",
        scale=chosen.scale,
        place=place,
    )
    found = runs.each(
        [key for key in frame.view().models if key not in chosen.errors], runs.distances
    )
    for error in chosen.errors.values():
        frame.problem(error)
    if not found:
        return
    draws: dict[str, Callable[[], None]] = {
        "distance": partial(_chart, found, int(chosen.step) / 100),
        "numbers": partial(_columns, found),
        "maths": _maths,
        "source": partial(_source, found),
    }
    name, tab = frame.choose_tab({n: words(f"tab_{n}") for n in draws}, key="mixing")
    with tab:
        frame.follows_place(draws[name])


def _map(key: str, error: MixScopeError | None) -> frame.StageMap:
    return frame.model_map(
        key,
        partial(_shown, key),
        alt=words("map_alt", model=spec(key).title),
        wrong="" if error is None else frame.said(error),
    )


def _shown(key: str, picture: DecodedImage, step: str) -> frame.StageShown:
    site = frame.site_at_step(key, step)
    words_of_block = frame.block_words(key, site)
    return frame.StageShown(field=runs.field(key, site, picture), sub=words_of_block)


def _chart(found: dict[str, Distances], depth: float) -> None:
    """A line a model; the depth of the maps is marked."""
    from vislib.figures import charts

    lines, shades = {}, {}
    for key, line in found.items():
        lines[frame.title(key)] = (line.depth, line.share * frame.box(key).width)
        shades[frame.title(key)] = colours.family_colour(spec(key).family)
    figure = charts.line_over_depth(
        lines,
        x_title=words("distance_x"),
        y_title=words("distance_y"),
        colours=shades,
        marker=depth,
        dark=frame.dark(),
    )
    figure.update_xaxes(range=[-0.04, 1.04])
    frame.plot(figure, key="mixing-distance", alt=words("distance_alt"))
    side = max(frame.box(key).width for key in found)
    evenly = words("distance_said", side=f"{side:.0f}", evenly=f"{EVENLY * side:.0f}")
    other = [key for key in found if _mixes_channels(key)]
    st.caption(f"{evenly} {words('distance_channels') if other else ''}")


def _columns(found: dict[str, Distances]) -> None:
    """A column a model."""
    for column, (key, line) in zip(st.columns(len(found)), found.items(), strict=True):
        with column:
            frame.shielded(partial(_column, key, line))


def _maths() -> None:
    """What is averaged."""
    st.markdown(words("distance_how"))
    frame.formula(words("distance_formula"))


def _source(found: dict[str, Distances]) -> None:
    """The numbers as a file."""
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
