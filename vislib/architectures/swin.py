"""Swin Transformer (arXiv 2103.14030; timm.models.swin_transformer.SwinTransformer).

Attention within windows; in every second block the grid is rolled up and left by half a window
before it is cut, so the windows lie between those of the block before. What is rolled round an edge
is kept apart by a mask of -100 on the scores. A bias that depends on the distance of two tokens
alone is added to the scores, one table a head. Where the map is no larger than a window, timm
makes the window the map and does not shift.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from timm.layers.patch_embed import PatchEmbed
from timm.models.swin_transformer import SwinTransformer, SwinTransformerBlock, WindowAttention
from torch import Tensor, nn

from vislib.architectures.shared.attention import attention_cuts, rebuilt, split_qkv
from vislib.architectures.shared.grids import patch_grid
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

ROLE = "window_attention"
_MAPS = ("row", "column", "channel")


def position_bias(attention: Any) -> Tensor:
    """The bias that is added to a window's scores, axes (head, query, key).

    Args:
        attention: timm.models.swin_transformer.WindowAttention: its table (one row a distance,
            one column a head) and its index (query, key) into the rows.
    """
    bias: Tensor = attention.relative_position_bias_table[attention.relative_position_index]
    return bias.permute(2, 0, 1).contiguous()


def window_pattern(
    qkv: Tensor, *, heads: int, scale: float, bias: Tensor, mask: Tensor | None
) -> Tensor:
    """Rebuild shifted window attention's pattern: softmax(scale * q k^T + bias + mask).

    Args:
        qkv: Axes (window, token, 3 * channel), windows of the rolled grid.
        heads: Attention heads.
        scale: 1 / sqrt(channels per head).
        bias: Axes (head, query, key), from ``position_bias``.
        mask: Axes (window, query, key), 0 or -100; None where the windows are not shifted.

    Returns:
        Axes (window, head, query, key). Probability: rows sum to 1.

    Exactness:
        Recomputed, bitwise equal to the forward pass with unfused attention (test_swin.py).

    Source: arXiv:2103.14030; timm.models.swin_transformer.WindowAttention.
    """
    q, k, _ = split_qkv(qkv, heads)
    scores = (q * scale) @ k.transpose(-2, -1) + bias
    if mask is not None:
        scores = scores + mask.unsqueeze(1)
    return scores.softmax(dim=-1)


def _is_plain(block: Any) -> bool:
    """Whether it is timm's own block with square windows and a mask that is kept."""
    return (
        type(block) is SwinTransformerBlock
        and type(block.attn) is WindowAttention
        and not block.dynamic_mask
        and block.window_size[0] == block.window_size[1]
        and block.shift_size[0] == block.shift_size[1]
    )


