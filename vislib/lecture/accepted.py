"""What a value in a path's file must be."""

from __future__ import annotations

import math
from typing import Any

from vislib.lecture.steps import DEPTHS

DEPTHS_KNOWN = ", ".join(DEPTHS) + ", 0 - 100"


def is_place(value: Any) -> bool:
    """Two whole numbers from 0 to 1000."""
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(type(one) is int and 0 <= one <= 1000 for one in value)
    )


def is_depth(value: Any) -> bool:
    """A named depth of a model, or a percentage of it."""
    return value in DEPTHS or (type(value) is int and 0 <= value <= 100)


def is_limits(value: Any) -> bool:
    """Two finite numbers, the lower one first."""
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(type(one) in (int, float) and math.isfinite(one) for one in value)
        and value[0] < value[1]
    )
