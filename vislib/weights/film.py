"""The film of a training: what the pages show of a bundled model's weights, epoch by epoch.

One safetensors file a model in assets/films: float16 tensors named "<epoch>/<array name>", and in
the header what each array is, and the curve of loss and accuracy. Written by
``vislib.training.filming``; read here without torch.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from vislib.schema import LabelledArray, WeightsError
from vislib.texts import Message

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "films"
LABELS = ("axes", "role", "unit", "signed", "source")
"""What the header says of each array."""


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """How a training stood after an epoch.

    Attributes:
        epoch: Passes over the training pictures, from 1.
        loss: Mean training loss of that epoch, in nats.
        held_out: Top-1 accuracy on training pictures that were held out, 0 to 1.
        size: Side of the pictures of that epoch, in model pixels; None in films that do not say.
        finish: Whether the pictures of that epoch came as they are, not cropped or resampled, after
            epochs in which they were.
    """

    epoch: int
    loss: float
    held_out: float
    size: int | None = None
    finish: bool = False


@dataclass(frozen=True, kw_only=True)
class Film:
    """A model's film.

    Attributes:
        key: Registry key of the model.
        epochs: Epochs that were kept, ascending; 0 is before training.
        curve: One point an epoch, in order.
        path: Where the frames lie.
        labels: Array name -> its axes, role, unit, signed and source.
    """

    key: str
    epochs: tuple[int, ...]
    curve: tuple[CurvePoint, ...]
    path: Path
    labels: Mapping[str, Mapping[str, Any]]

    @property
    def last(self) -> int:
        """The last epoch: the weights that the app uses."""
        return self.epochs[-1]

    def nearest(self, epoch: int) -> int:
        """The kept epoch that is nearest, the earlier of two."""
        return min(self.epochs, key=lambda kept: (abs(kept - epoch), kept))

    def require_curve(self) -> None:
        """Check that the curve has every epoch that was kept after training began.

        Raises:
            WeightsError: One of them is missing.
        """
        drawn = {point.epoch for point in self.curve}
        if not drawn.issuperset(epoch for epoch in self.epochs if epoch > 0):
            raise damaged(self.path, Message("error.film.curve"))

    def frame(self, epoch: int) -> dict[str, LabelledArray]:
        """The weights after an epoch: array name -> float32 array, as the adapter names them.

        Raises:
            WeightsError: That epoch was not kept, or the file is damaged or holds nan or inf.
        """
        if epoch not in self.epochs:
            raise WeightsError(
                "error.film.no_epoch", model=self.key, epoch=epoch, epochs=list(self.epochs)
            )
        try:
            with safe_open(self.path, framework="numpy") as stored:
                found = {name: stored.get_tensor(f"{epoch}/{name}") for name in self.labels}
        except (SafetensorError, OSError) as error:
            raise damaged(self.path, type(error).__name__) from error
        for name, values in found.items():
            if not np.isfinite(values).all():
                tensor = f"{epoch}/{name}"
                raise WeightsError("error.film.not_finite", file=self.path.name, tensor=tensor)
        return {
            name: LabelledArray(
                values=found[name].astype(np.float32),
                axes=tuple(label["axes"]),
                role=label["role"],
                unit=label["unit"],
                signed=label["signed"],
                provenance="parameter",
                source=f"{label['source']}, after epoch {epoch} of {self.last}",
            )
            for name, label in self.labels.items()
        }


def read(key: str, folder: Path = FOLDER) -> Film | None:
    """A model's film, or None where there is none.

    Args:
        key: Registry key.
        folder: Holds ``<key>.safetensors``.

    Raises:
        WeightsError: The file is damaged.
    """
    path = folder / f"{key}.safetensors"
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="numpy") as stored:
            header = json.loads(stored.metadata()["film"])
            names = set(stored.keys())
        curve = tuple(CurvePoint(**point) for point in header["curve"])
        epochs, labels = tuple(header["epochs"]), header["arrays"]
        wrong = _wrong(epochs, curve, labels, names)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise damaged(path, type(error).__name__) from error
    if wrong:
        raise damaged(path, wrong)
    return Film(key=key, epochs=epochs, curve=curve, path=path, labels=labels)


def as_stored(reel: Film, top1: float) -> Film:
    """The film whose curve ends where the shown weights stand.

    Training measured its last epoch in its own precision; the page shows the weights as stored.

    Args:
        reel: A film.
        top1: Top-1 accuracy on held-out pictures that the model's card states, 0 to 1.
    """
    curve = [
        replace(point, held_out=top1) if point.epoch == reel.last else point for point in reel.curve
    ]
    return replace(reel, curve=tuple(curve))


def damaged(path: Path, reason: str | Message) -> WeightsError:
    """A film that cannot be shown."""
    return WeightsError("error.film.damaged", file=path.name, reason=reason)


def _wrong(
    epochs: Sequence[int],
    curve: Sequence[CurvePoint],
    labels: Mapping[str, Mapping[str, Any]],
    names: Collection[str],
) -> Message | None:
    """What a header says that the file does not hold; None where it is whole."""
    if not epochs or list(epochs) != sorted(set(epochs)) or epochs[0] < 0:
        return Message("error.film.epochs")
    if not all(math.isfinite(point.loss) and 0 <= point.held_out <= 1 for point in curve):
        return Message("error.film.curve")
    if any(key not in label for label in labels.values() for key in LABELS):
        return Message("error.film.labels")
    absent = [f"{e}/{name}" for e in epochs for name in labels if f"{e}/{name}" not in names]
    return Message("error.film.no_tensor", tensor=absent[0]) if absent else None


def write(
    key: str,
    frames: Mapping[int, Mapping[str, LabelledArray]],
    curve: Sequence[CurvePoint],
    folder: Path = FOLDER,
) -> Path:
    """Write a film in one move.

    Args:
        key: Registry key.
        frames: Epoch -> the same arrays in each.
        curve: One point an epoch.
        folder: Where to.

    Raises:
        WeightsError: There is no frame, the frames differ in what they hold, or the file cannot be
            written.
    """
    if not frames:
        raise WeightsError("error.film.no_frame", model=key)
    epochs = sorted(frames)
    first = frames[epochs[0]]
    shapes = {name: array.values.shape for name, array in first.items()}
    for epoch in epochs:
        if {name: array.values.shape for name, array in frames[epoch].items()} != shapes:
            raise WeightsError("error.film.other_arrays", epoch=epoch, model=key)
    header = {
        "epochs": epochs,
        "curve": [vars(point) for point in curve],
        "arrays": {name: _label(array) for name, array in first.items()},
    }
    tensors = {
        f"{epoch}/{name}": np.ascontiguousarray(array.values, dtype=np.float16)
        for epoch in epochs
        for name, array in frames[epoch].items()
    }
    path = folder / f"{key}.safetensors"
    part = path.with_suffix(".part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        save_file(tensors, part, metadata={"film": json.dumps(header)})
        part.chmod(0o644)  # safetensors makes a file that only its owner can read
        part.replace(path)
    except (OSError, SafetensorError) as error:
        part.unlink(missing_ok=True)
        raise WeightsError("error.film.unwritable", path=path, reason=str(error)) from error
    return path


def _label(array: LabelledArray) -> dict[str, Any]:
    """What an array is, for the header."""
    return {
        "axes": list(array.axes),
        "role": array.role,
        "unit": array.unit,
        "signed": array.signed,
        "source": array.source,
    }
