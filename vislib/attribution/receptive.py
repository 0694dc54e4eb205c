"""Effective receptive field: the pixels that move a token, judged by gradients.

Everything here is an estimate and labelled so (provenance "attribution"): it says how the output
would move with small changes of the input, not what the network did.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from vislib.attribution.finite import numbers
from vislib.observe.capture import Capturable, Prepared, output_point
from vislib.schema import CaptureError, HookPoint, LabelledArray, MixingSite, ShapeError

PROBES = 8
"""Directions of a token's features that are followed back; more make the estimate less noisy."""


def receptive_field(
    model: Capturable,
    inputs: Prepared,
    site: MixingSite,
    *,
    row: int,
    column: int,
    probes: int = PROBES,
    seed: int = 0,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> LabelledArray:
    """Effective receptive field: the pixels that move a token of one block, through all blocks.

    For the Jacobian J of the token's features by the pixels it estimates the root of the sum of J's
    squares over features and colours, from a few orthonormal directions of the features.

    Args:
        model: From ``models.load``.
        inputs: From ``models.prepare``.
        site: The block whose output token is followed back.
        row: The token's row on the grid of the block's output.
        column: Its column.
        probes: Directions, 1 to the number of channels (then J is complete).
        seed: Of the directions.
        report: Called after each direction with how many are done, of how many.

    Returns:
        Axes (row, column), model pixels; unit "gradient", 0 or more.

    Raises:
        ShapeError: The token lies outside the block's grid.
        CaptureError: The model does not record the block's output, or the field holds nan or inf.

    Exactness:
        An estimate by its meaning; with as many probes as channels it is the exact local slope
        (test_attribution.py).

    Source: arXiv:1701.04128 (effective receptive field), with directions instead of one sum, since
        a sum over normalised features would cancel.
    """
    point = output_point(model, site)
    images = inputs.tensor.detach().clone().requires_grad_(True)
    with model.lock, torch.enable_grad():
        features = _token(_output_of(model.module, images, point), point, site, row, column)
        count = min(probes, features.numel())
        directions = _orthonormal(features.numel(), count, seed).to(features)
        total = torch.zeros_like(images[0, 0])
        for done, direction in enumerate(directions, 1):
            (slope,) = torch.autograd.grad(features @ direction, images, retain_graph=done < count)
            total += slope[0].pow(2).sum(dim=0)
            report(done, count)
    scaled = (total * (features.numel() / count)).sqrt()
    return LabelledArray(
        values=numbers(scaled, "effective receptive field"),
        axes=("row", "column"),
        role="tokens",
        unit="gradient",
        signed=False,
        provenance="attribution",
        source=f"|d {point.module} at ({row}, {column}) / d input|, {count} directions",
    )


def _output_of(module: nn.Module, images: Tensor, point: HookPoint) -> Tensor:
    """The block's output, with its history for autograd; the hook comes off whatever happens."""
    seen: list[Tensor] = []

    def keep(_module: nn.Module, _inputs: tuple[Any, ...], output: Tensor) -> None:
        seen.append(output.clone())  # a later in-place operation must not change its history

    handle = module.get_submodule(point.module).register_forward_hook(keep)
    try:
        module(images)
    finally:
        handle.remove()
    if len(seen) != 1:
        raise CaptureError("error.attribution.ran_often", module=point.module, count=len(seen))
    return seen[0]


def _token(value: Tensor, point: HookPoint, site: MixingSite, row: int, column: int) -> Tensor:
    """One token's features, axes (channel,)."""
    axes = point.axes
    if "token" in axes:
        columns = site.columns // site.step
        rows = (value.shape[1 + axes.index("token")] - point.prefix) // columns
        _check(row, column, rows, columns)
        picked = value[0].select(axes.index("token"), point.prefix + row * columns + column)
        return picked.reshape(-1)
    _check(row, column, *(value.shape[1 + axes.index(name)] for name in ("row", "column")))
    index = {"row": row, "column": column}
    picked = value[0][tuple(index.get(name, slice(None)) for name in axes)]
    return picked.reshape(-1)


def _check(row: int, column: int, rows: int, columns: int) -> None:
    if not (0 <= row < rows and 0 <= column < columns):
        raise ShapeError(
            "error.attribution.place", row=row, column=column, rows=rows, columns=columns
        )


def _orthonormal(size: int, count: int, seed: int) -> Tensor:
    """``count`` directions at right angles, drawn evenly: axes (direction, channel), float32."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(size, count, generator=generator, dtype=torch.float64)
    basis: Tensor = torch.linalg.qr(drawn).Q
    return basis.T
