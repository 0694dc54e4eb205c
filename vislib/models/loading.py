"""The models: how a row of the registry becomes a module that can be looked into."""

from __future__ import annotations

import functools
import importlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from PIL import Image
from safetensors import SafetensorError
from timm.data.config import resolve_data_config
from timm.data.imagenet_info import ImageNetInfo, infer_imagenet_subset
from timm.data.transforms_factory import create_transform
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from vislib.architectures import ArchitectureAdapter, Operable, adapters
from vislib.models import class_names
from vislib.models.devices import choose_device, use_exact_float32
from vislib.pictures import geometry
from vislib.registry import MINI_SIZE, MODEL_REGISTRY, base_key, is_untrained, spec
from vislib.schema import (
    Cut,
    DecodedImage,
    LabelledArray,
    MixingSite,
    ModelError,
    ModelSpec,
    TokenAxis,
    TokenGrid,
    ViewBox,
    WeightsError,
    freeze,
)
from vislib.weights import files

__all__ = [
    "MODEL_REGISTRY",
    "InputConfig",
    "LoadedModel",
    "ModelInput",
    "adapters",
    "build",
    "choose_device",
    "count_multiply_adds",
    "draw_head",
    "input_config",
    "load",
    "multiply_adds",
    "prepare",
    "spec",
]

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
MINI_CLASSES = 100

# timm draws from torch's global generator while it builds a module.
_construction = threading.Lock()


@dataclass(frozen=True, kw_only=True)
class InputConfig:
    """What a model expects, read off it: input side (model pixels), mean and std (0 to 1), crop."""

    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    crop: float
    interpolation: str


@dataclass(frozen=True, kw_only=True)
class LoadedModel:
    """A model in evaluation mode with unfused attention, shared by all visitors.

    Attributes:
        spec: Its registry row.
        module: timm's module.
        adapter: The map of its family.
        labels: One name a class.
        wordnet: One WordNet id a class ("n02123045"); empty where they are not known.
        config: What its input must be.
        device: Where it runs.
        untrained: Whether its weights are seeded random ones.
        lock: Held by whoever has hooks on the module.
        parameters: Number of parameters, counted.
    """

    spec: ModelSpec
    module: nn.Module
    adapter: ArchitectureAdapter
    labels: tuple[str, ...]
    config: InputConfig
    device: torch.device
    untrained: bool
    parameters: int
    wordnet: tuple[str, ...] = ()
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def grid(self) -> TokenGrid:
        """How the first tokens lie on the input."""
        return self.adapter.grid(self.module, self.config.size)

    @property
    def sites(self) -> tuple[MixingSite, ...]:
        """The blocks in the order in which they run."""
        return self.adapter.sites(self.module, self.config.size)

    @property
    def cuts(self) -> tuple[Cut, ...]:
        """What can be switched off in a private copy; empty where the adapter offers nothing."""
        return self.adapter.cuts(self.module) if isinstance(self.adapter, Operable) else ()

    @property
    def token_axes(self) -> tuple[TokenAxis, ...]:
        """The parameters' axes over tokens; empty where the weights cannot follow a shuffle."""
        return self.adapter.token_axes(self.module) if isinstance(self.adapter, Operable) else ()

    def weights(self, group: str) -> dict[str, LabelledArray]:
        """The parameters of a group ("stem" or "stage{i}.block{j}") as they are."""
        return self.adapter.weights(self.module, group)


@dataclass(frozen=True, kw_only=True)
class ModelInput:
    """A picture as a model gets it.

    Attributes:
        tensor: float32, axes (1, rgb, row, column), normalised, on the model's device.
        image_sha256: Digest of the uploaded bytes.
        view_box: The part of the upright picture that the model sees.
    """

    tensor: Tensor
    image_sha256: str
    view_box: ViewBox


def build(row: ModelSpec, *, classes: int | None = None) -> nn.Module:
    """Construct a row's module with fresh random weights (torch's global generator).

    Args:
        row: A registry row.
        classes: Classes of the head of a bundled row; published rows keep their own.
    """
    if row.weights == "timm":
        published: nn.Module = timm.create_model(row.key, pretrained=False)
        return published
    arguments: dict[str, Any] = dict(row.build)
    constructor = _class_named(arguments.pop("class"))
    if "block" in arguments:  # a ResNet is told of what it is made
        arguments["block"] = _class_named(arguments["block"])
    count, pooled = classes or MINI_CLASSES, arguments.pop("stem_pool", True)
    module: nn.Module = constructor(num_classes=count, **arguments)
    if not pooled:  # timm has no such option; a pool of one cell hands on what it is given
        module.maxpool = nn.MaxPool2d(kernel_size=1, stride=1)
    module.pretrained_cfg = {  # type: ignore[assignment]  # where timm keeps it
        "input_size": (3, MINI_SIZE, MINI_SIZE),
        "mean": IMAGENET_MEAN,
        "std": IMAGENET_STD,
        "crop_pct": 1.0,
        "crop_mode": "center",
        "interpolation": "bicubic",
        "num_classes": count,
    }
    return module


