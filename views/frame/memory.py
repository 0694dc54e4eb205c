"""One budget of the machine's memory: models, results, pictures, and what decoding takes.

Pictures cannot be had again, so they and the results are bounded by shares of it; models, which
can, have what the others leave.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from vislib.models import devices
from vislib.pictures import decoding, limits
from vislib.schema import MixScopeError

RESULTS, PICTURES, DECODING = 1 / 8, 1 / 4, 1 / 4
"""Shares of the budget, at most."""

_held: dict[str, Callable[[], int]] = {}


@functools.cache
def budget() -> int | None:
    """Bytes of the machine's memory for all of it; fixed when it is first asked for.

    None where MIXSCOPE_MEMORY_GB cannot be followed: who asks for a model is told.
    """
    try:
        return devices.memory_budget(devices.processor())
    except MixScopeError:
        return None


def share(part: float, most: int) -> int:
    """A share of the budget in bytes.

    Args:
        part: Of the whole, 0 to 1.
        most: Bytes at most.
    """
    whole = budget()
    return most if whole is None else min(most, int(part * whole))


def counts(name: str, store: Callable[[], int]) -> None:
    """Count the bytes that a store holds, instead of those of one of that name before."""
    _held[name] = store


def held() -> int:
    """Bytes of pictures and results."""
    return sum(store() for store in _held.values())


def beside_models() -> int:
    """Bytes that models leave to the others: what these hold, and what decoding pictures takes."""
    decodes = decoding.AT_ONCE * limits.MAX_WORKING_BYTES
    return held() + share(DECODING, decodes)
