"""How often a trained model is right, measured on pictures that training never saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vislib import registry
from vislib.models import loading
from vislib.schema import ModelError, ModelSpec, WeightsError
from vislib.training import card as cards
from vislib.training.augment import normalise, rearrange
from vislib.training.data import PackedPictures
from vislib.weights import files

BATCH = {"cpu": 50}
"""Device -> pictures a forward pass; more do not fit into a processor's caches. Fixed, so that a
number can be had again to the last picture."""
LARGE_BATCH = 250
"""The same of other devices."""


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Accuracy over a set of pictures.

    Attributes:
        top1: Share of pictures whose class is the first answer, 0 to 1.
        top5: Share whose class is among the first five answers (all, where there are fewer).
        pictures: How many pictures were measured.
    """

    top1: float
    top5: float
    pictures: int


@torch.inference_mode()
def measure(
    model: nn.Module,
    pictures: PackedPictures,
    device: torch.device,
    places: Sequence[int] = (),
) -> Scores:
    """Top-1 and top-5 accuracy in evaluation mode, without augmentation.

    Args:
        model: On ``device``; its head's classes in the order of ``pictures.classes``.
        pictures: Axes as in PackedPictures.
        device: Where the model lies.
        places: The order of pixels that it was trained on; see ``augment.rearrange``.

    Raises:
        ModelError: There is no picture, or the head has another number of classes.
    """
    if len(pictures) == 0:
        raise ModelError("error.training.nothing_to_measure")
    model.eval()
    config = loading.input_config(model)
    first = five = 0
    batch = BATCH.get(device.type, LARGE_BATCH)
    for start in range(0, len(pictures), batch):
        part = slice(start, start + batch)
        inputs = normalise(pictures.images[part].to(device), config.mean, config.std)
        answers: Tensor = model(rearrange(inputs, places))
        if answers.shape[1] != len(pictures.classes):
            raise ModelError(
                "error.training.class_count", known=answers.shape[1], classes=len(pictures.classes)
            )
        targets = pictures.targets[part].to(device)
        best = answers.topk(min(5, answers.shape[1]), dim=1).indices
        first += int((answers.argmax(1) == targets).sum())
        five += int((best == targets[:, None]).any(1).sum())
    return Scores(top1=first / len(pictures), top5=five / len(pictures), pictures=len(pictures))


def accuracy(
    model: nn.Module,
    pictures: PackedPictures,
    device: torch.device,
    places: Sequence[int] = (),
) -> float:
    """Top-1 accuracy, 0 to 1; see ``measure``."""
    return measure(model, pictures, device, places).top1


def load_trained(row: ModelSpec, folder: Path) -> tuple[nn.Module, dict[str, Any]]:
    """A bundled model as it is stored in ``folder``, on the CPU, and its card.

    The model is built as in the set that the card names. The head has as many classes as the card
    names, so that models that were trained on other data can be measured as well. Attention is
    computed unfused, as in the app.

    Raises:
        ModelError: The model is a published one: its classes are not those of a card.
        WeightsError: Weights or card are missing, damaged, or do not fit.
    """
    if row.weights != "bundled":
        raise ModelError("error.training.published_no_card", model=row.key)
    path = folder / f"{row.key}.safetensors"
    if not path.is_file():
        raise WeightsError(
            "error.training.no_weights", file=path.name, folder=folder, model=row.key
        )
    card = cards.read(folder, row.key)
    row = registry.in_set(row, registry.set_in_card(row.key, folder))
    module = loading.build(row, classes=len(card["classes"]))
    try:
        module.load_state_dict(files.read_state(path))
    except RuntimeError as error:
        raise WeightsError(
            "error.training.weights_and_card", file=path.name, model=row.key, reason=str(error)
        ) from error
    for part in module.modules():
        if hasattr(part, "fused_attn"):
            part.fused_attn = False  # type: ignore[assignment]
    return module.eval(), card
