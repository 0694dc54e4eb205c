"""The training loop: seeded, resumable at any step, the same on CPU and GPU."""

from __future__ import annotations

import functools
import math
import time
from collections import deque
from collections.abc import Callable

import torch
from torch import Tensor, nn

from vislib.models import loading
from vislib.texts import Message
from vislib.training import checkpoint
from vislib.training.augment import augment, rearrange
from vislib.training.data import PackedPictures
from vislib.training.evaluate import accuracy
from vislib.training.hardware import autocast
from vislib.training.run import Progress, Run, RunSettings, StepReport, TrainingError
from vislib.training.starting import start

SAVE_SECONDS = 60.0
"""Longest time that an interruption without warning can cost."""
SAVE_APART = 10.0
"""Least time between two checkpoints, in seconds: on a GPU an epoch can take one."""
REPORT_STEPS = 100
"""Steps between two plain progress lines, and over which the shown loss is averaged."""
LOSS_STEPS = {"cpu": 1, "cuda": 50, "mps": 50}
"""Device -> steps after which it is asked for its losses: a GPU that is asked each time waits."""

Report = Callable[[str], None]
Keep = Callable[[int, nn.Module], None]
Watch = Callable[[StepReport], None]


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
    run = start(settings, pictures, held_out)
    progress, key = run.progress, settings.spec.key
    if not progress.step:
        keep(0, run.model)
    else:
        report(str(Message("command.goes_on", model=key, step=progress.step, total=run.total)))
    watch, part = watch or _plain(report), _Part(run)
    while progress.step < run.total:
        watch(part.advance())
        done, place = run.place
        if place == 0:
            _close_epoch(run, report)
            keep(done, run.model)
        leave = part.is_late or stop()
        if leave or part.is_due(ended=place == 0):
            part.save()
        if leave:
            break
    return run.model, progress, progress.step >= run.total


class _Part:
    """What is trained in one go: since when and from where, and when it was last saved."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.recent: deque[float] = deque(maxlen=REPORT_STEPS)
        self.started = self.now = self.saved = time.monotonic()
        self.before, self.first = run.progress.seconds, run.progress.step

    def advance(self) -> StepReport:
        """One step, and how the run goes after it."""
        run, progress = self.run, self.run.progress
        self.recent.extend(_advance(run, at_once=not self.recent))
        self.now = time.monotonic()
        spent = self.now - self.started
        progress.seconds = self.before + spent
        pace = spent / (progress.step - self.first)
        return StepReport(
            key=run.settings.spec.key,
            step=progress.step,
            total=run.total,
            loss=sum(self.recent) / len(self.recent),
            rate=run.today.batch_size / max(pace, 1e-9),
            remaining=pace * (run.total - progress.step),
        )

    @property
    def is_late(self) -> bool:
        """Whether the minutes were over after the last step."""
        minutes = self.run.settings.minutes
        return minutes is not None and self.now - self.started > minutes * 60

    def is_due(self, *, ended: bool) -> bool:
        """Whether it is time for a checkpoint; ``ended``: an epoch has come to its end."""
        pause = self.now - self.saved
        over = self.run.progress.step >= self.run.total
        return over or pause > SAVE_SECONDS or (ended and pause > SAVE_APART)

    def save(self) -> None:
        """Write the checkpoint, with the losses that were still pending."""
        self.recent.extend(_settle(self.run))
        checkpoint.save(self.run)
        self.saved = self.now


def _plain(report: Report) -> Watch:
    """A watcher that reports one line every ``REPORT_STEPS`` steps."""

    def watch(state: StepReport) -> None:
        if state.step % REPORT_STEPS == 0:
            report(state.line())

    return watch


def _advance(run: Run, *, at_once: bool) -> list[float]:
    """One step and its bookkeeping; the losses (nats) that are known now, of this and before."""
    run.pending.append(_step(run))
    run.progress.step += 1
    ended = run.place[1] == 0
    if at_once or ended or len(run.pending) >= LOSS_STEPS[run.pictures.images.device.type]:
        return _settle(run)
    return []


def _settle(run: Run) -> list[float]:
    """Wait for the pending losses (nats), check them and write them down."""
    if not run.pending:
        return []
    losses: list[float] = torch.stack(run.pending).tolist()
    first = run.progress.step - len(losses) + 1
    run.pending.clear()
    for step, loss in enumerate(losses, first):
        if not math.isfinite(loss):
            raise TrainingError(
                "error.training.loss_lost", model=run.settings.spec.key, loss=loss, step=step
            )
    run.progress.losses += losses
    return losses


def _batch(run: Run) -> tuple[Tensor, Tensor]:
    """Inputs and targets of the next step, as its epoch treats them."""
    settings, pictures, today = run.settings, run.pictures, run.today
    epoch, place = run.place
    order = _order(settings.seed, epoch, len(pictures))
    chosen = order[place * today.batch_size : (place + 1) * today.batch_size]
    chosen = chosen.to(pictures.images.device, non_blocking=True)
    config = loading.input_config(run.model)
    inputs, targets = augment(
        pictures.images[chosen],
        pictures.targets[chosen],
        recipe=today,
        mean=config.mean,
        std=config.std,
        classes=len(pictures.classes),
        generator=_generator(settings.seed, 2, run.progress.step),
    )
    return rearrange(inputs, settings.places), targets


def _step(run: Run) -> Tensor:
    """One optimiser step; its loss. All randomness comes from (seed, epoch) and (seed, step)."""
    recipe, (epoch, place) = run.settings.recipe, run.place
    if place == 0 and epoch == recipe.main_epochs:
        for optimizer in run.optimizers:
            optimizer.state.clear()
    inputs, targets = _batch(run)
    for optimizer in run.optimizers:
        for group in optimizer.param_groups:
            group["lr"] = recipe.rate(run.progress.step, run.total, run.finish)
    called = run.called(epoch)
    if not called.training:  # to tell every part of it takes a while
        called.train()
    with autocast(run.pictures.images.device, recipe):
        loss = nn.functional.cross_entropy(
            called(inputs), targets, label_smoothing=recipe.label_smoothing
        )
    run.model.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(run.model.parameters(), recipe.gradient_clip)
    for optimizer in run.optimizers:
        optimizer.step()
    return loss.detach()


def _close_epoch(run: Run, report: Report) -> None:
    """Measure the held-out pictures and write the epoch's row."""
    progress = run.progress
    settings = run.settings
    device = torch.device(settings.device)
    done = run.place[0]
    called = run.called(done - 1)
    measured = called if called is run.small else run.model
    with autocast(device, settings.recipe):
        score = accuracy(measured, run.held_out, device, settings.places)
    mean = sum(progress.losses) / len(progress.losses)
    row = {
        "epoch": done,
        "loss": mean,
        "held_out": score,
        "size": run.size(done),
        "seconds": progress.seconds,
    }
    progress.history.append(row)
    progress.losses.clear()
    said = Message(
        "command.epoch", model=run.settings.spec.key, epoch=done, loss=mean, held_out=score
    )
    report(str(said))


@functools.lru_cache(maxsize=1)
def _order(seed: int, epoch: int, count: int) -> Tensor:
    """The order of the pictures in an epoch, drawn once for all its steps."""
    return torch.randperm(count, generator=_generator(seed, 1, epoch))


def _generator(seed: int, stream: int, index: int) -> torch.Generator:
    """A CPU generator of its own for each epoch or step, so that a resumed run draws the same."""
    return torch.Generator().manual_seed((seed * 3 + stream) * 10_000_019 + index)
