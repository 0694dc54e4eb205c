"""A question to the class as a phone shows it, an answer as it may be, and what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from vislib.schema import MixScopeError

Kind = Literal["models", "place", "number"]
Answer = str | tuple[int, int] | float
"""A key of the options; a place, (x, y) in thousandths of the upright picture; a number."""
FULL = 1000
"""The picture's right and lower edge, in thousandths."""


class RefusedError(MixScopeError):
    """A vote that is not taken."""

    @property
    def why(self) -> str:
        """In one word: the end of its key ("late")."""
        return self.message.key.rpartition(".")[2]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the class is asked at a step.

    Attributes:
        kind: What it gives: one of ``options``, a place on the picture, or a number.
        text: Language -> the question.
        options: Of "models": (key, what it is called).
        limits: Of "number": (lowest, highest) that is taken.
        unit: Of "number": language -> its unit; may be empty.
        mark: The place on the picture that the question is about; None for most.
        target: The one that is looked at from there; None for most.
    """

    kind: Kind
    text: Mapping[str, str]
    options: tuple[tuple[str, str], ...] = ()
    limits: tuple[float, float] = (0.0, 0.0)
    unit: Mapping[str, str] = field(default_factory=dict)
    mark: tuple[int, int] | None = None
    target: tuple[int, int] | None = None

    def answer(self, raw: Any) -> Answer:
        """An answer as it came from outside, checked.

        Args:
            raw: Anything that JSON can hold.

        Raises:
            RefusedError: "type" where it is none of this question's kind, "range" where no such
                option, place or number is taken.
        """
        if self.kind == "models":
            return self._option(raw)
        return _place(raw) if self.kind == "place" else self._number(raw)

    def _option(self, raw: Any) -> str:
        if not isinstance(raw, str):
            raise RefusedError("error.classroom.type")
        if raw not in dict(self.options):
            raise RefusedError("error.classroom.range")
        return raw

    def _number(self, raw: Any) -> float:
        if type(raw) not in (int, float):
            raise RefusedError("error.classroom.type")
        if not self.limits[0] <= raw <= self.limits[1]:  # no number that is none lies between two
            raise RefusedError("error.classroom.range")
        return float(raw)


def _place(raw: Any) -> tuple[int, int]:
    pair = isinstance(raw, list | tuple) and len(raw) == 2
    if not pair or not all(type(one) is int for one in raw):
        raise RefusedError("error.classroom.type")
    if not all(0 <= one <= FULL for one in raw):
        raise RefusedError("error.classroom.range")
    return raw[0], raw[1]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The answer that a model gave, shown when the lecturer reveals it.

    Attributes:
        text: Language -> it in words.
        options: Of "models": keys of those that are right.
        box: Of "place": (left, top, right, bottom) in thousandths; None where there is none.
        number: Of "number"; None where there is none.
    """

    text: Mapping[str, str]
    options: tuple[str, ...] = ()
    box: tuple[int, int, int, int] | None = None
    number: float | None = None


def asked_of(raw: Mapping[str, Any]) -> Asked:
    """A question as it was written to a file."""
    pairs = tuple((key, words) for key, words in raw["options"])
    low, high = raw["limits"]
    marks = {name: tuple(raw[name]) if raw[name] else None for name in ("mark", "target")}
    return Asked(**{**raw, **marks, "options": pairs, "limits": (low, high)})


def measured_of(raw: Mapping[str, Any]) -> Measured:
    """A measured answer as it was written to a file."""
    box = tuple(raw["box"]) if raw["box"] else None
    return Measured(**{**raw, "options": tuple(raw["options"]), "box": box})
