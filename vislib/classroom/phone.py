"""What a phone is told: the present step, and the answer not before it is revealed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vislib.classroom.room import Room, Told

MOST_PLACES = 300
"""Guesses that a phone draws."""


def told(room: Room, language: str) -> dict[str, Any]:
    """The room as a phone shows it, the same for all phones of a language.

    Args:
        room: The room.
        language: A code; what the path lacks in it comes in the path's first language.
    """
    with room.lock:
        shown, state = room.shown, room.live.state
        if shown is None:
            return {"version": room.version, "turn": room.turn, "on": room.is_on, "step": None}
        number, count = room.place
        return {
            "version": room.version,
            "turn": room.turn,
            "on": True,
            "black": state.black,
            "step": shown.key,
            "path": state.path,
            "number": number,
            "count": count,
            "title": _in(shown.title, language),
            "words": _in(shown.words, language),
            "picture": room.picture[0],
            "question": _question(room, shown, language),
        }


def _in(texts: Mapping[str, str], language: str) -> str:
    return texts.get(language) or next(iter(texts.values()), "")


def _question(room: Room, shown: Told, language: str) -> dict[str, Any] | None:
    """The question from its opening on; what it was answered with from its revealing on."""
    asked, now = shown.asked, room.question(shown.key)
    if asked is None or now.phase == "waiting":
        return None
    found = {
        "id": room.id_of(shown.key),
        "phase": now.phase,
        "kind": asked.kind,
        "text": _in(asked.text, language),
        "options": [list(one) for one in asked.options],
        "limits": list(asked.limits),
        "unit": _in(asked.unit, language),
        "mark": asked.mark,
        "target": asked.target,
    }
    tally = room.tally(shown.key)
    if now.measured is None or tally is None:
        return found
    return found | {
        "answer": {
            "text": _in(now.measured.text, language),
            "options": list(now.measured.options),
            "box": list(now.measured.box) if now.measured.box else None,
            "number": now.measured.number,
        },
        "tally": {
            "count": tally.count,
            "options": dict(tally.options),
            "edges": list(tally.edges),
            "bars": list(tally.bars),
            "whole": tally.whole,
            "places": [list(one) for one in tally.places[:MOST_PLACES]],
        },
    }
