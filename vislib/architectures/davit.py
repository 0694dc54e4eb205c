"""DaViT (arXiv 2204.03645; timm.models.davit.DaVit).

Where the code differs from the paper's notation: channel attention is softmax(scale * k^T v),
applied to q. The paper writes softmax(scale * q^T k) applied to v; with the textbook order the
module's output does not come out. The scale is 1 / sqrt(channels per group) although the product
sums over places.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Literal

from timm.models.davit import ChannelAttention, ChannelBlock, DaVit, SpatialBlock
from torch import Tensor, nn

from vislib.architectures.shared.attention import rebuilt, split_qkv
from vislib.architectures.shared.cuts import block_cut, operator_cut
from vislib.architectures.shared.hook_points import of_group, point
from vislib.architectures.shared.parameters import read_parameter, read_stem
from vislib.schema import (
    CaptureError,
    Cut,
    Derived,
    HookPoint,
    LabelledArray,
    MixingSite,
    TokenAxis,
    TokenGrid,
)

WINDOW, CHANNEL = "window_attention", "channel_attention"
MAP = ("channel", "row", "column")


def window_pattern(qkv: Tensor, *, heads: int, scale: float) -> Tensor:
    """Rebuild spatial window attention's pattern: softmax(scale * q k^T).

    Args:
        qkv: Axes (window, token, 3 * channel).
        heads: Attention heads.
        scale: 1 / sqrt(channels per head).

    Returns:
        Axes (window, head, query, key). Probability: rows sum to 1.

    Exactness:
        Recomputed, bitwise equal to the forward pass with unfused attention (test_davit.py).
    """
    q, k, _ = split_qkv(qkv, heads)
    scores = (q * scale) @ k.transpose(-2, -1)
    return scores.softmax(dim=-1)


def channel_pattern(qkv: Tensor, *, groups: int, scale: float) -> Tensor:
    """Rebuild channel group attention's pattern in timm's order: softmax(scale * k^T v).

    Args:
        qkv: Axes (batch, token, 3 * channel).
        groups: Channel groups.
        scale: 1 / sqrt(channels per group).

    Returns:
        Axes (batch, group, channel_out, channel_in). Probability: rows sum to 1. Output channel i
        is the sum over j of pattern[i, j] * q[:, j].

    Exactness:
        Recomputed, bitwise equal to the forward pass at batch 1; the textbook order is another
        table (test_davit.py::test_operand_order_matters).
    """
    return _channel_scores(qkv, groups=groups, scale=scale).softmax(dim=-1)


def _channel_scores(qkv: Tensor, *, groups: int, scale: float) -> Tensor:
    """What the softmax of ``channel_pattern`` is taken of; the same axes."""
    _, k, v = split_qkv(qkv, groups)
    return (k * scale).transpose(-1, -2) @ v


class DaViTAdapter:
    """Stages of blocks; a block is window attention, an MLP, channel attention, an MLP."""

    family = "davit"

    def accepts(self, model: nn.Module) -> bool:
        """Whether the module is a DaViT with the paper's channel attention in every block."""
        return isinstance(model, DaVit) and all(
            isinstance(part.attn, ChannelAttention)
            for part in model.modules()
            if isinstance(part, ChannelBlock)
        )

    def grid(self, model: nn.Module, input_size: int) -> TokenGrid:
        """Tokens of a 7x7 convolution with stride 4: neighbours overlap."""
        stem: Any = model.stem
        convolution = stem.conv
        stride, pad = convolution.stride[0], convolution.padding[0]
        padded = input_size + (stride - input_size % stride) % stride
        side = (padded + 2 * pad - convolution.kernel_size[0]) // stride + 1
        return TokenGrid(
            rows=side,
            columns=side,
            patch=convolution.kernel_size[0],
            stride=stride,
            offset=-pad,
            input_size=input_size,
            position="depthwise",
        )

    def sites(self, model: nn.Module, input_size: int) -> tuple[MixingSite, ...]:
        """Every block of every stage; each stage after the first halves the grid."""
        grid, found, side = self.grid(model, input_size), [], 0
        for stage, block, parts in self._blocks(model):
            if block == 0:
                side = grid.rows if stage == 0 else -(-side // 2)
            first = next(iter(parts.values()))[1]
            spatial = parts.get(WINDOW)
            found.append(
                MixingSite(
                    stage=stage,
                    block=block,
                    group=f"stage{stage}.block{block}",
                    operators=tuple(parts),
                    rows=side,
                    columns=side,
                    stride=grid.stride * 2**stage,
                    channels=first.norm1.normalized_shape[0],
                    mixing="computed",
                    window=spatial[1].window_size[0] if spatial else 0,
                    heads=first.attn.num_heads,
                )
            )
        return tuple(found)

    @staticmethod
    def _blocks(model: nn.Module) -> Iterator[tuple[int, int, dict[str, tuple[str, Any]]]]:
        """Stage, block and its sub-blocks by role, each with timm's path."""
        stages: Any = model.stages
        for i, stage in enumerate(stages):
            for j, block in enumerate(stage.blocks):
                parts = {}
                for name, part in block.named_children():
                    role = WINDOW if isinstance(part, SpatialBlock) else CHANNEL
                    parts[role] = (f"stages.{i}.blocks.{j}.{name}", part)
                yield i, j, parts

    def hook_points(self, model: nn.Module, group: str | None) -> tuple[HookPoint, ...]:
        """Sites: stem.linear, stem.out, window.qkv/mixed, channel.qkv/mixed, out."""
        stem = (
            point("stem.linear", "stem.conv", "out", MAP, "patch_embedding"),
            point("stem.out", "stem", "out", MAP, "tokens"),
        )
        blocks = {}
        for i, j, parts in self._blocks(model):
            name = f"stage{i}.block{j}"
            out = point(f"{name}.out", f"stages.{i}.blocks.{j}", "out", MAP, "tokens")
            inside = (one for role, (path, _) in parts.items() for one in _points(name, role, path))
            blocks[name] = (*inside, out)
        return of_group("DaViT", group, stem, blocks)

    def weights(self, model: nn.Module, group: str) -> dict[str, LabelledArray]:
        """stem.filters/bias; window.qkv_weight and channel.qkv_weight of a block."""
        if group == "stem":
            return read_stem(model, "stem.conv")
        found = {}
        for i, j, parts in self._blocks(model):
            if group == f"stage{i}.block{j}":
                for role, (path, _) in parts.items():
                    site = "window" if role == WINDOW else "channel"
                    found[f"{group}.{site}.qkv_weight"] = read_parameter(
                        model, f"{path}.attn.qkv.weight", ("channel_out", "channel_in"), role
                    )
        if not found:
            raise CaptureError("error.capture.no_weights", family="DaViT", group=group)
        return found

    def derive(self, model: nn.Module, tensors: Mapping[str, Tensor]) -> dict[str, Derived]:
        """The patterns, and channel attention's operands, of every block that was hooked."""
        found: dict[str, Derived] = {}
        for i, j, parts in self._blocks(model):
            name = f"stage{i}.block{j}"
            for role, (path, part) in parts.items():
                site = "window" if role == WINDOW else "channel"
                qkv = tensors.get(f"{name}.{site}.qkv")
                if qkv is not None:
                    derive = _derive_window if role == WINDOW else _derive_channel
                    found |= derive(f"{name}.{site}", f"{path}.attn", part.attn, qkv)
        return found

    def cuts(self, model: nn.Module) -> tuple[Cut, ...]:
        """Of each block: a head, a channel group, each attention, the block."""
        found = []
        for i, j, parts in self._blocks(model):
            group = f"stage{i}.block{j}"
            for role, (path, part) in parts.items():
                layer, count = f"{path}.attn.proj", part.attn.num_heads
                kind: Literal["head", "channel_group"]
                kind = "head" if role == WINDOW else "channel_group"
                one = ((f"{layer}.weight", 1, part.attn.proj.in_features // count),)
                found += [
                    Cut(kind=kind, group=group, role=role, count=count, zeros=one),
                    operator_cut(model, group=group, role=role, layer=layer),
                ]
            found.append(block_cut(group, f"stages.{i}.blocks.{j}"))
        return tuple(found)

    def token_axes(self, model: nn.Module) -> tuple[TokenAxis, ...]:
        """None: stem and position convolutions know neighbours, and windows know places."""
        return ()


@cache
def _points(block: str, role: str, path: str) -> tuple[HookPoint, ...]:
    """The fused projection and the mixed values of one attention of a block."""
    site = "window" if role == WINDOW else "channel"
    first = ("window",) if role == WINDOW else ()
    return tuple(
        HookPoint(
            name=f"{block}.{site}.{suffix}",
            module=f"{path}.attn.{module}",
            side="in" if suffix == "mixed" else "out",
            axes=(*first, "token", "channel"),
            role=role,
            keep=suffix == "mixed",
            batched=role != WINDOW,
        )
        for suffix, module in (("qkv", "qkv"), ("mixed", "proj"))
    )


def _derive_window(name: str, path: str, attention: Any, qkv: Tensor) -> dict[str, Derived]:
    """Pattern and values of one spatial window attention."""
    heads, formula = attention.num_heads, "softmax(scale * q k^T)"
    pattern = window_pattern(qkv, heads=heads, scale=attention.scale)
    values = split_qkv(qkv, heads)[2]
    return rebuilt(name, WINDOW, ("window",), pattern, values, formula=formula, path=path)


def _derive_channel(name: str, path: str, attention: Any, qkv: Tensor) -> dict[str, Derived]:
    """Pattern, scores and operands of one channel group attention (batch 1)."""
    groups, scale = attention.num_heads, attention.scale
    q, k, v = split_qkv(qkv, groups)
    scores = _channel_scores(qkv, groups=groups, scale=scale)
    pattern = scores.softmax(dim=-1)
    pairs, places = ("group", "channel_out", "channel_in"), ("group", "token", "channel")
    rows = (
        ("pattern", pattern, pairs, "probability", "softmax(scale * k^T v)"),
        ("scores", scores, pairs, "score", "scale * k^T v"),
        ("queries", q, places, "activation", "q"),
        ("keys", k, places, "activation", "k"),
        ("values", v, places, "activation", "v"),
    )
    return {
        f"{name}.{site}": Derived(
            values=values[0],
            axes=axes,
            role=CHANNEL,
            unit=unit,
            signed=unit != "probability",
            source=f"{formula} of {path}.qkv",
        )
        for site, values, axes, unit, formula in rows
    }


ADAPTER = DaViTAdapter()
