"""What the class's phones are given of the lecture that this window leads."""

from __future__ import annotations

import streamlit as st

from views import frame
from vislib import registry, texts
from vislib.classroom.asked import Asked, Measured
from vislib.classroom.here import room
from vislib.classroom.room import Told
from vislib.lecture import numbers
from vislib.lecture.measuring import Answer
from vislib.lecture.steps import MEASURES, LecturePath, Question, Step
from vislib.pictures import encoding

SIDE = 640
"""Longer side of the picture on a phone, in its pixels."""
QUALITY = 80


def lead(window: str, path: LecturePath, step: str) -> None:
    """Let this window lead from now on; only a lecturer's can."""
    if not frame.is_lecturer():
        return
    with room().lock:  # no phone sees the one without the other
        room().live.lead(window, path.key, step)
        room().set_outline(_outline(path))


def publish(path: LecturePath) -> None:
    """Bring what the phones show up to date: the path may have been edited, the picture changed."""
    picture = frame.view().picture
    jpeg = frame.remember(
        ("room picture", picture.sha256),
        lambda: encoding.encode_jpeg(encoding.thumbnail(picture, SIDE), quality=QUALITY),
    )
    room().set_outline(_outline(path))
    room().set_picture(jpeg, str(st.session_state.get("picture", "")))


def _outline(path: LecturePath) -> list[Told]:
    return [
        Told(
            key=step.key,
            title=dict(step.title),
            words={language: numbers.words(step, language) for language in step.words},
            asked=_asked(step, step.ask) if step.ask else None,
        )
        for step in path.steps
    ]


def _asked(step: Step, ask: Question) -> Asked:
    """A question as phones show it."""
    unit = f"lecture.unit_{ask.unit}"
    return Asked(
        kind=ask.kind,
        text=dict(ask.text),
        options=tuple((key, registry.spec(key).title) for key in ask.options),
        limits=ask.limits or (0.0, 0.0),
        mark=step.view.place if MEASURES[ask.answer].has_place else None,
        target=ask.target,
        unit={code: texts.text(code, unit) for code in texts.languages()} if ask.unit else {},
    )


def measured(answer: Answer) -> Measured:
    """A measured answer as phones show it, in every language."""
    box = None
    if answer.area is not None:
        left, top, width, height = answer.area
        box = round(left), round(top), round(left + width), round(top + height)
    return Measured(
        text={code: answer.said.text(code) for code in texts.languages()},
        options=answer.models,
        box=box,
        number=answer.number,
    )
