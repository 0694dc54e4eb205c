"""The step on the screen, and hidden beside it the next one and the one before.

All three lie in the browser, each in a slot of its own: a key shows another slot in the next frame,
before Python has heard of it (assets/components/clicker.js). A step keeps its slot for as long as
it is one of the three, so that nothing of it travels or is drawn again.
"""

from __future__ import annotations

import html
from contextlib import nullcontext
from functools import partial

import streamlit as st

from views import frame
from views.lecture import asking, paths, shown
from vislib.lecture.steps import LecturePath, Step

SLOTS = 3
HIDDEN = "position:absolute;visibility:hidden;height:0;overflow:hidden"


def draw(path: LecturePath, step: Step, *, leads: bool) -> None:
    """The step; then the others, the next one first.

    Args:
        path: The path.
        step: The one that is seen.
        leads: Whether this window does.
    """
    others = f'[class*="st-key-lecture_slot_"]:not(:has(.step-{step.key}))'
    st.html(f"<style>{others}{{{HIDDEN}}}</style>")  # until the browser says which one is seen
    places = [st.container(key=f"lecture_slot_{number}") for number in range(SLOTS)]
    at = path.steps.index(step)
    for number in (at, at + 1, at - 1):
        if not 0 <= number < len(path.steps):
            continue
        one = path.steps[number]
        if number == at - 1 and not shown.is_quick(one):
            continue  # nobody waits for a model on the way back
        with places[number % SLOTS], frame.as_if(one.view.picture, one.view.place):
            _step(one, str(number % SLOTS))
            live = partial(_live, path, one, slot=number % SLOTS, seen=number == at, leads=leads)
            with nullcontext() if number == at else frame.ahead():
                frame.shielded(live)


def _live(path: LecturePath, step: Step, *, slot: int, seen: bool, leads: bool) -> None:
    """The question, and the live view unless it would give the answer away."""
    asking.draw(path, step, slot=slot, seen=seen, leads=leads)
    if not asking.is_held_back(path, step):
        shown.draw(step, str(slot))


def _step(step: Step, slot: str) -> None:
    """Title, words, and formula."""
    one_map = step.view.kind in ("maps", "patches") and len(step.view.models) == 1
    beside = " beside" if step.formula and one_map else ""
    st.html(
        f'<div class="lecture step-{step.key}{beside}"><h1>{html.escape(paths.title(step))}</h1>'
        f"<p>{html.escape(paths.words(step))}</p></div>"
    )
    formula = st.container(key=f"lecture_formula_{slot}")
    if step.formula:
        formula.latex(step.formula)
