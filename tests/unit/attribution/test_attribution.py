"""Estimates that can be checked: the effective receptive field."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from tests.unit import tiny
from vislib import attribution
from vislib.models.loading import LoadedModel
from vislib.observe.capture import run_with_cache
from vislib.schema import LabelledArray, ShapeError


def field(model: LoadedModel, block: int, row: int, column: int, **more: int) -> LabelledArray:
    site = model.sites[block]
    inputs = tiny.noise(model)
    return attribution.receptive_field(model, inputs, site, row=row, column=column, **more)


def output(model: LoadedModel, tensor: torch.Tensor, block: int) -> np.ndarray:
    """A block's output, axes (row, column, channel)."""
    site = model.sites[block]
    found = run_with_cache(model, tiny.as_input(model, tensor), site.group)[f"{site.group}.out"]
    if found.axes == ("channel", "row", "column"):
        return found.values.transpose(1, 2, 0)
    side = round(found.values.shape[0] ** 0.5)
    return found.values.reshape(side, side, -1) if "token" in found.axes else found.values


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_all_directions_give_the_local_slope(family: str) -> None:
    model = tiny.tiny_model(family, dtype=torch.float64)
    got = field(model, 0, 1, 2, probes=10_000).values
    tensor, step = tiny.noise(model).tensor, 1e-5
    size = model.config.size
    places = [(size // 3, size // 2), (size // 2, size - 4), (5, 9)]
    for row, column in places:
        squares = 0.0
        for colour in range(3):
            moved = []
            for sign in (1, -1):
                changed = tensor.clone()
                changed[0, colour, row, column] += sign * step
                moved.append(output(model, changed, 0)[1, 2])
            squares += float((((moved[0] - moved[1]) / (2 * step)) ** 2).sum())
        assert got[row, column] == pytest.approx(np.sqrt(squares), rel=1e-4, abs=1e-9)
    assert not np.allclose(got, field(model, 0, 2, 1, probes=10_000).values)


def test_a_few_directions_estimate_the_same() -> None:
    model = tiny.tiny_model("mixer")
    whole = field(model, 1, 2, 2, probes=16).values
    some = np.mean([field(model, 1, 2, 2, probes=4, seed=s).values ** 2 for s in range(40)], axis=0)
    assert np.abs(np.sqrt(some) - whole).max() < 0.25 * whole.max()
    assert np.array_equal(
        field(model, 1, 2, 2, seed=3).values, field(model, 1, 2, 2, seed=3).values
    )


def test_kernels_reach_one_ring_a_block_and_token_mixing_everything() -> None:
    model = tiny.tiny_model("convmixer")  # 5 x 5 tokens of 6 pixels, kernels of 3 x 3
    first, second = field(model, 0, 2, 2).values, field(model, 1, 2, 2).values
    assert not first[:6].any()
    assert not first[:, 24:].any()
    assert first[6:24, 6:24].any()
    assert second[:6].any()
    assert field(tiny.tiny_model("mixer"), 0, 2, 2).values.all()


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_the_model_is_left_as_it_was(family: str) -> None:
    model = tiny.tiny_model(family)
    before = run_with_cache(model, tiny.noise(model), "logits").logits
    steps: list[tuple[int, int]] = []
    inputs = tiny.noise(model)
    found = attribution.receptive_field(
        model,
        inputs,
        model.sites[0],
        row=0,
        column=0,
        probes=3,
        report=lambda *step: steps.append(step),
    )
    assert steps == [(1, 3), (2, 3), (3, 3)]
    assert found.provenance == "attribution"
    assert found.values.shape == (model.config.size,) * 2
    assert inputs.tensor.grad is None
    assert not inputs.tensor.requires_grad
    assert not any(p.requires_grad or p.grad is not None for p in model.module.parameters())
    assert not any(part._forward_hooks for part in model.module.modules())
    assert np.array_equal(run_with_cache(model, tiny.noise(model), "logits").logits, before)


def test_a_place_outside_is_refused() -> None:
    with pytest.raises(ShapeError, match="5 x 5 positions"):
        field(tiny.tiny_model("mixer"), 0, 5, 0)
    with pytest.raises(ShapeError, match="5 x 5 positions"):
        field(tiny.tiny_model("convmixer"), 0, 0, -1)
    model = tiny.tiny_model("mixer")
    lost = dataclasses.replace(model.sites[0], group="stage0.block9")
    with pytest.raises(Exception, match=r"stage0\.block9"):
        attribution.receptive_field(model, tiny.noise(model), lost, row=0, column=0)
