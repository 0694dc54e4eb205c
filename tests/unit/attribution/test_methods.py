"""Estimates of what speaks for a class: complete, exact where they can be, and off the model."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients, Occlusion
from torch import Tensor, nn

from tests.unit import tiny
from vislib.attribution import methods
from vislib.attribution.methods import METHODS, Method
from vislib.models.loading import LoadedModel, ModelInput
from vislib.observe.capture import run_with_cache
from vislib.schema import LabelledArray, ShapeError

CLASS = 3


def found(model: LoadedModel, method: Method, inputs: ModelInput, **more: Any) -> LabelledArray:
    """A map with the usual choices."""
    baseline = methods.stand_in(inputs.tensor, more.pop("kind", "blur"))
    site = methods.cam_site(model, model.sites) if method == "grad_cam" else None
    choices: dict[str, Any] = {"target": CLASS, "baseline": baseline, "site": site}
    return methods.attribute(model, inputs, method, **(choices | more))


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_integrated_gradients_are_complete(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny.tiny_model(family, dtype=torch.float64)
    inputs = tiny.as_input(model, tiny.noise(model).tensor * 0.3)
    baseline = methods.stand_in(inputs.tensor, "mean")
    ends = methods.end_logits(model, inputs, baseline)
    wanted = ends[0, CLASS] - ends[1, CLASS]
    monkeypatch.setattr(methods, "STEPS", 200)
    monkeypatch.setattr(methods, "BATCH_SMALL", 50)
    total = found(model, "integrated_gradients", inputs, kind="mean").values.sum()
    assert abs(total - wanted) < 0.02 * abs(wanted)
    other = ends[0, CLASS + 1] - ends[1, CLASS + 1]
    assert abs(total - other) > 0.02 * abs(wanted)
    monkeypatch.setattr(methods, "STEPS", 1)  # slope x input at one place is not complete
    once = found(model, "integrated_gradients", inputs, kind="mean").values.sum()
    assert abs(once - wanted) > 3 * abs(total - wanted)


def logit(model: LoadedModel, pixels: Tensor) -> float:
    return float(run_with_cache(model, tiny.as_input(model, pixels), "logits").logits[CLASS])


@pytest.mark.parametrize("family", ["mixer", "resnet"])
def test_occlusion_is_the_loss_of_logit_without_a_window(family: str) -> None:
    model = tiny.tiny_model(family, dtype=torch.float64)
    inputs = tiny.noise(model)
    got = found(model, "occlusion", inputs, kind="mean").values
    size, side = model.config.size, -(-model.config.size // methods.WINDOWS)
    baseline = methods.stand_in(inputs.tensor, "mean")
    for top, left in [(0, 0), (side, 2 * side), (size - size % side or size - side, side)]:
        covered = inputs.tensor.clone()
        part = (..., slice(top, top + side), slice(left, left + side))
        covered[part] = baseline[part]
        lost = logit(model, inputs.tensor) - logit(model, covered)
        window = got[top : top + side, left : left + side]
        assert np.allclose(window, lost, rtol=1e-9)
        assert abs(lost) > 1e-6
        assert not np.allclose(got[:side, side : 2 * side], lost)


def by_captum(model: LoadedModel, method: Method, pixels: Tensor, baseline: Tensor) -> Tensor:
    """The same map from captum as it comes, axes (row, column)."""

    def score(images: Tensor) -> Tensor:
        return model.module(images)[:, CLASS]

    if method == "integrated_gradients":
        ways = {"n_steps": methods.STEPS, "method": "gausslegendre"}
        found = IntegratedGradients(score).attribute(pixels, baselines=baseline, **ways)
        return found[0].sum(dim=0)
    side = -(-pixels.shape[-1] // methods.WINDOWS)
    window = (3, side, side)
    found = Occlusion(score).attribute(
        pixels, sliding_window_shapes=window, strides=window, baselines=baseline
    )
    return found[0].mean(dim=0)


@pytest.mark.parametrize("method", ["integrated_gradients", "occlusion"])
@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_the_maps_are_those_of_captum(family: str, method: Method) -> None:
    model = tiny.tiny_model(family)
    inputs = tiny.noise(model)
    baseline = methods.stand_in(inputs.tensor, "blur")
    got = found(model, method, inputs).values
    wanted = by_captum(model, method, inputs.tensor, baseline).numpy()
    scale = np.abs(wanted).max()
    # What float32 leaves of a loss: the logit's last digits, whatever the batch.
    last = 2e-7 * np.abs(run_with_cache(model, inputs, "logits").logits).max()
    assert np.abs(got - wanted).max() <= 1e-5 * scale + last
    assert np.abs(got[::-1] - wanted).max() > 1e-2 * scale


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_grad_cam_is_mean_slope_times_activation(family: str) -> None:
    model = tiny.tiny_model(family, dtype=torch.float64)
    inputs, site = tiny.noise(model), methods.cam_site(model, model.sites)
    got = found(model, "grad_cam", inputs).values
    point = methods.output_point(model, site)
    kept: list[Tensor] = []

    def keep(_module: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
        kept.append(output.detach().clone().requires_grad_(True))
        return kept[0] * 1.0

    handle = model.module.get_submodule(point.module).register_forward_hook(keep)
    with torch.enable_grad():
        score = model.module(inputs.tensor)[0, CLASS]
    handle.remove()
    slopes = torch.autograd.grad(score, kept[0])[0][0]
    values = kept[0].detach()[0]
    channel = point.axes.index("channel")
    places = tuple(axis for axis in range(values.ndim) if axis != channel)
    if "token" in point.axes:
        keep_tokens = slice(point.prefix, None)
        values, slopes = values[keep_tokens], slopes[keep_tokens]
    weights = slopes.mean(dim=places, keepdim=True)
    wanted = (weights * values).sum(dim=channel).numpy()
    assert np.abs(got).max() > 1e-9
    assert np.allclose(got.ravel(), wanted.ravel(), rtol=1e-9, atol=1e-12)
    assert got.shape[0] == got.shape[1]


def test_behind_the_last_block_of_a_vit_only_the_class_token_counts() -> None:
    model = tiny.tiny_model("vit")
    assert methods.cam_site(model, model.sites) == model.sites[-2]
    assert not found(model, "grad_cam", tiny.noise(model), site=model.sites[-1]).values.any()
    mixer = tiny.tiny_model("mixer")
    assert methods.cam_site(mixer, mixer.sites) == mixer.sites[-1]


class OnePatch(nn.Module):
    """Class 3 counts the brightness of one square of 4 x 4 pixels, and of nothing else."""

    num_classes = tiny.CLASSES

    def __init__(self, row: int, column: int) -> None:
        super().__init__()
        self.row, self.column = row, column
        self.weight = nn.Parameter(torch.ones(1), requires_grad=False)

    def forward(self, pixels: Tensor) -> Tensor:
        square = pixels[:, :, self.row : self.row + 4, self.column : self.column + 4]
        score = torch.tanh(square.mean(dim=(1, 2, 3))) * self.weight
        return score[:, None] * nn.functional.one_hot(torch.tensor(CLASS), tiny.CLASSES)


@pytest.mark.parametrize("method", ["integrated_gradients", "smooth_grad", "occlusion"])
def test_a_planted_square_is_all_that_is_found(method: Method) -> None:
    model = tiny.wrap(OnePatch(8, 20), "mixer", size=32)
    pixels = torch.zeros(1, 3, 32, 32)
    pixels[..., 8:12, 20:24] = 1.0
    got = found(model, method, tiny.as_input(model, pixels)).values
    inside = got[8:12, 20:24].copy()
    assert (inside > 0).all()
    assert np.abs(got).sum() == pytest.approx(np.abs(inside).sum())
    moved = tiny.wrap(OnePatch(8, 16), "mixer", size=32)
    elsewhere = found(moved, method, tiny.as_input(moved, pixels)).values
    assert not elsewhere[8:12, 20:24].any()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_the_model_is_left_as_it_was(family: str, method: Method) -> None:
    model = tiny.tiny_model(family)
    inputs = tiny.noise(model)
    before = run_with_cache(model, inputs, "logits").logits
    steps: list[tuple[int, int]] = []
    got = found(model, method, inputs, report=lambda *step: steps.append(step))
    total = methods.passes(method, model.config.size)[0]
    assert steps[-1] == (total, total)
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)
    assert got.provenance == "attribution"
    assert got.signed is (method != "smooth_grad")
    assert np.array_equal(found(model, method, inputs).values, got.values)
    untouched(model, inputs)
    assert np.array_equal(run_with_cache(model, inputs, "logits").logits, before)


def untouched(model: LoadedModel, inputs: ModelInput) -> None:
    """No hook, no gradient and no lock is left."""
    assert not inputs.tensor.requires_grad
    assert inputs.tensor.grad is None
    assert not any(p.requires_grad or p.grad is not None for p in model.module.parameters())
    for part in model.module.modules():
        assert not part._forward_hooks
        assert not part._forward_pre_hooks
        assert not part._backward_hooks
    assert model.lock.acquire(blocking=False)
    model.lock.release()


class Stopped(BaseException):
    """As a page raises when its visitor goes on to something else."""


@pytest.mark.parametrize("method", METHODS)
def test_work_that_is_stopped_leaves_nothing_behind(method: Method) -> None:
    model = tiny.tiny_model("vit")
    inputs = tiny.noise(model)

    def stop(_done: int, _total: int) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        found(model, method, inputs, report=stop)
    untouched(model, inputs)


def test_stand_ins() -> None:
    pixels = tiny.noise(tiny.tiny_model("mixer")).tensor
    mean = methods.stand_in(pixels, "mean")
    assert torch.allclose(mean[0, :, 0, 0], pixels[0].mean(dim=(1, 2)))
    assert float(mean.std(dim=(2, 3)).max()) < 1e-6
    blurred = methods.stand_in(pixels, "blur")
    assert blurred.shape == pixels.shape
    assert float(blurred[..., 9:21, 9:21].std()) < 0.5 * float(pixels[..., 9:21, 9:21].std())
    flat = torch.full((1, 3, 30, 30), 0.4)
    assert torch.allclose(methods.stand_in(flat, "blur"), flat)
    tall = torch.zeros(1, 3, 30, 30)
    tall[..., :15, :] = 1.0
    assert torch.allclose(
        methods.stand_in(tall, "blur")[..., 0], methods.stand_in(tall, "blur")[..., 20]
    )
    assert float(methods.stand_in(tall, "blur")[0, 0, 0, 5]) > 0.95


def test_what_does_not_exist_is_refused() -> None:
    model = tiny.tiny_model("mixer")
    inputs = tiny.noise(model)
    with pytest.raises(ShapeError, match="0 to 6 exist"):
        found(model, "occlusion", inputs, target=7)
    with pytest.raises(ShapeError, match="with a block"):
        found(model, "grad_cam", inputs, site=None)
    with pytest.raises(ShapeError, match="blur and mean"):
        methods.stand_in(inputs.tensor, "nothing")  # type: ignore[arg-type]
    lost = dataclasses.replace(model.sites[0], group="stage0.block9")
    with pytest.raises(Exception, match=r"stage0\.block9"):
        found(model, "grad_cam", inputs, site=lost)
