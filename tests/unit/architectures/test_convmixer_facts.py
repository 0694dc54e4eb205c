"""A ConvMixer block's facts come off its modules, whatever the paper says."""

from __future__ import annotations

import pytest
import torch
from timm.models.convmixer import ConvMixer
from torch import nn

from vislib.architectures.convmixer import block_facts
from vislib.schema import CaptureError


def small(activation: type[nn.Module] = nn.GELU, side: int = 3) -> ConvMixer:
    return ConvMixer(
        dim=4, depth=2, kernel_size=side, patch_size=2, num_classes=2, act_layer=activation
    )


def test_facts_follow_the_module() -> None:
    found = block_facts(small(), 1)
    assert (found.kernel, found.padding, found.activation) == (3, "same", "GELU")
    assert found.norm == "BatchNorm2d"
    assert found.residual
    other = block_facts(small(nn.ReLU, side=5), 0)
    assert (other.kernel, other.activation) == (5, "ReLU")


def test_a_block_without_a_residual_is_told_apart() -> None:
    model = small()
    wrapped = model.blocks[0][0]
    model.blocks[0][0] = torch.nn.Sequential(*wrapped.fn)
    model.blocks[0][0].fn = wrapped.fn
    assert not block_facts(model, 0).residual
    assert block_facts(model, 1).residual


def test_what_is_not_there_is_refused() -> None:
    with pytest.raises(CaptureError, match="no block 2"):
        block_facts(small(), 2)
    with pytest.raises(CaptureError, match="Linear"):
        block_facts(nn.Linear(1, 1), 0)
