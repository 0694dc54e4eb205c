"""What can be switched off in a block, for any family."""

from __future__ import annotations

from torch import nn

from vislib.schema import Cut


def operator_cut(model: nn.Module, *, group: str, role: str, layer: str) -> Cut:
    """An operator, by zeros in the layer that writes its result.

    Args:
        model: The model.
        group: "stage{i}.block{j}".
        role: The operator's role.
        layer: timm's path of the layer; its bias goes too, where there is one.
    """
    ends = ("weight",) if model.get_submodule(layer).bias is None else ("weight", "bias")
    zeros = tuple((f"{layer}.{end}", 0, 0) for end in ends)
    return Cut(kind="operator", group=group, role=role, zeros=zeros)


def block_cut(group: str, path: str) -> Cut:
    """A whole block, passed over; ``path`` is timm's."""
    return Cut(kind="block", group=group, role="tokens", passed=path)
