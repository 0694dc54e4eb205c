"""The costs by formula equal torch's own count: every block, every family, several sizes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from timm.models.swin_transformer import SwinTransformer
from timm.models.vision_transformer import VisionTransformer
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from tests.unit import tiny
from vislib.analysis import costs
from vislib.architectures import adapters
from vislib.schema import ShapeError
from vislib.tables import counting


def by_torch(module: nn.Module, size: int) -> dict[str, int]:
    """Module path -> multiply-adds, by torch's counter."""
    for part in module.modules():
        if hasattr(part, "fused_attn"):
            part.fused_attn = False
    with torch.inference_mode(), FlopCounterMode(display=False, depth=9) as counter:
        module.eval()(torch.zeros(1, 3, size, size))
    root = type(module).__name__
    return {
        name.removeprefix(f"{root}."): sum(per_op.values()) // 2
        for name, per_op in counter.get_flop_counts().items()
    }


def block_paths(module: nn.Module, family: str, size: int) -> dict[str, str]:
    """Block -> timm's path."""
    adapter = adapters()[family]
    return {
        site.group: next(
            point.module
            for point in adapter.hook_points(module, site.group)
            if point.name == f"{site.group}.out"
        )
        for site in adapter.sites(module, size)
    }


def by_formula(plan: costs.CostPlan, size: int) -> dict[str, int]:
    """Block -> multiply-adds."""
    found: dict[str, int] = {}
    for term in plan.terms:
        found[term.group] = found.get(term.group, 0) + costs.term_at(term, plan.grid, size)
    return found


def vit(size: int) -> nn.Module:
    """A ViT with a class token and registers, made for a size."""
    return VisionTransformer(
        img_size=size, patch_size=6, embed_dim=24, depth=2, num_heads=3, reg_tokens=2
    )


def swin(size: int) -> nn.Module:
    """A Swin whose windows do not divide its grids, made for a size."""
    return SwinTransformer(
        img_size=size, patch_size=4, embed_dim=16, depths=(2, 2), num_heads=(2, 4), window_size=3
    )


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_every_block_costs_what_torch_counts(family: str) -> None:
    model = tiny.tiny_model(family)
    size = model.config.size
    plan = counting.plan(model.module, adapters()[family], size)
    counted, formula = by_torch(model.module, size), by_formula(plan, size)
    paths = block_paths(model.module, family, size)
    assert formula == {group: counted[path] for group, path in paths.items()}
    assert plan.counted == sum(n for name, n in counted.items() if name == "Global")
    assert sum(costs.multiply_adds_at(plan, size).values()) == sum(formula.values())
    assert set(plan.kinds) >= {role for site in model.sites for role in site.operators}
    wrong = replace(plan, terms=tuple(replace(t, factor=t.factor + 1) for t in plan.terms))
    assert by_formula(wrong, size) != formula


@pytest.mark.parametrize("family", ["convmixer", "davit", "resnet"])
@pytest.mark.parametrize("more", [5, 12, 31])
def test_another_size_costs_what_torch_counts(family: str, more: int) -> None:
    model = tiny.tiny_model(family)
    plan = counting.plan(model.module, adapters()[family], model.config.size)
    assert plan.resizing == "free"
    size = model.config.size + more
    counted = by_torch(model.module, size)
    paths = block_paths(model.module, family, size)
    assert by_formula(plan, size) == {group: counted[path] for group, path in paths.items()}
    assert by_formula(plan, size) != by_formula(plan, model.config.size) or more == 5


@pytest.mark.parametrize(
    ("family", "build", "sizes"), [("vit", vit, (30, 36, 54)), ("swin", swin, (24, 28, 44, 8))]
)
def test_a_model_made_anew_for_another_size_costs_the_same(
    family: str, build: Any, sizes: tuple[int, ...]
) -> None:
    plan = counting.plan(build(sizes[0]), adapters()[family], sizes[0])
    assert plan.resizing == "position"
    for size in sizes:
        module = build(size)
        counted, paths = by_torch(module, size), block_paths(module, family, size)
        assert by_formula(plan, size) == {group: counted[path] for group, path in paths.items()}


def test_a_window_that_does_not_shrink_is_another_count() -> None:
    plan = counting.plan(swin(28), adapters()["swin"], 28)
    stiff = replace(plan, terms=tuple(replace(t, shrinks=False) for t in plan.terms))
    assert by_formula(stiff, 8) != by_formula(plan, 8)


@pytest.mark.parametrize("family", ["mixer", "resmlp"])
def test_a_token_mlp_has_one_size(family: str) -> None:
    model = tiny.tiny_model(family)
    plan = counting.plan(model.module, adapters()[family], model.config.size)
    assert plan.resizing == "never"
    points = costs.curves(plan, range(112, 449, 16))
    assert all([size for size, _ in line] == [model.config.size] for line in points.values())
    with pytest.raises(ShapeError, match="has weights for"):
        costs.multiply_adds_at(plan, model.config.size + plan.grid.stride)


def test_attention_grows_with_the_square_and_a_kernel_does_not() -> None:
    vit_plan = counting.plan(vit(36), adapters()["vit"], 36)
    pair = next(term for term in vit_plan.terms if term.growth == "pair")
    near, far = (costs.term_at(pair, vit_plan.grid, size) for size in (600, 1200))
    assert far / near == pytest.approx(16, rel=1e-2)  # twice the side, four times the tokens
    mixer = tiny.tiny_model("convmixer")
    plan = counting.plan(mixer.module, adapters()["convmixer"], mixer.config.size)
    kernel = next(term for term in plan.terms if term.kind == "depthwise")
    near, far = (costs.term_at(kernel, plan.grid, size) for size in (600, 1200))
    assert far / near == 4


def test_tokens_are_those_of_the_model() -> None:
    plan = counting.plan_of("deit_small_patch16_224.fb_in1k")
    assert costs.tokens_at(plan, 224) == 197
    assert costs.tokens_at(plan, 448) == 28 * 28 + 1
    with pytest.raises(ShapeError):
        costs.side_at(plan.grid, 8)
