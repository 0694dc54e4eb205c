"""ImageFolder directories -> arrays that fit into memory, with the errors a person can act on."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from vislib.schema import MixScopeError

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif"}
READERS = 2
"""Threads that decode; more wait for one another, since small pictures are mostly Python's work."""


class DataError(MixScopeError):
    """The folder is no ImageFolder, or its pictures cannot be used."""


@dataclass(frozen=True, kw_only=True)
class PackedPictures:
    """A data set as two tensors.

    Attributes:
        images: uint8, axes (picture, rgb, row, column).
        targets: int64, axes (picture,).
        classes: Folder names (WordNet ids), sorted; the index is the class.
    """

    images: Tensor
    targets: Tensor
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return int(self.targets.shape[0])

    def take(self, index: Tensor) -> PackedPictures:
        """The pictures at ``index``."""
        return PackedPictures(
            images=self.images[index], targets=self.targets[index], classes=self.classes
        )

    def to(self, device: torch.device) -> PackedPictures:
        """A copy on ``device``."""
        return PackedPictures(
            images=self.images.to(device), targets=self.targets.to(device), classes=self.classes
        )


def split_folder(data: Path, split: str) -> Path:
    """The folder of one part ("train", "val") of a data set.

    Raises:
        DataError: It is not there.
    """
    folder = data / split
    if not folder.is_dir():
        raise DataError("error.training.no_split", folder=data, split=split)
    return folder


def load_folder(
    folder: Path,
    *,
    size: int,
    classes: Sequence[str] | None = None,
    only: Sequence[str] | None = None,
) -> PackedPictures:
    """Read an ImageFolder tree ``folder/<class>/<picture>`` into memory.

    Args:
        folder: One sub-folder a class.
        size: Side in pixels that every picture is resized to when it has another size.
        classes: Required class folders (of the model); None takes those that are there.
        only: Read these class folders alone, a part of those that are there; None reads all.

    Raises:
        DataError: No such folder, no classes, an empty class, other classes than the model's,
            or pictures that do not decode (the first ten are named).
    """
    found = class_folders(folder, classes)
    if only is not None:
        absent = sorted(set(only) - set(found))
        if absent:
            raise DataError("error.training.no_class", folder=folder, classes=absent[:5])
        found = tuple(only)
    paths: list[Path] = []
    targets: list[int] = []
    for index, name in enumerate(found):
        here = [p for p in sorted((folder / name).iterdir()) if p.suffix.lower() in SUFFIXES]
        if not here:
            raise DataError(
                "error.training.no_picture", folder=folder / name, suffixes=sorted(SUFFIXES)
            )
        paths += here
        targets += [index] * len(here)
    pixels = np.empty((len(paths), 3, size, size), np.uint8)

    def read(place: int) -> bool:
        picture = _decode(paths[place], size)
        if picture is not None:
            pixels[place] = picture.transpose(2, 0, 1)
        return picture is not None

    with ThreadPoolExecutor(READERS) as pool:
        decoded = list(pool.map(read, range(len(paths))))
    bad = [str(path) for path, good in zip(paths, decoded, strict=True) if not good]
    if bad:
        raise DataError(
            "error.training.undecodable", count=len(bad), total=len(paths), paths=bad[:10]
        )
    return PackedPictures(
        images=torch.from_numpy(pixels), targets=torch.tensor(targets), classes=found
    )


def class_folders(folder: Path, classes: Sequence[str] | None = None) -> tuple[str, ...]:
    """The names of the class folders, sorted, after checking them.

    Raises:
        DataError: As ``load_folder``.
    """
    if not folder.is_dir():
        raise DataError("error.training.no_folder", folder=folder)
    found = tuple(sorted(entry.name for entry in folder.iterdir() if entry.is_dir()))
    if len(found) < 2:
        raise DataError("error.training.few_classes", folder=folder, count=len(found))
    if classes is not None and tuple(classes) != found:
        raise _other_classes(folder, found, tuple(classes))
    return found


def _other_classes(folder: Path, found: tuple[str, ...], wanted: tuple[str, ...]) -> DataError:
    """What differs between the classes that came and those of the model."""
    odd = sorted(set(found) ^ set(wanted))
    if not odd:
        return DataError(
            "error.training.class_order", folder=folder, count=len(found), known=len(wanted)
        )
    return DataError(
        "error.training.other_classes",
        folder=folder,
        count=len(found),
        known=len(wanted),
        classes=[*odd[:5], "..."] if len(odd) > 5 else odd,
    )


def _decode(path: Path, size: int) -> np.ndarray | None:
    """One picture as uint8 (row, column, rgb), upright, or None when it does not decode.

    What is not square is cut to its middle, as the models' own transform does.
    """
    try:
        with Image.open(path) as image:
            picture = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    if picture.size != (size, size):
        picture = ImageOps.fit(picture, (size, size), Image.Resampling.BICUBIC)
    return np.asarray(picture)


def split_held_out(
    pictures: PackedPictures, per_class: int
) -> tuple[PackedPictures, PackedPictures]:
    """Split off the last ``per_class`` pictures of each class (never the validation folder).

    Small folders give at most a fifth of each class.

    Raises:
        DataError: No class has five pictures, so that none could be held out.
    """
    keep: list[Tensor] = []
    hold: list[Tensor] = []
    for index in range(len(pictures.classes)):
        here = torch.nonzero(pictures.targets == index).flatten()
        count = min(per_class, len(here) // 5)
        keep.append(here[: len(here) - count])
        hold.append(here[len(here) - count :])
    if sum(len(part) for part in hold) == 0:
        raise DataError(
            "error.training.few_pictures", pictures=len(pictures), classes=len(pictures.classes)
        )
    return pictures.take(torch.cat(keep)), pictures.take(torch.cat(hold))


def read_class_names(path: Path) -> dict[str, str]:
    """Read a CSV of WordNet ids and names (a header row, then ``wnid,name``).

    Raises:
        DataError: The file is not there, is no text, or has no two columns.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            rows = list(csv.reader(stream))[1:]
    except OSError as error:
        raise DataError(
            "error.training.names_unreadable", path=path, reason=error.strerror
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError("error.training.names_no_csv", path=path) from error
    if not rows or any(len(row) < 2 for row in rows):
        raise DataError("error.training.names_columns", path=path)
    return {row[0]: row[1] for row in rows}


def name_classes(classes: Sequence[str], path: Path | None) -> tuple[tuple[str, str], ...]:
    """(folder name, name) of each class, in the same order; without a CSV, the folder's name twice.

    Raises:
        DataError: The CSV names not all of the classes.
    """
    if path is None:
        return tuple((name, name) for name in classes)
    names = read_class_names(path)
    missing = [name for name in classes if name not in names]
    if missing:
        raise DataError(
            "error.training.names_missing", path=path, count=len(names), missing=missing[:5]
        )
    return tuple((name, names[name]) for name in classes)
