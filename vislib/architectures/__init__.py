"""One adapter a family: where its tensors live, and how derived ones are rebuilt.

An adapter is a module of this package with an object ``ADAPTER`` that follows
``ArchitectureAdapter``. It is found by its being here: nothing else must be changed for a new
family but a row of ``registry.MODEL_REGISTRY``.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from torch import Tensor, nn

from vislib.schema import (
    Cut,
    Derived,
    HookPoint,
    LabelledArray,
    MixingSite,
    ModelError,
    TokenAxis,
    TokenGrid,
)


@runtime_checkable
class ArchitectureAdapter(Protocol):
    """The map from one family's modules to the project's names.

    Names are ``stem.{site}`` and ``stage{i}.block{j}.{site}``, counted from 0. Groups are "logits",
    "stem", "tokens" (the state after the stem and after each block), one "stage{i}.block{j}" for
    each block, and None for everything.
    """

    family: str

    def accepts(self, model: nn.Module) -> bool:
        """Whether the module is of this family (by class, never by name)."""

    def grid(self, model: nn.Module, input_size: int) -> TokenGrid:
        """How the first tokens lie on the model's input."""

    def sites(self, model: nn.Module, input_size: int) -> tuple[MixingSite, ...]:
        """The blocks in the order in which they run."""

    def hook_points(self, model: nn.Module, group: str | None) -> tuple[HookPoint, ...]:
        """What to record for a group.

        Raises:
            CaptureError: There is no such group.
        """

    def weights(self, model: nn.Module, group: str) -> dict[str, LabelledArray]:
        """The parameters that a group's operators use ("stem" or a block)."""

    def derive(self, model: nn.Module, tensors: Mapping[str, Tensor]) -> dict[str, Derived]:
        """Rebuild what the forward pass computed but no module outputs (patterns)."""


@runtime_checkable
class Operable(Protocol):
    """What an adapter may offer besides, for experiments on a private copy of the model."""

    def cuts(self, model: nn.Module) -> tuple[Cut, ...]:
        """What can be switched off, block by block."""

    def token_axes(self, model: nn.Module) -> tuple[TokenAxis, ...]:
        """Every axis over the grid's tokens; empty where the weights cannot follow a shuffle."""


@functools.cache
def adapters() -> Mapping[str, ArchitectureAdapter]:
    """Family name -> adapter, for every module of this package.

    Raises:
        ModelError: Two adapters claim one family.
    """
    found: dict[str, ArchitectureAdapter] = {}
    for info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{info.name}")
        adapter: ArchitectureAdapter | None = getattr(module, "ADAPTER", None)
        if adapter is None:
            continue
        if adapter.family in found:
            raise ModelError("error.model.two_adapters", family=adapter.family)
        found[adapter.family] = adapter
    return found
