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
DEPTHS = ("first", "middle", "last")
MOST_WORDS = 40
"""Words of a step that the class reads."""


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
