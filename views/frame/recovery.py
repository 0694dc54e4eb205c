"""When the connection is lost and comes back: words in the visitor's language, and a run."""

from __future__ import annotations

import streamlit as st

from views.frame.state import t
from views.frame.wire import text

REASONS = ("own", "server", "back")
"""This device's own link; the server does not answer; it answers again."""
_recovery = st.components.v2.component("mixscope_recovery", js=text("recovery.js"))


def draw() -> None:
    """Watch the connection; once a page."""
    _recovery(
        key="recovery",
        data={"texts": {reason: t(f"recovery.{reason}") for reason in REASONS}},
        on_returned_change=lambda: None,
    )
