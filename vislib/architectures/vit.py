"""ViT and DeiT (arXiv 2010.11929, 2012.12877; timm.models.vision_transformer.VisionTransformer).

A token reads every token, the class token among them. The class token has no place in the picture:
it stands before the grid's tokens, takes part in the patterns, and is left out of the token maps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from timm.layers.attention import Attention
from timm.layers.patch_embed import PatchEmbed
from timm.models.vision_transformer import Block, VisionTransformer
from torch import Tensor, nn

from vislib.architectures.shared.attention import attention_cuts, rebuilt, split_qkv
from vislib.architectures.shared.grids import on_first_grid, patch_grid
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

ROLE = "global_attention"


def attention_pattern(q: Tensor, k: Tensor, *, scale: float) -> Tensor:
    """Global attention's pattern: softmax(scale * q k^T).

    Args:
        q: Axes (..., head, query, channel of the head), after the module's own q_norm.
        k: Axes (..., head, key, channel of the head), after its k_norm.
        scale: 1 / sqrt(channels per head).

    Returns:
        Axes (..., head, query, key). Probability: rows sum to 1.

    Exactness:
        Recomputed, bitwise equal to the forward pass with unfused attention (test_vit.py).

    Source: arXiv:2010.11929; timm.layers.Attention.
    """
    scores = (q * scale) @ k.transpose(-2, -1)
    return scores.softmax(dim=-1)


def _is_plain(attention: nn.Module) -> bool:
    """Whether it is timm's own attention, and nothing stands between pattern and projection."""
    return (
        type(attention) is Attention
        and attention.gate is None
        and isinstance(attention.norm, nn.Identity)
    )


