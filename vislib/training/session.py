"""What ``python -m vislib train`` does: read the pictures once, train, export, or stop cleanly."""

from __future__ import annotations

import errno
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Literal, TextIO

from vislib import registry
from vislib.models import loading
from vislib.schema import ModelError, ModelSpec, WeightsError
from vislib.texts import Message
from vislib.training import beginning
from vislib.training.card import DataFacts
from vislib.training.data import (
    PackedPictures,
    class_folders,
    load_folder,
    name_classes,
    split_folder,
    split_held_out,
)
from vislib.training.export import export
from vislib.training.filming import Recorder
from vislib.training.hardware import choose
from vislib.training.loop import REPORT_STEPS, train
from vislib.training.recipe import RECIPES, Recipe, origin
from vislib.training.run import RunSettings, StepReport, TrainingError

Outcome = Literal["finished", "out of time", "stopped"]
REDRAW_SECONDS = 0.5
"""Time between two changes of the line on a terminal."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """A training command.

    Attributes:
        keys: Models, trained one after the other.
        data: Holds ``train``; ``val`` is never read.
        out: Folder of the checkpoints.
        export: Folder of the weights and cards.
        films: Folder of the films.
        mini_set: Set of ``registry.MINI_SETS``. None takes the set whose weights are bundled.
        recipe: Version of the recipe; None takes the one with the set's number.
        class_names: CSV of names, or None.
        seed: Of initialisation, order and augmentation.
        epochs, batch_size: Instead of the recipe's; None keeps them. No batch of the finish is
            larger either.
        minutes: Limit for all models together.
        device: auto, cpu, cuda or mps.
        data_source, data_terms: For the card; None takes what is known of the data set.
        begin: Folder of weights and films, as assets is, whose passes are not done again. None
            starts from the seeded initialisation.
    """

    keys: tuple[str, ...]
    data: Path
    out: Path
    export: Path
    films: Path
    mini_set: int | None = None
    recipe: int | None = None
    class_names: Path | None = None
    seed: int = 0
    epochs: int | None = None
    batch_size: int | None = None
    minutes: float | None = None
    device: str = "auto"
    data_source: str | None = None
    data_terms: str | None = None
    begin: Path | None = None


class Screen:
    """Lines for a person: on a terminal progress is one changing line, elsewhere plain lines."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._live = stream.isatty()
        self._width = 0
        self._drawn = 0.0

    def line(self, said: str | Message) -> None:
        """A line that stays."""
        text = str(said)
        self._stream.write(("\r" if self._width else "") + text.ljust(self._width) + "\n")
        self._stream.flush()
        self._width = 0

    def step(self, state: StepReport) -> None:
        """Progress after a step."""
        if not self._live:
            if state.step % REPORT_STEPS == 0:
                self.line(state.line())
            return
        now = time.monotonic()
        if now - self._drawn < REDRAW_SECONDS:
            return
        text = state.line()
        self._stream.write("\r" + text.ljust(self._width))
        self._stream.flush()
        self._width, self._drawn = len(text), now


