"""Going on from a trained set: its weights, cards and films are the first passes of a longer run.

A recipe with a finish begins it with fresh optimizers, so that weights alone, without a checkpoint,
are enough to go on from where its other passes ended; only the rounding to float16 differs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vislib import registry
from vislib.schema import ModelSpec, WeightsError
from vislib.training import card as cards
from vislib.training.filming import Recorder
from vislib.training.recipe import Recipe
from vislib.training.run import Beginning, Progress, TrainingError
from vislib.weights import files, film

OTHERS = ("version", "epochs", "bfloat16")
"""In what else than its finish a recipe may differ from the one that made the weights: the passes
are counted without the finish, and the last one says in which numbers a processor multiplies."""


def read(
    row: ModelSpec,
    folder: Path,
    *,
    recipe: Recipe,
    seed: int,
    classes: tuple[str, ...],
    pictures: int,
) -> Beginning:
    """What a recipe's passes before the finish have made.

    Args:
        row: The model's row.
        folder: Holds ``weights/<key>.safetensors`` and ``weights/<key>.json``, as assets does.
        recipe: With a finish.
        seed: Of the run.
        classes: WordNet ids in the order of the head.
        pictures: How many are trained on.

    Raises:
        TrainingError: The recipe has no finish, or the weights were made in another way; the
            message says in what they differ.
        WeightsError: Weights or card are missing or damaged.
    """
    if not recipe.finish:
        raise TrainingError("error.training.no_finish", version=recipe.version)
    card = cards.read(folder / "weights", row.key)
    made = _facts(card)
    wanted = {
        "set": registry.set_of(row),
        "passes": recipe.main_epochs,
        "seed": seed,
        "classes": list(classes),
        "training pictures": pictures,
        **_main(asdict(recipe)),
    }
    differing = [name for name, value in wanted.items() if made.get(name) != value]
    if differing:
        raise TrainingError(
            "error.training.other_beginning",
            model=row.key,
            folder=folder,
            version=recipe.version,
            differences=differing,
        )
    return Beginning(
        state=files.read_state(folder / "weights" / f"{row.key}.safetensors"),
        progress=Progress(
            seconds=card["seconds"], history=card["history"], hardware=[card["hardware"]]
        ),
    )


def _facts(card: Mapping[str, Any]) -> dict[str, Any]:
    """How a card says that its weights were made."""
    try:
        return {
            "set": card["set"],
            "passes": len(card["history"]),
            "seed": card["seed"],
            "classes": [wnid for wnid, _ in card["classes"]],
            "training pictures": card["data"]["train_pictures"],
            **_main(asdict(Recipe(**card["recipe"]))),
        }
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(
            "error.training.silent_card",
            model=card["key"],
            kind=type(error).__name__,
            reason=str(error),
        ) from error


def _main(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers of the passes before the finish."""
    return {
        name: value
        for name, value in recipe.items()
        if name not in OTHERS and not name.startswith("finish")
    }


def adopt_film(row: ModelSpec, folder: Path, recorder: Recorder) -> None:
    """Give a run the frames of the film of its beginning.

    Args:
        row: The model's row.
        folder: Holds ``films/<key>.safetensors``, as assets does. Where there is none, the run
            will have no film.
        recorder: The run's.

    Raises:
        WeightsError: The film is damaged, or a frame cannot be written.
    """
    found = film.read(row.key, folder / "films")
    if found is not None:
        recorder.adopt(found)
