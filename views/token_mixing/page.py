"""Token mixing: what MLP-Mixer's hidden units and ResMLP's linear layers do with the patches."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from views import frame
from views.token_mixing import hidden_unit, linear, reads, units
from views.token_mixing.beside import beside
from vislib.schema import MixingSite

Draw = Callable[[str, MixingSite], None]
WITH_UNITS: Mapping[str, Draw] = {
    "units": units.units,
    "reads": reads.gated,
    "unit": hidden_unit.one_unit,
    "blocks": units.blocks,
    "beside": beside,
}
"""View -> what draws it, for an MLP over the tokens."""
LINEAR: Mapping[str, Draw] = {
    "rows": linear.rows,
    "reads": reads.linear,
    "depth": linear.depth,
    "beside": beside,
}
"""View -> what draws it, for one linear layer over the tokens: there are no hidden units."""


PLAYED = ("units", "blocks")
"""Views that show weights alone, so that the training can be played."""


def _what(site: MixingSite) -> None:
    """The badge, and this family's formula in words."""
    left, right = st.columns([1, 3], vertical_alignment="center")
    with left:
        frame.badge(site.mixing)
    with right:
        kind = hidden_unit.kind(site)
        formula = frame.t(f"token_mixing.formula_{kind}")
        st.markdown(f"${formula}$ {frame.t(f'token_mixing.formula_how_{kind}')}")


def draw() -> None:
    """Model, block and view; then the view."""
    key = frame.choose_model("mixer", "resmlp")
    left, right = st.columns([1, 3], vertical_alignment="bottom")
    with left:
        site = frame.choose_site(key, name="mixer_block", operator="token_mixing")
    views = WITH_UNITS if site.units else LINEAR
    with right:
        words = {name: frame.t(f"token_mixing.view_{name}") for name in views}
        label = frame.t("token_mixing.view")
        chosen = frame.choose(label, list(views), key="mixing_view", words=words)
    if chosen != "beside":  # there, each model has its own
        _what(site)
    if chosen in PLAYED:
        needs = "stage0.block0.token_mixing.fc1"
        if chosen == "units":
            needs = f"{site.group}.token_mixing.fc1"
        (key,) = frame.choose_epoch([key], needs=needs)
    views[chosen](key, site)
