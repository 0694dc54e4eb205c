"""Adding a run to an experiment's table, also while another process adds one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock

from vislib.experiments import table
from vislib.experiments.catalogue import ExperimentError
from vislib.experiments.recipe import ExperimentRecipe, differing
from vislib.texts import Message

LOCK_SECONDS = 60.0
"""Longest wait for another process that writes the same table."""
SAME_DATA = (
    "name",
    "classes",
    "size",
    "train_pictures",
    "held_out_pictures",
    "val_pictures",
)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the JSON file says of a table.

    Attributes:
        name: Of the experiment.
        recipe: Of all its runs.
        data: As in the JSON file; before the pictures are read it lacks their numbers.
        configs: Id -> what is known of the config; before training its build and passes.
    """

    name: str
    recipe: ExperimentRecipe
    data: Mapping[str, Any]
    configs: Mapping[str, Mapping[str, Any]]


def refuse_other(results: table.Results | None, facts: Facts, folder: Path) -> None:
    """Refuse runs that do not belong into the table that is there.

    Args:
        results: The table, None where there is none.
        facts: Of the new runs.
        folder: Of the table, for the message.

    Raises:
        ExperimentError: The table has another recipe, other data or other builds.
    """
    if results is None:
        return
    saved = results.settings
    wrong = differing(saved["recipe"], facts.recipe)
    data = {name: facts.data[name] for name in SAME_DATA if name in facts.data}
    wrong += [
        Message("error.table.other_data", name=name)
        for name, value in data.items()
        if saved["data"].get(name) != value
    ]
    for name, config in facts.configs.items():
        new = json.loads(json.dumps(config))  # lists instead of tuples
        there = saved["configs"].get(name, new)
        wrong += [
            Message("error.table.other_config", config=name, name=key)
            for key in new
            if there.get(key) != new[key]
        ]
    if wrong:
        path, _ = table.files(facts.name, folder)
        raise ExperimentError("error.table.other_runs", path=path, differences=wrong[:5])


def add(run: table.Run, facts: Facts, folder: Path) -> bool:
    """Add a run to its table.

    Args:
        run: With all its passes.
        facts: With the run's config.
        folder: Of the table.

    Returns:
        Whether it was added; False where the table has a run of that config and seed.

    Raises:
        ExperimentError: The table that is there is damaged or of another kind, or the files cannot
            be written.
    """
    csv_file, json_file = table.files(facts.name, folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(folder / f"{facts.name}.lock", timeout=LOCK_SECONDS):
            results = table.read(facts.name, folder)
            refuse_other(results, facts, folder)
            runs = results.runs if results else ()
            if any((old.config, old.seed) == (run.config, run.seed) for old in runs):
                return False
            known = dict(results.settings["configs"]) if results else {}
            settings = {
                "name": facts.name,
                "recipe": facts.recipe.facts(),
                "data": results.settings["data"] if results else dict(facts.data),
                "configs": known | {run.config: facts.configs[run.config]},
            }
            # In this order: a reader may find a config without runs, never the other way round.
            _replace(json_file, _json(settings))
            _replace(csv_file, table.as_text(facts.recipe.version, (*runs, run)))
    except filelock.Timeout as error:
        raise ExperimentError(
            "error.table.locked", path=folder / f"{facts.name}.lock", seconds=LOCK_SECONDS
        ) from error
    except OSError as error:
        raise ExperimentError(
            "error.table.unwritable", path=csv_file, reason=error.strerror
        ) from error
    return True


def _json(settings: Mapping[str, Any]) -> str:
    """JSON text, a config a line."""
    lines = []
    for name, value in settings.items():
        text = json.dumps(value, ensure_ascii=False)
        if name == "configs":
            rows = (f"    {json.dumps(k)}: {json.dumps(v)}" for k, v in value.items())
            text = "{\n" + ",\n".join(rows) + "\n  }"
        lines.append(f"  {json.dumps(name)}: {text}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _replace(path: Path, text: str) -> None:
    """Write a file in one move."""
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8", newline="\n")
    part.replace(path)
