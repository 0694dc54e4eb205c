"""Estimates: four methods that say where an answer comes from, and how far each can be trusted."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from views import frame
from views.estimates import columns, runs, tasks
from views.estimates.tasks import Piece, Question
from views.estimates.words import name_of, words
from vislib.analysis.faithfulness import METHODS, STAND_INS
from vislib.registry import base_key, spec

ALL = "all"
MODEL_PX, CLASS_PX = 190, 260
QUICK_SECONDS = 2.0
"""What takes less is done without a question."""
ASKED, STOPPED = "_estimates_asked", "_estimates_stopped"


def draw() -> None:
    """The choices in one row, the maps with what becomes of them, then tabs."""
    with frame.row_of_choices():
        with st.container(width=MODEL_PX):
            key = _choose_model()
        with st.container(width=CLASS_PX):
            target = _choose_class(key)
        with st.popover(words("options")):
            stand_in, chosen = _options()
    question = Question(key=key, target=target, stand_in=stand_in)
    methods = METHODS if chosen == ALL else (chosen,)
    if not _worked_out(question, methods):
        frame.verdict(key, runs.answer(key))
        return
    columns.draw(question, methods)
    said = frame.t("prepared.said") if tasks.stored(question) else ""
    st.caption(" ".join([words("trust"), said]))
    frame.verdict(key, runs.answer(key))
    columns.draw_tabs(question, methods)


def _options() -> tuple[str, str]:
    """What replaces removed pixels, and one method or all."""
    stand_in = frame.choose(
        words("stand_in"),
        STAND_INS,
        key="stand_in",
        words={name: words(f"stand_in_{name}") for name in STAND_INS},
    )
    chosen = frame.choose(
        words("method"),
        (ALL, *METHODS),
        key="method",
        words={ALL: words("method_all"), **{name: name_of(name) for name in METHODS}},
        compact=False,
    )
    return stand_in, chosen


def _choose_model() -> str:
    """One of the compared models."""
    names = {base_key(key): key for key in frame.view().models}  # a link holds for variants too
    texts = {name: spec(name).title for name in names}
    label = frame.t("models.one_of")
    chosen = frame.choose(label, tuple(names), key="estimated", words=texts, compact=False)
    return names[chosen]


def _choose_class(key: str) -> int:
    """One of the five most probable classes, from 0; the address counts from 1."""
    cache = runs.answer(key)
    shares = cache.probabilities()
    best = sorted(range(len(shares)), key=lambda place: -float(shares[place]))[:5]
    texts = {
        str(place + 1): words(
            "class_option",
            name=cache.labels[place].split(",")[0],
            percent=f"{100 * float(shares[place]):.1f}",
        )
        for place in best
    }
    texts = {name: f"{i}. {text}" for i, (name, text) in enumerate(texts.items(), 1)}
    chosen = frame.choose(words("target"), tuple(texts), key="class", words=texts, compact=False)
    return int(chosen) - 1


def _worked_out(question: Question, methods: Sequence[str]) -> bool:
    """Whether all is there; what it would cost is said before anything runs."""
    work = runs.missing(question, methods)
    state, signature = st.session_state, (question, tuple(methods), frame.view().picture.sha256)
    asking, working = st.empty(), st.empty()
    if not work:
        state.pop(STOPPED, None)
        return True
    stopped = state.get(STOPPED) == signature
    seconds = runs.seconds_for(work, runs.one_forward(question.key))
    if state.get(ASKED) != signature and (stopped or seconds > QUICK_SECONDS):
        with asking.container():
            if state.pop(STOPPED, None) == signature:
                st.warning(words("stopped"))
            st.info(_cost(question, work))
            st.button(words("compute"), key="estimate_now", on_click=_ask, args=(signature,))
        return False
    asking.empty()
    with working.container():
        _work(work, signature)
    working.empty()
    state.pop(ASKED, None)
    return True


def _ask(signature: object) -> None:
    st.session_state[ASKED] = signature


def _stop(signature: object) -> None:
    """The click ends the run under way at its next report; the next run must not go on."""
    st.session_state.pop(ASKED, None)
    st.session_state[STOPPED] = signature


def _cost(question: Question, work: Sequence[Piece]) -> str:
    """How many passes, and about how long."""
    seconds = runs.seconds_for(work, runs.one_forward(question.key))
    return words(
        "cost",
        title=frame.title(question.key),
        forwards=sum(piece.forwards for piece in work),
        backwards=sum(piece.backwards for piece in work),
        seconds=f"{max(1, round(seconds))}",
    )


def _work(work: Sequence[Piece], signature: object) -> None:
    """Do it, with a bar and a way out."""
    st.button(words("stop"), key="estimate_stop", on_click=_stop, args=(signature,))
    bar = st.progress(0.0, text=words("starting"))

    def report(share: float, piece: Piece) -> None:
        name, method = piece.what
        text = words(name, method=name_of(method) if method else "")
        bar.progress(min(1.0, share), text=text)

    runs.work_through(work, report)
