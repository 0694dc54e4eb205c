"""What ``python -m vislib experiment NAME`` does: train what the table lacks, one run at a time."""

from __future__ import annotations

import hashlib
import json
import shlex
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

import filelock
import torch

from vislib import registry
from vislib.experiments import catalogue, table, writer
from vislib.experiments.catalogue import Config, Experiment
from vislib.experiments.orders import places
from vislib.experiments.pictures import Pictures, facts, read, share_of
from vislib.experiments.recipe import EXPERIMENT_RECIPE, ExperimentRecipe, pick_classes
from vislib.models import loading
from vislib.schema import ModelSpec
from vislib.texts import Message
from vislib.training.data import class_folders, split_folder
from vislib.training.evaluate import accuracy
from vislib.training.hardware import choose
from vislib.training.loop import train
from vislib.training.run import Progress, RunSettings
from vislib.training.session import Outcome, Screen, interruptions, left_off, make_folders

PATCHED = "mixer_mini"
"""The model whose patches the order "patches" moves, for all models alike."""


@dataclass(frozen=True, kw_only=True)
class ExperimentOrder:
    """An experiment command.

    Attributes:
        name: Of the experiment.
        data: Holds ``train`` and ``val``.
        out: Folder of the tables.
        work: Folder of the checkpoints.
        configs: Ids; empty means all.
        seeds: In the order in which they are run.
        classes, epochs, batch_size: Instead of the recipe's; None keeps them.
        minutes: Limit for all runs together.
        device: auto, cpu, cuda or mps.
        data_source, data_terms: For the JSON file; None takes what is known of the data set.
    """

    name: str
    data: Path
    out: Path
    work: Path
    configs: tuple[str, ...] = ()
    seeds: tuple[int, ...] = catalogue.SEEDS
    classes: int | None = None
    epochs: int | None = None
    batch_size: int | None = None
    minutes: float | None = None
    device: str = "auto"
    data_source: str | None = None
    data_terms: str | None = None

    def recipe(self) -> ExperimentRecipe:
        """The experiments' recipe with what the command changes."""
        plain = EXPERIMENT_RECIPE
        training = replace(
            plain.training,
            epochs=self.epochs or plain.training.epochs,
            batch_size=self.batch_size or plain.training.batch_size,
        )
        return replace(plain, classes=self.classes or plain.classes, training=training)


@dataclass(frozen=True, kw_only=True)
class _Work:
    """A command that is going on."""

    order: ExperimentOrder
    recipe: ExperimentRecipe
    data: Mapping[str, Any]
    pictures: Pictures
    device: torch.device
    screen: Screen
    deadline: float | None

    @property
    def left(self) -> float | None:
        """Minutes left, None without a limit."""
        return None if self.deadline is None else (self.deadline - time.monotonic()) / 60


def run_experiment(order: ExperimentOrder, stream: TextIO | None = None) -> Outcome:
    """Train what a table lacks of an experiment and write each run down when it has ended.

    Args:
        order: The command.
        stream: Where the lines go; None is the standard output.

    Raises:
        MixScopeError: Anything in the order, the data or the table that cannot be used.
    """
    deadline = None if order.minutes is None else time.monotonic() + order.minutes * 60
    screen = Screen(stream or sys.stdout)
    experiment = catalogue.experiment(order.name)
    chosen = dict.fromkeys(order.configs)
    configs = tuple(experiment.config(name) for name in chosen) or experiment.configs
    recipe, device = order.recipe(), choose(order.device)
    classes = pick_classes(class_folders(split_folder(order.data, "train")), recipe.classes)
    results = table.read(order.name, order.out)
    wanted = writer.Facts(
        name=order.name,
        recipe=recipe,
        data={"name": order.data.resolve().name, "classes": list(classes)},
        configs={
            config.id: {
                "build": build_of(config),
                "epochs": config.epochs(recipe.training.epochs),
            }
            for config in configs
        },
    )
    writer.refuse_other(results, wanted, order.out)
    lacking = table.missing(replace(experiment, configs=configs), results, order.seeds)
    outcome: Outcome = "finished"
    if lacking:
        make_folders(order.out, order.work / order.name)
        pictures = _read(order, recipe, classes, screen)
        data = facts(order.data, pictures, source=order.data_source, terms=order.data_terms)
        writer.refuse_other(results, replace(wanted, data=data), order.out)
        work = _Work(
            order=order,
            recipe=recipe,
            data=data,
            pictures=pictures,
            device=device,
            screen=screen,
            deadline=deadline,
        )
        outcome = _run_all(work, experiment, lacking)
    _say_what_lacks(order, experiment, screen)
    return outcome


