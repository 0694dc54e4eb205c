"""Lecture: one idea a step, its view live on the class's own picture."""

from __future__ import annotations

import streamlit as st

from views import frame
from views.frame import links
from views.lecture import clicker, notes, paths, slots
from views.lecture.clicker import Press
from views.lecture.live import LIVE
from vislib.lecture.steps import LecturePath, Step

MODE = "_lecture_mode"
"""Whether this window follows the one that leads: "follow" or "free"."""
FOLLOW_SECONDS = 1.0
"""How often a window that follows looks."""


@st.fragment
def draw() -> None:
    """The lecture alone runs again after a key: nothing round it changes with the step."""
    frame.shielded(_draw)


def _draw() -> None:
    """The step, large; below it the clock and what moves the lecture."""
    found = {key: path for key, path in paths.paths().items() if path.steps}
    if not found:
        st.error(frame.t("lecture.no_path"))
        return
    body = st.container(key="lecture_body")
    with st.container(key="lecture_foot"), frame.row_of_choices(models=False):
        path, step = _place(found)
        role = frame.choose(
            frame.t("lecture.role"),
            ("screen", "notes"),
            key="role",
            words={name: frame.t(f"lecture.role_{name}") for name in ("screen", "notes")},
        )
        _clicker(path, step, screen=role == "screen")
        _lead(path, step)
    with body:
        _faults(path)
        if role == "notes":
            notes.draw(path, step)
        else:
            slots.draw(path, step)
    if st.session_state.get(MODE) != "free":
        _watch(LIVE.state.version)


def leads() -> bool:
    """Whether this window leads."""
    return bool(clicker.window()) and LIVE.state.leader == clicker.window()


def follows() -> bool:
    """Whether this window goes where the one that leads goes."""
    return bool(LIVE.state.leader) and not leads() and st.session_state.get(MODE) != "free"


def _place(found: dict[str, LecturePath]) -> tuple[LecturePath, Step]:
    """The path and the step, as chosen or as the leader has it."""
    state = LIVE.state
    if follows() and state.path in found:
        st.session_state.update(lecture=state.path, step=state.shown)
    key = next(iter(found))
    if len(found) > 1:
        titles = {name: paths.in_language(dict(path.title)) for name, path in found.items()}
        key = frame.choose(
            frame.t("lecture.path"), list(found), key="lecture", words=titles, compact=False
        )
    path = found[key]
    words = {
        step.key: f"{number}. {paths.title(step)}" for number, step in enumerate(path.steps, 1)
    }
    chosen = frame.choose(
        frame.t("lecture.step"), list(words), key="step", words=words, compact=False
    )
    step = next(step for step in path.steps if step.key == chosen)
    _entered(path, step)
    return path, step


def _entered(path: LecturePath, step: Step) -> None:
    """On a new step: its place and picture, and word to those who follow."""
    if st.session_state.get("_lecture_at") == (path.key, step.key):
        return
    st.session_state["_lecture_at"] = (path.key, step.key)
    state = LIVE.state
    LIVE.change(clicker.window(), step=step.key, black=state.black, frozen=bool(state.frozen))
    own: dict[str, str | int] = {}
    if step.view.picture is not None:
        own["picture"] = step.view.picture
    if step.view.place is not None:
        own["x"], own["y"] = step.view.place
    if any(st.session_state.get(name) != value for name, value in own.items()):
        links.choose_later(**own)  # their widgets are drawn already


def _clicker(path: LecturePath, step: Step, *, screen: bool) -> None:
    state = LIVE.state

    def press(done: Press) -> None:
        if not LIVE.change(clicker.window(), **vars(done)):
            st.session_state[MODE] = "free"  # who moves on alone no longer follows
            st.session_state["_black"] = done.black
        st.session_state["step"] = done.step

    clicker.draw(
        [one.key for one in path.steps],
        step=step.key,
        black=state.black if leads() or follows() else st.session_state.get("_black", False),
        frozen=bool(state.frozen),
        screen=screen,
        started=state.started,
        until=paths.until(path, step),
        total=path.minutes,
        on_press=press,
    )


def _lead(path: LecturePath, step: Step) -> None:
    """Lead, leave off, follow: the only ways in which it is handed over."""
    own = clicker.window()
    if leads():
        st.button(frame.t("lecture.end"), key="lecture_end", on_click=LIVE.end, args=(own,))
        if LIVE.state.frozen:
            st.markdown(f"**{frame.t('lecture.frozen')}**")
        return
    st.button(
        frame.t("lecture.take_over" if LIVE.state.leader else "lecture.lead"),
        key="lecture_lead",
        on_click=LIVE.lead,
        args=(own, path.key, step.key),
        disabled=not own,
    )
    if LIVE.state.leader and not follows():
        st.button(
            frame.t("lecture.follow"),
            key="lecture_follow",
            on_click=st.session_state.update,
            kwargs={MODE: "follow"},
        )


@st.fragment(run_every=FOLLOW_SECONDS)
def _watch(version: int) -> None:
    """Draw the page anew when another window has moved, begun or taken over the lecture."""
    if LIVE.state.version != version:
        st.rerun()


def _faults(path: LecturePath) -> None:
    """Which steps are out, and why."""
    for fault in path.faults:
        line = f":{fault.line}" if fault.line else ""
        st.error(f"`{fault.file.name}{line}` {fault.step} {frame.said(fault.said)}")