def _class_named(path: str) -> Any:
    """The class of a dotted path, such as "timm.models.resnet.ResNet"."""
    module_name, class_name = path.rsplit(".", 1)
    return getattr(importlib.import_module(module_name), class_name)


def input_config(module: nn.Module) -> InputConfig:
    """Read what the model expects off the configuration that timm keeps on it."""
    cfg: Any = resolve_data_config(model=module)  # type: ignore[no-untyped-call]
    return InputConfig(
        size=int(cfg["input_size"][-1]),
        mean=tuple(cfg["mean"]),
        std=tuple(cfg["std"]),
        crop=float(cfg["crop_pct"]),
        interpolation=str(cfg["interpolation"]),
    )


def load(
    key: str, *, untrained: bool = False, seed: int = 0, device: torch.device | None = None
) -> LoadedModel:
    """Load a model, ready to be looked into.

    Args:
        key: Registry key, also with the variant "@untrained".
        untrained: Seeded random weights instead of the trained ones. The head is drawn anew
            (std 0.02), because timm starts some heads at zero and every logit would be 0; batch
            norms take their statistics from seeded noise, for without any the network forgets
            the picture on the way.
        seed: Of the random weights.
        device: Where it runs; the machine's best if None.

    Raises:
        ModelError: No such model, no adapter for it, or MIXSCOPE_DEVICE names no device here.
        WeightsError: The weights are missing, damaged or do not fit.
    """
    row, untrained = spec(base_key(key)), untrained or is_untrained(key)
    place = device or choose_device()  # a bad MIXSCOPE_DEVICE is said before any work
    with _construction:
        module = _construct(row, untrained=untrained, seed=seed)
    _check_finite(row.key, module)
    adapter = adapters().get(row.family)
    if adapter is None or not adapter.accepts(module):
        raise ModelError("error.model.no_adapter", model=key, family=row.family)
    use_exact_float32()
    for part in module.modules():
        if hasattr(part, "fused_attn"):  # fused attention computes no pattern that could be shown
            part.fused_attn = False  # type: ignore[assignment]
    module = module.eval().requires_grad_(False).to(place)
    wordnet, labels = _classes(row, module)
    return LoadedModel(
        spec=spec(key),
        module=module,
        adapter=adapter,
        labels=labels,
        wordnet=wordnet,
        config=input_config(module),
        device=place,
        untrained=untrained,
        parameters=sum(p.numel() for p in module.parameters()),
    )


def _check_finite(key: str, module: nn.Module) -> None:
    """Refuse weights that are no numbers: what they compute is none either."""
    for name, values in module.state_dict().items():
        if values.is_floating_point() and not bool(torch.isfinite(values).all()):
            raise WeightsError("error.weights.not_finite", model=key, tensor=name)


def _construct(row: ModelSpec, *, untrained: bool, seed: int) -> nn.Module:
    """The module with its weights; torch's global generator is left as it was."""
    path = None if untrained else files.require(row)
    with torch.random.fork_rng(devices=[]):  # the CPU's generator, where models are built
        torch.default_generator.manual_seed(seed)
        if path is not None and row.weights == "timm":
            return _published(row, path)
        module = build(row)
        if path is None:
            draw_head(module)
            settle_norms(module)
            return module
    try:
        module.load_state_dict(files.read_state(path))
    except RuntimeError as error:
        raise WeightsError(
            "error.weights.do_not_fit", file=path.name, model=row.key, reason=str(error)
        ) from error
    return module


def _published(row: ModelSpec, path: Path) -> nn.Module:
    """A published row's module with the weights of a file, through timm."""
    try:
        module: nn.Module = timm.create_model(
            row.key, pretrained=True, pretrained_cfg_overlay={"file": str(path)}
        )
    except (SafetensorError, OSError, RuntimeError) as error:
        raise WeightsError(
            "error.weights.do_not_load",
            model=row.key,
            kind=type(error).__name__,
            command=files.how_to_pull(row),
        ) from error
    return module


def draw_head(module: nn.Module) -> None:
    """Draw the classifier's matrix anew (normal, std 0.02) from torch's global generator."""
    classifier: Any = module.get_classifier()  # type: ignore[operator]
    nn.init.normal_(classifier.weight, std=0.02)


