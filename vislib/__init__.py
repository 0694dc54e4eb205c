"""MixScope's library: what mixing layers compute, as named arrays.

Its rooms, from the ground up; no floor imports a higher one::

    schema, registry         dataclasses, axes, roles, exceptions; MODEL_REGISTRY, one row a model
    pictures, weights        untrusted bytes -> DecodedImage; files, films and downloads of weights
    architectures            one adapter a family: where its tensors live, what is rebuilt
    models                   load(), prepare(), what a model takes, devices, the shelf
    observe, analysis        one forward and what follows from it; array maths on what was captured
    attribution, figures,    estimates, always labelled as such; arrays -> PNGs and charts;
    tables                   the papers' tables, counts beside them, similarity
    training, experiments    the recipe of the bundled models, the papers' claims in miniature
    lecture, classroom       paths of steps; the room: what a class is asked and answers
    commands, __main__       the command line: train, evaluate, weights, similarity, experiment

A notebook takes its names from here (``from vislib import capture, figures, images, models``); each
is imported when it is first used. The library never imports streamlit.
"""

from __future__ import annotations

import importlib
from types import ModuleType

_PLACES = {
    "analysis": "analysis",
    "architectures": "architectures",
    "attribution": "attribution",
    "capture": "observe.capture",
    "counting": "tables.counting",
    "devices": "models.devices",
    "downloads": "weights.downloads",
    "experiments": "experiments",
    "figures": "figures",
    "film": "weights.film",
    "gallery": "pictures.gallery",
    "hub": "weights.hub",
    "identities": "observe.identities",
    "images": "pictures",
    "intervention": "observe.intervention",
    "models": "models",
    "papers": "tables.papers",
    "pictures": "pictures",
    "probing": "observe.probing",
    "registry": "registry",
    "schema": "schema",
    "shelf": "models.shelf",
    "similarity": "tables.similarity",
    "training": "training",
    "weights": "weights",
}
"""Public name -> where it lies."""
__all__ = sorted(_PLACES)


def __getattr__(name: str) -> ModuleType:
    """Import what a name stands for on first use (PEP 562)."""
    if name in _PLACES:
        return importlib.import_module(f"{__name__}.{_PLACES[name]}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Names of the module, those that are not imported yet included."""
    return sorted({*globals(), *__all__})
