"""Models that are not on this machine: which there are, how large they are, and how they come."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from views.frame import server
from views.frame.state import said, t
from views.frame.under_way import POLL_SECONDS, get_button, is_published, own_ends
from vislib import registry

LIST_HEIGHT = 340


def away(present: Sequence[str]) -> list[str]:
    """The models that are not here, those that can be downloaded first."""
    missing = [row.key for row in registry.MODEL_REGISTRY.values() if row.key not in present]
    return sorted(missing, key=lambda key: not is_published(key))


def more(missing: Sequence[str]) -> None:
    """The list of models that can be had; it is drawn, and its sizes counted, when it is opened.

    Args:
        missing: From ``away``.
    """
    opened = st.popover(t("models.more"), width="stretch", key="more_models", on_change="rerun")
    if not opened.open:
        return
    with opened:
        st.caption(t("models.more_how"))
        waiting = st.empty()
        waiting.caption(t("busy.counting"))  # the first time torch is imported for it
        counting = any(server.megabytes(key) is None for key in missing if is_published(key))
        with st.container(height=LIST_HEIGHT, border=False, key="more_list"):
            moving = any(state.active for state in server.download_states())
            every = POLL_SECONDS if counting or moving else None
            st.fragment(_list, run_every=every)(tuple(missing), counting)
        waiting.empty()
        st.caption(t("models.offline"))


def _list(missing: Sequence[str], counting: bool) -> None:
    """A line for each model: title, size, licence, and a button."""
    if counting and all(server.megabytes(key) is not None for key in missing if is_published(key)):
        st.rerun()  # nothing more to wait for: the next list does not ask again
    for key in missing:
        row = registry.spec(key)
        size = server.megabytes(key) if is_published(key) else None
        words, button = st.columns([2.2, 1], vertical_alignment="center")
        facts = [_size(size), row.licence] if is_published(key) else [t("models.bundled_away")]
        words.markdown(f"**{row.title}**  \n:small[{' · '.join(facts)}]")
        with button:
            get_button(key, "list")
        state = server.downloads().state(key) if is_published(key) else None
        if state in own_ends() and state is not None and state.status == "failed":
            st.error(said(state.message))


def _size(megabytes: float | None) -> str:
    return "… MB" if megabytes is None else f"{megabytes:,.0f} MB"


def offer_line(key: str, why: str) -> None:
    """One line on a model that is not here, with its button."""
    row = registry.spec(key)
    facts = f": {_size(server.megabytes(key))}, {row.licence}." if is_published(key) else "."
    with st.container(border=True, key=f"offer-{key}"):
        words, button = st.columns([3, 1], vertical_alignment="center")
        words.markdown(f"{why.rstrip('.')}{facts}")
        with button:
            get_button(key, "offer")


def offer(key: str, why: str, present: Sequence[str]) -> None:
    """Offer a published model that is not here; draws nothing when it is, or without a network.

    Args:
        key: Registry key.
        why: What a page could show with it, in one sentence.
        present: The models that are here.
    """
    if key not in present and server.has_network():
        offer_line(key, why)
