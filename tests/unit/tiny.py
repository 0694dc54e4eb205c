"""Tiny models, one a family, with shapes that no registered model has, and pictures for them.

Every weight is drawn anew from a seed: biases and BatchNorm statistics are not trivial, patterns
are far from uniform, and the head is not zero, so that a wrong operand, axis or order shows.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from timm.models.convmixer import ConvMixer
from timm.models.davit import DaVit
from timm.models.mlp_mixer import Affine, MlpMixer, ResBlock
from timm.models.resnet import Bottleneck, ResNet
from timm.models.swin_transformer import SwinTransformer
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from vislib.architectures import ArchitectureAdapter, adapters
from vislib.models import loading
from vislib.models.loading import InputConfig, LoadedModel, ModelInput
from vislib.observe.capture import run_with_cache
from vislib.registry import MODEL_REGISTRY
from vislib.schema import (
    ActivationCache,
    DecodedImage,
    Derived,
    HookPoint,
    ModelSpec,
    ViewBox,
)

CLASSES = 7
FULL_SIZE = (
    "mixer_b16_224.goog_in21k_ft_in1k",
    "convmixer_768_32.in1k",
    "davit_tiny.msft_in1k",
    "resmlp_24_224.fb_in1k",
    "deit_small_patch16_224.fb_in1k",
    "swin_tiny_patch4_window7_224.ms_in1k",
    "resnet50.tv_in1k",
)
"""Registry keys of the published models that are checked at full size with random weights."""


def _mixer() -> nn.Module:
    """5 x 5 tokens of 6 x 6 model pixels, 24 hidden units in the token MLP."""
    return MlpMixer(
        num_classes=CLASSES,
        img_size=30,
        patch_size=6,
        num_blocks=2,
        embed_dim=16,
        mlp_ratio=(1.5, 2.0),
    )


def _convmixer() -> nn.Module:
    """5 x 5 tokens; ReLU in place, which overwrites what a hook has seen."""
    return ConvMixer(
        dim=12,
        depth=3,
        kernel_size=3,
        patch_size=6,
        num_classes=CLASSES,
        act_layer=partial(nn.ReLU, inplace=True),
    )


def _davit() -> nn.Module:
    """Grids of 7 x 7 and 4 x 4 tokens; windows of 3 x 3 divide neither."""
    return DaVit(
        depths=(1, 2), embed_dims=(16, 32), num_heads=(2, 4), window_size=3, num_classes=CLASSES
    )


def _resmlp() -> nn.Module:
    """7 x 7 tokens of 4 x 4 model pixels; layer scales that are neither small nor alike."""
    return MlpMixer(
        num_classes=CLASSES,
        img_size=28,
        patch_size=4,
        num_blocks=3,
        embed_dim=20,
        mlp_ratio=3.0,
        block_layer=ResBlock,
        norm_layer=Affine,
    )


def _vit() -> nn.Module:
    """5 x 5 tokens behind a class and two register tokens; q and k are normed."""
    return VisionTransformer(
        num_classes=CLASSES,
        img_size=30,
        patch_size=6,
        embed_dim=24,
        depth=3,
        num_heads=3,
        reg_tokens=2,
        qk_norm=True,
        init_values=0.5,
    )


def _swin() -> nn.Module:
    """Grids of 7 x 7 and 4 x 4 tokens; windows of 3 x 3 divide neither, and every second shifts."""
    return SwinTransformer(
        num_classes=CLASSES,
        img_size=28,
        patch_size=4,
        embed_dim=16,
        depths=(2, 2),
        num_heads=(2, 4),
        window_size=3,
    )


def _resnet() -> nn.Module:
    """25 x 25 places in the stem, then 13, 7, 4 and 2; 1 x 1 convolutions around each 3 x 3."""
    return ResNet(block=Bottleneck, layers=(1, 2, 1, 1), channels=(5, 6, 7, 8), num_classes=CLASSES)


def one_a_family() -> list[Any]:
    """The rows of the registry as parameters: one of each family, and the others as a long walk."""
    seen: set[str] = set()
    found = []
    for key, row in MODEL_REGISTRY.items():
        marks = [pytest.mark.walk(6)] if row.family in seen else []
        found.append(pytest.param(key, marks=marks))
        seen.add(row.family)
    return found


_FAMILIES: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "mixer": (_mixer, 30),
    "convmixer": (_convmixer, 30),
    "davit": (_davit, 28),
    "resmlp": (_resmlp, 28),
    "vit": (_vit, 30),
    "swin": (_swin, 28),
    "resnet": (_resnet, 50),
}
FAMILIES = tuple(_FAMILIES)


def tiny_model(family: str, *, seed: int = 0, dtype: torch.dtype = torch.float32) -> LoadedModel:
    """A fresh tiny model; the same seed gives the same weights in every dtype."""
    build, size = _FAMILIES[family]
    with torch.random.fork_rng(devices=[]):
        module = build()
    draw_weights(module, seed=seed)
    for part in module.modules():
        if hasattr(part, "fused_attn"):
            part.fused_attn = False
    module = module.eval().requires_grad_(False).to(dtype)
    return wrap(module, family, size=size)


@functools.cache
def untrained(key: str) -> LoadedModel:
    """A registered model with timm's own starting weights; shared, so to be left as it is."""
    return loading.load(key, untrained=True)


