"""An estimate that holds nan or inf is an error with words, never a figure."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

from tests.unit import tiny
from tests.unit.attribution import test_faithfulness, test_methods
from vislib.analysis import faithfulness as judging
from vislib.attribution import faithfulness, methods, receptive_field
from vislib.attribution.methods import METHODS, Method
from vislib.models.loading import LoadedModel
from vislib.schema import CaptureError

NAMES: dict[Method, str] = {
    "integrated_gradients": "integrated gradients",
    "smooth_grad": "gradients",
    "grad_cam": "mean gradient",
    "occlusion": "logit lost",
}


@pytest.fixture(params=[float("nan"), float("inf")])
def spoilt(request: pytest.FixtureRequest) -> LoadedModel:
    """A model with one weight that is no number."""
    model = tiny.tiny_model("mixer")
    module = copy.deepcopy(model.module)
    with torch.no_grad():
        module.get_submodule("head").weight[test_methods.CLASS, 0] = request.param  # type: ignore[index, operator]
        module.get_submodule("blocks.0.mlp_channels.fc1").weight[0, 0] = request.param  # type: ignore[index, operator]
    return dataclasses.replace(model, module=module)


@pytest.mark.parametrize("method", METHODS)
def test_a_map_that_is_not_finite_is_an_error(spoilt: LoadedModel, method: Method) -> None:
    with pytest.raises(CaptureError, match=rf"\(.*{NAMES[method]}.*\) holds numbers .*nan or inf"):
        test_methods.found(spoilt, method, tiny.noise(spoilt))


def test_a_receptive_field_that_is_not_finite_is_an_error(spoilt: LoadedModel) -> None:
    with pytest.raises(CaptureError, match=r"\(effective receptive field\) holds numbers"):
        receptive_field(spoilt, tiny.noise(spoilt), spoilt.sites[-1], row=0, column=0)


def test_a_curve_or_a_difference_that_is_not_finite_is_an_error(spoilt: LoadedModel) -> None:
    inputs = tiny.noise(spoilt)
    baseline = methods.stand_in(inputs.tensor, "mean")
    with pytest.raises(CaptureError, match=r"\(logits\) holds numbers"):
        methods.end_logits(spoilt, inputs, baseline)
    order, ends = judging.random_order(test_faithfulness.CELLS, 0), np.zeros((2, tiny.CLASSES))
    size = spoilt.config.size
    masks = judging.masks(order, cells=test_faithfulness.CELLS, steps=4, shape=(size, size))
    asked: dict[str, Any] = {"target": test_methods.CLASS, "kind": "deletion", "ends": ends}
    with pytest.raises(CaptureError, match=r"\(deletion curve\) holds numbers"):
        faithfulness.curve(spoilt, inputs, baseline, masks, **asked)
