"""A model's run on a picture whose patches are shuffled."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from vislib.analysis import patches, shuffling
from vislib.models import loading
from vislib.models.loading import LoadedModel
from vislib.observe import capture, intervention
from vislib.schema import ActivationCache, DecodedImage


@dataclass(frozen=True, kw_only=True)
class ShuffleRun:
    """What a model saw of a shuffled picture, and what it made of it.

    Attributes:
        seen: Its input as colours, uint8, axes (row, column, rgb), read-only.
        cache: Its logits, with its own weights.
    """

    seen: np.ndarray
    cache: ActivationCache


def shuffled(model: LoadedModel, picture: DecodedImage, squares: int, seed: int) -> ShuffleRun:
    """The intact model on the shuffled picture.

    Args:
        model: It stays as it is.
        picture: Upright.
        squares: A side, of the model's input.
        seed: Of the order.

    Raises:
        ShapeError: The input cannot be cut so.
    """
    inputs = loading.prepare(model, picture)
    order = shuffling.seeded_order(squares**2, seed)
    mixed = intervention.shuffle_patches(inputs.tensor, order, model.config.size // squares)
    inputs = replace(inputs, tensor=mixed)
    seen = patches.as_bytes(loading.input_pixels(inputs), model.config.mean, model.config.std)
    seen.flags.writeable = False
    return ShuffleRun(seen=seen, cache=capture.run_with_cache(model, inputs, "logits"))
