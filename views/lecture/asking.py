"""A step's question to the class: its words, what the lecturer does with it, the tally."""

from __future__ import annotations

import html

import streamlit as st

from views import frame
from views.lecture import answers, published, tallying
from vislib.classroom.here import room
from vislib.classroom.room import Phase
from vislib.lecture.steps import LecturePath, Step
from vislib.schema import MixScopeError

ACTIONS: dict[Phase, tuple[str, ...]] = {
    "waiting": ("open", "reveal"),
    "open": ("close", "reveal"),
    "closed": ("open", "reveal", "reset"),
    "revealed": ("open", "reset"),
}
"""What can be done with a question, by how far it is."""
_REVEALS = "_lecture_reveals"


def is_held_back(path: LecturePath, step: Step) -> bool:
    """Whether a step's live view waits until the class has answered, since it shows the answer."""
    state = room().live.state
    asks = step.ask is not None and state.path == path.key and room().is_on
    return asks and room().question(step.key).phase != "revealed"


def draw(path: LecturePath, step: Step, *, leads: bool, slot: int = 0, seen: bool = True) -> None:
    """The question, where a lecture is being given that asks it.

    Args:
        path: The path.
        step: The step.
        leads: Whether this window does; it alone opens and closes.
        slot: Where it lies beside the others.
        seen: Whether it is the one on the screen; of others there are the words alone.
    """
    if step.ask is None or not room().is_on or room().live.state.path != path.key:
        return
    now, code = room().question(step.key), frame.language()
    asked = step.ask.text.get(code) or next(iter(step.ask.text.values()), "")
    shows = seen and frame.is_lecturer() and now.phase != "waiting"
    with st.container(key=f"lecture_question_{slot}"):
        left, right = st.columns(2, gap="large") if shows else (st.container(), None)
    with left:
        st.html(f'<p class="asked">{html.escape(asked)}</p>')
        if leads and seen:
            with st.container(horizontal=True, gap="small"):
                for name in ACTIONS[now.phase]:
                    _button(name, step)
            if room().is_unwritten:
                st.warning(frame.t("lecture.unwritten"))
            _reveal(step)
        if now.measured:
            said = now.measured.text.get(code) or next(iter(now.measured.text.values()), "")
            st.html(f'<p class="measured">{html.escape(said)}</p>')
        if not frame.is_lecturer():
            link = html.escape(frame.t("lecture.answer_here"))
            st.html(f'<p><a href="room" target="_self">{link}</a></p>')
    if right:
        with right:
            tallying.draw(step)


def _button(name: str, step: Step) -> None:
    """One action."""
    label, key = frame.t(f"lecture.ask_{name}"), f"lecture_ask_{name}"
    st.button(label, key=key, on_click=_act, args=(name, step.key))


def _reveal(step: Step) -> None:
    """Compute the answer that was asked for, even if another run has come between."""
    if st.session_state.get(_REVEALS) != step.key:
        return
    try:
        answer = answers.measured(step)
    except MixScopeError:
        del st.session_state[_REVEALS]
        raise
    if frame.is_lecturer():
        room().reveal(step.key, published.measured(answer))
    st.session_state.pop(_REVEALS, None)
    st.rerun()


def _act(name: str, step: str) -> None:
    if not frame.is_lecturer():
        return
    if name == "reveal":
        st.session_state[_REVEALS] = step
    else:
        {"open": room().open, "close": room().close, "reset": room().reset}[name](step)