def build_of(config: Config) -> dict[str, Any]:
    """The constructor and its keyword arguments: set 1, whichever set is bundled."""
    return {**registry.MINI_SETS[1][config.model], **config.changes}


def spec_of(config: Config) -> ModelSpec:
    """The registry row of a variant; its key is the config's id."""
    row = registry.in_set(registry.spec(config.model), 1)
    return replace(row, key=config.id, build=build_of(config))


def places_of(config: Config, recipe: ExperimentRecipe, size: int) -> tuple[int, ...]:
    """The order of pixels that a config is trained on, for pictures of ``size`` pixels a side."""
    patch = int(registry.MINI_SETS[1][PATCHED]["patch_size"])
    return places(config.order, size=size, patch=patch, seed=recipe.order_seed)


def _read(
    order: ExperimentOrder, recipe: ExperimentRecipe, classes: tuple[str, ...], screen: Screen
) -> Pictures:
    """The pictures of the chosen classes, and a line on them."""
    size = loading.input_config(loading.build(registry.in_set(registry.spec(PATCHED), 1))).size
    started = time.monotonic()
    screen.line(Message("command.reading_classes", count=len(classes), folder=order.data))
    pictures = read(order.data, classes, held_out=recipe.training.held_out, size=size)
    said = Message(
        "command.read_parts",
        train=len(pictures.train),
        held_out=len(pictures.held_out),
        val=len(pictures.val),
        seconds=time.monotonic() - started,
    )
    screen.line(said)
    return pictures


def _run_all(work: _Work, experiment: Experiment, lacking: tuple[tuple[str, int], ...]) -> Outcome:
    """Train one run after the other; what another process trains is left to it."""
    for name, seed in lacking:
        left = work.left
        if left is not None and left <= 0:
            work.screen.line(Message("command.run_over", name=name, seed=seed))
            return "out of time"
        config = experiment.config(name)
        checkpoint = _checkpoint(work, config, seed)
        lock = filelock.FileLock(checkpoint.with_suffix(".lock"))
        try:
            with lock.acquire(timeout=0):
                if not _is_there(work, name, seed):
                    outcome = _run_one(work, config, seed, checkpoint)
                    if outcome != "finished":
                        return outcome
        except filelock.Timeout:
            work.screen.line(Message("command.left_to_other", name=name, seed=seed))
    return "finished"


def _is_there(work: _Work, name: str, seed: int) -> bool:
    """Whether another process has written the run since this command began."""
    results = table.read(work.order.name, work.order.out)
    return results is not None and any(run.seed == seed for run in results.of(name))


def _checkpoint(work: _Work, config: Config, seed: int) -> Path:
    """The checkpoint of a run; runs of another recipe or of other classes have other files."""
    known = [work.recipe.facts(), work.data["name"], work.data["classes"], build_of(config)]
    digest = hashlib.sha256(json.dumps(known).encode()).hexdigest()[:8]
    return work.order.work / work.order.name / f"{config.id}.seed{seed}.{digest}.ckpt"