class ViTAdapter:
    """One stage of blocks; a block is global attention, then an MLP."""

    family = "vit"

    def accepts(self, model: nn.Module) -> bool:
        """Whether the module is a ViT of plain blocks with one input size.

        Subclasses and other attentions (differential, gated, rotary) compute other patterns; a
        dynamic input size moves the position embedding.
        """
        return (
            type(model) is VisionTransformer
            and type(model.patch_embed) is PatchEmbed
            and not model.dynamic_img_size
            and not model.patch_embed.dynamic_img_pad
            and len(model.blocks) > 0
            and all(type(b) is Block and _is_plain(b.attn) for b in model.blocks)
        )

    def grid(self, model: nn.Module, input_size: int) -> TokenGrid:
        """Patches that do not overlap; what is left over at the right and below is not read."""
        convolution: Any = model.get_submodule("patch_embed.proj")
        patch = convolution.kernel_size[0]
        side, known_by = input_size // patch, "none" if model.pos_embed is None else "learned"
        return patch_grid(side, side, patch, input_size=input_size, position=known_by)

    def sites(self, model: nn.Module, input_size: int) -> tuple[MixingSite, ...]:
        """One stage; the grid never changes."""
        grid = self.grid(model, input_size)
        return tuple(
            on_first_grid(
                grid,
                j,
                operators=(ROLE, "channel_mixing"),
                channels=block.attn.qkv.in_features,
                mixing="computed",
                heads=block.attn.num_heads,
                prefix=_prefix(model),
            )
            for j, block in enumerate(_blocks(model))
        )

    def hook_points(self, model: nn.Module, group: str | None) -> tuple[HookPoint, ...]:
        """Sites: stem.linear, stem.out (block 0's input), attention.qkv/mixed/out, out."""
        prefix, tokens = _prefix(model), ("token", "channel")
        pixels = ("channel", "row", "column")
        stem = (
            point("stem.linear", "patch_embed.proj", "out", pixels, "patch_embedding"),
            replace(point("stem.out", "blocks.0", "in", tokens, "tokens"), prefix=prefix),
        )
        blocks = {f"stage0.block{j}": _points(j, prefix) for j in range(len(_blocks(model)))}
        return of_group("ViT", group, stem, blocks)

    def weights(self, model: nn.Module, group: str) -> dict[str, LabelledArray]:
        """stem.filters/bias/position; attention.qkv_weight of a block."""
        if group == "stem":
            return self._stem(model)
        known = {f"stage0.block{j}": j for j in range(len(_blocks(model)))}
        if group not in known:
            raise CaptureError("error.capture.no_weights", family="ViT", group=group)
        path = f"blocks.{known[group]}.attn.qkv.weight"
        return {
            f"{group}.attention.qkv_weight": read_parameter(
                model, path, ("channel_out", "channel_in"), ROLE
            )
        }

    @staticmethod
    def _stem(model: nn.Module) -> dict[str, LabelledArray]:
        """Filters, their bias where there is one, and each grid token's position embedding."""
        found = read_stem(model, "patch_embed.proj")
        if model.pos_embed is not None:
            first, axes = _position_prefix(model), ("token", "channel")
            every = read_parameter(model, "pos_embed", axes, "patch_embedding", squeeze=0)
            source = f"pos_embed, without the first {first}" if first else "pos_embed"
            found["stem.position"] = replace(every, values=every.values[first:], source=source)
        return found

    def derive(self, model: nn.Module, tensors: Mapping[str, Tensor]) -> dict[str, Derived]:
        """Pattern and values of every block that was hooked, prefix tokens included."""
        found: dict[str, Derived] = {}
        for j, block in enumerate(_blocks(model)):
            name, path = f"stage0.block{j}.attention", f"blocks.{j}.attn"
            qkv = tensors.get(f"{name}.qkv")
            if qkv is None:
                continue
            q, k, values = split_qkv(qkv, block.attn.num_heads)
            q, k = block.attn.q_norm(q), block.attn.k_norm(k)
            pattern = attention_pattern(q, k, scale=block.attn.scale)[0]
            formula = "softmax(scale * q k^T)"
            found |= rebuilt(name, ROLE, (), pattern, values[0], formula=formula, path=path)
        return found

    def cuts(self, model: nn.Module) -> tuple[Cut, ...]:
        """Of each block: a head, attention, the MLP, the block."""
        found: list[Cut] = []
        for j, block in enumerate(_blocks(model)):
            group, path = f"stage0.block{j}", f"blocks.{j}"
            found += attention_cuts(block, group=group, path=path, role=ROLE)
        return tuple(found)

    def token_axes(self, model: nn.Module) -> tuple[TokenAxis, ...]:
        """The position embedding: nothing else knows a place (test_vit.py)."""
        if model.pos_embed is None:
            return ()
        return (TokenAxis(parameter="pos_embed", axis=1, prefix=_position_prefix(model)),)


def _blocks(model: nn.Module) -> Any:
    """The blocks; torch does not know what a module's attribute is."""
    return model.blocks


def _prefix(model: nn.Module) -> int:
    """Tokens that stand before the grid's."""
    vit: Any = model
    return int(vit.num_prefix_tokens)


def _position_prefix(model: nn.Module) -> int:
    """Position embeddings of prefix tokens, which stand before the grid's."""
    return 0 if model.no_embed_class else _prefix(model)


@cache
def _points(j: int, prefix: int) -> tuple[HookPoint, ...]:
    """The hook points of block j; its output comes last."""
    sites = (
        ("attention.qkv", "attn.qkv", "out"),
        ("attention.mixed", "attn.proj", "in"),
        ("attention.out", "attn", "out"),
        ("out", "", "out"),
    )
    return tuple(
        HookPoint(
            name=f"stage0.block{j}.{site}",
            module=f"blocks.{j}.{module}".rstrip("."),
            side="in" if side == "in" else "out",
            axes=("token", "channel"),
            role="tokens" if site == "out" else ROLE,
            keep=site != "attention.qkv",
            prefix=prefix,
        )
        for site, module, side in sites
    )


ADAPTER = ViTAdapter()
