"""What speaks for a class, by four methods: integrated gradients, SmoothGrad, Grad-CAM, occlusion.

Each is an estimate (provenance "attribution"). They need not agree with each other, nor with the
network: ``vislib.attribution.faithfulness`` measures how well a map tells what the answer hangs on.

All maps are of one class's logit. Nothing here changes a parameter: gradients are taken of the
input (or of one block's output) alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, cast, get_args

import numpy as np
import torch
from captum.attr import IntegratedGradients, LayerGradCam, Saliency
from torch import Tensor, nn

from vislib.attribution.finite import numbers
from vislib.observe.capture import Capturable, Prepared, output_point
from vislib.schema import CaptureError, HookPoint, LabelledArray, MixingSite, ShapeError

Method = Literal["integrated_gradients", "smooth_grad", "grad_cam", "occlusion"]
METHODS: tuple[Method, ...] = get_args(Method)
StandIn = Literal["blur", "mean"]
"""What stands where the picture is taken away: the blurred picture, or its mean colour."""

STEPS = 32
"""Places on the straight line from the stand-in to the picture (Gauss-Legendre)."""
SAMPLES = 16
"""Noisy copies of the picture for SmoothGrad."""
NOISE = 0.15
"""Standard deviation of that noise, as a share of the input's range (arXiv:1706.03825: 10-20 %)."""
WINDOWS = 8
"""Occluded windows a side; they do not overlap."""
BLUR = 0.1
"""Standard deviation of the blur, as a share of the input's side."""
SMALL_SIDE, BATCH_SMALL, BATCH_LARGE = 96, 16, 4

Report = Callable[[int, int], None]


def _silent(_done: int, _total: int) -> None:
    """Nobody watches."""


def passes(method: Method, size: int) -> tuple[int, int]:
    """How many forward and backward passes over one picture a method takes.

    Args:
        method: From ``METHODS``.
        size: Side of the model's input, in model pixels.
    """
    windows = math.ceil(size / math.ceil(size / WINDOWS))
    return {
        "integrated_gradients": (STEPS, STEPS),
        "smooth_grad": (SAMPLES, SAMPLES),
        "grad_cam": (1, 1),
        "occlusion": (windows * windows + 1, 0),
    }[method]


def stand_in(pixels: Tensor, kind: StandIn) -> Tensor:
    """What a picture is replaced by, where something of it is taken away.

    Args:
        pixels: Axes (1, rgb, row, column), model pixels, normalised.
        kind: "blur": a Gaussian blur of a tenth of the side; "mean": each colour's mean.

    Returns:
        The same shape.

    Raises:
        ShapeError: There is no such kind.
    """
    if kind == "mean":
        return pixels.mean(dim=(2, 3), keepdim=True).expand_as(pixels).contiguous()
    if kind != "blur":
        raise ShapeError("error.attribution.stand_in", name=kind)
    sigma = BLUR * pixels.shape[-1]
    reach = max(1, math.ceil(3 * sigma))
    places = torch.arange(-reach, reach + 1, dtype=pixels.dtype, device=pixels.device)
    weights = torch.exp(-0.5 * (places / sigma) ** 2)
    weights = (weights / weights.sum()).view(1, 1, 1, -1)
    blurred = pixels.transpose(0, 1)  # each colour by itself
    for _ in range(2):  # along the columns, then along the rows
        blurred = nn.functional.pad(blurred, (reach, reach, 0, 0), mode="replicate")
        blurred = nn.functional.conv2d(blurred, weights).transpose(2, 3)
    return blurred.transpose(0, 1).contiguous()


