"""What is said in passing: errors, costs, where models run, what has come or was moved."""

from __future__ import annotations

import logging
from collections.abc import Callable

import streamlit as st

from views.frame import server
from views.frame.models import CostQuestionError
from views.frame.state import said, t
from vislib import registry
from vislib.schema import MixScopeError

LOGGER = logging.getLogger(__name__)


def problem(error: MixScopeError) -> None:
    """Draw an error where its part of the page would be; a cost is a question with a button."""
    if not isinstance(error, CostQuestionError):
        st.error(f"**{t('error.title')}** {said(error)}")
        return
    with st.container(border=True):
        st.markdown(said(error))
        asked: set[str] = st.session_state.setdefault("_asked", set())
        if error.key not in asked:  # a part of the page that needs it too has the same question
            asked.add(error.key)
            st.button(
                t("models.load_it"),
                key=f"load-{error.key}",
                type="primary",
                on_click=server.agree,
                args=(error.key,),
            )


def shielded(body: Callable[[], None]) -> None:
    """Draw a part of a page; an error becomes a message there, and the rest goes on."""
    try:
        body()
    except MixScopeError as error:
        problem(error)
    except Exception:
        LOGGER.exception("a part of the page could not be drawn")
        st.error(t("error.unexpected"))


def device_words() -> str:
    """Where models run, in one line; empty before the first model is asked for."""
    found = server.device()
    if found is None:
        return ""
    if isinstance(found, MixScopeError):
        return said(found)
    gigabytes = f"{found.total_bytes / 2**30:.0f}"
    if found.kind == "cpu":
        line = t("device.cpu", cores=found.cores, gigabytes=gigabytes)
    else:
        line = t(f"device.{found.kind}", name=found.name, gigabytes=gigabytes)
    parts = [line]
    if used := server.memory_in_use():
        key = "device.memory" if found.kind == "cpu" else "device.memory_card"
        taken, budget = (f"{size / 2**30:.1f}" for size in used)
        parts.append(t(key, used=taken, budget=budget))
    if server.card_is_gone():
        parts.append(t("device.gone"))
    if titles := ", ".join(registry.spec(key).title for key in server.moved()):
        parts.append(t("device.moved", titles=titles))
    return " ".join(parts)


def device_line() -> None:
    """Where models run. On a first visit the line is filled in at the end of the run."""
    st.session_state["_asked"] = set()
    words = device_words()
    with st.container(key="device_line"):
        place = st.empty()
    place.caption(words or "\N{NO-BREAK SPACE}")  # the line is there, so nothing moves later
    st.session_state["_device_line"] = (place, words)


def end_of_run() -> None:
    """What is known only when the page has run: the device, and models that were moved."""
    place, words = st.session_state.pop("_device_line", (None, ""))
    now = device_words()
    if place is not None and now != words:
        place.caption(now)
    # Keys of models; "" is the card itself.
    told: set[str] = st.session_state.setdefault("_told_moved", set())
    ordered = st.session_state.get("_ordered", {})
    for state in server.download_states():
        if state.status == "done" and ordered.pop(state.key, None):
            st.toast(t("models.arrived", title=registry.spec(state.key).title), duration="long")
    if server.card_is_gone() and "" not in told:
        told.add("")
        st.toast(t("device.gone"), duration="infinite")
    for key in server.moved():
        if key not in told:
            told.add(key)
            title = registry.spec(key).title
            st.toast(t("device.moved_now", title=title), duration="infinite")
