"""Copies of modules: they share parameters and buffers, and nothing that is on for a moment."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from torch import nn

from vislib.schema import CaptureError


def stays(hook: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a hook that is part of a changed model, so that a copy of the model has it as well."""
    hook.stays = True  # type: ignore[attr-defined]
    return hook


def shared_copy(module: nn.Module) -> nn.Module:
    """A copy with modules of its own and the very parameters and buffers.

    torch copies the hooks that are on at that moment, and nobody takes a copied one off: it would
    record or change something for good. Whoever copies a model that others run holds its lock.

    Args:
        module: What to copy.

    Raises:
        CaptureError: A hook is on that is no part of the model (``stays``).
    """
    shared = {id(tensor): tensor for tensor in (*module.parameters(), *module.buffers())}
    copied = copy.deepcopy(module, shared)
    for name, part in copied.named_modules():
        hooks = [*part._forward_hooks.values(), *part._forward_pre_hooks.values()]
        hooks += [*part._backward_hooks.values(), *part._backward_pre_hooks.values()]
        if not all(getattr(hook, "stays", False) for hook in hooks):
            raise CaptureError("error.capture.hook_copied", module=name or "model")
    return copied
