"""A map with a number that is none tells nothing: it is an error, never a figure."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from vislib.schema import CaptureError


def numbers(found: Tensor, name: str) -> np.ndarray:
    """The values as float64, the same axes.

    Args:
        found: Any shape.
        name: What they are, for the message.

    Raises:
        CaptureError: One of them is nan or infinite.
    """
    values: np.ndarray = found.detach().cpu().double().numpy()
    if not np.isfinite(values).all():
        raise CaptureError("error.attribution.not_finite", name=name)
    return values
