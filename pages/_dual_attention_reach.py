"""Beside DaViT: how far the attentions of DaViT, Swin and ViT reach over their depth."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages import _ui
from pages._dual_attention_parts import Chosen
from vislib.analysis import attentions
from vislib.figures import colours
from vislib.registry import spec


def draw(chosen: Chosen, keys: Sequence[str]) -> None:
    """How far each model's attention reaches, from its first block to its last."""
    from vislib.figures import charts

    lines, shades = {}, {}
    for key in keys:
        found = _ui.remember(
            ("attention_reach", _ui.view().picture.sha256, key),
            lambda key=key: _reach(key),
            busy=_ui.t("busy.capture", title=_ui.title(key)),
        )
        name = spec(key).title
        lines[name] = (found.depth, found.reach * _ui.box(key).width)
        shades[name] = colours.family_colour(spec(key).family)
    figure = charts.line_over_depth(
        lines,
        x_title=_ui.t("dual_attention.beside_depth_x"),
        y_title=_ui.t("dual_attention.beside_depth_y"),
        colours=shades,
        marker=attentions.depth_of(_ui.model(chosen.key).sites, chosen.site),
        dark=_ui.dark(),
    )
    _ui.plot(figure, key="beside-depth", alt=_ui.t("dual_attention.beside_depth"))
    st.caption(_ui.t("dual_attention.beside_depth_said"))


def _reach(key: str) -> attentions.ReachOverDepth:
    """Every block in one forward pass; only the mean distances are kept."""
    from vislib import capture, models

    model = _ui.model(key)
    cache = capture.run_with_cache(model, models.prepare(model, _ui.view().picture), None)
    return attentions.reach_over_depth(model.sites, cache)
