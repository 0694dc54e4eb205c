"""ResMLP: its linear layer over the tokens comes out of the shown matrix, the same for all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from tests.unit import tiny
from vislib.analysis.reading_at import reading_at
from vislib.architectures import adapters
from vislib.models import loading
from vislib.models.loading import LoadedModel
from vislib.observe.capture import run_with_cache
from vislib.schema import CaptureError

FULL = "resmlp_24_224.fb_in1k"
SITES = ("token_mixing.in", "token_mixing.out", "channel_mixing.in", "channel_mixing.out", "out")


@pytest.fixture(scope="module", params=["tiny", FULL])
def any_resmlp(request: pytest.FixtureRequest) -> LoadedModel:
    """The tiny and the full-size ResMLP."""
    if request.param == "tiny":
        return tiny.tiny_model("resmlp")
    model = loading.load(FULL, untrained=True)
    tiny.draw_weights(model.module, seed=0)
    return model


def linear_error(cache: Any, shown: dict[str, Any], group: str, *, transposed: bool) -> float:
    """The layer rebuilt in float64 as token_out rows against what the hook saw."""
    name = f"{group}.token_mixing"
    matrix = shown[f"{name}.weight"].values.astype(np.float64)
    incoming = cache[f"{name}.in"].values.astype(np.float64)
    rows = matrix.T if transposed else matrix
    wanted = np.einsum("oi,ci->co", rows, incoming) + shown[f"{name}.bias"].values
    return tiny.relative_error(cache[f"{name}.out"].values, wanted)


def test_names_are_exactly_these() -> None:
    model = tiny.tiny_model("resmlp")
    cache = run_with_cache(model, tiny.noise(model))
    expected = ["stem.linear", "stem.out"]
    expected += [f"stage0.block{j}.{site}" for j in range(3) for site in SITES]
    assert list(cache) == expected
    shapes = {name: cache[f"stage0.block2.{name}"].shape for name in SITES}
    assert shapes["token_mixing.in"] == shapes["token_mixing.out"] == {"channel": 20, "token": 49}
    assert shapes["channel_mixing.in"] == {"token": 49, "channel": 20}
    assert {a.provenance for a in cache.values()} == {"activation"}
    weights = model.weights("stage0.block2")
    assert weights["stage0.block2.token_mixing.weight"].shape == {"token_out": 49, "token_in": 49}
    assert {(site.units, site.mixing, site.channels) for site in model.sites} == {(0, "fixed", 20)}


def test_the_linear_layer_comes_out_of_the_shown_matrix(any_resmlp: LoadedModel) -> None:
    _, cache = tiny.shared_run(any_resmlp)
    for site in any_resmlp.sites:
        shown = any_resmlp.weights(site.group)
        assert linear_error(cache, shown, site.group, transposed=False) < 1e-5
        assert linear_error(cache, shown, site.group, transposed=True) > 1e-1


def test_the_tolerance_is_rounding() -> None:
    """In float64 the same check shrinks by about 1e8: what is left in float32 is noise."""
    errors = []
    for dtype in (torch.float32, torch.float64):
        model = tiny.tiny_model("resmlp", dtype=dtype)
        cache = run_with_cache(model, tiny.noise(model))
        group = "stage0.block1"
        errors.append(linear_error(cache, model.weights(group), group, transposed=False))
    assert errors[1] < 1e-13
    assert errors[1] < 1e-6 * errors[0]


def test_a_reading_is_a_row_of_the_matrix(any_resmlp: LoadedModel) -> None:
    """The reader's row, never its column, laid out on the grid; the share is of |weight|."""
    site = any_resmlp.sites[1]
    shown = any_resmlp.weights(site.group)
    matrix = shown[f"{site.group}.token_mixing.weight"].values
    token = 2 * site.columns + 5
    found = reading_at(site, shown, row=2, column=5)
    np.testing.assert_array_equal(found.raw, matrix[token].reshape(site.rows, site.columns))
    share = 100 * np.abs(matrix[token]) / np.abs(matrix[token]).sum()
    np.testing.assert_allclose(found.share.ravel(), share, rtol=1e-5)
    assert found.note == "linear"
    assert found.provenance == "parameter"
    assert not np.allclose(found.raw.ravel(), matrix[:, token])