def attribute(
    model: Capturable,
    inputs: Prepared,
    method: Method,
    *,
    target: int,
    baseline: Tensor,
    site: MixingSite | None = None,
    report: Report = _silent,
) -> LabelledArray:
    """A map of what speaks for a class, by one method.

    Args:
        model: From ``models.load``; better a private copy, which no other visitor waits for.
        inputs: From ``models.prepare``: one picture.
        method: From ``METHODS``.
        target: The class, from 0.
        baseline: From ``stand_in``; integrated gradients and occlusion use it.
        site: The block whose output Grad-CAM weighs (``cam_site``).
        report: Called after each forward pass with how many pictures are done, of how many. What
            it raises stops the work; nothing is left behind on the model.

    Returns:
        Axes (row, column): model pixels, of Grad-CAM the block's grid. Signed logits of integrated
        gradients (summed over colours) and occlusion (loss of logit without the window); Grad-CAM
        signed (without the ReLU of arXiv:1610.02391); SmoothGrad is a length over colours, 0 or
        more.

    Raises:
        ShapeError: There is no such class or method, or Grad-CAM came without a block.
        CaptureError: The model does not record the block's output, or the map holds nan or inf.

    Exactness:
        Estimates by their meaning. Integrated gradients' sum approaches the difference of logits
        with more steps; occlusion is an exact difference of two runs (test_methods.py).

    Source: arXiv:1703.01365, arXiv:1706.03825, arXiv:1610.02391, arXiv:1311.2901; captum 0.9.
    """
    if method not in METHODS or (method == "grad_cam" and site is None):
        raise ShapeError("error.attribution.method", name=method, methods=METHODS)
    pixels = inputs.tensor.detach().clone()
    forward = _Forward(model, target, passes(method, pixels.shape[-1])[0], report)
    batch = BATCH_SMALL if pixels.shape[-1] <= SMALL_SIDE else BATCH_LARGE
    with model.lock, torch.enable_grad():
        if method == "integrated_gradients":
            found = _integrated(forward, pixels, baseline, batch)
            return _labelled(found, "logit", True, f"integrated gradients, {STEPS} steps", forward)
        if method == "smooth_grad":
            found = _smooth(forward, pixels, batch)
            return _labelled(found, "gradient", False, f"|mean of {SAMPLES} gradients|", forward)
        if method == "occlusion":
            found = _occluded(forward, pixels, baseline, batch)
            words = f"logit lost without a window, {WINDOWS} x {WINDOWS} windows"
            return _labelled(found, "logit", True, words, forward)
        point = output_point(model, cast("MixingSite", site))
        found = _grad_cam(model, forward, pixels, cast("MixingSite", site), point)
        words = f"mean gradient x {point.module}, summed over channels"
        return _labelled(found, "gradient × activation", True, words, forward)


def cam_site(model: Capturable, sites: tuple[MixingSite, ...]) -> MixingSite:
    """The block that Grad-CAM looks at: the last one whose places still reach the answer.

    Behind the last block of a ViT only the class token is read, so the slopes of all others are 0
    there, and the block before it is taken.

    Args:
        model: From ``models.load``.
        sites: Its blocks, in the order in which they run.
    """
    has_class_token = output_point(model, sites[-1]).prefix > 0
    return sites[-2] if has_class_token and len(sites) > 1 else sites[-1]


def end_logits(model: Capturable, inputs: Prepared, baseline: Tensor) -> np.ndarray:
    """What the model answers to the picture and to its stand-in, each run by itself.

    How far a class's logit of the first lies above that of the second is what a complete map sums
    to; their probabilities are the ends of every insertion and deletion curve.

    Returns:
        float64, axes (end, class): the picture, the stand-in.

    Raises:
        CaptureError: They hold nan or inf.

    Exactness:
        The first is the model's answer, bitwise: it runs at batch 1 (test_faithfulness.py).
    """
    with model.lock, torch.inference_mode():
        logits = [model.module(pixels)[0] for pixels in (inputs.tensor, baseline)]
    return numbers(torch.stack(logits), "logits")


class _Forward:
    """The class's logits of a batch; counts the pictures and reports them."""

    def __init__(self, model: Capturable, target: int, total: int, report: Report) -> None:
        self.model, self.target, self.total, self.report = model, target, total, report
        self.done = 0

    def __call__(self, images: Tensor) -> Tensor:
        """Logits of the one class, axes (batch,)."""
        logits: Tensor = self.model.module(images)
        if not 0 <= self.target < logits.shape[1]:
            raise ShapeError(
                "error.attribution.class", number=self.target, last=logits.shape[1] - 1
            )
        self.done = min(self.total, self.done + len(images))
        self.report(self.done, self.total)
        return logits[:, self.target]


def _integrated(forward: _Forward, pixels: Tensor, baseline: Tensor, batch: int) -> Tensor:
    """Slopes along the line times its length, axes (row, column)."""
    found: Tensor = IntegratedGradients(forward).attribute(
        pixels,
        baselines=baseline,
        n_steps=STEPS,
        method="gausslegendre",
        internal_batch_size=batch,
    )
    return found[0].sum(dim=0)


