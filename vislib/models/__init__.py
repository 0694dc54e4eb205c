"""How a row of the registry becomes a module that can be looked into.

    loading     load(), prepare(): a row -> LoadedModel, a picture -> ModelInput
    footprint   bytes and multiply-adds, counted without weights
    devices     cuda, mps or cpu, and what the machine has
    shelf       loaded models within a budget of memory

The names of ``loading`` resolve here on first use (PEP 562): nothing waits for torch before.
"""

from __future__ import annotations

import importlib
from typing import Any

__all__ = [
    "InputConfig",
    "LoadedModel",
    "ModelInput",
    "build",
    "load",
    "multiply_adds",
    "prepare",
]


def __getattr__(name: str) -> Any:
    """Import what a name stands for on first use (PEP 562)."""
    if name in __all__:
        return getattr(importlib.import_module(f"{__name__}.loading"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Names of the module, those that are not imported yet included."""
    return sorted({*globals(), *__all__})
