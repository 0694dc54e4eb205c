"""What it costs: MACs as the input grows, and two identities of mixing layers."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from views import frame
from views.costs import curves, identities
from views.frame import links

VIEWS = ("curves", "identities")


def draw() -> None:
    """One of two views; the address keeps which."""
    asked = {st.session_state.get("cost_view"), *links.asked("cost_view")}
    with frame.row_of_choices(picture="identities" in asked):
        view = frame.choose(
            frame.t("costs.view"),
            VIEWS,
            key="cost_view",
            words={name: frame.t(f"costs.view_{name}") for name in VIEWS},
        )
        show: Callable[[], None] = curves.chosen() if view == VIEWS[0] else identities.chosen()
    frame.shielded(show)
