"""The registry: one row a model.

It imports nothing heavy, so that a page can name its models at once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from vislib.schema import ModelError, ModelSpec
from vislib.texts import joined

VARIANT = "@"
"""Between a registry key and a variant of its weights."""
UNTRAINED, EPOCH = "untrained", "epoch"

MINI_SIZE = 64
"""Side of the bundled models' input, in model pixels."""

APACHE, BSD = "Apache-2.0", "BSD-3-Clause"


MINI_SETS: Mapping[int, Mapping[str, Mapping[str, Any]]] = {
    # 8 x 8 tokens: what a processor trains in hours, by version 1 of the recipe
    1: {
        "mixer_mini": {
            "class": "timm.models.mlp_mixer.MlpMixer",
            "img_size": MINI_SIZE,
            "patch_size": 8,
            "num_blocks": 6,
            "embed_dim": 128,
            "mlp_ratio": (0.75, 3.0),
        },
        "convmixer_mini": {
            "class": "timm.models.convmixer.ConvMixer",
            "dim": 256,
            "depth": 8,
            "kernel_size": 5,
            "patch_size": 8,
        },
        "davit_mini": {
            "class": "timm.models.davit.DaVit",
            "depths": (1, 1, 2),
            "embed_dims": (32, 64, 128),
            "num_heads": (2, 4, 8),
            "window_size": 4,
        },
        "vit_mini": {
            "class": "timm.models.vision_transformer.VisionTransformer",
            "img_size": MINI_SIZE,
            "patch_size": 8,
            "embed_dim": 128,
            "depth": 4,
            "num_heads": 4,
        },
        "resnet_mini": {
            "class": "timm.models.resnet.ResNet",
            "block": "timm.models.resnet.Bottleneck",
            "layers": (1, 2, 2, 2),
            "channels": (24, 48, 72, 96),
            "stem_width": 32,
        },
    },
    # 16 x 16 tokens, 1.04 to 1.28 million parameters: for a GPU, by version 2 of the recipe; on a
    # processor by version 3, which is why they are no larger than they must be
    2: {
        "mixer_mini": {
            "class": "timm.models.mlp_mixer.MlpMixer",
            "img_size": MINI_SIZE,
            "patch_size": 4,
            "num_blocks": 7,
            "embed_dim": 128,
            "mlp_ratio": (0.5, 4.0),  # as in the paper
        },
        "convmixer_mini": {
            "class": "timm.models.convmixer.ConvMixer",
            "dim": 256,
            "depth": 14,
            "kernel_size": 5,
            "patch_size": 4,
        },
        "davit_mini": {  # maps of 16, 8 and 4 cells a side; 32 channels a head, as in the paper
            "class": "timm.models.davit.DaVit",
            "depths": (3, 2, 1),
            "embed_dims": (64, 96, 128),
            "num_heads": (2, 3, 4),
            "window_size": 4,
        },
        "vit_mini": {  # 64 channels a head, as in the paper
            "class": "timm.models.vision_transformer.VisionTransformer",
            "img_size": MINI_SIZE,
            "patch_size": 4,
            "embed_dim": 128,
            "depth": 5,
            "num_heads": 2,
        },
        "resnet_mini": {  # maps of 32, 16, 8 and 4 cells a side: small pictures are not pooled
            "class": "timm.models.resnet.ResNet",
            "block": "timm.models.resnet.Bottleneck",
            "layers": (3, 4, 3, 1),
            "channels": (32, 64, 96, 96),
            "stem_pool": False,
        },
    },
}
"""Set -> registry key -> what a bundled model is built of; a set is trained by one recipe."""

_CARDS = Path(__file__).resolve().parent.parent / "assets" / "weights"


def set_in_card(key: str, folder: Path = _CARDS) -> int:
    """The set that the card of a bundled model names ("set"; the first cards name none: 1).

    Args:
        key: Registry key.
        folder: Holds ``<key>.json``. Where that is missing or damaged the answer is 1 as well:
            whoever loads the weights says what is wrong with them.
    """
    try:
        number = json.loads((folder / f"{key}.json").read_text(encoding="utf-8")).get("set", 1)
    except (OSError, ValueError, AttributeError):
        return 1
    return number if isinstance(number, int) and number in MINI_SETS else 1


