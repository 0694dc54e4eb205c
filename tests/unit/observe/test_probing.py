"""Early answers: at the last block the model's own, before it those of a model that stops there."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.unit import tiny
from vislib.models.loading import LoadedModel
from vislib.observe.probing import answers_by_depth
from vislib.schema import CaptureError


class HandOn(nn.Module):
    """Gives back what it gets."""

    def forward(self, tokens: Tensor) -> Tensor:
        return tokens


def stopped_after(model: LoadedModel, inputs: Any, last: int) -> np.ndarray:
    """Logits of a copy in which all blocks after a number hand their input on."""
    module = copy.deepcopy(model.module)
    for site in model.sites[last + 1 :]:
        path = next(
            p.module
            for p in model.adapter.hook_points(model.module, site.group)
            if p.name == f"{site.group}.out"
        )
        parent, _, name = path.rpartition(".")
        setattr(module.get_submodule(parent), name, HandOn())
    with torch.inference_mode():
        logits: np.ndarray = module(inputs.tensor)[0].double().numpy()
    return logits


def test_the_last_block_answers_as_the_model(tiny_loaded: LoadedModel) -> None:
    inputs = tiny.noise(tiny_loaded)
    found = answers_by_depth(tiny_loaded, inputs, tiny_loaded.sites)
    with torch.inference_mode():
        own = tiny_loaded.module(inputs.tensor)[0].double().numpy()
    assert found.groups[-1] == tiny_loaded.sites[-1].group
    assert tiny.relative_error(found.logits[-1], own) < 1e-5
    assert own.std() > 0.01
    assert len(found.groups) + len(found.left_out) == len(tiny_loaded.sites)


def test_an_earlier_block_answers_as_a_model_that_stops_there(tiny_loaded: LoadedModel) -> None:
    inputs = tiny.noise(tiny_loaded)
    sites = tiny_loaded.sites
    found = answers_by_depth(tiny_loaded, inputs, sites)
    groups = [site.group for site in sites]
    for row, group in enumerate(found.groups):
        wanted = stopped_after(tiny_loaded, inputs, groups.index(group))
        assert tiny.relative_error(found.logits[row], wanted) < 1e-5
        if row:  # negative control: another depth answers otherwise
            assert tiny.relative_error(found.logits[row - 1], wanted) > 1e-3


@pytest.mark.parametrize("family", ["mixer", "vit", "resmlp", "convmixer"])
def test_one_width_means_every_depth(family: str) -> None:
    model = tiny.tiny_model(family)
    inputs = tiny.noise(model)
    found = answers_by_depth(model, inputs, model.sites)
    assert found.left_out == ()
    assert found.start is not None
    assert tiny.relative_error(found.start, stopped_after(model, inputs, -1)) < 1e-5


@pytest.mark.parametrize("family", ["davit", "swin", "resnet"])
def test_other_widths_are_left_out_and_named(family: str) -> None:
    model = tiny.tiny_model(family)
    found = answers_by_depth(model, tiny.noise(model), model.sites)
    assert "stage0.block0" in found.left_out
    stages = {group.partition(".")[0] for group in found.groups}
    assert stages == {f"stage{model.sites[-1].stage}"}


def test_the_model_is_left_as_it_was() -> None:
    model = tiny.tiny_model("mixer")
    inputs = tiny.noise(model)
    with torch.inference_mode():
        before = model.module(inputs.tensor)
        answers_by_depth(model, inputs, model.sites)
        after = model.module(inputs.tensor)
    assert torch.equal(before, after)
    assert not any(part._forward_hooks for part in model.module.modules())


def test_a_model_without_blocks_is_refused() -> None:
    model = tiny.tiny_model("mixer")
    with pytest.raises(CaptureError):
        answers_by_depth(model, tiny.noise(model), ())
