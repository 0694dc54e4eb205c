"""Beside DaViT: how far the attentions of DaViT, Swin and ViT reach over their depth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from views import frame
from views.dual_attention.chosen import Chosen
from vislib.analysis import attentions
from vislib.analysis.depth import depth_of
from vislib.figures import colours
from vislib.registry import spec

if TYPE_CHECKING:
    from vislib.models.loading import LoadedModel


def draw(chosen: Chosen, keys: Sequence[str]) -> None:
    """How far each model's attention reaches, from its first block to its last."""
    from vislib.figures import charts

    lines, shades = {}, {}
    for key in keys:
        found = frame.remember(
            ("attention_reach", frame.view().picture.sha256, key),
            lambda key=key: _reach(key),
            busy=frame.t("busy.capture", title=frame.title(key)),
        )
        name = spec(key).title
        lines[name] = (found.depth, found.reach * frame.box(key).width)
        shades[name] = colours.family_colour(spec(key).family)
    sites = frame.model(chosen.key).sites
    figure = charts.line_over_depth(
        lines,
        x_title=frame.t("dual_attention.beside_depth_x"),
        y_title=frame.t("dual_attention.beside_depth_y"),
        colours=shades,
        marker=depth_of(sites.index(chosen.site), len(sites)),
        dark=frame.dark(),
    )
    frame.plot(figure, key="beside-depth", alt=frame.t("dual_attention.beside_depth"))
    st.caption(frame.t("dual_attention.beside_depth_said"))


def _reach(key: str) -> attentions.ReachOverDepth:
    """Every block in one forward pass; only the mean distances are kept."""
    picture = frame.view().picture

    def work(place: LoadedModel) -> attentions.ReachOverDepth:
        from vislib.models import loading
        from vislib.observe import capture

        cache = capture.run_with_cache(place, loading.prepare(place, picture), None)
        return attentions.reach_over_depth(place.sites, cache)

    return frame.run(key, work)
