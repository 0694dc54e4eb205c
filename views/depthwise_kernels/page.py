"""Depthwise kernels: what each channel of a ConvMixer reads around a place, and how far."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import streamlit as st

from views import frame
from views.depthwise_kernels import beside, block, controls, depth, maps, mixing, source
from views.depthwise_kernels.controls import Choice
from views.depthwise_kernels.kernel_maps import facts, words
from views.frame import links
from vislib.registry import spec

SHOWN: Mapping[str, Callable[[Choice], str]] = {
    "block": block.kernels,
    "depth": depth.depth,
    "mixing": mixing.mixing,
    "beside": beside.counts,
}
"""View -> what stands below the stage first; it gives the model as of the epoch that it shows."""
ROOM = {"depth": 3, "mixing": 3, "beside": 2}
"""View -> maps side by side, where that is not four."""


def draw() -> None:
    """The choices in one row, the stage, and below it what stands in tabs."""
    asked = links.asked("kernel_view")
    expected = asked[0] if asked else str(st.session_state.get("kernel_view"))
    row = st.container()
    place = frame.stage_place(ROOM.get(expected, 4))
    with row, frame.row_of_choices(models=False):
        chosen = controls.draw(place)
    frame.stage_room(place, len(maps.maps(chosen, chosen.key)))
    key = _tabs(chosen)
    frame.stage(
        maps.maps(chosen, key),
        label=words("title"),
        blocks=[frame.block_name(site) for site in frame.model(chosen.key).sites],
        block=frame.block_name(chosen.site),
        block_key="kernel_block",
        scale=chosen.scale,
        place=place,
    )


def _tabs(chosen: Choice) -> str:
    """What stands below the stage; the model as of the epoch that is shown there."""
    shown = chosen.key

    def first() -> None:
        nonlocal shown
        shown = SHOWN[chosen.view](chosen)

    draws: dict[str, Callable[[], None]] = {"shown": first}
    names = {"shown": words(f"tab_{chosen.view}")}
    if chosen.view == "block":
        draws["channel"] = partial(block.followed, chosen)
        names["channel"] = words("tab_channel", channel=chosen.channel + 1)
    if chosen.view == "beside":
        draws |= {
            "kernels": partial(beside.tiles, chosen),
            "energy": partial(beside.over_depth, chosen),
        }
        names |= {name: words(f"tab_{name}") for name in ("kernels", "energy")}
    draws |= {"maths": partial(_maths, chosen), "source": partial(source.draw, chosen)}
    names |= {name: frame.t(f"compare.tab_{name}") for name in ("maths", "source")}
    name, place = frame.choose_tab(names, key="kernel_tab")
    with place:
        frame.follows_place(draws[name])
    return shown


def _maths(chosen: Choice) -> None:
    """The formula, the badge, and what the block is made of."""
    site, shown = chosen.site, facts(chosen.key, chosen.site.block)
    frame.badge(site.mixing)
    frame.formula(words("formula"))
    if chosen.view == "mixing":
        st.markdown(words("mixing_how"))
        frame.formula(words("mixing_formula"))
    said = words(
        "facts",
        kernel=shown.kernel,
        channels=site.channels,
        rows=site.rows,
        columns=site.columns,
        activation=shown.activation,
        norm=shown.norm,
        padding=shown.padding,
    )
    around = words("residual" if shown.residual else "no_residual")
    st.markdown(f"**{spec(chosen.key).title}** · {said} · {around}")
    frame.formula(frame.t("compare.formula"))
