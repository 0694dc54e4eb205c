"""What adapters of attention models share: splitting q, k, v, naming what is rebuilt, cuts."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from vislib.architectures.shared.cuts import block_cut
from vislib.schema import Cut, Derived, ShapeError


def split_qkv(qkv: Tensor, parts: int) -> tuple[Tensor, Tensor, Tensor]:
    """Split a fused projection into q, k, v, each (batch, part, token, channel of the part).

    Args:
        qkv: Axes (batch, token, 3 * channel).
        parts: Heads or channel groups.

    Raises:
        ShapeError: The last axis is not 3 * parts * a whole number.
    """
    batch, tokens, width = qkv.shape
    if width % (3 * parts):
        raise ShapeError("error.shape.query_key_value", width=width, parts=parts)
    q, k, v = qkv.reshape(batch, tokens, 3, parts, width // (3 * parts)).permute(2, 0, 3, 1, 4)
    return q, k, v


def rebuilt(
    name: str,
    role: str,
    first: tuple[str, ...],
    pattern: Tensor,
    values: Tensor,
    *,
    formula: str,
    path: str,
) -> dict[str, Derived]:
    """Pattern and values of one attention between tokens, named.

    Args:
        name: "stage{i}.block{j}.{site}".
        role: From ``schema.ROLES``.
        first: Axes before the heads ("window"), or none.
        pattern: Axes (*first, head, query, key), probability.
        values: Axes (*first, head, key, channel of the head).
        formula: How the pattern came about.
        path: timm's path of the attention module.
    """
    return {
        f"{name}.pattern": Derived(
            values=pattern,
            axes=(*first, "head", "query", "key"),
            role=role,
            unit="probability",
            signed=False,
            source=f"{formula} of {path}.qkv",
        ),
        f"{name}.values": Derived(
            values=values,
            axes=(*first, "head", "key", "channel"),
            role=role,
            unit="activation",
            signed=True,
            source=f"v of {path}.qkv",
        ),
    }


def attention_cuts(block: Any, *, group: str, path: str, role: str) -> list[Cut]:
    """What can be switched off in a block of attention and MLP: a head, either part, the block.

    Args:
        block: With timm's names: attn.proj, mlp.fc2.
        group: "stage{i}.block{j}".
        path: timm's path of the block.
        role: The attention's role.
    """
    heads = block.attn.num_heads
    width = block.attn.proj.in_features // heads
    cuts = [
        Cut(
            kind="head",
            group=group,
            role=role,
            count=heads,
            zeros=((f"{path}.attn.proj.weight", 1, width),),
        )
    ]
    for name, part, layer in ((role, "attn.proj", block.attn.proj), _mlp(block)):
        ends = ("weight",) if layer.bias is None else ("weight", "bias")
        zeros = tuple((f"{path}.{part}.{end}", 0, 0) for end in ends)
        cuts.append(Cut(kind="operator", group=group, role=name, zeros=zeros))
    cuts.append(block_cut(group, path))
    return cuts


def _mlp(block: Any) -> tuple[str, str, nn.Module]:
    """Role, path within the block and last layer of its MLP."""
    last: nn.Module = block.mlp.fc2
    return "channel_mixing", "mlp.fc2", last
