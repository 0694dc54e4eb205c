"""Whether a visitor may lead: the browser has given the lecturer's key."""

from __future__ import annotations

import streamlit as st

from vislib.classroom.here import room


def is_lecturer() -> bool:
    """Whether this visitor's browser holds the lecturer's rights.

    A server that this machine alone reaches asks nobody for a key: there everybody does.
    """
    rights = room().rights
    return rights.holds(st.context.cookies.get(rights.cookie))
