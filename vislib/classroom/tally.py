"""What the class answered, added up from the votes that are stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from vislib.classroom.asked import FULL, Answer, Asked

BINS = 10
"""Bars of a histogram of numbers, at most."""
CELLS = 12
"""Rows and columns of the heat map of places."""


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Votes of one question.

    Attributes:
        count: How many devices have voted.
        options: Of "models": (key, votes), in the question's order.
        edges: Of "number": the edges of the bars, one more than these, in the number's unit.
        bars: Of "number": votes a bar; a vote on an inner edge belongs to the bar above it.
        whole: Of "number": bars of whole numbers, since ten equal ones would cut between them.
        cells: Of "place": votes a cell, axes (row, column), ``CELLS`` a side.
        places: Of "place": each vote, (x, y) in thousandths.
    """

    count: int
    options: tuple[tuple[str, int], ...] = ()
    edges: tuple[float, ...] = ()
    bars: tuple[int, ...] = ()
    whole: bool = False
    cells: tuple[tuple[int, ...], ...] = ()
    places: tuple[tuple[int, int], ...] = ()


def tally(asked: Asked, answers: Sequence[Answer]) -> Tally:
    """Add up.

    Args:
        asked: The question.
        answers: One a device, as ``Asked.answer`` gave them.
    """
    if asked.kind == "models":
        found = Counter(answers)
        options = tuple((key, found[key]) for key, _ in asked.options)
        return Tally(count=len(answers), options=options)
    if asked.kind == "number":
        return _bars(asked, [float(one) for one in answers if isinstance(one, int | float)])
    return _cells([one for one in answers if isinstance(one, tuple)])


def _bars(asked: Asked, numbers: Sequence[float]) -> Tally:
    low, high = asked.limits
    whole = low == int(low) and high == int(high) and (high - low) % BINS != 0
    if whole:
        wide: float = -(-(high + 1 - low) // BINS)
        count = int(-(-(high + 1 - low) // wide))
    else:
        wide, count = (high - low) / BINS or 1.0, BINS
    found = Counter(min(int((one - low) / wide), count - 1) for one in numbers)
    return Tally(
        count=len(numbers),
        edges=tuple(low + wide * number for number in range(count + 1)),
        bars=tuple(found[number] for number in range(count)),
        whole=whole,
    )


def _cells(places: Sequence[tuple[int, int]]) -> Tally:
    found = Counter((_cell(y), _cell(x)) for x, y in places)
    cells = tuple(tuple(found[row, column] for column in range(CELLS)) for row in range(CELLS))
    return Tally(count=len(places), cells=cells, places=tuple(places))


def _cell(thousandths: int) -> int:
    return min(thousandths * CELLS // FULL, CELLS - 1)


def rows(votes: Iterable[tuple[str, str, Answer]]) -> list[list[Any]]:
    """The results as a table: a line a vote, nothing about the device.

    Args:
        votes: (step, kind, answer) of each.

    Returns:
        The head "step", "kind", "option", "x", "y", "number", then the lines, sorted, so that
        their order says nothing about who voted when.
    """
    lines: list[list[Any]] = []
    for step, kind, answer in votes:
        if isinstance(answer, str):
            lines.append([step, kind, answer, "", "", ""])
        elif isinstance(answer, tuple):
            lines.append([step, kind, "", *answer, ""])
        else:
            lines.append([step, kind, "", "", "", answer])
    return [["step", "kind", "option", "x", "y", "number"], *sorted(lines, key=repr)]
