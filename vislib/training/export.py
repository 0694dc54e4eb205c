"""From a trained module to the two files that the app reads: weights and card."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import nn

from vislib.training import card as cards
from vislib.training.data import PackedPictures
from vislib.training.evaluate import accuracy
from vislib.training.run import Progress, RunSettings, TrainingError
from vislib.weights import files


def export(
    model: nn.Module,
    settings: RunSettings,
    progress: Progress,
    held_out: PackedPictures,
    *,
    data: cards.DataFacts,
    folder: Path,
) -> tuple[Path, Path]:
    """Write ``<key>.safetensors`` (float16) and ``<key>.json`` into ``folder``.

    The card's held-out accuracy is that of the weights as they are stored: the module's own
    are replaced by them.

    Returns:
        The two files: weights, card.

    Raises:
        TrainingError: A weight does not fit into float16, or the weights cannot be written.
        WeightsError: The card cannot be written.
    """
    state = {name: values.detach().cpu() for name, values in model.state_dict().items()}
    too_large = [n for n, t in state.items() if not bool(torch.isfinite(t.half()).all())]
    if too_large:
        raise TrainingError(
            "error.training.beyond_float16", model=settings.spec.key, array=too_large[0]
        )
    path = folder / f"{settings.spec.key}.safetensors"
    part = path.with_suffix(".part")
    try:
        files.write_state(state, part)
        part.chmod(0o644)  # safetensors makes a file that only its owner can read
        part.replace(path)
    except (OSError, SafetensorError) as error:
        raise TrainingError(
            "error.training.weights_unwritable", path=path, reason=str(error)
        ) from error
    model.load_state_dict(files.read_state(path))
    card = cards.make(
        settings.spec,
        model,
        data=data,
        recipe=asdict(settings.recipe),
        seed=settings.seed,
        progress=asdict(progress),
        held_out_top1=accuracy(model, held_out, torch.device(settings.device)),
        sha256=files.sha256(path),
    )
    return path, cards.write(card, folder)
