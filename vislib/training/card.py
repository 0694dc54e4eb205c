"""A model's card: what it was trained on, how, on what, and how often it is right."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from vislib import registry
from vislib.models import loading
from vislib.schema import ModelSpec, WeightsError


@dataclass(frozen=True, kw_only=True)
class DataFacts:
    """What a card says about the pictures.

    Attributes:
        name: Short name of the data set.
        classes: (WordNet id, name) in the order of the head.
        train: Pictures trained on.
        held_out: Pictures of the training folder that were only watched.
        size: Side of the pictures, in model pixels.
        source: Where they come from.
        terms: What they may be used for.
    """

    name: str
    classes: tuple[tuple[str, str], ...]
    train: int
    held_out: int
    size: int
    source: str
    terms: str


def make(
    row: ModelSpec,
    model: nn.Module,
    *,
    data: DataFacts,
    recipe: Mapping[str, Any],
    seed: int,
    progress: Mapping[str, Any],
    held_out_top1: float,
    sha256: str,
) -> dict[str, Any]:
    """Fill in a card.

    Args:
        row: The model's registry row.
        model: The trained module.
        data: The pictures.
        recipe: Every number of the recipe.
        seed: Of the run.
        progress: The run's ``Progress`` as a dictionary.
        held_out_top1: Accuracy of the weights as stored, 0 to 1.
        sha256: Of the weights file.

    Returns:
        JSON values; ``val_*`` are None until ``evaluate --card`` has measured them.
    """
    return {
        "key": row.key,
        "title": row.title,
        "family": row.family,
        "paper": row.paper,
        "licence": row.licence,
        "set": registry.set_of(row),
        "data": {
            "name": data.name,
            "classes": len(data.classes),
            "train_pictures": data.train,
            "held_out_pictures": data.held_out,
            "size": data.size,
            "source": data.source,
            "terms": data.terms,
        },
        "recipe": dict(recipe),
        "seed": seed,
        "hardware": "; then ".join(progress["hardware"]),
        "seconds": round(float(progress["seconds"]), 1),
        "epochs": len(progress["history"]),
        "history": [_rounded(line) for line in progress["history"]],
        "held_out_top1": held_out_top1,
        "val_top1": None,
        "val_top5": None,
        "val_pictures": None,
        "parameters": sum(p.numel() for p in model.parameters()),
        "multiply_adds": loading.count_multiply_adds(model, data.size),
        "stored_as": "float16",
        "sha256": sha256,
        "classes": [list(pair) for pair in data.classes],
    }


def _rounded(line: Mapping[str, float]) -> dict[str, float]:
    """A row of the history without digits that mean nothing."""
    return {
        "epoch": int(line["epoch"]),
        "loss": round(line["loss"], 4),
        "held_out": round(line["held_out"], 6),
        "size": int(line["size"]),
        "seconds": round(line["seconds"], 1),
    }


def write(card: Mapping[str, Any], folder: Path) -> Path:
    """Write ``<key>.json`` in one move: a key a line, a class or an epoch a line.

    Raises:
        WeightsError: The file cannot be written.
    """
    path = folder / f"{card['key']}.json"
    part = path.with_suffix(".json.part")
    lines = [f"  {json.dumps(name)}: {_value(value)}" for name, value in card.items()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise WeightsError(
            "error.training.card_unwritable", path=path, reason=error.strerror
        ) from error
    return path


def _value(value: Any) -> str:
    """JSON text of a value, with the rows of a table on lines of their own."""
    if isinstance(value, list) and value and isinstance(value[0], list | dict):
        rows = ",\n".join(f"    {json.dumps(row, ensure_ascii=False)}" for row in value)
        return f"[\n{rows}\n  ]"
    return json.dumps(value, ensure_ascii=False)


def read(folder: Path, key: str) -> dict[str, Any]:
    """The card of ``key`` in ``folder``.

    Raises:
        WeightsError: There is no card, it is no JSON, or it names no classes.
    """
    path = folder / f"{key}.json"
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        classes = [(str(wnid), str(name)) for wnid, name in card["classes"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(
            "error.training.card_unreadable", file=path.name, kind=type(error).__name__
        ) from error
    if not classes or card.get("key") != key:
        raise WeightsError("error.training.other_card", file=path.name, model=key)
    return dict(card)
