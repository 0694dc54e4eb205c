"""The arrangement for a GPU: the same numbers, the same parameters, other operations."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from vislib import registry
from vislib.models import loading
from vislib.training import quick
from vislib.training.quick import DepthwiseProduct, PointwiseProduct, taps, with_products

KEYS = tuple(registry.MINI_SETS[2])
SIZE = 64
REPLACED = {"convmixer_mini": (14, 14), "davit_mini": (24, 0)}
"""Model -> depthwise and pointwise convolutions that become products."""


def built(key: str) -> nn.Module:
    """A model of the second set in float64, trained nowhere, whose head answers."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = loading.build(registry.in_set(registry.spec(key), 2), classes=5)
        loading.draw_head(module)
    return module.double()


def gradients(module: nn.Module, called: nn.Module, inputs: Tensor) -> tuple[Tensor, list[Tensor]]:
    """Logits of ``called``, and the gradients of ``module``'s parameters."""
    module.zero_grad()
    logits = called.train()(inputs)
    logits.square().sum().backward()
    return logits.detach(), [p.grad.clone() for p in module.parameters() if p.grad is not None]


def furthest(ones: list[Tensor], others: list[Tensor]) -> float:
    """Largest difference, relative to the largest number of each pair's first."""
    pairs = zip(ones, others, strict=True)
    return max(float((a - b).abs().max() / a.abs().max().clamp(min=1e-12)) for a, b in pairs)


@pytest.mark.parametrize("key", KEYS)
def test_the_twin_computes_and_trains_the_model_itself(key: str) -> None:
    module = built(key)
    plain = copy.deepcopy(module)
    twin = with_products(module, SIZE, torch.float64)
    assert all(a is b for a, b in zip(module.parameters(), twin.parameters(), strict=True))
    found = list(twin.modules())
    kinds = (DepthwiseProduct, PointwiseProduct)
    assert tuple(sum(type(part) is kind for part in found) for kind in kinds) == REPLACED.get(
        key, (0, 0)
    )
    assert not any(isinstance(part, kinds) for part in module.modules())
    assert module.training
    inputs = torch.randn(2, 3, SIZE, SIZE, dtype=torch.float64)
    logits, wanted = gradients(plain, plain, inputs)
    others, came = gradients(module, twin, inputs)
    assert float(logits.std()) > 1e-3
    assert furthest([logits], [others]) < 1e-11
    assert len(came) == len(list(module.parameters()))
    assert max(float(grad.abs().max()) for grad in came) > 1e-3
    scale = max(float(grad.abs().max()) for grad in wanted)
    assert max(float((a - b).abs().max()) for a, b in zip(wanted, came, strict=True)) < 1e-9 * scale
    for name, buffer in plain.named_buffers():  # running statistics as well
        there = module.get_buffer(name)
        assert torch.allclose(buffer.double(), there.double(), rtol=1e-9, atol=1e-12), name
    assert list(module.state_dict()) == list(plain.state_dict()) == list(twin.state_dict())


