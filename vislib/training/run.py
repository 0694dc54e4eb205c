"""What a training run is: what identifies it, where it stands, what goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from vislib.models import loading
from vislib.schema import MixScopeError, ModelSpec
from vislib.texts import Message
from vislib.training.data import PackedPictures
from vislib.training.recipe import Recipe


class TrainingError(MixScopeError):
    """Training cannot start, go on or be written down."""


@dataclass
class Progress:
    """Where a run stands; saved with every checkpoint.

    Attributes:
        step: Optimiser steps done.
        seconds: Wall time spent training so far, over all resumed parts.
        history: One row an epoch: epoch, loss (nats), held_out (top-1, 0 to 1), size (side of the
            pictures, in model pixels), seconds.
        losses: Loss (nats) of each step of the epoch that is going on.
        hardware: One line for each machine that took part.
    """

    step: int = 0
    seconds: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    hardware: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class StepReport:
    """How a run goes, after a step.

    Attributes:
        key: Model.
        step: Steps done, of ``total``.
        total: Steps of the whole run.
        loss: Mean over the last steps, in nats.
        rate: Training pictures a second since this part of the run began.
        remaining: Estimated seconds to the end.
    """

    key: str
    step: int
    total: int
    loss: float
    rate: float
    remaining: float

    def line(self) -> str:
        """One line for a person."""
        minutes, seconds = divmod(round(self.remaining), 60)
        hours, minutes = divmod(minutes, 60)
        left = Message("command.minutes", minutes=minutes, seconds=seconds)
        if hours:
            left = Message("command.hours", hours=hours, minutes=minutes)
        said = Message(
            "command.step",
            model=self.key,
            step=self.step,
            total=self.total,
            loss=self.loss,
            rate=self.rate,
            left=left,
        )
        return str(said)


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """Weights that some passes of the recipe have made already; see ``vislib.training.beginning``.

    Attributes:
        state: The model's state dictionary.
        progress: Where the run stands, at the end of a pass; its ``step`` is set by the run.
    """

    state: Mapping[str, Tensor]
    progress: Progress


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """What identifies a run besides the recipe: a checkpoint of another run is refused.

    ``places`` is an order of pixels for all pictures, after augmentation; see
    ``augment.rearrange``. Empty leaves them as they are. ``beginning`` is where a run without a
    checkpoint starts; None is the seeded initialisation.
    """

    spec: ModelSpec
    recipe: Recipe
    seed: int = 0
    device: str = "cpu"
    checkpoint: Path
    minutes: float | None = None
    places: tuple[int, ...] = ()
    beginning: Beginning | None = None


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run that is going on; everything lies on the training device.

    ``trained`` is what is called in a step: the model, or what computes the same from the very
    parameters; ``small`` is called instead while pictures have half the size.
    """

    settings: RunSettings
    model: nn.Module
    trained: nn.Module
    small: nn.Module | None
    optimizers: tuple[torch.optim.Optimizer, ...]
    progress: Progress
    pictures: PackedPictures
    held_out: PackedPictures
    pending: list[Tensor] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Steps of the whole run; in an epoch the last pictures that fill no batch are left out."""
        recipe = self.settings.recipe
        return recipe.first_step(recipe.epochs + 1, len(self.pictures))

    @property
    def finish(self) -> int:
        """Steps of the finish."""
        recipe = self.settings.recipe
        return self.total - recipe.first_step(recipe.main_epochs + 1, len(self.pictures))

    @property
    def place(self) -> tuple[int, int]:
        """Epochs that are done, and steps of the one that is going on."""
        return self.settings.recipe.place(self.progress.step, len(self.pictures))

    @property
    def today(self) -> Recipe:
        """How the pictures of the epoch that is going on are treated and taken."""
        return self.settings.recipe.in_epoch(self.place[0] + 1)

    def called(self, epoch: int) -> nn.Module:
        """What computes the logits in an epoch, counted from 0."""
        if self.small is not None and epoch < self.settings.recipe.small_epochs:
            return self.small
        return self.trained

    def size(self, epoch: int) -> int:
        """Side of the pictures in an epoch, counted from 1, in model pixels."""
        return self.settings.recipe.size_in(epoch, loading.input_config(self.model).size)
