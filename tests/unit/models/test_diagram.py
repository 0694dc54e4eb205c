"""What a diagram is drawn from: a model's real blocks, and numbers that add up to its own."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from timm.layers import GatedMlp
from timm.models.convmixer import ConvMixer
from timm.models.mlp_mixer import MlpMixer, SpatialGatingBlock

from tests.unit import tiny
from vislib.architectures import adapters
from vislib.models import diagram, footprint, loading
from vislib.models.diagram import Run, folded
from vislib.registry import MODEL_REGISTRY, spec, untrained
from vislib.schema import ModelError
from vislib.weights import files

PAGE = Path(__file__).resolve().parents[3] / "docs" / "extending.md"
KINDS = {
    "mixer": ["token_mixing", "channel_mixing"],
    "resmlp": ["token_mixing", "channel_mixing"],
    "convmixer": ["depthwise", "channel_mixing"],
    "vit": ["global_attention", "channel_mixing"],
    "swin": ["window_attention", "channel_mixing"],
    "resnet": ["channel_mixing", "convolution", "channel_mixing"],
    "davit": [
        *("depthwise", "window_attention", "depthwise", "channel_mixing"),
        *("depthwise", "channel_attention", "depthwise", "channel_mixing"),
    ],
}
"""Family -> the operators of a block, as the papers and timm's modules have them."""
FOLDS = {
    "davit_tiny.msft_in1k": [(1, 1), (1, 1), (1, 3), (1, 1)],
    "convmixer_768_32.in1k": [(1, 32)],
    "swin_tiny_patch4_window7_224.ms_in1k": [(1, 1), (1, 1), (1, 1), (1, 1), (2, 3), (1, 2)],
    "resnet152.tv_in1k": [(1, 1), (1, 2), (1, 1), (1, 7), (1, 1), (1, 35), (1, 1), (1, 2)],
}


@pytest.mark.parametrize("key", tiny.one_a_family())
def test_the_numbers_of_every_row_add_up_to_the_models_own(key: str) -> None:
    found = diagram.of_row(key)
    with torch.device("meta"):
        module = loading.build(spec(key))
    assert found.parameters == sum(p.numel() for p in module.parameters())
    assert found.multiply_adds == footprint.counted(key)[1]
    sites = adapters()[spec(key).family].sites(module, loading.input_config(module).size)
    assert tuple(block.site for block in found.blocks) == sites
    assert sum(run.period * run.count for run in found.runs()) == len(sites)
    for block in found.blocks:
        assert sum(step.multiply_adds for step in block.steps) == block.multiply_adds
        assert 0 < sum(step.parameters for step in block.steps) <= block.parameters
        assert [step.kind for step in block.steps] == KINDS[spec(key).family]


@pytest.mark.parametrize("key", FOLDS)
def test_repeats_are_folded_and_counted(key: str) -> None:
    assert [(run.period, run.count) for run in diagram.of_row(key).runs()] == FOLDS[key]


def test_a_sequence_is_folded_where_neighbours_take_turns() -> None:
    assert folded("xabababc") == (
        Run(first=0, period=1, count=1),
        Run(first=1, period=2, count=3),
        Run(first=7, period=1, count=1),
    )
    assert folded("aaaa") == (Run(first=0, period=1, count=4),)
    assert folded("") == ()


def test_the_attentions_products_are_counted() -> None:
    """196 tokens and a class token: two products of 197 x 197 x 384 beside qkv and proj."""
    step = diagram.of_row("deit_small_patch16_224.fb_in1k").blocks[0].steps[0]
    assert [layer.shape for layer in step.layers] == [(1152, 384), (384, 384)]
    layers = sum(layer.multiply_adds for layer in step.layers)
    assert layers == 197 * 384 * (1152 + 384)
    assert step.multiply_adds - layers == 2 * 197 * 197 * 384


def test_what_makes_a_grid_coarser_stands_before_its_stage() -> None:
    found = diagram.of_row("davit_tiny.msft_in1k")
    assert {n: one.layers[0].shape for n, one in found.merges.items()} == {
        1: (192, 96, 2, 2),
        2: (384, 192, 2, 2),
        3: (768, 384, 2, 2),
    }
    assert [layer.shape for layer in found.stem.layers] == [(96, 3, 7, 7)]
    assert [layer.shape for layer in found.head.layers] == [(1000, 768)]


@pytest.mark.parametrize(
    "key", [key for key, row in MODEL_REGISTRY.items() if row.weights == "bundled"]
)
def test_a_loaded_model_has_the_diagram_of_its_row(key: str) -> None:
    if not files.status(spec(key)).present:
        pytest.skip(f"the bundled weights of {key} are not in assets/weights")
    model = loading.load(key)
    own = diagram.diagram(copy.deepcopy(model.module), model.adapter, model.config.size)
    assert own == diagram.of_row(key) == diagram.of_row(untrained(key))
    assert own.parameters == model.parameters


def test_hooks_are_gone_afterwards() -> None:
    model = tiny.tiny_model("davit")
    diagram.diagram(model.module, model.adapter, model.config.size)
    assert not any(part._forward_pre_hooks for part in model.module.modules())


def test_a_depth_of_ones_own() -> None:
    with torch.device("meta"):
        module = ConvMixer(dim=24, depth=17, kernel_size=3, patch_size=4, num_classes=9)
    found = diagram.diagram(module, adapters()["convmixer"], 32)
    assert found.runs() == (Run(first=0, period=1, count=17),)
    assert (found.classes, found.grid.rows, found.blocks[3].site.kernel) == (9, 8, 3)
    assert found.parameters == sum(p.numel() for p in module.parameters())
    assert found.multiply_adds == loading.count_multiply_adds(module, 32)


def test_a_new_family_is_drawn_from_its_adapter_alone() -> None:
    """The gMLP of the documents: what its file says is all that is known of it."""
    section = PAGE.read_text(encoding="utf-8").split("## Add your own family")[1]
    written = re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL)[0]
    gmlp: Any = ModuleType("vislib.architectures.gmlp")
    exec(compile(written, "extending.md", "exec"), gmlp.__dict__)
    with torch.device("meta"):
        module = MlpMixer(
            num_classes=7,
            img_size=28,
            patch_size=4,
            num_blocks=3,
            embed_dim=20,
            mlp_ratio=4.0,
            block_layer=SpatialGatingBlock,
            mlp_layer=GatedMlp,
        )
    found = diagram.diagram(module, gmlp.ADAPTER, 28)
    kinds = [step.kind for step in found.blocks[0].steps]
    assert kinds == ["channel_mixing", "token_mixing", "channel_mixing"]
    assert found.blocks[0].steps[1].layers[0].shape == (49, 49)
    assert found.runs() == (Run(first=0, period=1, count=3),)
    assert found.multiply_adds == loading.count_multiply_adds(module, 28)
    assert found.parameters == sum(p.numel() for p in module.parameters())


def test_an_unknown_model_is_said() -> None:
    with pytest.raises(ModelError, match="no model"):
        diagram.of_row("mixer_of_mine")
