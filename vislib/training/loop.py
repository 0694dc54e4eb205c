"""The training loop: seeded, resumable at any step, the same on CPU and GPU."""

from __future__ import annotations

import functools
import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vislib.models import loading
from vislib.schema import MixScopeError, ModelSpec
from vislib.training import quick, small
from vislib.training.augment import augment, rearrange
from vislib.training.data import PackedPictures
from vislib.training.evaluate import accuracy
from vislib.training.hardware import describe, has_bfloat16
from vislib.training.muon import Muon, matrices_of
from vislib.training.recipe import Recipe

SAVE_SECONDS = 60.0
"""Longest time that an interruption without warning can cost."""
SAVE_APART = 10.0
"""Least time between two checkpoints, in seconds: on a GPU an epoch can take one."""
REPORT_STEPS = 100
"""Steps between two plain progress lines, and over which the shown loss is averaged."""
LOSS_STEPS = {"cpu": 1, "cuda": 50, "mps": 50}
"""Device -> steps after which it is asked for its losses: a GPU that is asked each time waits."""


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
        left = f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {seconds:02d} s"
        return (
            f"{self.key} step {self.step}/{self.total} loss {self.loss:.3f} "
            f"{self.rate:.0f} pictures/s {left} left"
        )


Report = Callable[[str], None]
Keep = Callable[[int, nn.Module], None]
Watch = Callable[[StepReport], None]


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
class _Run:
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


def train(
    settings: RunSettings,
    pictures: PackedPictures,
    held_out: PackedPictures,
    report: Report = print,
    *,
    watch: Watch | None = None,
    stop: Callable[[], bool] = lambda: False,
    keep: Keep = lambda epoch, model: None,
) -> tuple[nn.Module, Progress, bool]:
    """Train one model, or go on where its checkpoint ends.

    Args:
        settings: Model, recipe, seed, device, checkpoint file, and a limit in minutes.
        pictures: Training part; axes as in PackedPictures.
        held_out: Part of the training folder that is only watched.
        report: Receives one line at a time.
        watch: Called after every step; None reports a line every 100 steps.
        stop: Asked after every step; True saves the checkpoint and ends this part of the run.
        keep: Called with 0 and the model before the first step, and after each epoch with its
            number, before the checkpoint is saved: what it writes is there when a run goes on.

    Returns:
        The model (in training device memory), its progress, and whether it has finished.

    Raises:
        TrainingError: There is less than one batch, the checkpoint belongs to another run or
            cannot be written, or the loss is no number any more.
    """
    run = _start(settings, pictures, held_out)
    progress, key = run.progress, settings.spec.key
    if not progress.step:
        keep(0, run.model)
    else:
        report(f"{key} goes on after step {progress.step} of {run.total}")
    watch = watch or _plain(report)
    recent: deque[float] = deque(maxlen=REPORT_STEPS)
    started = saved = time.monotonic()
    before, first = progress.seconds, progress.step
    while progress.step < run.total:
        recent.extend(_advance(run, at_once=not recent))
        now = time.monotonic()
        progress.seconds = before + now - started
        pace = (now - started) / (progress.step - first)
        watch(
            StepReport(
                key=key,
                step=progress.step,
                total=run.total,
                loss=sum(recent) / len(recent),
                rate=run.today.batch_size / max(pace, 1e-9),
                remaining=pace * (run.total - progress.step),
            )
        )
        done, place = run.place
        ended = place == 0
        if ended:
            _close_epoch(run, report)
            keep(done, run.model)
        late = settings.minutes is not None and now - started > settings.minutes * 60
        leave = late or stop()
        over = progress.step >= run.total
        pause = now - saved
        if over or leave or pause > SAVE_SECONDS or (ended and pause > SAVE_APART):
            recent.extend(_settle(run))
            _save(run)
            saved = now
        if leave:
            break
    return run.model, progress, progress.step >= run.total


def _start(settings: RunSettings, pictures: PackedPictures, held_out: PackedPictures) -> _Run:
    """Build the seeded model and bring it to where its checkpoint ends."""
    recipe = settings.recipe
    batch = max(recipe.in_epoch(epoch).batch_size for epoch in (1, recipe.epochs))
    if len(pictures) < batch:
        raise TrainingError(
            f"{len(pictures)} training pictures are fewer than one batch of {batch}. "
            "Give more pictures or a smaller --batch-size."
        )
    device = torch.device(settings.device)
    torch.manual_seed(settings.seed)
    model = loading.build(settings.spec, classes=len(pictures.classes)).to(device)
    if device.type == "cpu":
        model = model.to(memory_format=torch.channels_last)
    optimizers = _optimizers(model, settings.recipe)
    ways = _arrangements(settings, loading.input_config(model).size)
    small_too = settings.recipe.small_epochs > 0
    run = _Run(
        settings=settings,
        model=model,
        trained=ways[0](model),
        small=small.HalfSize(model, settings.spec, *ways[1:]) if small_too else None,
        optimizers=optimizers,
        progress=_resume(settings, model, optimizers, pictures),
        pictures=pictures.to(device),
        held_out=held_out.to(device),
    )
    for row in run.progress.history:  # checkpoints of before it was written down
        row.setdefault("size", _size(run, int(row["epoch"])))
    here = describe(device, bfloat16=_half(device, settings.recipe))
    works_here = run.progress.step < run.total and here not in run.progress.hardware
    if works_here or not run.progress.hardware:
        run.progress.hardware.append(here)
    return run


