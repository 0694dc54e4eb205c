"""Draw this window anew when the lecture has changed: the browser hears it, and asks for a run."""

from __future__ import annotations

import streamlit as st

from views.frame.wire import text
from vislib.classroom.here import room

_news = st.components.v2.component("mixscope_news", js=text("news.js"))


def watch(version: str) -> None:
    """Hear what happens from now on.

    Args:
        version: Of the room as this run has drawn it.
    """
    _news(key="news", data={"version": version}, on_version_change=lambda: None)


def version() -> str:
    """Of the room as it is now; ask before it is drawn."""
    return room().version
