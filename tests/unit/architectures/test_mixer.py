"""MLP-Mixer: the token and channel MLPs come out of the weights that are shown, written out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from tests.unit import tiny
from vislib.architectures import adapters
from vislib.models.loading import LoadedModel
from vislib.observe.capture import run_with_cache
from vislib.schema import CaptureError

SITES = (
    "token_mixing.in",
    "token_mixing.hidden",
    "token_mixing.out",
    "channel_mixing.in",
    "channel_mixing.out",
    "out",
)


def gelu(values: np.ndarray) -> np.ndarray:
    """x * Phi(x), written out."""
    erf = torch.erf(torch.from_numpy(values / np.sqrt(2.0))).numpy()
    return np.asarray(0.5 * values * (1.0 + erf))


def mlp(incoming: np.ndarray, shown: dict[str, Any], site: str) -> tuple[np.ndarray, np.ndarray]:
    """Hidden layer (before the activation) and output of one MLP in float64, from the weights."""
    fc1, bias1, fc2, bias2 = (
        shown[f"{site}.{name}"].values.astype(np.float64)
        for name in ("fc1", "fc1_bias", "fc2", "fc2_bias")
    )
    hidden = incoming.astype(np.float64) @ fc1.T + bias1
    return hidden, gelu(hidden) @ fc2.T + bias2


def token_mlp_error(model: LoadedModel, cache: Any, group: str) -> float:
    hidden, out = mlp(
        cache[f"{group}.token_mixing.in"].values, model.weights(group), f"{group}.token_mixing"
    )
    return max(
        tiny.relative_error(cache[f"{group}.token_mixing.hidden"].values, hidden),
        tiny.relative_error(cache[f"{group}.token_mixing.out"].values, out),
    )


def test_names_are_exactly_these() -> None:
    model = tiny.tiny_model("mixer")
    expected = ["stem.linear", "stem.out"]
    expected += [f"stage0.block{j}.{site}" for j in range(2) for site in SITES]
    cache = run_with_cache(model, tiny.noise(model))
    assert list(cache) == expected
    shapes = {name: cache[f"stage0.block1.{name}"].shape for name in SITES}
    assert shapes["token_mixing.in"] == {"channel": 16, "token": 25}
    assert shapes["token_mixing.hidden"] == {"channel": 16, "unit": 24}
    assert shapes["channel_mixing.in"] == {"token": 25, "channel": 16}
    assert {a.provenance for a in cache.values()} == {"activation"}
    assert model.sites[0].units == 24
    assert model.sites[0].mixing == "gated"


def test_the_token_mlp_comes_out_of_the_shown_weights(any_mixer: LoadedModel) -> None:
    _, cache = tiny.shared_run(any_mixer)
    for site in any_mixer.sites:
        assert token_mlp_error(any_mixer, cache, site.group) < 1e-5


def test_the_channel_mlp_comes_out_of_the_shown_weights(any_mixer: LoadedModel) -> None:
    _, cache = tiny.shared_run(any_mixer)
    for site in (any_mixer.sites[0], any_mixer.sites[-1]):
        name = f"{site.group}.channel_mixing"
        _, out = mlp(cache[f"{name}.in"].values, any_mixer.weights(site.group), name)
        assert tiny.relative_error(cache[f"{name}.out"].values, out) < 1e-5


def test_the_tolerance_is_rounding() -> None:
    """In float64 the same check shrinks by about 1e8: what is left in float32 is noise."""
    single, double = (tiny.tiny_model("mixer", dtype=d) for d in (torch.float32, torch.float64))
    errors = [
        token_mlp_error(m, run_with_cache(m, tiny.noise(m)), "stage0.block1")
        for m in (single, double)
    ]
    assert errors[1] < 1e-13
    assert errors[1] < 1e-6 * errors[0]


def test_a_wrong_token_mlp_does_not_pass(any_mixer: LoadedModel) -> None:
    """Negative control: units in another order, tokens in another order, no bias, no gate."""
    _, cache = tiny.shared_run(any_mixer)
    group = any_mixer.sites[0].group
    site = f"{group}.token_mixing"
    incoming, seen = cache[f"{site}.in"].values, cache[f"{site}.out"].values
    shown = {name: array.values for name, array in any_mixer.weights(group).items()}

    class Shown:
        def __init__(self, values: np.ndarray) -> None:
            self.values = values

    for name, wrong in (
        ("fc1", shown[f"{site}.fc1"][::-1]),
        ("fc1", shown[f"{site}.fc1"][:, ::-1]),
        ("fc2", shown[f"{site}.fc2"][::-1]),
        ("fc2_bias", shown[f"{site}.fc2_bias"] * 0),
    ):
        changed = {key: Shown(values) for key, values in shown.items()}
        changed[f"{site}.{name}"] = Shown(wrong)
        _, out = mlp(incoming, changed, site)
        assert tiny.relative_error(seen, out) > 1e-3, name
    fc1, fc2 = shown[f"{site}.fc1"], shown[f"{site}.fc2"]
    ungated = (incoming @ fc1.T + shown[f"{site}.fc1_bias"]) @ fc2.T + shown[f"{site}.fc2_bias"]
    assert tiny.relative_error(seen, ungated) > 1e-2


def test_a_block_is_its_input_plus_the_two_mlps(any_mixer: LoadedModel) -> None:
    """The captured parts are all there is in a block: bitwise, in the order in which it adds."""
    _, cache = tiny.shared_run(any_mixer)
    before = cache["stem.out"].values
    for site in any_mixer.sites:
        mixed = before + cache[f"{site.group}.token_mixing.out"].values.T
        out = mixed + cache[f"{site.group}.channel_mixing.out"].values
        np.testing.assert_array_equal(out, cache[f"{site.group}.out"].values)
        assert not np.array_equal(mixed, out)
        before = out


def test_tokens_are_the_grid_in_row_major_order(any_mixer: LoadedModel) -> None:
    _, cache = tiny.shared_run(any_mixer)
    linear, tokens = cache["stem.linear"].values, cache["stem.out"].values
    laid = tokens.reshape(any_mixer.grid.rows, any_mixer.grid.columns, -1)
    np.testing.assert_array_equal(laid.transpose(2, 0, 1), linear)
    assert not np.array_equal(laid.transpose(2, 1, 0), linear)


def test_weights_of_a_group_that_is_not_there_are_refused(any_mixer: LoadedModel) -> None:
    assert set(any_mixer.weights("stem")) == {"stem.filters", "stem.bias"}
    with pytest.raises(CaptureError):
        any_mixer.weights("stage0.block99")


def test_only_mixers_are_accepted() -> None:
    adapter = adapters()["mixer"]
    for family in tiny.FAMILIES:
        assert adapter.accepts(tiny.tiny_model(family).module) == (family == "mixer")