def _bundled(key: str) -> Mapping[str, Any]:
    """The build of the weights that come with the project."""
    return MINI_SETS[set_in_card(key)][key]


def _published(
    key: str,
    family: str,
    title: str,
    licence: str,
    paper: str,
    parameters: float | None = None,
    multiply_adds: float | None = None,
) -> ModelSpec:
    """A row whose weights timm knows where to get (test_models.py compares licence and name)."""
    return ModelSpec(
        key=key,
        family=family,
        title=title,
        weights="timm",
        licence=licence,
        paper=paper,
        paper_parameters=parameters,
        paper_multiply_adds=multiply_adds,
    )


_ROWS = (
    ModelSpec(
        key="mixer_mini",
        family="mixer",
        title="Mixer mini",
        weights="bundled",
        licence="MIT",
        paper="2105.01601",
        build=_bundled("mixer_mini"),
    ),
    ModelSpec(
        key="convmixer_mini",
        family="convmixer",
        title="ConvMixer mini",
        weights="bundled",
        licence="MIT",
        paper="2201.09792",
        build=_bundled("convmixer_mini"),
    ),
    ModelSpec(
        key="davit_mini",
        family="davit",
        title="DaViT mini",
        weights="bundled",
        licence="MIT",
        paper="2204.03645",
        build=_bundled("davit_mini"),
    ),
    ModelSpec(
        key="vit_mini",
        family="vit",
        title="ViT mini",
        weights="bundled",
        licence="MIT",
        paper="2010.11929",
        build=_bundled("vit_mini"),
    ),
    ModelSpec(
        key="resnet_mini",
        family="resnet",
        title="ResNet mini",
        weights="bundled",
        licence="MIT",
        paper="1512.03385",
        build=_bundled("resnet_mini"),
    ),
    # MLP-Mixer: parameters as in the paper's Table 1
    _published("mixer_b16_224.goog_in21k_ft_in1k", "mixer", "Mixer-B/16", APACHE, "2105.01601", 59),
    _published(
        "mixer_b16_224.miil_in21k_ft_in1k", "mixer", "Mixer-B/16 (miil)", APACHE, "2104.10972", 59
    ),
    _published("mixer_b16_224.goog_in21k", "mixer", "Mixer-B/16 (21k)", APACHE, "2105.01601"),
    _published(
        "mixer_l16_224.goog_in21k_ft_in1k", "mixer", "Mixer-L/16", APACHE, "2105.01601", 207
    ),
    # ConvMixer: the paper's Table 1, and its README for 1024/20
    _published("convmixer_768_32.in1k", "convmixer", "ConvMixer-768/32", "MIT", "2201.09792", 21.1),
    _published(
        "convmixer_1024_20_ks9_p14.in1k",
        "convmixer",
        "ConvMixer-1024/20",
        "MIT",
        "2201.09792",
        24.4,
    ),
    _published(
        "convmixer_1536_20.in1k", "convmixer", "ConvMixer-1536/20", "MIT", "2201.09792", 51.6
    ),
    # DaViT and those that its Table 1 gives beside it
    _published("davit_tiny.msft_in1k", "davit", "DaViT-Tiny", APACHE, "2204.03645", 28.3, 4.5),
    _published("davit_small.msft_in1k", "davit", "DaViT-Small", APACHE, "2204.03645", 49.7, 8.8),
    _published("davit_base.msft_in1k", "davit", "DaViT-Base", APACHE, "2204.03645", 87.9, 15.5),
    _published("vit_base_patch16_224.augreg_in1k", "vit", "ViT-B/16", APACHE, "2106.10270"),
    _published(
        "vit_base_patch16_224.augreg2_in21k_ft_in1k", "vit", "ViT-B/16 (21k)", APACHE, "2106.10270"
    ),
    _published(
        "deit_small_patch16_224.fb_in1k", "vit", "DeiT-S/16", APACHE, "2012.12877", 22.1, 4.5
    ),
    _published(
        "deit_base_patch16_224.fb_in1k", "vit", "DeiT-B/16", APACHE, "2012.12877", 86.7, 17.4
    ),
    _published("resmlp_24_224.fb_in1k", "resmlp", "ResMLP-S24", APACHE, "2105.03404"),
    _published("resmlp_big_24_224.fb_in1k", "resmlp", "ResMLP-B24/8", APACHE, "2105.03404"),
    _published(
        "swin_tiny_patch4_window7_224.ms_in1k", "swin", "Swin-T", "MIT", "2103.14030", 28.3, 4.5
    ),
    _published("resnetv2_50x1_bit.goog_in21k_ft_in1k", "resnet", "BiT-R50x1", APACHE, "1912.11370"),
    _published("resnet50.tv_in1k", "resnet", "ResNet-50", BSD, "1512.03385", 25.0, 4.1),
    _published("resnet152.tv_in1k", "resnet", "ResNet-152", BSD, "1512.03385", 60.0, 11.0),
)

