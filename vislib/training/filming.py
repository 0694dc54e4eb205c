"""Keeping the film of a training while it runs: a few frames of what the pages show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from vislib.models import loading
from vislib.schema import LabelledArray, ModelSpec, WeightsError
from vislib.weights import film
from vislib.weights.film import CurvePoint, Film

EPOCHS = (0, 1, 2, 5, 10, 20, 50)
"""After which passes a frame is kept; the last pass is always kept."""
FIRST_BLOCKS = 3
"""Blocks whose token MLP is kept, as in the paper's Figure 5."""
ATTENTION_STAGE = 1
"""Stage whose attention projections are kept, where there are stages."""


def is_kept(epoch: int, last: int) -> bool:
    """Whether the weights after ``epoch`` of ``last`` belong into the film."""
    return epoch == last or (epoch < last and epoch in EPOCHS)


def frame(spec: ModelSpec, module: nn.Module) -> dict[str, LabelledArray]:
    """What the film keeps of a model as it stands: its adapter's arrays by name.

    Embedding filters; fc1 and fc2 of the first token MLPs; all depthwise kernels; the projections
    of one stage's attentions where a model has both kinds.

    Args:
        spec: The model's row.
        module: In training or not, on any device.
    """
    adapter = loading.adapters()[spec.family]
    found = dict(_some(adapter.weights(module, "stem"), (".filters",)))
    for site in adapter.sites(module, loading.input_config(module).size):
        wanted: tuple[str, ...] = ()
        if "token_mixing" in site.operators and site.block < FIRST_BLOCKS:
            wanted = ("token_mixing.fc1", "token_mixing.fc2")
        elif "depthwise" in site.operators:
            wanted = ("depthwise.kernel",)
        elif "channel_attention" in site.operators and site.stage == ATTENTION_STAGE:
            wanted = ("qkv_weight",)
        if wanted:
            found |= _some(adapter.weights(module, site.group), wanted)
    return found


def _some(arrays: Mapping[str, LabelledArray], ends: Sequence[str]) -> dict[str, LabelledArray]:
    """Those whose name ends so."""
    return {name: array for name, array in arrays.items() if name.endswith(tuple(ends))}


class Recorder:
    """Keeps a run's frames in files beside its checkpoint, so that a resumed run has them all.

    Args:
        spec: The model's row.
        folder: One file a frame is written into it.
        last: The run's last epoch.
        finish: How many epochs, the last ones, are the recipe's finish.
    """

    def __init__(self, spec: ModelSpec, folder: Path, last: int, finish: int = 0) -> None:
        self._spec, self._folder, self._last = spec, folder, last
        self._main = last - finish

    def record(self, epoch: int, module: nn.Module) -> None:
        """Keep the weights after an epoch, if the film wants it.

        Raises:
            WeightsError: The frame cannot be written.
        """
        if is_kept(epoch, self._last):
            film.write(self._name(epoch), {epoch: frame(self._spec, module)}, (), self._folder)

    def adopt(self, begun: Film) -> None:
        """Keep the frames of the film of a run that this one goes on from.

        Raises:
            WeightsError: The film is damaged, or a frame cannot be written.
        """
        for epoch in [e for e in begun.epochs if is_kept(e, self._last)]:
            arrays = _as_it_was(begun.frame(epoch), begun.labels)
            film.write(self._name(epoch), {epoch: arrays}, (), self._folder)

    def close(self, history: Sequence[Mapping[str, Any]], folder: Path) -> Path:
        """Put the frames together into the model's film.

        Args:
            history: The run's rows: epoch, loss, held_out, and the pictures' size where it is
                known.
            folder: Where the film goes.

        Returns:
            The film's file.

        Raises:
            WeightsError: A frame is missing or damaged, or the film cannot be written.
        """
        frames = {}
        for epoch in [e for e in range(self._last + 1) if is_kept(e, self._last)]:
            kept = film.read(self._name(epoch), self._folder)
            if kept is None:
                raise WeightsError(
                    "error.training.no_frame",
                    epoch=epoch,
                    model=self._spec.key,
                    folder=self._folder,
                )
            frames[epoch] = _as_it_was(kept.frame(epoch), kept.labels)
        curve = [
            CurvePoint(
                epoch=int(row["epoch"]),
                loss=round(float(row["loss"]), 4),
                held_out=round(float(row["held_out"]), 6),
                size=row.get("size"),
                finish=int(row["epoch"]) > self._main,
            )
            for row in history
        ]
        return film.write(self._spec.key, frames, curve, folder)

    def _name(self, epoch: int) -> str:
        return f"{self._spec.key}.{epoch:03d}"


def _as_it_was(
    arrays: Mapping[str, LabelledArray], labels: Mapping[str, Mapping[str, Any]]
) -> dict[str, LabelledArray]:
    """A frame's arrays with the source as the adapter gave it."""
    return {name: replace(array, source=labels[name]["source"]) for name, array in arrays.items()}
