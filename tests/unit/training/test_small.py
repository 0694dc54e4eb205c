"""Training on pictures of half the size: the same parameters, a quarter of the tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from tests.unit.training.test_quick import built
from vislib import registry
from vislib.schema import ModelError
from vislib.training.quick import DepthwiseProduct, with_products
from vislib.training.small import SHARED, HalfSize, Logits

KEYS = tuple(registry.MINI_SETS[2])
SIZE = 64


def half(key: str, module: nn.Module) -> HalfSize:
    """The same on half-size pictures, in float64."""
    return HalfSize(
        module, registry.in_set(registry.spec(key), 2), arrange=lambda network: network.double()
    )


def fourfold(tokens: Tensor) -> Tensor:
    """Axes (picture, token, channel): every token of a square map four times."""
    side = int(tokens.shape[1] ** 0.5)
    maps = tokens.view(len(tokens), side, side, -1)
    return maps.repeat_interleave(2, 1).repeat_interleave(2, 2).flatten(1, 2)


def test_token_mixing_acts_as_on_a_map_with_every_token_four_times() -> None:
    """With what writes tokens the same within 2 x 2, where the mean loses nothing."""
    module = built("mixer_mini").eval()
    for block in module.blocks:
        nn.init.normal_(block.mlp_tokens.fc2.bias)
        for values in (block.mlp_tokens.fc2.weight, block.mlp_tokens.fc2.bias):
            rows = values.data.view(16, 16, -1)
            values.data.copy_(fourfold(rows[None, ::2, ::2].flatten(1, 2)).view_as(values))
    small = half("mixer_mini", module).eval()
    inputs = torch.randn(2, 3, SIZE, SIZE, dtype=torch.float64)
    with torch.no_grad():
        module.stem.strict_img_size = False
        tokens = fourfold(module.stem(torch.nn.functional.avg_pool2d(inputs, 2)))
        wanted = module.forward_head(module.norm(module.blocks(tokens)))
        came = small(inputs)
        module.blocks[0].mlp_tokens.fc1.weight[3, 17] += 1.0  # negative control: any cell counts
        other = small(inputs)
    assert float(wanted.std()) > 1e-3
    assert torch.allclose(came, wanted, rtol=1e-9, atol=1e-12)
    assert not torch.allclose(came, other, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("key", ["convmixer_mini", "resnet_mini", "davit_mini"])
def test_what_fits_any_size_computes_on_the_small_picture(key: str) -> None:
    module = built(key).eval()
    inputs = torch.randn(2, 3, SIZE, SIZE, dtype=torch.float64)
    with torch.no_grad():
        wanted = module(torch.nn.functional.avg_pool2d(inputs, 2))
        came = half(key, module).eval()(inputs)
        full = module(inputs)
    assert torch.allclose(came, wanted, rtol=1e-9, atol=1e-12)
    assert not torch.allclose(came, full, rtol=1e-3, atol=1e-6)


def test_places_get_the_mean_of_four_and_the_class_token_keeps_its_own() -> None:
    embedding = torch.randn(1, 1 + 256, 3)
    shared = SHARED["pos_embed"](embedding)
    assert shared.shape == (1, 1 + 64, 3)
    assert torch.equal(shared[:, 0], embedding[:, 0])
    grid = embedding[0, 1:].view(16, 16, 3)
    for row, column in ((0, 0), (3, 5), (7, 7)):
        four = grid[2 * row : 2 * row + 2, 2 * column : 2 * column + 2].mean((0, 1))
        assert torch.allclose(shared[0, 1 + row * 8 + column], four, atol=1e-6)
    assert SHARED["pos_embed"](embedding[:, 1:]).shape == (1, 64, 3)


@pytest.mark.parametrize("key", KEYS)
def test_it_trains_the_parameters_of_the_model(key: str) -> None:
    module = built(key).train()
    small = half(key, module)
    assert list(small.parameters()) == []
    assert list(small.state_dict()) == []
    before = {name: buffer.clone() for name, buffer in module.named_buffers()}
    small.train()(torch.randn(4, 3, SIZE, SIZE, dtype=torch.float64)).square().sum().backward()
    untouched = [name for name, p in module.named_parameters() if p.grad is None]
    assert untouched == []
    if key == "mixer_mini":  # four cells share one gradient
        grad = module.blocks[0].mlp_tokens.fc1.weight.grad.view(-1, 8, 2, 8, 2)
        assert float(grad.abs().max()) > 0
        assert torch.equal(grad[:, :, 0, :, 0], grad[:, :, 1, :, 1])
    moved = [n for n, b in module.named_buffers() if not torch.equal(before[n].double(), b)]
    running = [n for n in before if "running" in n]
    assert set(running) <= set(moved)
    assert bool(running) == (key in ("convmixer_mini", "resnet_mini"))


@pytest.mark.parametrize("key", ["convmixer_mini", "davit_mini"])
def test_it_trains_by_the_arrangement_and_is_measured_without(key: str) -> None:
    """The tables of the products come with the network; what is wrapped is called in training."""
    module = built(key).train()
    called = []

    def wrap(logits: Logits) -> Logits:
        def counted(network: nn.Module, taken: Mapping[str, Tensor], inputs: Tensor) -> Tensor:
            called.append({type(part) for part in network.modules()})
            return logits(network, taken, inputs)

        return counted

    row = registry.in_set(registry.spec(key), 2)
    arranged = HalfSize(
        module,
        row,
        lambda network: with_products(network.double(), SIZE // 2, torch.float64),
        wrap,
    )
    plain = half(key, module)
    inputs = torch.randn(4, 3, SIZE, SIZE, dtype=torch.float64)
    gradients = []
    for way in (plain, arranged):
        module.zero_grad()
        logits = way.train()(inputs)
        logits.square().sum().backward()
        gradients.append((logits.detach(), [p.grad for p in module.parameters()]))
    assert len(called) == 1
    assert DepthwiseProduct in called[0]
    assert torch.allclose(gradients[0][0], gradients[1][0], rtol=1e-8, atol=1e-10)
    for wanted, came in zip(gradients[0][1], gradients[1][1], strict=True):
        assert torch.allclose(wanted, came, rtol=1e-6, atol=1e-9)
    with torch.no_grad():
        assert torch.equal(arranged.eval()(inputs), plain.eval()(inputs))
    assert len(called) == 1


def test_whoever_draws_after_it_draws_the_same() -> None:
    torch.manual_seed(3)
    wanted = torch.rand(3)
    module = built("vit_mini")
    torch.manual_seed(3)
    half("vit_mini", module)
    assert torch.equal(torch.rand(3), wanted)


def test_a_parameter_it_does_not_know_is_named() -> None:
    row = registry.in_set(registry.spec("vit_mini"), 2)
    module = built("vit_mini")
    with pytest.raises(ModelError, match=r"vit_mini: pos_embed has the shape"):
        HalfSize(module, replace(row, build={**row.build, "patch_size": 8}))
