"""The two small pages that are no Streamlit: the phone's, and the one that asks for the key."""

from __future__ import annotations

import functools
import html
import json
import re
from pathlib import Path

from vislib import texts

_FOLDER = Path(__file__).resolve().parents[2] / "assets" / "room"
REFUSALS = ("device", "question", "late", "type", "range", "full", "large", "form")
"""Why a vote is not taken: the ends of "error.classroom...." of the texts."""
SAID = (
    *("wait", "none", "none_how", "free", "app", "send", "sending", "stored", "closed", "answer"),
    *("closed_none", "how_models", "how_place", "how_number", "picture", "lost_own"),
    "lost_server",
)
"""What the phone's page says: the ends of "room...." of the texts."""


def _part(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def wanted(accepted: str) -> list[str]:
    """The languages of an Accept-Language header, the dearest first."""
    found = []
    for part in accepted[:400].split(","):
        name, _, weight = part.strip().partition(";q=")
        try:
            found.append((-float(weight or 1), name.strip()))
        except ValueError:
            continue
    return [name for _, name in sorted(found, key=lambda pair: pair[0])]


def language(chosen: str | None, accepted: str) -> str:
    """The language of a page: chosen by its address, else what the browser asks for."""
    return chosen if chosen in texts.languages() else texts.best(wanted(accepted))


@functools.cache
def phone(code: str) -> str:
    """The phone's page in a language, whole: no request follows but for the lecture itself."""
    said: dict[str, object] = {name: texts.text(code, f"room.{name}") for name in SAID}
    said["refused"] = {why: texts.text(code, f"error.classroom.{why}") for why in REFUSALS}
    said["languages"] = texts.languages()
    # A "<" could end the element that holds them.
    held = json.dumps({"lang": code, "texts": said}, ensure_ascii=False).replace("<", "\\u003c")
    return _filled(
        _part("room.html"),
        lang=code.replace("_", "-"),
        title=html.escape(texts.text(code, "room.title")),
        style=_part("room.css"),
        texts=held,
        script=_part("room.js"),
    )


def key_form(code: str, *, wrong: bool) -> str:
    """The page that asks for the lecturer's key.

    Args:
        code: The language.
        wrong: Whether the last one was.
    """
    return _filled(
        _part("lecturer.html"),
        lang=code.replace("_", "-"),
        style=_part("room.css"),
        title=html.escape(texts.text(code, "room.lecturer")),
        how=html.escape(texts.text(code, "room.lecturer_how")),
        wrong=html.escape(texts.text(code, "room.lecturer_wrong")) if wrong else "",
        enter=html.escape(texts.text(code, "room.lecturer_enter")),
    )


def _filled(page: str, **values: str) -> str:
    """A page with each {place} filled in, once: what a value holds is not looked at again."""
    return re.sub(r"\{(\w+)\}", lambda found: values[found[1]], page)
