"""The choice of models."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from views.frame import asked, links, under_way
from views.frame.amounts import choose_switch
from views.frame.choices import choose_several
from views.frame.offers import offer_line
from views.frame.state import DEFAULT_MODELS, MOST_MODELS, SWITCH, default_models, t
from vislib import registry


def choice(present: Sequence[str]) -> None:
    """Which models are compared, which others there are, and what is on its way."""
    _add_arrived(present)
    usual = [key for key in default_models(present) if key in present]
    minis = [key for key in DEFAULT_MODELS if key in present]
    choose_several(
        t("models.choose"),
        present,
        key="models",
        words={key: registry.spec(key).title for key in present},
        # A link that names no model means the same ones on every machine.
        start_with=minis if minis and links.memory().spoke else usual,
        default=minis if minis == usual else (),
        most=MOST_MODELS,
        help_text=t("models.choose_help"),
        away=_note_absent,
    )
    if not st.session_state.get("models"):
        st.info(t("models.none_chosen"))
    choose_switch(t("models.untrained_switch"), key=SWITCH, help_text=t("models.untrained_help"))
    for key in st.session_state.get("_absent", ()):
        offer_line(key, t("models.link_names", title=registry.spec(key).title))
    under_way.draw()


def _note_absent(word: str) -> bool:
    """Keep which model a link names that is not here; False where there is none of that name."""
    rows = list(registry.MODEL_REGISTRY)
    key = asked.key_of("models", word, rows, {})
    if key is not None:
        absent = (*st.session_state.get("_absent", ()), key)
        st.session_state["_absent"] = tuple(dict.fromkeys(absent))
    return key is not None


def _add_arrived(present: Sequence[str]) -> None:
    """What a link named joins the chosen ones when it has come."""
    state = st.session_state
    absent: tuple[str, ...] = state.get("_absent", ())
    arrived = [key for key in absent if key in present]
    if arrived:
        state["_absent"] = tuple(key for key in absent if key not in arrived)
        chosen = [*state.get("models", ()), *arrived]
        state["models"] = list(dict.fromkeys(chosen))[:MOST_MODELS]
