"""How the probability of a class moves while the picture's cells come (insertion) or go (deletion).

Each run is exact; what is estimated is the order of the cells, which comes from a map. A map that
knows what the answer hangs on brings the probability up early and down early.

Source: arXiv:1806.07421 (RISE), with cells instead of pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from vislib.attribution.finite import numbers
from vislib.observe.capture import Capturable, Prepared
from vislib.schema import ShapeError, softmax

Kind = Literal["insertion", "deletion"]
BATCH_SMALL, BATCH_LARGE, SMALL_SIDE = 16, 4, 96


def curve(
    model: Capturable,
    inputs: Prepared,
    baseline: Tensor,
    masks: Sequence[np.ndarray],
    *,
    target: int,
    kind: Kind,
    ends: np.ndarray,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> np.ndarray:
    """The probability of a class after each step.

    Args:
        model: From ``models.load``.
        inputs: From ``models.prepare``: one picture.
        baseline: What stands where the picture is not (``methods.stand_in``).
        masks: From ``analysis.faithfulness.masks``: bool, axes (row, column) of model pixels, the
            cells that have been touched after each step; none at first, all at last.
        target: The class, from 0.
        kind: "insertion" begins with the stand-in and puts the touched cells in; "deletion"
            begins with the picture and takes them out.
        ends: From ``methods.end_logits``: the answers to the whole picture and to the stand-in.
        report: Called after each batch with how many pictures are done, of how many. What it
            raises stops the work.

    Returns:
        float64, one probability a mask, 0 to 1.

    Raises:
        ShapeError: A mask does not fit the picture, or there is no such class.
        CaptureError: The answers hold nan or inf.

    Exactness:
        The ends are the model's probabilities, bitwise: ``ends`` ran at batch 1, and no curve runs
        them again (test_faithfulness.py).
    """
    shape = tuple(inputs.tensor.shape[2:])
    if any(mask.shape != shape for mask in masks):
        raise ShapeError("error.attribution.masks", shape=masks[0].shape, picture=shape)
    if not 0 <= target < ends.shape[1]:
        raise ShapeError("error.attribution.class", number=target, last=ends.shape[1] - 1)
    batch = BATCH_SMALL if shape[-1] <= SMALL_SIDE else BATCH_LARGE
    whole, gone = softmax(ends)[:, target]
    found = np.array([whole if mask.all() == (kind == "insertion") else gone for mask in masks])
    mixed = [i for i, mask in enumerate(masks) if mask.any() and not mask.all()]
    done = len(masks) - len(mixed)
    with model.lock, torch.inference_mode():
        for first in range(0, len(mixed), batch):
            places = mixed[first : first + batch]
            pictures = [_mixed(inputs.tensor, baseline, masks[i], kind) for i in places]
            logits = model.module(torch.cat(pictures))
            found[places] = softmax(numbers(logits, f"{kind} curve"))[:, target]
            done += len(places)
            report(done, len(masks))
    return found


def _mixed(picture: Tensor, baseline: Tensor, touched: np.ndarray, kind: Kind) -> Tensor:
    """The picture with its cells in or out."""
    shown = torch.as_tensor(touched if kind == "insertion" else ~touched, device=picture.device)
    return torch.where(shown, picture, baseline)
