"""What the class's phones are given of the lecture that this window leads."""

from __future__ import annotations

from views import frame
from vislib.classroom.here import room
from vislib.classroom.room import Told
from vislib.lecture import numbers
from vislib.lecture.steps import LecturePath
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
    room().set_picture(jpeg)


def _outline(path: LecturePath) -> list[Told]:
    return [
        Told(
            key=step.key,
            title=dict(step.title),
            words={language: numbers.words(step, language) for language in step.words},
        )
        for step in path.steps
    ]
