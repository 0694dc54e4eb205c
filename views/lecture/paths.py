"""Which path and which step: chosen on the page, by a link, or by the window that leads."""

from __future__ import annotations

import os
import re
from pathlib import Path

import streamlit as st

from views import frame
from vislib.lecture import numbers, reading
from vislib.lecture.steps import LecturePath, Step

OWN = "MIXSCOPE_LECTURES"
"""Environment variable: a folder with paths of one's own."""


def paths() -> dict[str, LecturePath]:
    """Key -> path; one of one's own wins over a bundled one of the same name."""
    own = [Path(os.environ[OWN])] if os.environ.get(OWN) else []
    return {folder.name: _read(folder, _stamp(folder)) for folder in reading.folders(own)}


def _stamp(folder: Path) -> tuple[tuple[str, float], ...]:
    """Changes when a file of the folder does."""
    return tuple((file.name, file.stat().st_mtime) for file in sorted(folder.glob("*.toml")))


@st.cache_resource(max_entries=16, show_spinner=False)
def _read(folder: Path, stamped: tuple[tuple[str, float], ...]) -> LecturePath:
    return reading.read(folder)


def in_language(texts: dict[str, str]) -> str:
    """A text of the path in the visitor's language, else in its first."""
    return texts.get(frame.language()) or next(iter(texts.values()), "")


def title(step: Step) -> str:
    """A step's title."""
    return in_language(dict(step.title))


def words(step: Step) -> str:
    """What the class reads, its numbers filled in."""
    own = frame.language()
    return unbroken(numbers.words(step, own if own in step.words else next(iter(step.words))))


def unbroken(told: str) -> str:
    """A text in which a number stays on one line with its % and what follows, as with its table."""
    told = re.sub(r"(?<=\d) %", "\u00a0%", told)
    told = re.sub(r"%(?=\w)", "%\u2060", told)
    return re.sub(r"\b(Table|Figure) (?=\d)", "\\1\u00a0", told)


def notes(step: Step) -> str:
    """What the lecturer reads."""
    return in_language(dict(step.notes))


def until(path: LecturePath, step: Step) -> float:
    """Planned minutes up to the end of a step."""
    before = path.steps[: path.steps.index(step) + 1]
    return sum(one.minutes for one in before)
