"""Token mixing: what MLP-Mixer's hidden units and ResMLP's linear layers do with the patches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import streamlit as st

from views import frame
from views.frame import links
from views.token_mixing import controls, hidden_unit, linear, maps, reads, source, units
from views.token_mixing.beside import beside
from views.token_mixing.controls import Choice

SHOWN: Mapping[str, Callable[[Choice], str]] = {
    "units": units.units,
    "reads": reads.numbers,
    "unit": hidden_unit.one_unit,
    "blocks": units.blocks,
    "rows": linear.rows,
    "depth": linear.depth,
    "beside": beside,
}
"""View -> what stands below the stage first; it gives the model as of the epoch that it shows."""
ROOM = {"unit": (4, 1), "reads": (2, 1), "rows": (2, 1), "depth": (2, 1), "beside": (2, 2)}
"""View -> maps side by side, and rows of them, where that is not three in one row."""


def draw() -> None:
    """The choices in one row, the stage, and below it what stands in tabs."""
    row = st.container()
    place = frame.stage_place(*ROOM.get(_expected(), (3, 1)))
    with row, frame.row_of_choices(models=False):
        chosen = controls.draw(place)
    second = chosen.other
    frame.stage_room(place, len(maps.maps(chosen, chosen.key)), 2 if second else 1)
    key = _tabs(chosen)
    frame.stage(
        maps.maps(chosen, key),
        label=frame.t("token_mixing.title"),
        blocks=[frame.block_name(site) for site in frame.model(chosen.key).sites],
        block=frame.block_name(chosen.site),
        block_key="mixer_block",
        scale=chosen.scale,
        second=second,
        place=place,
    )


def _expected() -> str:
    """The view before its choice is drawn, so that the stage has its room from the start."""
    asked = links.asked("mixing_view")
    return asked[0] if asked else str(st.session_state.get("mixing_view"))


def _tabs(chosen: Choice) -> str:
    """What stands below the stage; the model as of the epoch that is shown there."""
    shown = chosen.key

    def first() -> None:
        nonlocal shown
        shown = SHOWN[chosen.view](chosen)

    draws: dict[str, Callable[[], None]] = {
        "shown": first,
        "maths": partial(_maths, chosen),
        "source": partial(source.draw, chosen),
    }
    words = {
        "shown": frame.t(f"token_mixing.tab_{chosen.view}"),
        "maths": frame.t("compare.tab_maths"),
        "source": frame.t("compare.tab_source"),
    }
    name, place = frame.choose_tab(words, key="mixing_tab")
    with place:
        frame.follows_place(draws[name])
    return shown


def _maths(chosen: Choice) -> None:
    """The badge, the layer's formula, and what a share is."""
    site = chosen.site
    frame.badge(site.mixing)
    kind = hidden_unit.kind(site)
    frame.formula(frame.t("token_mixing.formula"))
    frame.formula(frame.t(f"token_mixing.formula_{kind}"))
    st.markdown(frame.t(f"token_mixing.formula_how_{kind}"))
    if site.units:
        st.markdown(frame.t("token_mixing.left_out"))
    frame.formula(frame.t("compare.formula"))