MODEL_REGISTRY: dict[str, ModelSpec] = {row.key: row for row in _ROWS}
"""Key -> row."""


def spec(key: str) -> ModelSpec:
    """The registry row of ``key``, which may name a variant ("mixer_mini@untrained").

    Raises:
        ModelError: No such model or variant; the message names those that are there.
    """
    base, _, variant = key.partition(VARIANT)
    if base not in MODEL_REGISTRY:
        raise ModelError("error.model.none", model=base, known=list(MODEL_REGISTRY)) from None
    row = MODEL_REGISTRY[base]
    if not variant:
        return row
    return replace(row, key=key, title=f"{row.title} ({_in_words(variant)})", variant=variant)


def in_set(row: ModelSpec, number: int) -> ModelSpec:
    """A bundled row as it is in a set; a row that is in no set stays as it is.

    Raises:
        ModelError: There is no such set.
    """
    if number not in MINI_SETS:
        raise ModelError(
            "error.model.no_set",
            number=number,
            known=joined("error.text.and", MINI_SETS),
        )
    build = MINI_SETS[number].get(base_key(row.key))
    return row if build is None else replace(row, build=build)


def set_of(row: ModelSpec) -> int:
    """The set that a row is built as; 1 where it is in none."""
    key = base_key(row.key)
    return next((n for n, builds in MINI_SETS.items() if builds.get(key) == row.build), 1)


def untrained(key: str) -> str:
    """The key of the same architecture with seeded random weights."""
    return f"{base_key(key)}{VARIANT}{UNTRAINED}"


def after_epoch(key: str, epoch: int) -> str:
    """The key of the same model after an epoch of its training: its weights are in the film."""
    return f"{base_key(key)}{VARIANT}{EPOCH}{epoch}"


def base_key(key: str) -> str:
    """The registry key without a variant."""
    return key.partition(VARIANT)[0]


def epoch_of(key: str) -> int | None:
    """The epoch that a key names, None where it names none."""
    variant = key.partition(VARIANT)[2]
    number = variant.removeprefix(EPOCH)
    return int(number) if variant.startswith(EPOCH) and number.isdigit() else None


def variant_in(name: str) -> str:
    """The words of the variant that a tensor's or a file's name carries, empty without one."""
    found = re.search(rf"{VARIANT}({UNTRAINED}|{EPOCH}\d+)", name)
    return _in_words(found[1]) if found else ""


def is_untrained(key: str) -> bool:
    """Whether a key names the untrained variant."""
    return key.partition(VARIANT)[2] == UNTRAINED


def _in_words(variant: str) -> str:
    """What a title says of a variant."""
    if variant == UNTRAINED:
        return "untrained"
    epoch = epoch_of(VARIANT + variant)
    if epoch is None:
        raise ModelError(
            "error.model.no_variant", variant=variant, untrained=UNTRAINED, epoch=EPOCH
        )
    return f"after epoch {epoch}"
