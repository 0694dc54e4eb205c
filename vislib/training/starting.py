"""A run's beginning: the seeded model, what is called instead of it, its optimizers."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from vislib.models import loading
from vislib.training import checkpoint, quick, small
from vislib.training.data import PackedPictures
from vislib.training.hardware import describe, in_bfloat16
from vislib.training.muon import Muon, matrices_of
from vislib.training.recipe import Recipe
from vislib.training.run import Run, RunSettings, TrainingError

Arrange = Callable[[nn.Module], nn.Module]
Wrap = Callable[[small.Logits], small.Logits]


def start(settings: RunSettings, pictures: PackedPictures, held_out: PackedPictures) -> Run:
    """Build the seeded model and bring it to where its checkpoint ends.

    Raises:
        TrainingError: There is less than one batch, or the checkpoint is of another run.
    """
    recipe = settings.recipe
    batch = max(recipe.in_epoch(epoch).batch_size for epoch in (1, recipe.epochs))
    if len(pictures) < batch:
        raise TrainingError("error.training.batch_too_large", pictures=len(pictures), batch=batch)
    device = torch.device(settings.device)
    torch.manual_seed(settings.seed)
    model = loading.build(settings.spec, classes=len(pictures.classes)).to(device)
    if device.type == "cpu":
        model = model.to(memory_format=torch.channels_last)
    optimizers = optimizers_of(model, settings.recipe)
    ways = arrangements(settings, loading.input_config(model).size)
    small_too = settings.recipe.small_epochs > 0
    run = Run(
        settings=settings,
        model=model,
        trained=ways[0](model),
        small=small.HalfSize(model, settings.spec, *ways[1:]) if small_too else None,
        optimizers=optimizers,
        progress=checkpoint.resume(settings, model, optimizers, pictures),
        pictures=pictures.to(device),
        held_out=held_out.to(device),
    )
    for row in run.progress.history:  # checkpoints of before it was written down
        row.setdefault("size", run.size(int(row["epoch"])))
    here = describe(device, bfloat16=in_bfloat16(device, settings.recipe))
    works_here = run.progress.step < run.total and here not in run.progress.hardware
    if works_here or not run.progress.hardware:
        run.progress.hardware.append(here)
    return run


def arrangements(settings: RunSettings, size: int) -> tuple[Arrange, Arrange, Wrap]:
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
    way = quick.for_cpu if in_bfloat16(device, settings.recipe) else as_it_is
    return way, way, as_it_is


def as_it_is(given: Any) -> Any:
    """The way that changes nothing."""
    return given


def optimizers_of(model: nn.Module, recipe: Recipe) -> tuple[torch.optim.Optimizer, ...]:
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