class SwinAdapter:
    """Stages of blocks; a block is window attention, then an MLP."""

    family = "swin"

    def accepts(self, model: nn.Module) -> bool:
        """Whether the module is a Swin (version 1) with square windows and one input size."""
        return (
            type(model) is SwinTransformer
            and type(model.patch_embed) is PatchEmbed
            and all(_is_plain(block) for _, _, _, block in self._blocks(model))
        )

    def grid(self, model: nn.Module, input_size: int) -> TokenGrid:
        """Patches that do not overlap."""
        convolution: Any = model.get_submodule("patch_embed.proj")
        patch = convolution.kernel_size[0]
        side = input_size // patch
        return patch_grid(side, side, patch, input_size=input_size, position="relative_bias")

    def sites(self, model: nn.Module, input_size: int) -> tuple[MixingSite, ...]:
        """Every block of every stage; window and shift as the module really uses them."""
        stride = self.grid(model, input_size).stride
        return tuple(
            MixingSite(
                stage=i,
                block=j,
                group=f"stage{i}.block{j}",
                operators=(ROLE, "channel_mixing"),
                rows=block.input_resolution[0],
                columns=block.input_resolution[1],
                stride=stride * 2**i,
                channels=block.dim,
                mixing="computed",
                window=block.window_size[0],
                heads=block.attn.num_heads,
                shift=block.shift_size[0],
            )
            for i, j, _, block in self._blocks(model)
        )

    @staticmethod
    def _blocks(model: nn.Module) -> Iterator[tuple[int, int, str, Any]]:
        """Stage, block, timm's path and the module."""
        stages: Any = model.layers
        for i, stage in enumerate(stages):
            for j, block in enumerate(stage.blocks):
                yield i, j, f"layers.{i}.blocks.{j}", block

    def hook_points(self, model: nn.Module, group: str | None) -> tuple[HookPoint, ...]:
        """Sites: stem.linear, stem.out, window.qkv/mixed (windows of the rolled grid), out."""
        pixels = ("channel", "row", "column")
        stem = (
            point("stem.linear", "patch_embed.proj", "out", pixels, "patch_embedding"),
            point("stem.out", "patch_embed", "out", _MAPS, "tokens"),
        )
        blocks = {
            f"stage{i}.block{j}": _points(f"stage{i}.block{j}", path)
            for i, j, path, _ in self._blocks(model)
        }
        return of_group("Swin", group, stem, blocks)

    def weights(self, model: nn.Module, group: str) -> dict[str, LabelledArray]:
        """stem.filters/bias; window.qkv_weight, position_bias and position_table of a block."""
        if group == "stem":
            return read_stem(model, "patch_embed.proj")
        for i, j, path, block in self._blocks(model):
            if group == f"stage{i}.block{j}":
                qkv = read_parameter(
                    model, f"{path}.attn.qkv.weight", ("channel_out", "channel_in"), ROLE
                )
                return {f"{group}.window.qkv_weight": qkv, **_positions(group, path, block)}
        raise CaptureError("error.capture.no_weights", family="Swin", group=group)

    def derive(self, model: nn.Module, tensors: Mapping[str, Tensor]) -> dict[str, Derived]:
        """Pattern and values of every block that was hooked, windows of the rolled grid."""
        found: dict[str, Derived] = {}
        for i, j, path, block in self._blocks(model):
            name, attention = f"stage{i}.block{j}.window", block.attn
            qkv = tensors.get(f"{name}.qkv")
            if qkv is None:
                continue
            pattern = window_pattern(
                qkv,
                heads=attention.num_heads,
                scale=attention.scale,
                bias=position_bias(attention),
                mask=block.attn_mask,
            )
            mask = "" if block.attn_mask is None else " + mask"
            formula = f"softmax(scale * q k^T + bias{mask})"
            values = split_qkv(qkv, attention.num_heads)[2]
            found |= rebuilt(
                name, ROLE, ("window",), pattern, values, formula=formula, path=f"{path}.attn"
            )
        return found

    def cuts(self, model: nn.Module) -> tuple[Cut, ...]:
        """Of each block: a head, attention, the MLP, the block."""
        return tuple(
            cut
            for i, j, path, block in self._blocks(model)
            for cut in attention_cuts(block, group=f"stage{i}.block{j}", path=path, role=ROLE)
        )

    def token_axes(self, model: nn.Module) -> tuple[TokenAxis, ...]:
        """None: windows and merged patches know neighbours, and a shuffle takes them away."""
        return ()


@cache
def _points(group: str, path: str) -> tuple[HookPoint, ...]:
    """The hook points of a block; its output comes last."""
    inside = tuple(
        HookPoint(
            name=f"{group}.window.{site}",
            module=f"{path}.attn.{module}",
            side="in" if site == "mixed" else "out",
            axes=("window", "token", "channel"),
            role=ROLE,
            keep=site == "mixed",
            batched=False,
        )
        for site, module in (("qkv", "qkv"), ("mixed", "proj"))
    )
    return (*inside, point(f"{group}.out", path, "out", _MAPS, "tokens"))


def _positions(group: str, path: str, block: Any) -> dict[str, LabelledArray]:
    """The relative position bias: between the tokens of a window, and as a map around a token.

    In timm's table a distance is the query's place minus the key's. The map is turned round, so
    that it reads like a kernel: what stands right of its middle is the bias of a key to the right.
    """
    name = f"{path}.attn.relative_position_bias_table"
    table = block.attn.relative_position_bias_table.detach().cpu().numpy()
    side = 2 * block.window_size[0] - 1
    around = table.T.reshape(-1, side, side)[:, ::-1, ::-1]
    pairs = position_bias(block.attn).detach().cpu().numpy()
    shown = (
        ("position_bias", pairs, ("head", "query", "key"), f"{name}[query - key]"),
        ("position_table", around, ("head", "ky", "kx"), f"{name}, key - query"),
    )
    return {
        f"{group}.window.{what}": LabelledArray(
            values=values.copy(),
            axes=axes,
            role=ROLE,
            unit="score",
            signed=True,
            provenance="parameter",
            source=source,
        )
        for what, values, axes, source in shown
    }


ADAPTER = SwinAdapter()