def _run_one(work: _Work, config: Config, seed: int, checkpoint: Path) -> Outcome:
    """Train one config to its end, measure val once, and write the run down."""
    spec = spec_of(config)
    pictures = share_of(work.pictures.train, config.share)
    settings = RunSettings(
        spec=replace(spec, key=f"{config.id} seed {seed}"),
        recipe=replace(work.recipe.training, epochs=config.epochs(work.recipe.training.epochs)),
        seed=seed,
        device=str(work.device),
        checkpoint=checkpoint,
        minutes=work.left,
        places=places_of(config, work.recipe, int(work.data["size"])),
    )
    with interruptions() as interruption:
        model, progress, finished = train(
            settings,
            pictures,
            work.pictures.held_out,
            work.screen.line,
            watch=work.screen.step,
            stop=lambda: interruption.asked,
        )
    if not finished:
        why: Outcome = "stopped" if interruption.asked else "out of time"
        work.screen.line(left_off(why, settings, progress.step))
        return why
    val = accuracy(model, work.pictures.val, work.device, settings.places)
    entry = {
        "model": config.model,
        "title": spec.title,
        "values": dict(config.values),
        "build": build_of(config),
        "parameters": sum(p.numel() for p in model.parameters()),
        "multiply_adds": loading.count_multiply_adds(model, int(work.data["size"])),
        "train_pictures": len(pictures),
        "epochs": settings.recipe.epochs,
    }
    known = writer.Facts(
        name=work.order.name, recipe=work.recipe, data=work.data, configs={config.id: entry}
    )
    writer.add(_as_run(config, seed, progress, val), known, work.order.out)
    checkpoint.unlink(missing_ok=True)  # the table has what is wanted of it
    path, _ = table.files(work.order.name, work.order.out)
    work.screen.line(Message("command.run_done", model=settings.spec.key, val=val, path=path))
    return "finished"


def _as_run(config: Config, seed: int, progress: Progress, val: float) -> table.Run:
    """A run that has ended, as the table has it."""
    rows = tuple(
        table.EpochRow(
            epoch=int(line["epoch"]),
            loss=line["loss"],
            held_out=line["held_out"],
            seconds=line["seconds"],
        )
        for line in progress.history
    )
    return table.Run(
        config=config.id,
        seed=seed,
        epochs=rows,
        val=val,
        seconds=rows[-1].seconds,
        hardware="; then ".join(progress.hardware),
    )


def _say_what_lacks(order: ExperimentOrder, experiment: Experiment, screen: Screen) -> None:
    """How much of the whole experiment is there, and the command for the rest."""
    seeds = tuple(dict.fromkeys((*catalogue.SEEDS, *order.seeds)))
    lacking = table.missing(experiment, table.read(order.name, order.out), seeds)
    total = len(experiment.configs) * len(seeds)
    there = total - len(lacking)
    screen.line(Message("command.experiment_there", name=order.name, there=there, count=total))
    if not lacking:
        return
    for seed in seeds:
        names = [name for name, other in lacking if other == seed]
        if names:
            screen.line(Message("command.not_run_with", seed=seed, names=names))
    names = list(dict.fromkeys(name for name, _ in lacking))
    chosen = names if len(names) < len(experiment.configs) else []
    words = catalogue.command(order.name, chosen, sorted({seed for _, seed in lacking}))
    words = words.replace("FOLDER", shlex.quote(str(order.data)))
    words = " ".join([words, *_own_options(order)])
    screen.line(Message("command.to_run", command=words))


def _own_options(order: ExperimentOrder) -> Iterator[str]:
    """The options that a command differs in from the plain one, apart from its runs."""
    options = {
        "--classes": order.classes,
        "--epochs": order.epochs,
        "--batch-size": order.batch_size,
        "--out": None if order.out.resolve() == table.FOLDER.resolve() else order.out,
        "--work": None if order.work == table.WORK else order.work,
        "--device": None if order.device == "auto" else order.device,
        "--minutes": order.minutes,
        "--data-source": order.data_source,
        "--data-terms": order.data_terms,
    }
    for name, value in options.items():
        if value is not None:
            yield f"{name} {shlex.quote(str(value))}"
