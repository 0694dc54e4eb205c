"""A step of a lecture as it stands in a file, and what is wrong with it."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vislib import registry
from vislib.lecture import numbers, questions
from vislib.lecture.accepted import DEPTHS_KNOWN, is_depth, is_place
from vislib.lecture.steps import (
    MOST_WORDS,
    VIEWS,
    Fault,
    Needs,
    Number,
    Step,
    View,
)
from vislib.pictures import gallery
from vislib.schema import MixScopeError
from vislib.tables import papers
from vislib.texts import Message

TOLD = ("title", "words", "notes")
"""What a step says in each language."""
NAMES = frozenset({"key", "minutes", *TOLD, "formula", "numbers", "view", "ask"})
"""What a step may hold."""
VIEW_NAMES = frozenset({"kind", "models", "place", "picture"})


@dataclass
class Checker:
    """One file's steps, and what is wrong with them."""

    file: Path
    languages: tuple[str, ...]
    lines: Mapping[tuple[int, str], int]
    taken: set[str]
    faults: list[Fault] = field(default_factory=list)
    hints: list[Fault] = field(default_factory=list)
    number: int = 0
    key: str = ""

    def wrong(self, at: str, said: Message) -> None:
        """Note a mistake at the line of a name."""
        self.faults.append(self._fault(at, said))

    def _fault(self, at: str, said: Message) -> Fault:
        while at and (self.number, at) not in self.lines:
            at = at.rpartition(".")[0]  # in an inline table: the table's own line
        line = self.lines.get((self.number, at), 0)
        return Fault(file=self.file, line=line, said=said, step=self.key)

    def step(self, number: int, raw: Any) -> Step | None:
        """A step, or None where it has a mistake."""
        before, self.number = len(self.faults), number
        raw = raw if isinstance(raw, dict) else {}
        self._name(raw)
        for name in raw.keys() - NAMES:
            self.wrong(
                name,
                Message("error.lecture.unknown_name", name=name, known=sorted(NAMES)),
            )
        told = {name: self.told(raw, name) for name in TOLD}
        self.length("words", told["words"], MOST_WORDS)
        minutes, formula = raw.get("minutes", 1.0), raw.get("formula", "")
        if type(minutes) not in (int, float) or not 0 < minutes <= 60:
            self.wrong("minutes", Message("error.lecture.minutes", value=minutes))
        if not isinstance(formula, str):
            self.wrong("formula", Message("error.lecture.no_text", name="formula"))
        found = self._numbers(raw.get("numbers", {}))
        self._placeholders(told["words"], found)
        view = self._view(raw.get("view", {"kind": "words"}))
        ask = questions.question(self, raw["ask"], view) if "ask" in raw else None
        if len(self.faults) > before or view is None:
            return None
        return Step(
            key=self.key,
            part=self.file.stem,
            minutes=float(minutes),
            formula=formula,
            numbers=found,
            view=view,
            ask=ask,
            file=self.file,
            line=self.lines.get((number, ""), 0),
            **told,
        )

    def _name(self, raw: Mapping[str, Any]) -> None:
        """The step's key, of its own in the path; empty where it has none."""
        key = raw.get("key")
        self.key = key if isinstance(key, str) and re.fullmatch(r"[a-z0-9_]{1,40}", key) else ""
        if not self.key:
            self.wrong("key", Message("error.lecture.key", value=key))
        elif self.key in self.taken:
            self.wrong("key", Message("error.lecture.key_twice", key=key))
        self.taken.add(self.key)

    def told(self, raw: Mapping[str, Any], name: str, inside: str = "") -> dict[str, str]:
        """A text in every language of the path.

        Args:
            raw: The table that holds it.
            name: Its name there.
            inside: Dotted name of that table in the step, with a dot behind it.
        """
        told, at = raw.get(name), inside + name
        if not isinstance(told, dict):
            self.wrong(
                at,
                Message("error.lecture.no_languages", name=at, languages=list(self.languages)),
            )
            return {}
        for language in self.languages:
            if not isinstance(told.get(language), str) or not told[language].strip():
                self.wrong(at, Message("error.lecture.no_language", name=at, language=language))
        texts = {language: text for language, text in told.items() if isinstance(text, str)}
        for language, text in texts.items():
            if said := hint(text):
                self.hints.append(self._fault(f"{at}.{language}", said))
        return texts

    def length(self, at: str, told: Mapping[str, str], most: int) -> None:
        """A class reads only so many words at once."""
        for language, text in told.items():
            if (count := len(text.split())) > most:
                self.wrong(
                    f"{at}.{language}", Message("error.lecture.too_long", count=count, most=most)
                )

    def _numbers(self, raw: Any) -> dict[str, Number]:
        if not isinstance(raw, dict):
            self.wrong("numbers", Message("error.lecture.number", name="numbers"))
            return {}
        found = {name: self.number_of(entry, name, "numbers.") for name, entry in raw.items()}
        return {name: number for name, number in found.items() if number}

    def number_of(self, raw: Any, name: str, inside: str) -> Number | None:
        """Where a number stands, if it stands there."""
        try:
            found = Number(**raw)
            numbers.value(found)
        except TypeError:
            self.wrong(inside + name, Message("error.lecture.number", name=name))
        except MixScopeError as error:
            said = Message("error.lecture.number_gone", name=name, problem=error)
            self.wrong(inside + name, said)
        else:
            return found
        return None

    def _placeholders(self, told: Mapping[str, str], found: Mapping[str, Number]) -> None:
        """Each number in the words has its source, and each source is used."""
        for language, text in told.items():
            try:
                used = {name for _, name, _, _ in string.Formatter().parse(text) if name}
                text.format(**dict.fromkeys(found, 0.0))
            except (ValueError, KeyError, IndexError, AttributeError):
                self.wrong(
                    f"words.{language}", Message("error.lecture.placeholder", known=sorted(found))
                )
                continue
            if used != found.keys():
                self.wrong(
                    f"words.{language}",
                    Message("error.lecture.unused", names=sorted(found.keys() - used)),
                )

    def _view(self, raw: Any) -> View | None:
        raw = {"kind": raw} if isinstance(raw, str) else raw
        kind = raw.get("kind") if isinstance(raw, dict) else None
        if not isinstance(raw, dict) or not isinstance(kind, str) or kind not in VIEWS:
            self.wrong("view.kind", Message("error.lecture.view", value=kind, known=list(VIEWS)))
            return None
        needs, before = VIEWS[kind], len(self.faults)
        for name in raw.keys() - VIEW_NAMES - needs.names:
            known = sorted(VIEW_NAMES | needs.names)
            self.wrong(
                f"view.{name}",
                Message("error.lecture.view_name", name=name, kind=kind, known=known),
            )
        models = self._models(raw.get("models", []), kind, needs)
        options = {name: raw[name] for name in needs.names & raw.keys()}
        self._options(options)
        if kind == "table":
            self._table(options)
        place, picture = raw.get("place"), raw.get("picture")
        if place is not None and not is_place(place):
            self.wrong("view.place", Message("error.lecture.place", value=place))
        if picture is not None and picture not in gallery.GALLERY:
            self.wrong(
                "view.picture",
                Message("error.lecture.picture", value=picture, known=list(gallery.GALLERY)),
            )
        if len(self.faults) > before:
            return None
        return View(
            kind=kind,  # type: ignore[arg-type]
            models=models,
            place=tuple(place) if place else None,
            picture=picture,
            options=options,
        )

    def _models(self, raw: Any, kind: str, needs: Needs) -> tuple[str, ...]:
        models = tuple(raw) if isinstance(raw, list) else ()
        if not needs.least <= len(models) <= needs.most:
            said = Message(
                "error.lecture.models",
                kind=kind,
                least=needs.least,
                most=needs.most,
                count=len(models),
            )
            self.wrong("view.models", said)
        for key in models:
            try:
                family = registry.spec(key).family
            except MixScopeError as error:
                self.wrong("view.models", Message("error.lecture.model", problem=error))
            else:
                if needs.families and family not in needs.families:
                    fit = sorted(needs.families)
                    self.wrong(
                        "view.models",
                        Message("error.lecture.family", model=key, kind=kind, known=fit),
                    )
        return models

    def _options(self, options: Mapping[str, Any]) -> None:
        """What a kind takes besides: numbers, depths, names."""
        for name, value in options.items():
            if name == "depth":
                fits, known = is_depth(value), DEPTHS_KNOWN
            elif name in ("group", "channel", "most"):
                fits, known = type(value) is int and value >= 1, "1, 2, 3, ..."
            elif name in ("rows", "columns", "pretraining"):
                fits = isinstance(value, list) and all(isinstance(one, str) for one in value)
                known = '["...", "..."]'
            else:
                fits, known = isinstance(value, str) and bool(value), '"..."'
            if not fits:
                self.wrong(
                    f"view.{name}",
                    Message("error.lecture.option", name=name, value=repr(value), known=known),
                )

    def _table(self, options: Mapping[str, Any]) -> None:
        """A paper's table, and whether it has the rows and columns that are asked for."""
        try:
            table = papers.table(str(options.get("table", "")))
        except MixScopeError as error:
            self.wrong("view.table", Message("error.lecture.table", problem=error))
            return
        there = {
            "rows": {row.model for row in table.rows},
            "columns": set(table.columns),
            "pretraining": set(table.groups),
        }
        for name, known in there.items():
            asked = options.get(name, [])
            gone = [one for one in asked if one not in known] if isinstance(asked, list) else []
            if gone:
                said = Message(
                    "error.lecture.table_lacks",
                    table=table.key,
                    what=name,
                    gone=gone,
                    known=sorted(known),
                )
                self.wrong(f"view.{name}", said)


def beyond(text: str) -> list[str]:
    """The syllables of a text that are none of the 2,350 of KS X 1001: the typeface lacks them.

    The codec writes any other syllable as a row of eight bytes that spells it.
    """
    hangul = {letter for letter in text if "\uac00" <= letter <= "\ud7a3"}
    return sorted(letter for letter in hangul if len(letter.encode("euc_kr")) != 2)


def hint(text: str) -> Message | None:
    """What is to be said of a text's syllables; None where the typeface has all."""
    found = beyond(text)
    return Message("error.lecture.beyond", letters=found) if found else None
