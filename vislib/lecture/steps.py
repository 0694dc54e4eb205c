"""What a step of a lecture is: its words in each language, and the view that it shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from vislib.texts import Message

ViewKind = Literal[
    "words", "maps", "patches", "diagram", "tiles", "channels", "shuffle", "table", "accuracies"
]
QuestionKind = Literal["models", "place", "number"]
DEPTHS = ("first", "middle", "last")
MOST_WORDS = 40
"""Words of a step that the class reads."""
MOST_ASKED = 30
"""Words of a question to the class."""
MOST_OPTIONS = 6
"""Models to choose from."""


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What a kind of view takes.

    Attributes:
        least: Models at least.
        most: Models at most.
        families: Families that can be shown so; empty for all.
        names: Further names in its table of the step.
    """

    least: int = 0
    most: int = 0
    families: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()


MIXERS = frozenset({"mixer", "resmlp", "convmixer"})
VIEWS: Mapping[str, Needs] = {
    "words": Needs(),
    "maps": Needs(least=1, most=5, names=frozenset({"depth", "block", "second", "scale"})),
    "patches": Needs(least=1, most=3),
    "diagram": Needs(least=1, most=3),
    "tiles": Needs(least=1, most=1, families=MIXERS, names=frozenset({"depth", "block", "most"})),
    "channels": Needs(
        least=1,
        most=1,
        families=frozenset({"davit"}),
        names=frozenset({"depth", "block", "group", "channel"}),
    ),
    "shuffle": Needs(least=1, most=5),
    "table": Needs(names=frozenset({"table", "rows", "columns", "pretraining"})),
    "accuracies": Needs(),
}
"""Kind of view -> what it takes."""


@dataclass(frozen=True, kw_only=True)
class View:
    """What a step shows of the class's picture.

    Attributes:
        kind: One of ``VIEWS``.
        models: Keys of the registry.
        place: Where in the upright picture, (x, y) in thousandths; None leaves the class's own.
        picture: A gallery picture's key; None leaves the class's own.
        options: The other names that the kind takes, as they stand in the file.
    """

    kind: ViewKind = "words"
    models: tuple[str, ...] = ()
    place: tuple[int, int] | None = None
    picture: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Number:
    """A number in a step's words: a cell of a paper's table, or a fact of a model's card.

    Attributes:
        model: The row's model as the paper calls it, or the key of a bundled model.
        table: Key of the paper's table; empty for a bundled model.
        group: What the row's model was pre-trained on; empty for the first row of that name.
        column: Of the table; or the name in the card ("val_top1", "parameters").
    """

    model: str
    column: str
    table: str = ""
    group: str = ""


@dataclass(frozen=True, kw_only=True)
class Measure:
    """What can answer a question to the class, and what such a question must say.

    Attributes:
        kind: What the class gives.
        needs: Names that the question must have besides.
        may: Names that it may have.
        unit: Of a number: "percent", "patches", or empty where the question says it.
        families: Families that it can be measured on; empty for all.
        has_place: Whether the step's view must say where.
    """

    kind: QuestionKind
    needs: frozenset[str] = frozenset()
    may: frozenset[str] = frozenset()
    unit: str = ""
    families: frozenset[str] = frozenset()
    has_place: bool = False


_BLOCK = frozenset({"depth", "block"})
_ONE = frozenset({"model"})
HEADED = frozenset({"vit", "davit", "swin"})
MEASURES: Mapping[str, Measure] = {
    "survives_shuffle": Measure(kind="models", needs=frozenset({"options"})),
    "right": Measure(kind="models", needs=frozenset({"options"})),
    "most_accurate": Measure(kind="models", needs=frozenset({"options"})),
    "moves_most": Measure(
        kind="models", needs=frozenset({"options", "second"}), may=_BLOCK, has_place=True
    ),
    "reads_most": Measure(kind="place", needs=_ONE, may=_BLOCK, has_place=True),
    "own_share": Measure(kind="number", needs=_ONE, may=_BLOCK, unit="percent", has_place=True),
    "reads_count": Measure(kind="number", needs=_ONE, may=_BLOCK, unit="patches", has_place=True),
    "reads_far": Measure(kind="number", needs=_ONE, may=_BLOCK, unit="patches", has_place=True),
    "head": Measure(
        kind="number",
        needs=_ONE | {"target"},
        may=_BLOCK,
        families=HEADED,
        has_place=True,
    ),
    "fact": Measure(kind="number", needs=frozenset({"number"})),
}
"""Name in a path's file -> what it is. views/lecture/answers.py measures it."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """What the class answers before it sees what the models do.

    Attributes:
        kind: What the class gives: models of ``options``, a place of the step's picture as (x, y)
            in thousandths from the left and from the top, or a number within ``limits``.
        text: Language -> the question, at most ``MOST_ASKED`` words.
        answer: What answers it, a name of ``MEASURES``.
        options: Of "models": keys of the registry, 2 to ``MOST_OPTIONS``; else empty.
        limits: Of "number": (lowest, highest) that is taken; else None.
        unit: Of "number": "percent", "patches" (worded by the texts "lecture.unit_..."), or empty
            where the question says it.
        model: The model that is measured, where it is one.
        where: Which of its blocks, as a view says it: "depth" or "block".
        target: The place that is looked at, in thousandths; None for most answers.
        second: Key of the gallery picture that is put beside the class's; empty for most.
        number: Where a number stands that is not measured here; None for most answers.
    """

    kind: QuestionKind
    text: Mapping[str, str]
    answer: str
    options: tuple[str, ...] = ()
    limits: tuple[float, float] | None = None
    unit: str = ""
    model: str = ""
    where: Mapping[str, Any] = field(default_factory=dict)
    target: tuple[int, int] | None = None
    second: str = ""
    number: Number | None = None


@dataclass(frozen=True, kw_only=True)
class Step:
    """One idea.

    Attributes:
        key: Its name in the address; of its own in the path.
        part: Name of the file that it stands in.
        minutes: Planned.
        title: Language -> title.
        words: Language -> at most ``MOST_WORDS`` words.
        notes: Language -> what only the lecturer sees.
        formula: In TeX; empty for none.
        numbers: Name of a placeholder in the words -> where its number comes from.
        view: What it shows.
        ask: What the class is asked here; None at most steps.
        file: Where it stands.
        line: The line of its ``[[step]]``, counted from 1.
    """

    key: str
    part: str
    minutes: float
    title: Mapping[str, str]
    words: Mapping[str, str]
    notes: Mapping[str, str]
    formula: str
    numbers: Mapping[str, Number]
    view: View
    ask: Question | None
    file: Path
    line: int


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A mistake in a file of a path.

    Attributes:
        file: Which.
        line: Counted from 1; 0 where it is the whole file.
        said: What came, what is accepted.
        step: The step that is out; empty where none is.
    """

    file: Path
    line: int
    said: Message
    step: str = ""


@dataclass(frozen=True, kw_only=True)
class LecturePath:
    """A whole lecture.

    Attributes:
        key: Name of its folder.
        title: Language -> title.
        languages: Those that every step has.
        steps: The steps that are right, in order.
        faults: What is wrong with the others.
        hints: What is unlucky in a step that stands.
    """

    key: str
    title: Mapping[str, str]
    languages: tuple[str, ...]
    steps: tuple[Step, ...]
    faults: tuple[Fault, ...]
    hints: tuple[Fault, ...] = ()

    @property
    def minutes(self) -> float:
        """The planned time of all steps."""
        return sum(step.minutes for step in self.steps)