def _smooth(forward: _Forward, pixels: Tensor, batch: int) -> Tensor:
    """Length over colours of the mean slope under noise, axes (row, column).

    captum's NoiseTunnel draws from torch's global generator, which all visitors share; noise of
    a generator of its own gives the same map to everybody.
    """
    generator = torch.Generator().manual_seed(0)
    spread = NOISE * float(pixels.max() - pixels.min())
    slopes, saliency = torch.zeros_like(pixels[0]), Saliency(forward)
    for first in range(0, SAMPLES, batch):
        shape = (min(batch, SAMPLES - first), *pixels.shape[1:])
        noise = spread * torch.randn(shape, generator=generator).to(pixels)
        slopes += saliency.attribute((pixels + noise).requires_grad_(True), abs=False).sum(dim=0)
    return (slopes / SAMPLES).pow(2).sum(dim=0).sqrt()


def _occluded(forward: _Forward, pixels: Tensor, baseline: Tensor, batch: int) -> Tensor:
    """What the logit loses without each window, axes (row, column).

    captum's Occlusion gives the same map (test_methods.py). It runs the picture by itself, adds up
    over windows that could overlap, and does so for each colour, which these windows do not need.
    """
    size, side = pixels.shape[-1], math.ceil(pixels.shape[-1] / WINDOWS)
    corners = [(top, left) for top in range(0, size, side) for left in range(0, size, side)]
    windows = [(..., slice(y, y + side), slice(x, x + side)) for y, x in corners]
    found = torch.zeros_like(pixels[0, 0])
    with torch.inference_mode():
        covered = pixels.repeat(1 + len(windows), 1, 1, 1)  # the first one stays whole
        for picture, window in zip(covered[1:], windows, strict=True):
            picture[window] = baseline[0][window]
        firsts = range(0, len(covered), batch)
        logits = torch.cat([forward(covered[first : first + batch]) for first in firsts])
        for window, logit in zip(windows, logits[1:], strict=True):
            found[window] = logits[0] - logit
    return found


def _grad_cam(
    model: Capturable, forward: _Forward, pixels: Tensor, site: MixingSite, point: HookPoint
) -> Tensor:
    """Channels weighed by their mean slope, axes (row, column) of the block's grid."""
    grid = _OnGrid(point, site.columns // site.step)
    layer = model.module.get_submodule(point.module)
    handle = layer.register_forward_hook(lambda _module, _inputs, output: grid(output))
    try:
        found: Tensor = LayerGradCam(forward, grid.maps).attribute(
            pixels.requires_grad_(True), relu_attributions=False
        )
    finally:
        handle.remove()
    return found[0, 0]


class _OnGrid(nn.Module):
    """Passes a block's output on unchanged, and shows it to captum as (batch, channel, y, x)."""

    def __init__(self, point: HookPoint, columns: int) -> None:
        super().__init__()
        self.maps = nn.Identity()
        self.point, self.columns = point, columns

    def forward(self, output: Tensor) -> Tensor:
        """The same numbers, through ``maps``."""
        axes, prefix = self.point.axes, self.point.prefix
        if set(axes) == {"channel", "row", "column"}:
            order = [1 + axes.index(name) for name in ("channel", "row", "column")]
            shown = self.maps(output.permute(0, *order).clone())
            return shown.permute(0, *(1 + order.index(place) for place in (1, 2, 3)))  # type: ignore[no-any-return]
        if set(axes) != {"token", "channel"}:
            raise CaptureError("error.attribution.grad_cam", name=self.point.name, axes=axes)
        tokens = output if axes[0] == "token" else output.transpose(1, 2)
        first, rest = tokens[:, :prefix], tokens[:, prefix:]
        maps = rest.transpose(1, 2)
        maps = maps.reshape(*maps.shape[:2], -1, self.columns).clone()
        seen = torch.cat([first, self.maps(maps).flatten(2).transpose(1, 2)], dim=1)
        return seen if axes[0] == "token" else seen.transpose(1, 2)


def _labelled(
    found: Tensor, unit: str, signed: bool, source: str, forward: _Forward
) -> LabelledArray:
    """The map as an array of its own."""
    return LabelledArray(
        values=numbers(found, source),
        axes=("row", "column"),
        role="tokens",
        unit=unit,
        signed=signed,
        provenance="attribution",
        source=f"{source}, of logit {forward.target + 1}",
    )
