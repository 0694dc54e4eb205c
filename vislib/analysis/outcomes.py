"""What the numbers of an experiment say, by rules: they decide, not the person who writes the page.

A difference counts only where it is larger than what the measurement itself leaves open: see
``tolerance``. Accuracies are shares from 0 to 1 throughout.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt

from vislib.schema import ShapeError
from vislib.texts import Message

ALIKE = "alike"
"""The answer where the numbers are too close to tell."""
LEAST_LOSS = 0.1
"""A model has lost clearly where it loses at least this share of its accuracy."""


def mean(values: Sequence[float]) -> float:
    """Arithmetic mean.

    Raises:
        ShapeError: There is no value.
    """
    if not values:
        raise ShapeError("error.shape.no_value")
    return sum(values) / len(values)


def spread(values: Sequence[float]) -> float:
    """Highest minus lowest; 0 for a single run."""
    return max(values) - min(values) if values else 0.0


def relative_change(value: float, base: float) -> float:
    """Change as a share of ``base``: -0.45 where 45 % were lost, as the papers say it.

    Raises:
        ShapeError: The base is 0.
    """
    if base <= 0:
        raise ShapeError("error.shape.base", base=base)
    return value / base - 1.0


def tolerance(scores: Sequence[Sequence[float]], pictures: int) -> float:
    """How far apart two accuracies may lie and still be too close to tell.

    Args:
        scores: One list of runs (a value a seed) for each setting that is compared.
        pictures: Each accuracy was measured on so many.

    Returns:
        The larger of two: two standard errors of the difference of two shares of that many
        pictures, at the setting where they are largest; and the largest spread between seeds.

    Source:
        Standard error of the difference of two independent shares p: sqrt(2 p (1 - p) / n).
    """
    means = [mean(values) for values in scores]
    chance = max((2 * sqrt(2 * p * (1 - p) / pictures) for p in means), default=0.0)
    return max([chance, *(spread(values) for values in scores)])


def clear_loss(before: float, after: float, least_difference: float) -> bool:
    """Whether a model has lost at least a tenth of its accuracy, and more than may be chance."""
    lost = -relative_change(after, before)
    return lost >= LEAST_LOSS and before - after > least_difference


def who_loses(
    first: tuple[float, float], second: tuple[float, float], least_difference: float
) -> str:
    """Which of two models lost clearly.

    Args:
        first: (before, after).
        second: The same of the other one.
        least_difference: See ``tolerance``.

    Returns:
        "first", "second", "both" or "neither".
    """
    lost = (clear_loss(*first, least_difference), clear_loss(*second, least_difference))
    words = {
        (True, True): "both",
        (True, False): "first",
        (False, True): "second",
        (False, False): "neither",
    }
    return words[lost]


def largest(values: Mapping[str, float], least_difference: float) -> str:
    """The name of the largest value; ``ALIKE`` where the next one is too close to tell.

    Raises:
        ShapeError: Fewer than two values came.
    """
    if len(values) < 2:
        raise ShapeError("error.shape.few_values", count=len(values))
    first, second = sorted(values, key=lambda name: values[name], reverse=True)[:2]
    return first if values[first] - values[second] > least_difference else ALIKE


def effects(table: Mapping[tuple[str, str], float]) -> tuple[dict[str, float], dict[str, float]]:
    """What each of two factors does on average.

    Args:
        table: (level of the first factor, level of the second) -> accuracy, every pair there.

    Returns:
        The mean accuracy of each level of the first factor, and of each level of the second.

    Raises:
        ShapeError: A pair of levels is missing: means over different settings cannot be compared.
    """
    rows, columns = (list(dict.fromkeys(pair[place] for pair in table)) for place in (0, 1))
    missing = [(row, column) for row in rows for column in columns if (row, column) not in table]
    if missing or not table:
        raise ShapeError(
            "error.shape.missing_pairs", pairs=missing or Message("error.shape.every_pair")
        )
    return (
        {row: mean([table[row, column] for column in columns]) for row in rows},
        {column: mean([table[row, column] for row in rows]) for column in columns},
    )
