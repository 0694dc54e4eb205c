"""A step's question to the class as it stands in a file, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from vislib import registry
from vislib.lecture import numbers
from vislib.lecture.accepted import DEPTHS_KNOWN, is_depth, is_limits, is_place
from vislib.lecture.steps import (
    MEASURES,
    MOST_ASKED,
    MOST_OPTIONS,
    Measure,
    Number,
    Question,
    View,
)
from vislib.pictures import gallery
from vislib.schema import MixScopeError
from vislib.texts import Message

if TYPE_CHECKING:
    from vislib.lecture.checking import Checker

ALWAYS = frozenset({"kind", "text", "answer"})
"""What every question has; one for a number has limits besides."""
KINDS = tuple(dict.fromkeys(measure.kind for measure in MEASURES.values()))


def question(checker: Checker, raw: Any, view: View | None) -> Question | None:
    """The question, or None where it has a mistake.

    Args:
        checker: Notes the mistakes.
        raw: What stands under ``ask``.
        view: The step's; None where that is wrong itself.
    """
    before = len(checker.faults)
    raw = raw if isinstance(raw, dict) else {}
    answer = raw.get("answer")
    measure = MEASURES.get(answer) if isinstance(answer, str) else None
    if measure is None:
        said = Message("error.lecture.ask_answer", value=answer, known=list(MEASURES))
        checker.wrong("ask.answer", said)
        return None
    text = checker.told(raw, "text", "ask.")
    checker.length("ask.text", text, MOST_ASKED)
    _names(checker, raw, measure)
    if raw.get("kind") != measure.kind:
        said = Message(
            "error.lecture.ask_kind", value=raw.get("kind"), answer=answer, kind=measure.kind
        )
        checker.wrong("ask.kind", said)
    if measure.has_place and view and view.place is None:
        checker.wrong("ask.answer", Message("error.lecture.ask_place", answer=answer))
    options = _options(checker, raw) if "options" in raw else ()
    if "model" in raw:
        _model(checker, "model", raw["model"], measure)
    _places(checker, raw)
    number = checker.number_of(raw["number"], "number", "ask.") if "number" in raw else None
    limits = _limits(checker, raw, number) if measure.kind == "number" else None
    if len(checker.faults) > before:
        return None
    return Question(
        kind=measure.kind,
        text=text,
        answer=str(answer),
        options=options,
        limits=limits,
        unit=measure.unit,
        model=raw.get("model", ""),
        where={name: raw[name] for name in ("depth", "block") if name in raw},
        target=tuple(raw["target"]) if "target" in raw else None,
        second=raw.get("second", ""),
        number=number,
    )


def _names(checker: Checker, raw: Mapping[str, Any], measure: Measure) -> None:
    """Every name that is needed, and none that is not taken."""
    needs = ALWAYS | measure.needs | ({"limits"} if measure.kind == "number" else set())
    known = needs | measure.may
    for name in sorted(needs - raw.keys() - {"text"}):
        checker.wrong("ask", Message("error.lecture.ask_lacks", name=name, known=sorted(known)))
    for name in sorted(raw.keys() - known):
        checker.wrong(
            f"ask.{name}", Message("error.lecture.ask_name", name=name, known=sorted(known))
        )


def _options(checker: Checker, raw: Mapping[str, Any]) -> tuple[str, ...]:
    """The models that are chosen from, each once."""
    found = raw["options"] if isinstance(raw["options"], list) else []
    if not 2 <= len(found) <= MOST_OPTIONS or any(found.count(one) > 1 for one in found):
        said = Message("error.lecture.ask_options", most=MOST_OPTIONS, count=len(found))
        checker.wrong("ask.options", said)
        return ()
    for key in found:
        _model(checker, "options", key, None)
    return tuple(found)


def _model(checker: Checker, name: str, key: Any, measure: Measure | None) -> None:
    """One model of the registry, of a family on which it can be measured."""
    try:
        family = registry.spec(str(key)).family
    except MixScopeError as error:
        checker.wrong(f"ask.{name}", Message("error.lecture.model", problem=error))
        return
    if measure and measure.families and family not in measure.families:
        fit = sorted(measure.families)
        said = Message("error.lecture.ask_family", model=key, known=fit)
        checker.wrong(f"ask.{name}", said)


def _places(checker: Checker, raw: Mapping[str, Any]) -> None:
    """Which block, where in the picture, which second picture."""
    if "target" in raw and not is_place(raw["target"]):
        checker.wrong("ask.target", Message("error.lecture.place", value=raw["target"]))
    if "second" in raw and raw["second"] not in gallery.GALLERY:
        said = Message("error.lecture.picture", value=raw["second"], known=list(gallery.GALLERY))
        checker.wrong("ask.second", said)
    if "depth" in raw and not is_depth(raw["depth"]):
        value = repr(raw["depth"])
        said = Message("error.lecture.option", name="depth", value=value, known=DEPTHS_KNOWN)
        checker.wrong("ask.depth", said)
    if "block" in raw and not (isinstance(raw["block"], str) and raw["block"]):
        value = repr(raw["block"])
        said = Message("error.lecture.option", name="block", value=value, known='"..."')
        checker.wrong("ask.block", said)


def _limits(
    checker: Checker, raw: Mapping[str, Any], number: Number | None
) -> tuple[float, float] | None:
    """The lowest and the highest number that is taken; what is known lies between them."""
    limits = raw.get("limits")
    if limits is None:
        return None  # said already
    if not is_limits(limits):
        checker.wrong("ask.limits", Message("error.lecture.ask_limits", value=repr(limits)))
        return None
    low, high = float(limits[0]), float(limits[1])
    if number and not low <= numbers.value(number) <= high:
        checker.wrong("ask.limits", Message("error.lecture.ask_outside", low=low, high=high))
    return low, high
