"""Arrays -> pictures: palette PNGs, plotly figures, print-quality exports.

Layout and colours follow from an array's role, sign and axes alone; nothing here knows a model.
Row 0 is at the top in every figure. Each submodule is imported when it is first needed, so that
the PNG modules never wait for plotly or matplotlib.
"""

from __future__ import annotations

import importlib
from types import ModuleType

__all__ = ["charts", "colours", "export", "heatmap", "legend", "overlay", "strip", "tiles"]


def __getattr__(name: str) -> ModuleType:
    """Import a submodule on first use."""
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