def wrap(module: nn.Module, family: str, *, size: int, **changes: Any) -> LoadedModel:
    """A module as a LoadedModel, with fields replaced as asked (an adapter, a lock)."""
    fields: dict[str, Any] = {
        "spec": ModelSpec(
            key=f"{family}_tiny",
            family=family,
            title=f"Tiny {family}",
            weights="bundled",
            licence="MIT",
            paper="",
        ),
        "module": module,
        "adapter": adapters()[family],
        "labels": tuple(f"class {index + 1}" for index in range(CLASSES)),
        "config": InputConfig(
            size=size, mean=(0.5,) * 3, std=(0.25,) * 3, crop=1.0, interpolation="bicubic"
        ),
        "device": torch.device("cpu"),
        "untrained": True,
        "parameters": sum(p.numel() for p in module.parameters()),
    }
    return LoadedModel(**(fields | changes))


def draw_weights(module: nn.Module, *, seed: int) -> None:
    """Draw every parameter and every BatchNorm statistic from a generator of its own."""
    generator = torch.Generator().manual_seed(seed)

    def normal(like: Tensor, mean: float, std: float) -> Tensor:
        return mean + std * torch.randn(like.shape, generator=generator)

    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if parameter.ndim > 1:
                fan_in = parameter[0].numel()
                parameter.copy_(normal(parameter, 0.0, 1.5 / math.sqrt(fan_in)))
            else:
                middle = 1.0 if "norm" in name and name.endswith("weight") else 0.0
                parameter.copy_(normal(parameter, middle, 0.2))
        for part in module.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.weight.copy_(normal(part.weight, 1.0, 0.2))
                part.running_mean.copy_(normal(part.running_mean, 0.0, 0.4))
                spread = torch.rand(part.running_var.shape, generator=generator)
                part.running_var.copy_(0.5 + 1.5 * spread)


def as_input(model: LoadedModel, tensor: Tensor) -> ModelInput:
    """A tensor, axes (1, rgb, row, column), as what ``models.prepare`` returns."""
    size = float(model.config.size)
    return ModelInput(
        tensor=tensor.to(next(model.module.parameters()).dtype),
        image_sha256=hashlib.sha256(tensor.numpy().tobytes()).hexdigest(),
        view_box=ViewBox(left=0.0, top=0.0, width=size, height=size),
    )


def noise(model: LoadedModel, *, seed: int = 0, batch: int = 1) -> ModelInput:
    """Seeded noise over a gradient, so that no two places of the input are alike."""
    size = model.config.size
    generator = torch.Generator().manual_seed(1000 + seed)
    ramp = torch.linspace(-1.0, 1.0, size)
    slope = ramp[:, None] - 0.5 * ramp[None, :]
    drawn = torch.randn(batch, 3, size, size, generator=generator)
    return as_input(model, (0.7 * drawn + slope).float())


@dataclasses.dataclass(frozen=True)
class Points:
    """An adapter that asks for exactly these hook points and rebuilds what the given one does."""

    points: tuple[HookPoint, ...]
    inner: ArchitectureAdapter | None = None

    def hook_points(self, model: nn.Module, group: str | None) -> Sequence[HookPoint]:
        """These, whatever the group."""
        return self.points

    def derive(self, model: nn.Module, tensors: Mapping[str, Tensor]) -> Mapping[str, Derived]:
        """What the inner adapter rebuilds, or nothing."""
        return self.inner.derive(model, tensors) if self.inner else {}


def widest_points(model: LoadedModel) -> tuple[HookPoint, ...]:
    """Everything; of ConvMixer at full size (hundreds of megabytes) all states and one block."""
    if model.spec.key != FULL_SIZE[1]:
        return tuple(model.adapter.hook_points(model.module, None))
    groups = ("stem", "tokens", "stage0.block3")
    points = [p for group in groups for p in model.adapter.hook_points(model.module, group)]
    return tuple({p.name: p for p in points}.values())


_runs: dict[int, tuple[LoadedModel, ModelInput, ActivationCache]] = {}


def shared_run(model: LoadedModel) -> tuple[ModelInput, ActivationCache]:
    """One run of ``noise(model)`` with ``widest_points``, kept for all tests of a shared model.

    The model is kept with it: the id of a model that is gone would be given to another one.
    """
    if id(model) not in _runs:
        inputs = noise(model)
        adapter: Any = Points(widest_points(model), model.adapter)
        run = run_with_cache(dataclasses.replace(model, adapter=adapter), inputs)
        _runs[id(model)] = (model, inputs, run)
    _, inputs, run = _runs[id(model)]
    return inputs, run


def picture(width: int, height: int, *, seed: int = 0) -> DecodedImage:
    """A decoded picture of smooth seeded colours."""
    random = np.random.default_rng(seed)
    rows = np.linspace(0.0, 1.0, height)[:, None, None]
    columns = np.linspace(0.0, 1.0, width)[None, :, None]
    waves = random.uniform(2.0, 9.0, size=(2, 1, 1, 3))
    field = np.sin(waves[0] * rows + random.uniform(0, 6, 3)) + np.cos(waves[1] * columns)
    pixels = np.clip(127.5 + 50.0 * field + random.normal(0, 12, (height, width, 3)), 0, 255)
    return decoded(pixels.astype(np.uint8))


def decoded(pixels: np.ndarray) -> DecodedImage:
    """uint8 pixels, axes (row, column, rgb), as what ``images.decode`` returns."""
    digest = hashlib.sha256(pixels.tobytes() + str(pixels.shape).encode()).hexdigest()
    return DecodedImage(pixels=pixels, sha256=digest, name="test picture", source_format="PNG")


def relative_error(got: np.ndarray, wanted: np.ndarray) -> float:
    """Largest difference over the largest size of what was wanted."""
    scale = float(np.abs(wanted).max())
    return float(np.abs(got.astype(np.float64) - wanted.astype(np.float64)).max()) / scale