class Interruption:
    """Remembers that somebody asked to stop; a second time stops at once."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """A signal came."""
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


@contextmanager
def interruptions() -> Iterator[Interruption]:
    """Let Ctrl-C wait for the end of the step: half a step in a checkpoint would be no step."""
    asked = Interruption()
    before = signal.signal(signal.SIGINT, asked)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


def run_order(order: Order, stream: TextIO | None = None) -> Outcome:
    """Train and export the models of an order.

    Args:
        order: The command.
        stream: Where the lines go; None is the standard output.

    Raises:
        MixScopeError: Anything in the order that cannot be used.
    """
    screen = Screen(stream or sys.stdout)
    rows = [_trainable(key, order.mini_set) for key in order.keys]
    device = str(choose(order.device))
    classes = class_folders(split_folder(order.data, "train"))
    name_classes(classes, order.class_names)  # fails now, not after minutes of reading
    make_folders(order.out, order.export, order.films)
    deadline = None if order.minutes is None else time.monotonic() + order.minutes * 60
    packed: dict[int, PackedPictures] = {}
    for row in rows:
        size = loading.input_config(loading.build(row)).size
        if size not in packed:
            packed[size] = _read(order, size, screen)
        left = None if deadline is None else (deadline - time.monotonic()) / 60
        if left is not None and left <= 0:
            screen.line(Message("command.time_over", name=row.key))
            return "out of time"
        recipe = _recipe(row, order.recipe)
        settings = RunSettings(
            spec=row,
            recipe=replace(
                recipe,
                epochs=order.epochs or recipe.epochs,
                batch_size=order.batch_size or recipe.batch_size,
                finish_batch=min(recipe.finish_batch, order.batch_size or recipe.finish_batch),
            ),
            seed=order.seed,
            device=device,
            checkpoint=order.out / f"{row.key}.ckpt",
            minutes=left,
        )
        outcome = _train_one(order, settings, packed[size], screen)
        if outcome != "finished":
            return outcome
    return "finished"


def _trainable(key: str, mini_set: int | None) -> ModelSpec:
    """The row of a model that can be trained here, as it is in a set."""
    row = registry.spec(key)
    if row.weights != "bundled":
        raise ModelError(
            "error.training.published",
            model=key,
            known=[r.key for r in registry.MODEL_REGISTRY.values() if r.weights == "bundled"],
        )
    return row if mini_set is None else registry.in_set(row, mini_set)


def _recipe(row: ModelSpec, version: int | None) -> Recipe:
    """The recipe of a version, or the one with the number of the row's set.

    Raises:
        TrainingError: There is no such version.
    """
    wanted = registry.set_of(row) if version is None else version
    if wanted not in RECIPES:
        raise TrainingError("error.training.no_recipe", version=wanted, known=list(RECIPES))
    return RECIPES[wanted]


def make_folders(*folders: Path) -> None:
    """Make the folders for what comes out, before hours of work depend on them.

    Raises:
        TrainingError: One cannot be made, or nothing can be written into it.
    """
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not os.access(folder, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        except OSError as error:
            raise TrainingError(
                "error.training.folder", folder=folder, reason=error.strerror
            ) from error


def _read(order: Order, size: int, screen: Screen) -> PackedPictures:
    """The training pictures, and a line on them."""
    folder = split_folder(order.data, "train")
    screen.line(Message("command.reading", folder=folder))
    started = time.monotonic()
    pictures = load_folder(folder, size=size)
    said = Message(
        "command.read",
        count=len(pictures),
        classes=len(pictures.classes),
        seconds=time.monotonic() - started,
    )
    screen.line(said)
    return pictures


def _train_one(
    order: Order, settings: RunSettings, packed: PackedPictures, screen: Screen
) -> Outcome:
    """Train one model to its end and export it, or say how to go on."""
    facts_of = name_classes(packed.classes, order.class_names)
    pictures, held_out = split_held_out(packed, settings.recipe.held_out)
    recipe = settings.recipe
    recorder = Recorder(settings.spec, order.out / "frames", recipe.epochs, recipe.finish)
    if order.begin is not None and not settings.checkpoint.exists():
        begun = beginning.read(
            settings.spec,
            order.begin,
            recipe=recipe,
            seed=settings.seed,
            classes=packed.classes,
            pictures=len(pictures),
        )
        beginning.adopt_film(settings.spec, order.begin, recorder)
        settings = replace(settings, beginning=begun)
    with interruptions() as interruption:
        model, progress, finished = train(
            settings,
            pictures,
            held_out,
            screen.line,
            watch=screen.step,
            stop=lambda: interruption.asked,
            keep=recorder.record,
        )
    if not finished:
        why: Outcome = "stopped" if interruption.asked else "out of time"
        screen.line(left_off(why, settings, progress.step))
        return why
    name = order.data.resolve().name
    known = origin(name, len(packed.classes))
    facts = DataFacts(
        name=name,
        classes=facts_of,
        train=len(pictures),
        held_out=len(held_out),
        size=int(packed.images.shape[-1]),
        source=order.data_source or known.source,
        terms=order.data_terms or known.terms,
    )
    for path in export(model, settings, progress, held_out, data=facts, folder=order.export):
        screen.line(Message("command.wrote", model=settings.spec.key, path=path))
    try:
        path = recorder.close(progress.history, order.films)
        screen.line(Message("command.wrote", model=settings.spec.key, path=path))
    except WeightsError as error:  # the weights are there; they are worth more than their film
        screen.line(Message("command.no_film", model=settings.spec.key, why=error))
    return "finished"


def left_off(why: Outcome, settings: RunSettings, step: int) -> Message:
    """Why a run ended before its end, and how to go on."""
    name = "stopped" if why == "stopped" else "out_of_time"
    return Message(f"command.{name}", model=settings.spec.key, step=step, path=settings.checkpoint)
