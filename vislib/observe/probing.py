"""The state between blocks: early answers, and mean tokens over many pictures.

An early answer is what a model would say if it stopped after an earlier block: the tokens of that
depth go through the model's own last norm, pooling and head. These were trained for the last block
alone, so what an early depth "says" is read with the last block's eyes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vislib.observe.capture import Capturable, Prepared, output_point, run_with_cache
from vislib.schema import CaptureError, HookPoint, MixingSite, freeze


@dataclass(frozen=True, kw_only=True)
class EarlyAnswers:
    """What a model's head makes of the tokens of each depth.

    Attributes:
        groups: The blocks whose tokens fit the head, in the order in which they run; the last one
            is the model's last block.
        logits: Axes (depth, class), one row a group.
        start: Logits of the tokens before the first block, axes (class,); None where their width
            is not the head's.
        left_out: Blocks whose tokens do not fit the head: other width, or another grid.
    """

    groups: tuple[str, ...]
    logits: np.ndarray
    start: np.ndarray | None
    left_out: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "logits", freeze(self.logits))
        if self.start is not None:
            object.__setattr__(self, "start", freeze(self.start))


def answers_by_depth(
    model: Capturable, inputs: Prepared, sites: Sequence[MixingSite]
) -> EarlyAnswers:
    """The answer at every depth whose tokens have the shape of the last block's.

    Two forward passes: the first keeps each block's output, in the second the last block hands on
    all of them as one batch, so that the model's own end runs once on every depth.

    Args:
        model: From ``models.load``; it is left exactly as it was.
        inputs: From ``models.prepare``.
        sites: The model's blocks in the order in which they run.

    Raises:
        CaptureError: A block records no output, or did not run exactly once.

    Exactness:
        At the last block the model's own logits, up to the rounding of another batch size (1e-6);
        at an earlier one what a copy computes whose later blocks hand their input on
        (test_probing.py).

    Source: arXiv:2303.08112 ("logit lens", early exits without a trained translator).
    """
    if not sites:
        raise CaptureError("error.capture.no_blocks")
    points = [output_point(model, site) for site in sites]
    with model.lock, torch.inference_mode():
        outputs, first = _outputs(model.module, inputs.tensor, points)
        last = outputs[-1]
        fits = [value.shape == last.shape for value in outputs]
        kept = [value for value, fit in zip(outputs, fits, strict=True) if fit]
        starts = first.shape == last.shape
        stack = torch.cat([first, *kept] if starts else kept)
        logits = _through_the_end(model.module, inputs.tensor, points[-1], stack)
    values = logits.detach().float().cpu().numpy().astype(np.float64)
    return EarlyAnswers(
        groups=tuple(s.group for s, fit in zip(sites, fits, strict=True) if fit),
        logits=values[1:] if starts else values,
        start=values[0] if starts else None,
        left_out=tuple(s.group for s, fit in zip(sites, fits, strict=True) if not fit),
    )


def _outputs(
    module: nn.Module, images: Tensor, points: Sequence[HookPoint]
) -> tuple[list[Tensor], Tensor]:
    """Each block's output and the first block's input, cloned; the hooks come off."""
    seen: dict[str, Tensor] = {}
    before: list[Tensor] = []

    def keeper(path: str) -> Any:
        def keep(_module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> None:
            seen[path] = output.clone()

        return keep

    def keep_first(_module: nn.Module, inputs: tuple[Any, ...]) -> None:
        before.append(inputs[0].clone())

    with ExitStack() as hooks:
        for point in points:
            handle = module.get_submodule(point.module).register_forward_hook(keeper(point.module))
            hooks.callback(handle.remove)
        start = module.get_submodule(points[0].module).register_forward_pre_hook(keep_first)
        hooks.callback(start.remove)
        module(images)
    missing = [point.name for point in points if point.module not in seen]
    if missing or len(before) != 1:
        raise CaptureError("error.capture.blocks_not_once", blocks=missing or points[0].name)
    return [seen[point.module] for point in points], before[0]


def _through_the_end(module: nn.Module, images: Tensor, last: HookPoint, stack: Tensor) -> Tensor:
    """The logits of tokens that take the place of the last block's output, axes (depth, class)."""

    def hand_on(_module: nn.Module, _inputs: tuple[Any, ...], _output: Tensor) -> Tensor:
        return stack

    handle = module.get_submodule(last.module).register_forward_hook(hand_on)
    try:
        logits: Tensor = module(images)
    finally:
        handle.remove()
    if logits.shape[0] != stack.shape[0]:
        raise CaptureError(
            "error.capture.depths",
            depths=stack.shape[0],
            module=last.module,
            answers=logits.shape[0],
        )
    return logits


def token_means(
    model: Capturable,
    inputs: Iterable[Prepared],
    *,
    report: Callable[[int], None] = lambda done: None,
) -> dict[str, np.ndarray]:
    """The mean over places of the tokens after the stem and after each block, for many pictures.

    Args:
        model: From ``models.load``.
        inputs: From ``models.prepare``, one picture each.
        report: Called after each picture with how many are done.

    Returns:
        Name of the tokens ("stem.out", "stage0.block0.out") -> float32, axes (sample, channel), in
        the order in which they are computed; class and register tokens are left out.

    Exactness:
        The mean of what was captured.
    """
    rows: dict[str, list[np.ndarray]] = {}
    for done, prepared in enumerate(inputs, 1):
        run = run_with_cache(model, prepared, "tokens")
        for name, array in run.items():
            places = tuple(i for i, axis in enumerate(array.axes) if axis != "channel")
            rows.setdefault(name, []).append(array.values.mean(axis=places, dtype=np.float64))
        report(done)
    return {name: freeze(np.stack(found).astype(np.float32)) for name, found in rows.items()}
