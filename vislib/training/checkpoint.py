"""Writing a run's checkpoint, and going on where one ends."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import torch
from torch import nn

from vislib.training.data import PackedPictures
from vislib.training.recipe import Recipe
from vislib.training.run import Progress, Run, RunSettings, TrainingError


def identity(settings: RunSettings, pictures: PackedPictures) -> dict[str, Any]:
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


def save(run: Run) -> None:
    """Write the checkpoint beside the old one, then put it in its place.

    Raises:
        TrainingError: It cannot be written; the old one is intact.
    """
    target = run.settings.checkpoint
    part = target.with_suffix(".part")
    state = {
        "identity": identity(run.settings, run.pictures),
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
            "error.training.checkpoint_unwritable", path=target, reason=str(error)
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


def resume(
    settings: RunSettings,
    model: nn.Module,
    optimizers: tuple[torch.optim.Optimizer, ...],
    pictures: PackedPictures,
) -> Progress:
    """Load the checkpoint of this very run into model and optimizers; without one, begin.

    Raises:
        TrainingError: The file is no checkpoint, or one of another run.
    """
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
            "error.training.no_checkpoint", path=settings.checkpoint, kind=type(error).__name__
        ) from error
    wanted = identity(settings, pictures)
    # The first checkpoints did not count their pictures.
    differing = [name for name in wanted if saved.get(name, wanted[name]) != wanted[name]]
    if differing:
        raise TrainingError(
            "error.training.other_checkpoint", path=settings.checkpoint, differences=differing
        )
    model.load_state_dict(state["model"])
    for optimizer, kept in zip(optimizers, states, strict=True):
        optimizer.load_state_dict(kept)
    return progress
