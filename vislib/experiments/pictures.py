"""The pictures of an experiment: some classes of a data set, and shares of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from vislib.training.data import (
    PackedPictures,
    class_folders,
    load_folder,
    split_folder,
    split_held_out,
)
from vislib.training.recipe import origin


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """Those to train on, those of the same folder that are watched, and those of ``val``."""

    train: PackedPictures
    held_out: PackedPictures
    val: PackedPictures


def read(data: Path, classes: tuple[str, ...], *, held_out: int, size: int) -> Pictures:
    """The pictures of some classes.

    Args:
        data: Holds ``train`` and ``val``.
        classes: Folders of both.
        held_out: Pictures per class kept from the training folder to watch progress.
        size: Side that the pictures get, in pixels.

    Raises:
        DataError: Folders are missing or pictures do not decode.
    """
    packed = load_folder(split_folder(data, "train"), size=size, only=classes)
    val = load_folder(split_folder(data, "val"), size=size, only=classes)
    kept, watched = split_held_out(packed, held_out)
    return Pictures(train=kept, held_out=watched, val=val)


def facts(
    data: Path, pictures: Pictures, *, source: str | None = None, terms: str | None = None
) -> dict[str, Any]:
    """What the JSON file says of the pictures.

    Args:
        data: The folder that they come from.
        pictures: From ``read``.
        source: Their origin; None takes what is known of the data set.
        terms: What they may be used for; None likewise.
    """
    name = data.resolve().name
    known = origin(name, len(class_folders(split_folder(data, "train"))))
    return {
        "name": name,
        "source": source or known.source,
        "terms": terms or known.terms,
        "size": int(pictures.train.images.shape[-1]),
        "classes": list(pictures.train.classes),
        "train_pictures": len(pictures.train),
        "held_out_pictures": len(pictures.held_out),
        "val_pictures": len(pictures.val),
    }


def share_of(pictures: PackedPictures, percent: int) -> PackedPictures:
    """The first pictures of each class: a smaller share lies within a larger one.

    Args:
        pictures: Of all classes.
        percent: Of each class, rounded, at least one picture.
    """
    if percent == 100:
        return pictures
    kept = []
    for index in range(len(pictures.classes)):
        here = torch.nonzero(pictures.targets == index).flatten()
        kept.append(here[: max(1, round(len(here) * percent / 100))])
    return pictures.take(torch.cat(kept))
