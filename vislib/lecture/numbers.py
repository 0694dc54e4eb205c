"""The numbers in a step's words, read from a paper's table or a model's card when shown."""

from __future__ import annotations

import functools
import json
from pathlib import Path

from vislib.lecture.steps import Number, Step
from vislib.schema import ModelError, TableError
from vislib.tables import papers

CARDS = Path(__file__).resolve().parents[2] / "assets" / "weights"
SCALES = {
    "val_top1": 100.0,
    "val_top5": 100.0,
    "held_out_top1": 100.0,
    "parameters": 1e-6,
    "multiply_adds": 1e-6,
}
"""What a card's number is multiplied with: accuracies to percent, counts to millions."""


def value(number: Number) -> float:
    """The number itself: as the paper prints it, or from the card in the units of ``SCALES``.

    Raises:
        TableError: The table has no such row or column, or is damaged.
        ModelError: There is no such table, or the card does not say it.
    """
    if not number.table:
        return _of_card(number.model, number.column)
    for row in papers.table(number.table).rows:
        if row.model == number.model and number.group in ("", row.group):
            if number.column in row.values:
                return row.values[number.column]
            known = ", ".join(row.values)
            raise TableError("error.lecture.column", column=number.column, known=known)
    raise TableError("error.lecture.row", table=number.table, model=number.model)


@functools.cache
def _card(key: str) -> dict[str, object]:
    path = CARDS / f"{key}.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError("error.lecture.no_card", model=key) from error
    return found if isinstance(found, dict) else {}


def _of_card(key: str, name: str) -> float:
    """A number of a bundled model's card, in the units of ``SCALES``."""
    found = _card(key).get(name)
    if type(found) not in (int, float):
        raise ModelError("error.lecture.not_in_card", model=key, column=name)
    return float(str(found)) * SCALES.get(name, 1.0)


def words(step: Step, language: str) -> str:
    """A step's words with their numbers filled in.

    Args:
        step: The step.
        language: A code that the path has.

    Raises:
        ModelError: As ``value`` says.
        TableError: As ``value`` says.
    """
    return step.words[language].format(**{name: value(n) for name, n in step.numbers.items()})