@pytest.mark.parametrize(("kernel", "rows", "columns"), [(3, 4, 4), (7, 5, 3), (5, 3, 6)])
def test_taps_are_those_of_the_convolution(kernel: int, rows: int, columns: int) -> None:
    weight = torch.randn(1, 1, kernel, kernel, dtype=torch.float64)
    maps = torch.randn(1, 1, rows, columns, dtype=torch.float64)
    table = taps(kernel, rows, columns).double()
    assert set(table.unique().tolist()) == {0.0, 1.0}
    assert float(table.sum(0).max()) == 1
    matrix = torch.einsum("t,tij->ij", weight.flatten(), table)
    wanted = nn.functional.conv2d(maps, weight, padding=kernel // 2).flatten()
    assert torch.allclose(maps.flatten() @ matrix, wanted, atol=1e-12)
    # Negative control: the other way round it is the mirrored kernel.
    assert not torch.allclose(maps.flatten() @ matrix.T, wanted, atol=1e-3)


def test_what_is_not_such_a_convolution_stays() -> None:
    def conv(**changes: object) -> nn.Conv2d:
        plain: dict[str, object] = {"kernel_size": 3, "padding": 1, "groups": 4}
        return nn.Conv2d(4, 4, **{**plain, **changes})  # type: ignore[arg-type]

    parts = nn.ModuleDict(
        {
            "plain": conv(),
            "dense": conv(groups=1),
            "strided": conv(stride=2),
            "dilated": conv(dilation=2, padding=2),
            "reflected": conv(padding_mode="reflect"),
            "smaller": conv(padding=0),
        }
    )
    model = nn.Sequential(nn.Conv2d(3, 4, 1), _Sum(parts))
    twin = with_products(model, 8)
    kinds = {name: type(part) for name, part in twin[1].parts.items()}
    assert kinds == {name: nn.Conv2d for name in parts} | {"plain": DepthwiseProduct}
    assert type(twin[0]) is PointwiseProduct
    inputs = torch.randn(2, 3, 8, 8)
    assert torch.allclose(twin(inputs), model(inputs), atol=1e-5)
    large = with_products(nn.Sequential(nn.Conv2d(3, 3, 3, padding=1, groups=3)), 17)
    assert type(large[0]) is nn.Conv2d  # 289 cells
    assert quick.LARGEST_MAP == 256


class _Sum(nn.Module):
    """Adds the means of what several convolutions make of one input."""

    def __init__(self, parts: nn.ModuleDict) -> None:
        super().__init__()
        self.parts = parts

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.stack([part(inputs).mean((2, 3)) for part in self.parts.values()]).sum(0)


def test_a_gpu_gets_the_products(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is compiled there, without compiling it here."""
    asked = []
    monkeypatch.setattr(torch, "compile", lambda module, **options: asked.append(options) or module)
    monkeypatch.setattr(quick.importlib.util, "find_spec", lambda name: object())
    module = loading.build(registry.in_set(registry.spec("convmixer_mini"), 2), classes=5)
    twin = quick.for_gpu(module, SIZE)
    tables = {part.table.dtype for part in twin.modules() if isinstance(part, DepthwiseProduct)}
    assert (asked, tables) == ([{"dynamic": False}], {torch.bfloat16})
    monkeypatch.setattr(quick.importlib.util, "find_spec", lambda name: None)
    quick.for_gpu(module, SIZE)
    assert len(asked) == 1


@pytest.mark.parametrize("key", KEYS)
def test_the_twin_for_a_processor_computes_and_trains_the_model_itself(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quick, "_compiled", lambda: quick.kernel_gradient)
    monkeypatch.setattr(quick.shutil, "which", lambda name: name)
    module = built(key)
    plain = copy.deepcopy(module)
    twin = quick.for_cpu(module)
    assert all(a is b for a, b in zip(module.parameters(), twin.parameters(), strict=True))
    replaced = [part for part in twin.modules() if type(part) is quick.DepthwiseSums]
    assert len(replaced) == REPLACED.get(key, (0,))[0]
    assert not any(getattr(part, "fused_attn", False) for part in twin.modules())
    inputs = torch.randn(2, 3, SIZE, SIZE, dtype=torch.float64)
    logits, wanted = gradients(plain, plain, inputs)
    others, came = gradients(module, twin, inputs)
    assert furthest([logits], [others]) < 1e-11
    scale = max(float(grad.abs().max()) for grad in wanted)
    assert max(float((a - b).abs().max()) for a, b in zip(wanted, came, strict=True)) < 1e-9 * scale
    # Negative control: without a compiler the convolutions stay.
    monkeypatch.setattr(quick.shutil, "which", lambda name: None)
    left = quick.for_cpu(module).modules()
    assert not any(isinstance(part, quick.DepthwiseSums) for part in left)


@pytest.mark.slow
@pytest.mark.skipif(not quick.can_compile(), reason="no C++ compiler on this machine")
def test_the_compiled_sums_are_the_gradient_of_the_kernels() -> None:
    maps = torch.randn(2, 16, 6, 6).bfloat16().contiguous(memory_format=torch.channels_last)
    layer = quick.DepthwiseSums(16, 16, 3, padding=1, groups=16)
    with torch.autocast("cpu", torch.bfloat16):
        layer(maps).square().sum().backward()
    plain = nn.Conv2d(16, 16, 3, padding=1, groups=16)
    plain.load_state_dict(layer.state_dict())
    plain(maps.float()).square().sum().backward()
    for name in ("weight", "bias"):
        came, wanted = getattr(layer, name).grad, getattr(plain, name).grad
        assert furthest([wanted], [came]) < 2e-2  # bfloat16 keeps 8 bits
