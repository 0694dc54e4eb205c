"""Compare: the same place of the picture in every model, side by side."""

from __future__ import annotations

import streamlit as st

from views import frame
from views.compare import controls, details, maps
from vislib.schema import MixScopeError


def draw() -> None:
    """The choices in one row, the stage, and below it what stands in tabs."""
    row = st.container()
    place = frame.stage_place(len(frame.view().models), rows=2 if controls.asks_second() else 1)
    with row:
        chosen, errors = controls.draw(place)
    frame.stage_room(place, len(frame.view().models), 1 if chosen.second is None else 2)
    frame.stage(
        maps.maps(frame.view().models, chosen, errors),
        label=frame.t("compare.title"),
        blocks=chosen.depths,
        block=chosen.depth,
        block_key="depth",
        scale=chosen.scale,
        second=None if chosen.second is None else (chosen.second, chosen.second_title),
        place=place,
    )
    keys = tuple(key for key in frame.view().models if key not in errors)
    if keys:
        details.draw(keys, chosen)
    _problems(errors)


def _problems(errors: dict[str, MixScopeError]) -> None:
    for key, error in errors.items():
        frame.model_head(key)
        frame.problem(error)
