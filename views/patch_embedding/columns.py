"""Patch embedding: what the tabs share: words, the model's head, its filters and its input."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from views import frame
from vislib.analysis import patches
from vislib.registry import spec
from vislib.schema import LabelledArray, Mixing, ModelError

if TYPE_CHECKING:
    from vislib.models.loading import LoadedModel


def words(name: str, **values: object) -> str:
    """A text of the page's own section."""
    return frame.t(f"patch_embedding.{name}", **values)


def digest() -> str:
    """What the shown picture is known by."""
    return frame.view().picture.sha256


def head(key: str, sub: str, mixing: Mixing) -> None:
    """The model's name in its family's colour, where in the model, and the badge."""
    frame.model_head(key, sub)
    frame.badge(mixing)


def stem(key: str) -> tuple[LabelledArray, LabelledArray | None]:
    """The embedding's filters and bias.

    Raises:
        ModelError: The model has no filters over patches.
    """
    found = frame.weights(key, "stem")
    if "stem.filters" not in found:
        raise ModelError("patch_embedding.no_filters", model=spec(key).title)
    return found["stem.filters"], found.get("stem.bias")


def input_pixels(key: str) -> np.ndarray:
    """The model's input, normalised, axes (row, column, rgb)."""
    picture = frame.view().picture

    def prepare(place: LoadedModel) -> np.ndarray:
        from vislib.models import loading

        return loading.input_pixels(loading.prepare(place, picture))

    return frame.remember(("model input", picture.sha256, key), lambda: frame.run(key, prepare))


def input_bytes(key: str) -> np.ndarray:
    """The model's input as colours, uint8, axes (row, column, rgb)."""
    config = frame.model(key).config
    return frame.remember(
        ("model input bytes", digest(), key),
        lambda: patches.as_bytes(input_pixels(key), config.mean, config.std),
    )
