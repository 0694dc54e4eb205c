"""Lecture: one idea a step, its view live on the class's own picture."""

from __future__ import annotations

import html

import streamlit as st

from views import frame
from views.lecture import asking, clicker, joining, news, notes, paths, published, slots
from views.lecture.clicker import Press
from vislib.classroom.here import room
from vislib.lecture.steps import LecturePath, Step
from vislib.pictures.gallery import GALLERY

MODE = "_lecture_mode"
"""Whether this window follows the one that leads: "follow" or "free"."""


def draw() -> None:
    """The step, large; below it the clock and what moves the lecture."""
    found = {key: path for key, path in paths.paths().items() if path.steps}
    if not found:
        st.error(frame.t("lecture.no_path"))
        return
    known = news.now()
    if follows() and room().live.state.path in found:
        _follow()
    _enter(found)
    body = st.container(key="lecture_body")
    with st.container(key="lecture_foot"), frame.row_of_choices(models=False):
        path, step = _place(found)
        role = _role()
        _clicker(path, step, screen=role == "screen")
        _lead(path, step)
        _class_controls()
    if leads():
        state = room().live.state
        room().live.change(
            state.leader, step=step.key, black=state.black, frozen=bool(state.frozen)
        )
        published.publish(path)
    with body:
        _faults(path)
        if role == "notes":
            notes.draw(path, step)
            asking.draw(path, step, leads=leads())
        else:
            slots.draw(path, step, leads=leads())
    if st.session_state.get(MODE) != "free" or leads():
        news.watch(known, leads=leads())


def _role() -> str:
    """What this window is for; the notes are the lecturer's alone."""
    if not frame.is_lecturer():
        return "screen"
    roles = ("screen", "notes")
    words = {name: frame.t(f"lecture.role_{name}") for name in roles}
    return frame.choose(frame.t("lecture.role"), roles, key="role", words=words)


def leads() -> bool:
    """Whether this window leads."""
    return bool(clicker.window()) and room().live.state.leader == clicker.window()


def follows() -> bool:
    """Whether this window goes where the one that leads goes."""
    return bool(room().live.state.leader) and not leads() and st.session_state.get(MODE) != "free"


def _follow() -> None:
    """Go where the window that leads is, before the choices are drawn; the place is one's own."""
    state = room().live.state
    st.session_state.update(lecture=state.path, step=state.shown)
    if room().entry in GALLERY:
        st.session_state["picture"] = room().entry


def _place(found: dict[str, LecturePath]) -> tuple[LecturePath, Step]:
    """The path and the step, as chosen or as the leader has it."""
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
    return path, next(step for step in path.steps if step.key == chosen)


def _enter(found: dict[str, LecturePath]) -> None:
    """On a new step: its place and picture, before their choices are drawn."""
    path = found[frame.choice_ahead("lecture", list(found))]
    keys = [step.key for step in path.steps]
    key, before = frame.choice_ahead("step", keys), st.session_state.get("_lecture_at")
    if before == (path.key, key) or key not in keys:
        return
    st.session_state["_lecture_at"] = (path.key, key)
    own = _own_choices(path.steps[keys.index(key)])
    if before is None:  # what a link says, or the address of a page that is loaded again, is newer
        own = {name: value for name, value in own.items() if name not in st.query_params}
    st.session_state.update(own)


def _own_choices(step: Step) -> dict[str, str | int]:
    """The picture and the place that a step brings with it."""
    picture, place = step.view.picture, step.view.place
    own: dict[str, str | int] = {} if picture is None else {"picture": picture}
    return own if place is None else own | {"x": place[0], "y": place[1]}


def _clicker(path: LecturePath, step: Step, *, screen: bool) -> None:
    state = room().live.state

    def press(done: Press) -> None:
        if not room().live.change(clicker.window(), **vars(done)):
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
        _end(own)
        if room().live.state.frozen:
            st.markdown(f"**{frame.t('lecture.frozen')}**")
        return
    if frame.is_lecturer():
        st.button(
            frame.t("lecture.take_over" if room().is_on else "lecture.lead"),
            key="lecture_lead",
            on_click=published.lead,
            args=(own, path, step.key),
            disabled=not own,
        )
    if room().is_on:
        other = "free" if follows() else "follow"
        st.button(
            frame.t(f"lecture.{other}"),
            key=f"lecture_{other}",
            on_click=st.session_state.update,
            kwargs={MODE: other},
        )


def _end(own: str) -> None:
    """End it: asked once more, since nothing of it is kept."""
    with st.container(key="lecture_end"), st.popover(frame.t("lecture.end")):
        st.markdown(frame.t("lecture.end_how"))
        frame.offer_csv(room().results, name="lecture_answers", key="lecture_csv")
        st.button(
            frame.t("lecture.end_now"), key="lecture_end_now", on_click=room().live.end, args=(own,)
        )


def _class_controls() -> None:
    """How phones come in, and who may lead: at every step."""
    if frame.is_lecturer():
        if st.toggle(frame.t("lecture.join"), key="lecture_join"):
            with st.container(key="lecture_join_code"):
                joining.show()
    else:
        for name, shown in (("room", room().is_on), ("lecturer", not room().is_on)):
            if shown:
                words = html.escape(frame.t(f"lecture.to_{name}"))
                st.html(f'<a href="{name}" target="_self">{words}</a>')


def _faults(path: LecturePath) -> None:
    """Which steps are out, and why."""
    for fault in path.faults:
        line = f":{fault.line}" if fault.line else ""
        st.error(f"`{fault.file.name}{line}` {fault.step} {frame.said(fault.said)}")
