"""The parts of a page that follow the pinned place: a click runs them again, and not the page."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from streamlit.errors import StreamlitAPIException
from streamlit.runtime.scriptrunner import get_script_run_ctx

from views.frame.language import settle_language
from views.frame.notices import shielded

PLACE = "place"


@st.fragment(key=PLACE)
def follows_place(body: Callable[[], None]) -> None:
    """A part of the page that is drawn again, together with all others, when a place is pinned.

    Whatever else happens in it runs the whole page, as everywhere: a choice or a button within may
    change what stands elsewhere. Its errors become messages there.

    Args:
        body: Draws it. What it was given stays as it was in the page's last run.
    """
    if _is_for_some():
        st.rerun()
    settle_language()  # a run of the parts alone begins without it, and asks for each word anew
    shielded(body)


def rerun_for_place() -> None:
    """Run the parts that follow the place and nothing else (in a callback); the page without any.

    Raises:
        RerunException: Streamlit's way to do so.
    """
    try:
        st.rerun(PLACE)
    except StreamlitAPIException:  # the page has not been drawn yet
        return


def _is_for_some() -> bool:
    """Whether not all of the parts were asked for, but one of them: for something within it."""
    context = get_script_run_ctx()
    asked = set(context.fragment_ids_this_run or ()) if context else set()
    if context is None or not asked:
        return False
    parts = set(context.fragment_storage.resolve_target(PLACE))
    return bool(parts & asked) and not parts <= asked