Arrange = Callable[[nn.Module], nn.Module]
Wrap = Callable[[small.Logits], small.Logits]


def _arrangements(settings: RunSettings, size: int) -> tuple[Arrange, Arrange, Wrap]:
    """What gives what is called instead of a network that trains.

    For pictures of this side, for those of half of it, and for the function that calls the network
    of the small ones.
    """
    device = torch.device(settings.device)
    if device.type == "cuda":
        return (
            functools.partial(quick.for_gpu, size=size),
            functools.partial(quick.with_products, size=size // small.HALF, dtype=torch.bfloat16),
            quick.compiled,
        )
    way = quick.for_cpu if _half(device, settings.recipe) else _as_it_is
    return way, way, _as_it_is


def _as_it_is(given: Any) -> Any:
    return given


def _plain(report: Report) -> Watch:
    """A watcher that reports one line every ``REPORT_STEPS`` steps."""

    def watch(state: StepReport) -> None:
        if state.step % REPORT_STEPS == 0:
            report(state.line())

    return watch


def _advance(run: _Run, *, at_once: bool) -> list[float]:
    """One step and its bookkeeping; the losses (nats) that are known now, of this and before."""
    run.pending.append(_step(run))
    run.progress.step += 1
    ended = run.place[1] == 0
    if at_once or ended or len(run.pending) >= LOSS_STEPS[run.pictures.images.device.type]:
        return _settle(run)
    return []


def _settle(run: _Run) -> list[float]:
    """Wait for the pending losses (nats), check them and write them down."""
    if not run.pending:
        return []
    losses: list[float] = torch.stack(run.pending).tolist()
    first = run.progress.step - len(losses) + 1
    run.pending.clear()
    for step, loss in enumerate(losses, first):
        if not math.isfinite(loss):
            raise TrainingError(
                f"{run.settings.spec.key}: the loss is {loss} at step {step}, so the weights are "
                "lost. The checkpoint before is intact; try another seed or batch size."
            )
    run.progress.losses += losses
    return losses


def _step(run: _Run) -> Tensor:
    """One optimiser step; its loss. All randomness comes from (seed, epoch) and (seed, step)."""
    settings, recipe, pictures = run.settings, run.settings.recipe, run.pictures
    device, step = pictures.images.device, run.progress.step
    epoch, place = run.place
    order = _order(settings.seed, epoch, len(pictures))
    today = run.today
    chosen = order[place * today.batch_size : (place + 1) * today.batch_size]
    chosen = chosen.to(device, non_blocking=True)
    if place == 0 and epoch == recipe.main_epochs:
        for optimizer in run.optimizers:
            optimizer.state.clear()
    config = loading.input_config(run.model)
    inputs, targets = augment(
        pictures.images[chosen],
        pictures.targets[chosen],
        recipe=today,
        mean=config.mean,
        std=config.std,
        classes=len(pictures.classes),
        generator=_generator(settings.seed, 2, step),
    )
    inputs = rearrange(inputs, settings.places)
    for optimizer in run.optimizers:
        for group in optimizer.param_groups:
            group["lr"] = recipe.rate(step, run.total, run.finish)
    called = run.called(epoch)
    if not called.training:  # to tell every part of it takes a while
        called.train()
    with _autocast(device, recipe):
        loss = nn.functional.cross_entropy(
            called(inputs), targets, label_smoothing=recipe.label_smoothing
        )
    run.model.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(run.model.parameters(), recipe.gradient_clip)
    for optimizer in run.optimizers:
        optimizer.step()
    return loss.detach()


def _close_epoch(run: _Run, report: Report) -> None:
    """Measure the held-out pictures and write the epoch's row."""
    progress = run.progress
    settings = run.settings
    device = torch.device(settings.device)
    done = run.place[0]
    called = run.called(done - 1)
    measured = called if called is run.small else run.model
    with _autocast(device, settings.recipe):
        score = accuracy(measured, run.held_out, device, settings.places)
    mean = sum(progress.losses) / len(progress.losses)
    row = {
        "epoch": done,
        "loss": mean,
        "held_out": score,
        "size": _size(run, done),
        "seconds": progress.seconds,
    }
    progress.history.append(row)
    progress.losses.clear()
    report(f"{run.settings.spec.key} epoch {done}: loss {mean:.3f}, held-out {score:.2%}")


def _size(run: _Run, epoch: int) -> int:
    """Side of the pictures in an epoch, counted from 1, in model pixels."""
    return run.settings.recipe.size_in(epoch, loading.input_config(run.model).size)


def _half(device: torch.device, recipe: Recipe) -> bool:
    """Whether products are made in bfloat16."""
    return device.type == "cuda" or (device.type == "cpu" and recipe.bfloat16 and has_bfloat16())


def _autocast(device: torch.device, recipe: Recipe) -> torch.autocast:
    """bfloat16 where it is faster and the recipe has nothing against it, nothing elsewhere."""
    return torch.autocast(device.type, torch.bfloat16, enabled=_half(device, recipe))


@functools.lru_cache(maxsize=1)
def _order(seed: int, epoch: int, count: int) -> Tensor:
    """The order of the pictures in an epoch, drawn once for all its steps."""
    return torch.randperm(count, generator=_generator(seed, 1, epoch))


def _generator(seed: int, stream: int, index: int) -> torch.Generator:
    """A CPU generator of its own for each epoch or step, so that a resumed run draws the same."""
    return torch.Generator().manual_seed((seed * 3 + stream) * 10_000_019 + index)


def _optimizers(model: nn.Module, recipe: Recipe) -> tuple[torch.optim.Optimizer, ...]:
    """AdamW with decay on matrices and kernels alone; where the recipe says so, Muon beside it."""
    for_muon = matrices_of(model) if recipe.muon else []
    taken = {id(p) for p in for_muon}
    rest = [p for p in model.parameters() if id(p) not in taken]
    adamw = torch.optim.AdamW(
        [
            {"params": [p for p in rest if p.ndim > 1], "weight_decay": recipe.weight_decay},
            {"params": [p for p in rest if p.ndim <= 1], "weight_decay": 0.0},
        ],
        lr=recipe.learning_rate,
        fused=rest[0].device.type == "cuda",
    )
    if not for_muon:
        return (adamw,)
    return adamw, Muon(for_muon, lr=recipe.learning_rate, weight_decay=recipe.weight_decay)


def _identity(settings: RunSettings, pictures: PackedPictures) -> dict[str, Any]:
    """What a checkpoint must agree on to be resumed."""
    return {
        "key": settings.spec.key,
        "build": repr(dict(settings.spec.build)),
        "recipe": asdict(settings.recipe),
        "seed": settings.seed,
        "classes": list(pictures.classes),
        "pictures": len(pictures),
        "places": list(settings.places),
    }


def _save(run: _Run) -> None:
    """Write the checkpoint beside the old one, then put it in its place."""
    target = run.settings.checkpoint
    part = target.with_suffix(".part")
    state = {
        "identity": _identity(run.settings, run.pictures),
        "model": run.model.state_dict(),
        "optimizers": [optimizer.state_dict() for optimizer in run.optimizers],
        "progress": asdict(run.progress),
    }
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        torch.save(state, part)
        part.replace(target)
    except (OSError, RuntimeError) as error:
        if part.is_file():
            part.unlink()
        raise TrainingError(
            f"The checkpoint {target} cannot be written ({error}). One saved before is intact: "
            "make room on the disk and run the same command again."
        ) from error


def _begin(settings: RunSettings, model: nn.Module, pictures: PackedPictures) -> Progress:
    """Where a run without a checkpoint starts."""
    if settings.beginning is None:
        return Progress()
    model.load_state_dict(settings.beginning.state)
    progress = settings.beginning.progress
    return replace(
        progress,
        step=settings.recipe.first_step(len(progress.history) + 1, len(pictures)),
        history=list(progress.history),
        hardware=list(progress.hardware),
    )


def _resume(
    settings: RunSettings,
    model: nn.Module,
    optimizers: tuple[torch.optim.Optimizer, ...],
    pictures: PackedPictures,
) -> Progress:
    """Load the checkpoint when there is one of this very run."""
    if not settings.checkpoint.exists():
        return _begin(settings, model, pictures)
    try:
        state = torch.load(settings.checkpoint, map_location="cpu", weights_only=True)
        saved = {"places": [], **state["identity"]}  # the first ones knew no other order
        saved["recipe"] = asdict(Recipe(**saved["recipe"]))  # what came later was off
        progress = Progress(**state["progress"])
        # the first checkpoints knew AdamW alone
        states = state["optimizers"] if "optimizers" in state else [state["optimizer"]]
    except Exception as error:  # torch.load raises many kinds for a damaged file
        raise TrainingError(
            f"{settings.checkpoint} is no checkpoint of MixScope ({type(error).__name__}). "
            "Move it away to start afresh."
        ) from error
    wanted = _identity(settings, pictures)
    # The first checkpoints did not count their pictures.
    differing = [name for name in wanted if saved.get(name, wanted[name]) != wanted[name]]
    if differing:
        raise TrainingError(
            f"{settings.checkpoint} belongs to another run: {', '.join(differing)} differ. "
            "Give another --out, or move the file away to start afresh."
        )
    model.load_state_dict(state["model"])
    for optimizer, kept in zip(optimizers, states, strict=True):
        optimizer.load_state_dict(kept)
    return progress
