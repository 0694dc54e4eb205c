"""The lecturer's window: notes, the next step, and the list of all."""

from __future__ import annotations

import html

import streamlit as st

from views import frame
from views.lecture import paths
from vislib.lecture.steps import LecturePath, Step


def draw(path: LecturePath, step: Step) -> None:
    """What the class reads, what the lecturer alone reads, and what comes."""
    at = path.steps.index(step)
    left, right = st.columns([1.7, 1], gap="large")
    with left:
        _said(f"{at + 1} / {len(path.steps)}", paths.title(step), paths.words(step))
        st.html(f'<div class="lecture notes"><p>{html.escape(paths.notes(step))}</p></div>')
    with right:
        if at + 1 < len(path.steps):
            following = path.steps[at + 1]
            _said(frame.t("lecture.next"), paths.title(following), paths.words(following))
        else:
            st.html(f'<div class="lecture"><p>{html.escape(frame.t("lecture.last"))}</p></div>')


def _said(over: str, title: str, words: str) -> None:
    st.html(
        f'<div class="lecture small"><b>{html.escape(over)}</b><h2>{html.escape(title)}</h2>'
        f"<p>{html.escape(words)}</p></div>"
    )
