"""Whether a model's answer names what a picture is known to show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from vislib.schema import ShapeError

Verdict = Literal["right", "wrong", "unknown"]
"""Of a top-1 answer; "unknown": what the picture shows is not a class of this model."""


def verdict(classes: Sequence[str], probabilities: np.ndarray, shows: str | None) -> Verdict:
    """Judge the most probable class (of equals the first) against the class that is shown.

    Args:
        classes: One name a class, all of one kind: WordNet ids, by which models that call a class
            differently agree, or names.
        probabilities: Axes (class,); logits do as well, for only their order counts.
        shows: What the picture shows, named in the same way; None where it is no class at all.

    Returns:
        "right", "wrong", or "unknown" where ``shows`` is none of the classes. Names are compared,
        not meanings: a model whose classes overlap (ImageNet-21k has dog and German shepherd) is
        right with the one class alone.

    Raises:
        ShapeError: Not one number a class, or one that is not finite.
    """
    values = np.asarray(probabilities)
    if values.shape != (len(classes),) or not np.isfinite(values).all():
        raise ShapeError("error.shape.answer", shape=str(values.shape), count=len(classes))
    if shows not in classes:
        return "unknown"
    return "right" if classes[int(values.argmax())] == shows else "wrong"
