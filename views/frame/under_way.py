"""Downloads: ordered, under way, and those that came to nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from views.frame import server
from views.frame.state import said, t
from vislib import registry

if TYPE_CHECKING:
    from vislib.weights.downloads import DownloadState

POLL_SECONDS = 1.0


def draw() -> None:
    """Bars of what is on its way, drawn anew while it moves."""
    active = any(state.active for state in server.download_states())
    if active or own_ends():
        drawn = tuple((state.key, state.status) for state in server.download_states())
        st.fragment(_under_way, run_every=POLL_SECONDS if active else None)(drawn)


def is_published(key: str) -> bool:
    """Whether a model can be downloaded; the others come with the project."""
    return registry.spec(key).weights == "timm"


def get_button(key: str, where: str) -> None:
    """Get, or that it is coming."""
    if not is_published(key):
        return
    state = server.downloads().state(key)
    if state is not None and state.active:
        st.caption(t(f"models.{state.status}"))  # how far it is stands at the bar, drawn anew
        return
    again = state is not None and state.status in ("failed", "cancelled")
    label = t("models.again") if again else t("models.get")
    st.button(
        label,
        key=f"get-{where}-{key}",
        help=t("models.get_help", title=registry.spec(key).title),
        width="stretch",
        on_click=order,
        args=(key,),
    )


def order(key: str) -> None:
    """Start a download that this visitor wants to hear of."""
    st.session_state.setdefault("_ordered", {})[key] = True
    server.downloads().start(key)


def own_ends() -> list[DownloadState]:
    """Downloads that this visitor ordered and that came to nothing."""
    ordered = st.session_state.get("_ordered", {})
    return [
        state
        for state in server.download_states()
        if state.status in ("failed", "cancelled") and ordered.get(state.key)
    ]


def _under_way(drawn: tuple[tuple[str, str], ...]) -> None:
    """Bars of what is being downloaded; the whole page runs again when something has changed."""
    states = server.download_states()
    if tuple((state.key, state.status) for state in states) != drawn:
        st.rerun()
    for state in states:
        if state.active:
            _bar(state)
    for state in own_ends():
        _ended(state)


def _bar(state: DownloadState) -> None:
    """How far a download is, and a button that stops it."""
    title = registry.spec(state.key).title
    bar, button = st.columns([2.4, 1], vertical_alignment="center")
    share = min(1.0, state.done / state.total) if state.total else 0.0
    if state.status == "queued":
        text = t("models.bar_queued", title=title)
    else:
        text = t(
            "models.bar",
            title=title,
            done=f"{state.done / 1e6:,.0f}",
            total=f"{state.total / 1e6:,.0f}" if state.total else "?",
            rate=f"{state.rate / 1e6:.1f}",
        )
    bar.progress(share, text=text)
    button.button(
        t("models.cancel"),
        key=f"cancel-{state.key}",
        on_click=server.downloads().cancel,
        args=(state.key,),
        width="stretch",
    )


def _ended(state: DownloadState) -> None:
    """Why a download came to nothing, with what can be done."""
    with st.container(key=f"ended-{state.key}"):
        if state.status == "failed":
            st.error(f"**{registry.spec(state.key).title}.** {said(state.message)}")
        else:
            st.info(said(state.message))
        again, close = st.columns(2)
        with again:
            get_button(state.key, "ended")
        if close.button(t("models.close"), key=f"close-{state.key}", width="stretch"):
            st.session_state["_ordered"].pop(state.key, None)
            st.rerun()
