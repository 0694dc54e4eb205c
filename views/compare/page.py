"""Compare: the same place of the picture in every model, side by side."""

from __future__ import annotations

import streamlit as st

from views import frame
from views.compare import controls, details, maps
from views.compare.controls import Choice
from views.frame import links
from vislib.schema import MixScopeError


def draw() -> None:
    """The choices in one row, the stage, and below it what stands in tabs."""
    chosen, errors = controls.draw()
    keys = tuple(key for key in frame.view().models if key not in errors)
    if keys:
        _stage_and_details(keys, chosen)
    _problems(errors)


def _problems(errors: dict[str, MixScopeError]) -> None:
    for key, error in errors.items():
        frame.model_head(key)
        frame.problem(error)


@st.fragment
def _stage_and_details(keys: tuple[str, ...], chosen: Choice) -> None:
    """What a click changes."""
    if st.session_state.get("depth", chosen.depth) != chosen.depth:
        st.rerun()  # stepped to another block on the stage: the choice above it follows
    rows = maps.rows(keys, chosen)
    stage = frame.Stage(rows, order=chosen.depths, key="stage")
    came = stage.draw(
        maps.shown(keys, chosen, chosen.depth),
        block=chosen.depth,
        point=frame.view().point,
        scale=chosen.scale,
        label=frame.t("compare.title"),
        on_change=_moved,
    )
    if came is not None:
        links.choose_later(x=came.point[0], y=came.point[1], depth=came.block)
    for depth in _beside(chosen):
        stage.ahead(depth, maps.shown(keys, chosen, depth))
    details.draw(keys, chosen)
    frame.settle_point()  # at the end: it may draw, and nothing above may move for that


def _beside(chosen: Choice) -> list[str]:
    """The depths before and after: a key press shows them at once."""
    place = chosen.depths.index(chosen.depth)
    return [*chosen.depths[place + 1 : place + 2], *chosen.depths[max(0, place - 1) : place]]


def _moved(moved: frame.StageMoved) -> None:
    """The visitor pinned a place or stepped to another block."""
    frame.select(moved.point)
    if moved.block != st.session_state.get("depth"):
        st.session_state["depth"] = moved.block
