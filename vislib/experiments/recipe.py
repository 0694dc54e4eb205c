"""How the variants of an experiment are trained: the bundled models' recipe, shorter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from vislib.experiments.catalogue import ExperimentError
from vislib.texts import Message
from vislib.training.recipe import RECIPES, Recipe

TRAINING = replace(RECIPES[1], epochs=4)
"""The first recipe of the bundled models, with fewer passes."""


@dataclass(frozen=True, kw_only=True)
class ExperimentRecipe:
    """Everything that training decides besides what an experiment varies.

    Attributes:
        version: Raised when any other number changes; each row of a table names it.
        classes: How many of the data's classes are used, spread evenly over the sorted folders.
        order_seed: Of the fixed permutations of pixels.
        training: The other numbers.
    """

    version: int = 1
    classes: int = 20
    order_seed: int = 0
    training: Recipe = TRAINING

    def facts(self) -> dict[str, Any]:
        """All numbers in one dictionary, as the JSON file has them."""
        own = {
            "version": self.version,
            "classes": self.classes,
            "order_seed": self.order_seed,
            "training_version": self.training.version,
        }
        return own | {k: v for k, v in asdict(self.training).items() if k != "version"}


EXPERIMENT_RECIPE = ExperimentRecipe()


def differing(saved: Mapping[str, Any], wanted: ExperimentRecipe) -> list[Message]:
    """The numbers in which a table's recipe differs, in words; empty where it is the same.

    Numbers that a recipe got after the table was written have their default there.
    """
    known = {field.name: field.default for field in fields(Recipe)} | dict(saved)
    now = wanted.facts()
    names = [name for name in now if known.get(name) != now[name]]
    return [
        Message("error.table.other_number", name=name, there=known.get(name), now=now[name])
        for name in names
    ]


def pick_classes(found: tuple[str, ...], count: int) -> tuple[str, ...]:
    """Every (N // count)-th of N classes.

    Args:
        found: All class folders, sorted.
        count: How many are wanted.

    Raises:
        ExperimentError: There are fewer, or fewer than two are wanted.
    """
    if not 2 <= count <= len(found):
        raise ExperimentError("error.experiment.classes", count=count, there=len(found))
    return found[:: len(found) // count][:count]
