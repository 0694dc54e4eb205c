"""The tables of what was trained: ``<experiment>.csv`` (a row an epoch) and ``<experiment>.json``.

The JSON file says what was run::

    {"name": "order",
     "recipe": {"version": 1, "classes": 20, "epochs": 4, ...every number of the recipe},
     "data": {"name", "source", "terms", "size", "classes": [folder names],
              "train_pictures", "held_out_pictures", "val_pictures"},
     "configs": {id: {"model", "title", "values": {factor: value}, "build": {...}, "parameters",
                      "multiply_adds", "train_pictures", "epochs"}}}

``train_pictures`` and ``epochs`` of a config are what it was trained on and for. Light: no torch.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vislib.experiments.catalogue import SEEDS, Experiment, ExperimentError
from vislib.tables import rows as rows_of
from vislib.texts import Message

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "experiments"
WORK = Path("runs") / "experiments"
"""Where checkpoints lie, seen from the folder in which the command is given."""
COLUMNS = (
    "recipe",
    "config",
    "seed",
    "epoch",
    "loss",
    "held_out",
    "val",
    "seconds",
    "hardware",
)
COUNTS = ("parameters", "multiply_adds", "train_pictures", "epochs")
"""What the JSON file says of each config in whole numbers above 0."""


@dataclass(frozen=True, kw_only=True)
class EpochRow:
    """Where a run stood after a pass.

    Attributes:
        epoch: From 1.
        loss: Mean over the pass, in nats (with label smoothing).
        held_out: Top-1 on the held-out part of the training folder, 0 to 1.
        seconds: Since the run began.
    """

    epoch: int
    loss: float
    held_out: float
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Run:
    """One training that has ended.

    Attributes:
        config: Id.
        seed: Of initialisation, order and augmentation.
        epochs: All passes, in order.
        val: Top-1 on the pictures of ``val`` after the last pass, 0 to 1; measured once.
        seconds: Of the whole training.
        hardware: What it ran on.
    """

    config: str
    seed: int
    epochs: tuple[EpochRow, ...]
    val: float
    seconds: float
    hardware: str


@dataclass(frozen=True, kw_only=True)
class Results:
    """What was run of an experiment.

    Attributes:
        name: Of the experiment.
        settings: The JSON file.
        runs: In the order of the CSV file.
    """

    name: str
    settings: Mapping[str, Any]
    runs: tuple[Run, ...]

    def of(self, config: str) -> tuple[Run, ...]:
        """The runs of a config, a seed each; empty where none was run."""
        return tuple(run for run in self.runs if run.config == config)


def missing(
    experiment: Experiment, results: Results | None, seeds: Sequence[int] = SEEDS
) -> tuple[tuple[str, int], ...]:
    """(Config, seed) of what is not in the table, in the order of training."""
    there = {(run.config, run.seed) for run in results.runs} if results else set()
    wanted = ((config.id, seed) for seed in seeds for config in experiment.configs)
    return tuple(pair for pair in wanted if pair not in there)


def files(name: str, folder: Path | None = None) -> tuple[Path, Path]:
    """The CSV and the JSON file of an experiment; ``folder`` None is ``FOLDER``."""
    folder = FOLDER if folder is None else folder
    return folder / f"{name}.csv", folder / f"{name}.json"


def read(name: str, folder: Path | None = None) -> Results | None:
    """What was run of an experiment, None where nothing was.

    Args:
        name: Of the experiment.
        folder: Of the tables; None is ``FOLDER``.

    Raises:
        ExperimentError: The table is damaged, half written, or mixes recipes; nothing is changed.
    """
    table, facts = files(name, folder)
    if not table.exists():
        return None
    # The rows first: the JSON file is written before the CSV file.
    rows = rows_of.read(table, COLUMNS, fault)
    settings = _settings(facts, name)
    groups: dict[tuple[str, int], list[dict[str, str]]] = {}
    for number, row in enumerate(rows, start=2):
        version = str(settings["recipe"]["version"])
        if row["recipe"] != version:
            raise fault(
                table,
                Message(
                    "error.table.line_recipe", line=number, version=row["recipe"], others=version
                ),
            )
        if row["config"] not in settings["configs"]:
            raise fault(
                table, Message("error.table.unknown_config", file=facts.name, config=row["config"])
            )
        try:
            groups.setdefault((row["config"], int(row["seed"])), []).append(row)
        except ValueError:
            raise fault(table, Message("error.table.seed", line=number, seed=row["seed"])) from None
    runs = tuple(
        _run(table, config, seed, lines, int(settings["configs"][config]["epochs"]))
        for (config, seed), lines in groups.items()
    )
    return Results(name=name, settings=settings, runs=runs)


def fault(path: Path, what: Message) -> ExperimentError:
    """A table that cannot be used; the message says how to have one again."""
    return ExperimentError("error.table.damaged", file=path.name, what=what)


def _settings(path: Path, name: str) -> dict[str, Any]:
    """The JSON file, after a look at what ``read`` needs of it."""
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
        whole = settings["name"] == name and isinstance(settings["data"]["classes"], list)
        whole = whole and len(settings["data"]["classes"]) > 0
        counts = [settings["data"]["val_pictures"]]
        counts += [settings["recipe"][key] for key in ("version", "epochs")]
        for config in settings["configs"].values():
            whole = whole and isinstance(config["title"], str)
            whole = whole and all(isinstance(config[key], dict) for key in ("values", "build"))
            counts += [config[key] for key in COUNTS]
        whole = whole and all(type(count) is int and count > 0 for count in counts)
    except OSError as error:
        kind = error.strerror or type(error).__name__
        raise fault(path, Message("error.table.unreadable", kind=kind)) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise fault(path, Message("error.table.unreadable", kind=type(error).__name__)) from error
    if not whole:
        raise fault(path, Message("error.table.other_experiment", name=name))
    return dict(settings)


def _run(
    path: Path, config: str, seed: int, lines: Sequence[Mapping[str, str]], epochs: int
) -> Run:
    """The run that some rows describe."""
    name = Message("error.table.run", config=config, seed=seed)
    try:
        rows = tuple(
            EpochRow(
                epoch=int(line["epoch"]),
                loss=float(line["loss"]),
                held_out=_share(line["held_out"]),
                seconds=float(line["seconds"]),
            )
            for line in lines
        )
        early = [line["val"] for line in lines[:-1] if line["val"]]
        val = _share(lines[-1]["val"]) if lines[-1]["val"] else None
    except ValueError as error:
        raise fault(
            path, Message("error.table.no_value", run=name, reason=error.args[0])
        ) from error
    counted = [row.epoch for row in rows]
    if counted != list(range(1, epochs + 1)):
        raise fault(
            path,
            Message("error.table.epochs", run=name, epochs=counted, last=epochs),
        )
    if val is None or early:
        raise fault(path, Message("error.table.accuracy", run=name))
    if not all(math.isfinite(row.loss) and math.isfinite(row.seconds) for row in rows):
        raise fault(path, Message("error.table.no_number", run=name))
    return Run(
        config=config,
        seed=seed,
        epochs=rows,
        val=val,
        seconds=rows[-1].seconds,
        hardware=lines[-1]["hardware"],
    )


def _share(text: str) -> float:
    """A share from 0 to 1.

    Raises:
        ValueError: It is no number or lies outside.
    """
    value = float(text)
    if not 0 <= value <= 1:
        raise ValueError(Message("error.table.no_share", value=text))
    return value


def as_text(recipe: int, runs: Iterable[Run]) -> str:
    """The CSV file of some runs.

    Args:
        recipe: Version of the experiments' recipe.
        runs: Each with all its passes.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for run in runs:
        for row in run.epochs:
            val = f"{run.val:.4f}" if row is run.epochs[-1] else ""
            numbers = (f"{row.loss:.4f}", f"{row.held_out:.4f}", val, f"{row.seconds:.1f}")
            writer.writerow((recipe, run.config, run.seed, row.epoch, *numbers, run.hardware))
    return out.getvalue()
