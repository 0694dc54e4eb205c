"""Draw this window anew when the lecture has changed: the browser hears it, and asks for a run."""

from __future__ import annotations

import streamlit as st

from views.frame.wire import text
from vislib.classroom.here import room

_news = st.components.v2.component("mixscope_news", js=text("news.js"))


def now() -> dict[str, str]:
    """What is known of the room at the moment; ask before it is drawn."""
    return {"version": room().version, "turn": room().turn}


def watch(known: dict[str, str], *, leads: bool) -> None:
    """Hear what happens from now on.

    Args:
        known: What this run has drawn.
        leads: Whether this window does: it hears only that another one leads.
    """
    _news(key="news", data={**known, "leads": leads}, on_version_change=lambda: None)
