"""The choice of models in the panel."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from views.frame import under_way
from views.frame.offers import offer_line
from views.frame.state import MOST_MODELS, SWITCH, default_models, from_link, t
from vislib import registry


def choice(present: Sequence[str]) -> None:
    """Which models are compared, which others there are, and what is on its way."""
    _note_absent(present)
    from_link("models", present, many=True)
    _add_arrived(present)
    usual = [key for key in default_models(present) if key in present]
    st.multiselect(
        t("models.choose"),
        present,
        default=usual,
        format_func=lambda key: registry.spec(key).title,
        key="models",
        bind="query-params",
        max_selections=MOST_MODELS,
        help=t("models.choose_help"),
    )
    if not st.session_state.get("models"):
        st.info(t("models.none_chosen"))
    st.toggle(
        t("models.untrained_switch"),
        key=SWITCH,
        bind="query-params",
        help=t("models.untrained_help"),
    )
    for key in st.session_state.get("_absent", ()):
        offer_line(key, t("models.link_names", title=registry.spec(key).title))
    under_way.draw()


def _named(word: str) -> str | None:
    """The registry key that a word of a link stands for: the key itself, or the title."""
    for row in registry.MODEL_REGISTRY.values():
        if word in (row.key, row.title):
            return row.key
    return None


def _note_absent(present: Sequence[str]) -> None:
    """Keep which models a link names that are not here; Streamlit drops them from the address."""
    state = st.session_state
    named = [_named(word) for word in st.query_params.get_all("models")]
    absent = [key for key in named if key is not None and key not in present]
    if absent:
        state["_absent"] = tuple(dict.fromkeys(absent))


def _add_arrived(present: Sequence[str]) -> None:
    """What a link named joins the chosen ones when it has come."""
    state = st.session_state
    absent: tuple[str, ...] = state.get("_absent", ())
    arrived = [key for key in absent if key in present]
    if arrived:
        state["_absent"] = tuple(key for key in absent if key not in arrived)
        chosen = [*state.get("models", ()), *arrived]
        state["models"] = list(dict.fromkeys(chosen))[:MOST_MODELS]