def settle_norms(module: nn.Module) -> None:
    """Give batch norms the statistics of two pictures of noise (torch's global generator).

    The noise has coarse and fine parts, as pictures have. Models without batch norm stay as they
    are. The module ends in evaluation mode.
    """
    norms = [part for part in module.modules() if isinstance(part, nn.BatchNorm2d)]
    if not norms:
        return
    size = input_config(module).size
    coarse = nn.functional.interpolate(torch.randn(2, 3, 7, 7), size=size, mode="bilinear")
    pictures = coarse + 0.5 * torch.randn(2, 3, size, size)
    kept = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = 1.0  # these two pictures alone, not a running mean with the start value
    module.train()
    with torch.no_grad():
        module(pictures)
    module.eval()
    for norm, momentum in zip(norms, kept, strict=True):
        norm.momentum = momentum


def _classes(row: ModelSpec, module: nn.Module) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """WordNet ids and names of the classes: from the card, or timm's lists of ImageNet's.

    Where neither fits the module there are no ids, and the names are numbers.
    """
    count = int(module.num_classes)  # type: ignore[arg-type]
    classes: list[tuple[str, str, str]] = []
    if row.weights == "bundled":
        try:
            classes = [(key, name, "") for key, name in files.read_card(row.key)["classes"]]
        except (WeightsError, KeyError, ValueError):
            pass  # an untrained model needs no whole card
    elif subset := infer_imagenet_subset(module):
        classes = list(_imagenet(ImageNetInfo(subset), count))
    if len(classes) != count:
        return (), tuple(f"class {index + 1}" for index in range(count))
    return tuple(key for key, _, _ in classes), class_names.told_apart(classes)


def _imagenet(info: ImageNetInfo, count: int) -> Iterator[tuple[str, str, str]]:
    """WordNet's key, name and meaning of each class."""
    for index in range(count):
        name = info.index_to_description(index)
        meaning = info.index_to_description(index, detailed=True).removeprefix(f"{name}: ")
        yield info.index_to_label_name(index), name, meaning


def prepare(model: LoadedModel, picture: DecodedImage) -> ModelInput:
    """Resize, crop and normalise a picture as the model's own transform does.

    Args:
        model: The loaded model: its own input size, crop, interpolation, mean and std count.
        picture: From ``images.decode``.

    Exactness:
        Equal to timm's transform for the model (test_models.py); the view box is where the crop
        lies in pixels of the upright picture.
    """
    transform: Any = _transform(model.config)
    tensor: Tensor = transform(Image.fromarray(picture.pixels))
    box = geometry.view_box(
        picture.width, picture.height, size=model.config.size, crop=model.config.crop
    )
    return ModelInput(
        tensor=tensor.unsqueeze(0).to(model.device, next(model.module.parameters()).dtype),
        image_sha256=picture.sha256,
        view_box=box,
    )


def input_pixels(prepared: ModelInput) -> np.ndarray:
    """What a model gets, as an array: float32, axes (row, column, rgb), normalised, read-only.

    Args:
        prepared: From ``prepare``.
    """
    return freeze(prepared.tensor[0].float().cpu().numpy().transpose(1, 2, 0).copy())


@functools.lru_cache(maxsize=32)
def _transform(config: InputConfig) -> Any:
    """The evaluation transform of timm (torchvision's Resize, CenterCrop, ToTensor, Normalize)."""
    return create_transform(
        input_size=(3, config.size, config.size),
        is_training=False,
        interpolation=config.interpolation,
        mean=config.mean,
        std=config.std,
        crop_pct=config.crop,
        crop_mode="center",
    )


def multiply_adds(model: LoadedModel) -> int:
    """Multiply-adds of one forward pass at the model's input size, as the papers count FLOPs."""
    with model.lock:
        return count_multiply_adds(model.module, model.config.size)


def count_multiply_adds(module: nn.Module, size: int) -> int:
    """Multiply-adds of one forward pass over one picture of ``size`` model pixels a side.

    torch's counter counts a multiplication and an addition as two; elementwise work is left out.
    The module is put into evaluation mode.
    """
    return int(_count(module, size).get_total_flops()) // 2


def multiply_adds_by_module(module: nn.Module, size: int) -> dict[str, int]:
    """The same for each module that does any: path ("" for the whole) -> with all that is in it."""
    root = type(module).__name__
    return {
        name.removeprefix(root).removeprefix("."): sum(by_operation.values()) // 2
        for name, by_operation in _count(module, size).get_flop_counts().items()
        if name != "Global"
    }


def _count(module: nn.Module, size: int) -> FlopCounterMode:
    """The counter after one forward pass over zeros."""
    fused: list[Any] = [part for part in module.modules() if getattr(part, "fused_attn", False)]
    for part in fused:  # the counter does not know every fused kernel
        part.fused_attn = False
    first = next(module.parameters())
    module.eval()
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        module(torch.zeros(1, 3, size, size, device=first.device, dtype=first.dtype))
    for part in fused:
        part.fused_attn = True
    found: FlopCounterMode = counter
    return found
