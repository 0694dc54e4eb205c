"""Where weights come from.

files       bundled, cached or absent: places, checks, cards, reading and writing
film        a bundled model's weights over its training
hub         one download: ask, fetch, check, show
downloads   downloads in the background, for a page

The names of ``files`` resolve here on first use (PEP 562).
"""

from __future__ import annotations

import importlib
from typing import Any

__all__ = [
    "FOLDER",
    "WeightsStatus",
    "is_whole",
    "read_card",
    "read_state",
    "repository",
    "require",
    "sha256",
    "status",
    "write_state",
]


def __getattr__(name: str) -> Any:
    """Import what a name stands for on first use (PEP 562)."""
    if name in __all__:
        return getattr(importlib.import_module(f"{__name__}.files"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Names of the module, those that are not imported yet included."""
    return sorted({*globals(), *__all__})
