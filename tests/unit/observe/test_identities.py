"""Channel mixing is a 1 x 1 convolution; a layer over tokens is one filter as large as the grid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.unit import tiny
from vislib.observe import identities
from vislib.observe.capture import run_with_cache
from vislib.observe.identities import Arrays, Identity
from vislib.schema import CaptureError, MixingSite

Rebuild = Callable[[Arrays, Arrays, MixingSite], Identity]
CASES = [
    pytest.param("mixer", identities.channel_mixing, id="mixer-channels"),
    pytest.param("mixer", identities.token_mixing, id="mixer-tokens"),
    pytest.param("resmlp", identities.channel_mixing, id="resmlp-channels"),
    pytest.param("resmlp", identities.token_mixing, id="resmlp-tokens"),
    pytest.param("convmixer", identities.channel_mixing, id="convmixer-channels"),
]


def given(family: str, dtype: torch.dtype = torch.float32) -> tuple[Arrays, Arrays, MixingSite]:
    """What a tiny model's second block computed, its weights, and the block."""
    model = tiny.tiny_model(family, dtype=dtype)
    inputs = tiny.noise(model)
    inputs = replace(inputs, tensor=inputs.tensor.to(dtype))
    site = model.sites[1]
    return run_with_cache(model, inputs, site.group), model.weights(site.group), site


@pytest.mark.parametrize(("family", "rebuild"), CASES)
def test_the_convolution_is_the_layer(family: str, rebuild: Rebuild) -> None:
    found = rebuild(*given(family))
    assert found.model.shape == found.rebuilt.shape
    assert found.scale > 0.05
    assert found.largest == np.abs(found.model - found.rebuilt).max()
    assert found.largest / found.scale < 1e-5
    exact = rebuild(*given(family, torch.float64))
    assert exact.largest / exact.scale < 1e-13


@pytest.mark.parametrize(("family", "rebuild"), CASES)
def test_other_weights_are_another_layer(family: str, rebuild: Rebuild) -> None:
    arrays, weights, site = given(family)
    layers = (f"{rebuild.__name__}.fc1", f"{rebuild.__name__}.weight")
    name = next(name for name in weights if name.endswith(layers))
    turned = replace(weights[name], values=weights[name].values[:, ::-1].copy())
    found = rebuild(arrays, {**weights, name: turned}, site)
    assert found.largest / found.scale > 1e-2


def test_the_kernels_are_what_is_said() -> None:
    arrays, weights, site = given("mixer")
    tokens = identities.token_mixing(arrays, weights, site)
    assert tokens.kernel == (site.units, 1, site.rows, site.columns)
    assert tokens.axes == ("channel", "unit")
    channels = identities.channel_mixing(arrays, weights, site)
    assert channels.kernel[1:] == (site.channels, 1, 1)
    place = channels.model[:, 2, 1]
    assert np.array_equal(place, arrays[f"{site.group}.channel_mixing.out"].values[2 * 5 + 1])


def test_rows_and_columns_are_not_exchanged() -> None:
    arrays, weights, site = given("mixer")
    name = f"{site.group}.token_mixing.fc1"
    maps = weights[name].values.reshape(-1, site.rows, site.columns).transpose(0, 2, 1)
    across = replace(weights[name], values=maps.reshape(len(maps), -1).copy())
    found = identities.token_mixing(arrays, {**weights, name: across}, site)
    assert found.largest / found.scale > 1e-2


def test_a_model_without_the_layer_is_refused() -> None:
    with pytest.raises(CaptureError, match="token_mixing"):
        identities.token_mixing(*given("convmixer"))
    with pytest.raises(CaptureError, match="channel_mixing"):
        identities.channel_mixing(*given("vit"))
