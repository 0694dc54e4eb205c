"""Muon against PyTorch's own, and which weights it takes."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from vislib import registry
from vislib.models import loading
from vislib.training import muon
from vislib.training.muon import Muon, matrices_of, orthogonal

KEYS = tuple(registry.MINI_SETS[2])
LR, DECAY = 0.01, 0.1


def twins(shapes: list[tuple[int, ...]]) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    torch.manual_seed(0)
    ours = [nn.Parameter(torch.randn(shape) / 10) for shape in shapes]
    return ours, [nn.Parameter(p.detach().flatten(1).clone()) for p in ours]


@pytest.mark.parametrize("filled_up", [False, True], ids=["processor", "GPU"])
def test_it_steps_as_torchs_own_over_kernels_read_as_matrices(
    filled_up: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of different shapes and twice the same one, in one group; the GPU's way fills up."""
    if filled_up:
        monkeypatch.setattr(muon, "_goes_with", lambda matrix: None)
    shapes = [(64, 32), (32, 64), (48, 48), (48, 48), (10, 70), (70, 10), (12, 4, 3, 3)]
    ours, theirs = twins(shapes)
    optimizer = Muon(ours, lr=LR, weight_decay=DECAY)
    wanted = torch.optim.Muon(
        theirs, lr=LR, weight_decay=DECAY, adjust_lr_fn="match_rms_adamw", momentum=0.95
    )
    for _ in range(3):
        before = [p.detach().clone() for p in ours]
        for mine, other in zip(ours, theirs, strict=True):
            mine.grad = torch.randn_like(mine)
            other.grad = mine.grad.flatten(1).clone()
        optimizer.step()
        wanted.step()
        for mine, other, was in zip(ours, theirs, before, strict=True):
            moved = float((mine - was).abs().max().detach())
            off = float((mine.flatten(1) - other).abs().max().detach())
            assert moved > 2e-3
            assert off < 0.02 * moved  # bfloat16, summed in another order


def test_singular_values_come_near_one_and_zeros_stay() -> None:
    torch.manual_seed(0)
    # singular values of 0.03 to 1, and three of 0
    left, right = (torch.linalg.qr(torch.randn(n, n))[0] for n in (20, 40))
    values = torch.cat([torch.logspace(-1.5, 0, 17), torch.zeros(3)])
    matrix = left @ torch.diag(values) @ right[:20]
    found = torch.linalg.svdvals(orthogonal(matrix[None]).float()[0])
    assert float(found[:17].min()) > 0.6
    assert float(found[:17].max()) < 1.25
    assert float(found[17:].max()) < 0.4  # what bfloat16 makes of 0 grows, too
    assert float(torch.linalg.svdvals(matrix)[16]) < 0.05  # control: it was far from one
    nothing = torch.zeros(1, 4, 6)
    assert torch.equal(orthogonal(nothing).float(), nothing)


@pytest.mark.parametrize("key", KEYS)
def test_it_takes_what_mixes_and_leaves_filters_embeddings_and_classes(key: str) -> None:
    model = loading.build(registry.in_set(registry.spec(key), 2))
    names = {id(p): name for name, p in model.named_parameters()}
    taken = {names[id(p)] for p in matrices_of(model)}
    left = {
        name: tuple(p.shape)
        for name, p in model.named_parameters()
        if p.ndim > 1 and name not in taken
    }
    assert taken
    assert len(taken) == len(matrices_of(model))
    head = {name for name, module in model.named_modules() if module is model.get_classifier()}
    classes = f"{head.pop()}.weight"
    assert classes in left
    others = {name: shape for name, shape in left.items() if name != classes}
    reads_colours = {name for name, shape in others.items() if shape[1] == 3}
    depthwise = {n for n, s in others.items() if len(s) == 4 and s[1] == 1}
    places = {name for name in others if name.endswith(("pos_embed", "cls_token"))}
    assert len(reads_colours) == 1
    assert set(others) == reads_colours | depthwise | places
    assert bool(depthwise) == (key in ("convmixer_mini", "davit_mini"))
    assert bool(places) == (key == "vit_mini")


def test_what_has_no_gradient_stays_and_a_closure_is_refused() -> None:
    ours, _ = twins([(4, 6), (4, 6)])
    optimizer = Muon(ours, lr=LR, weight_decay=DECAY)
    before = [p.detach().clone() for p in ours]
    optimizer.step()
    ours[0].grad = torch.randn(4, 6)
    optimizer.step()
    assert not torch.equal(ours[0], before[0])
    assert torch.equal(ours[1], before[1])
    with pytest.raises(ValueError, match="takes no closure"):
        optimizer.step(lambda: 0.0)


def test_its_state_travels() -> None:
    """As in a checkpoint: the next step is the same."""
    ours, theirs = twins([(4, 6), (6, 4)])
    first = Muon(ours, lr=LR, weight_decay=DECAY)
    for p in ours:
        p.grad = torch.randn_like(p)
    first.step()
    with torch.no_grad():
        for mine, other in zip(ours, theirs, strict=True):
            other.copy_(mine)
    second = Muon(theirs, lr=LR, weight_decay=DECAY)
    fresh = Muon([nn.Parameter(p.detach().clone()) for p in ours], lr=LR, weight_decay=DECAY)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    others = fresh.param_groups[0]["params"]
    for mine, other, third in zip(ours, theirs, others, strict=True):
        mine.grad = torch.randn_like(mine)
        other.grad, third.grad = mine.grad.clone(), mine.grad.clone()
    for optimizer in (first, second, fresh):
        optimizer.step()
    for mine, other, third in zip(ours, theirs, others, strict=True):
        assert torch.equal(mine, other)
        assert not torch.allclose(mine, third, atol=1e-4)