def test_the_blocks_token_mixing_is_that_row_whatever_the_picture() -> None:
    """Every output's slope by the block's input is the row times one number a channel.

    Affine norm and layer scale included, on two pictures. For MLP-Mixer's block (LayerNorm, gates)
    it is another one for each picture.
    """
    slopes = {}
    for family in ("resmlp", "mixer"):
        model = tiny.tiny_model(family, dtype=torch.float64)
        block: Any = model.module.blocks[0]
        width = model.sites[0].channels

        def mixed(x: torch.Tensor, block: Any = block, family: str = family) -> torch.Tensor:
            turned = block.norm1(x).transpose(1, 2)
            if family == "mixer":
                return block.mlp_tokens(turned).transpose(1, 2)
            return block.ls1 * block.linear_tokens(turned).transpose(1, 2)

        slopes[family] = []
        for seed in range(2):
            generator = torch.Generator().manual_seed(seed)
            x = torch.randn(
                1, model.grid.rows * model.grid.columns, width, generator=generator
            ).double()
            jacobian = torch.autograd.functional.jacobian(lambda v: mixed(v)[0, 3, 4], x)
            slopes[family].append(jacobian[0].numpy())
    model = tiny.tiny_model("resmlp", dtype=torch.float64)
    block = model.module.blocks[0]
    row = block.linear_tokens.weight[3].numpy()
    factor = float(block.ls1[4] * block.norm1.alpha[0, 0, 4])
    for slope in slopes["resmlp"]:
        np.testing.assert_allclose(slope[:, 4], factor * row, rtol=1e-12)
        assert np.count_nonzero(slope[:, :4]) == 0
    assert np.abs(slopes["mixer"][0] - slopes["mixer"][1]).max() > 1e-3


def test_two_pictures_give_one_reading_and_mixers_differ() -> None:
    found: dict[str, list[np.ndarray]] = {"resmlp": [], "mixer": []}
    for family, shares in found.items():
        model = tiny.tiny_model(family)
        site = model.sites[0]
        for seed in range(2):
            cache = run_with_cache(model, tiny.noise(model, seed=seed), site.group)
            arrays = {**model.weights(site.group), **cache}
            shares.append(reading_at(site, arrays, row=1, column=2).share)
    np.testing.assert_array_equal(*found["resmlp"])
    assert np.abs(found["mixer"][0] - found["mixer"][1]).max() > 1e-3


def test_a_block_is_its_input_plus_its_two_scaled_parts(any_resmlp: LoadedModel) -> None:
    _, cache = tiny.shared_run(any_resmlp)
    before = cache["stem.out"].values
    for site in any_resmlp.sites:
        block: Any = any_resmlp.module.blocks[site.block]
        tokens = cache[f"{site.group}.token_mixing.out"].values.T
        channels = cache[f"{site.group}.channel_mixing.out"].values
        out = before + block.ls1.numpy() * tokens + block.ls2.numpy() * channels
        seen = cache[f"{site.group}.out"].values
        assert tiny.relative_error(seen, out) < 1e-6
        assert tiny.relative_error(seen, before + tokens + channels) > 1e-2
        before = seen


def test_an_untrained_model_answers_and_mixes_weakly() -> None:
    """timm starts the head at zero and the layer scales near it; load() draws the head anew."""
    model = tiny.untrained(FULL)
    logits = run_with_cache(model, tiny.noise(model), "logits").logits
    assert float(np.ptp(logits)) > 1e-3
    block: Any = model.module.blocks[0]
    assert 0.0 < float(block.ls1.max()) < 1e-3


def test_only_resmlps_are_accepted_and_unknown_groups_refused() -> None:
    adapter = adapters()["resmlp"]
    for family in tiny.FAMILIES:
        assert adapter.accepts(tiny.tiny_model(family).module) == (family == "resmlp")
    model = tiny.tiny_model("resmlp")
    assert set(model.weights("stem")) == {"stem.filters", "stem.bias"}
    with pytest.raises(CaptureError):
        model.weights("stage0.block99")
    with pytest.raises(CaptureError, match="no group"):
        adapter.hook_points(model.module, "stage0.block99")
