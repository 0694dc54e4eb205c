"""ResMLP (arXiv 2105.03404; timm.models.mlp_mixer.MlpMixer with ResBlock).

A block is x + ls1 * (A affine(x)), then + ls2 * MLP(affine(.)): one linear layer over the tokens,
without hidden units and without a gate. timm's ``Affine`` scales and shifts each channel and looks
at no other number, so the block's token mixing is the same map for every picture; ls1 scales a
channel as a whole and leaves the shares of what is read as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from timm.models.mlp_mixer import MlpMixer, ResBlock
from torch import Tensor, nn

from vislib.architectures.shared.cuts import block_cut, operator_cut
from vislib.architectures.shared.grids import on_first_grid, patch_grid
from vislib.architectures.shared.hook_points import block_points, of_group, point
from vislib.architectures.shared.parameters import read_rows, read_stem
from vislib.schema import (
    Cut,
    Derived,
    HookPoint,
    LabelledArray,
    MixingSite,
    TokenAxis,
    TokenGrid,
)

PIXELS, TOKENS, MAPS = ("channel", "row", "column"), ("token", "channel"), ("channel", "token")
SITES = (
    ("token_mixing.in", "linear_tokens", MAPS),
    ("token_mixing.out", "linear_tokens", MAPS),
    ("channel_mixing.in", "mlp_channels", TOKENS),
    ("channel_mixing.out", "mlp_channels", TOKENS),
    ("out", "", TOKENS),
)
"""What is recorded in a block: site, module, axes."""


class ResMLPAdapter:
    """Token mixing is A x + b on each channel's map, the same A for all channels."""

    family = "resmlp"

    def accepts(self, model: nn.Module) -> bool:
        """Whether the module is a ResMLP (MLP-Mixer shares the class but not the block)."""
        return isinstance(model, MlpMixer) and isinstance(_blocks(model)[0], ResBlock)

    def grid(self, model: nn.Module, input_size: int) -> TokenGrid:
        """Tokens that do not overlap."""
        stem: Any = model.stem
        (rows, columns), patch, known_by = stem.grid_size, stem.patch_size[0], "token_mlp_weights"
        return patch_grid(rows, columns, patch, input_size=input_size, position=known_by)

    def sites(self, model: nn.Module, input_size: int) -> tuple[MixingSite, ...]:
        """One stage; the grid never changes. No hidden units over the tokens: units is 0."""
        grid = self.grid(model, input_size)
        return tuple(
            on_first_grid(
                grid,
                j,
                operators=("token_mixing", "channel_mixing"),
                channels=block.mlp_channels.fc1.in_features,
                mixing="fixed",
            )
            for j, block in enumerate(_blocks(model))
        )

    def hook_points(self, model: nn.Module, group: str | None) -> tuple[HookPoint, ...]:
        """Sites: stem.linear, stem.out, token_mixing.in/out, channel_mixing.in/out, out."""
        stem = (
            point("stem.linear", "stem.proj", "out", PIXELS, "patch_embedding"),
            point("stem.out", "stem", "out", TOKENS, "tokens"),
        )
        blocks = {
            f"stage0.block{j}": block_points(f"stage0.block{j}", f"blocks.{j}", SITES)
            for j in range(len(_blocks(model)))
        }
        return of_group("ResMLP", group, stem, blocks)

    def weights(self, model: nn.Module, group: str) -> dict[str, LabelledArray]:
        """stem.filters/bias; token_mixing.weight/bias and channel_mixing.fc1/fc2 with biases."""
        if group == "stem":
            return read_stem(model, "stem.proj")
        block = f"blocks.{group.removeprefix('stage0.block')}"
        linear, channels = f"{block}.linear_tokens", f"{block}.mlp_channels"
        rows = (
            ("token_mixing.weight", f"{linear}.weight", ("token_out", "token_in")),
            ("token_mixing.bias", f"{linear}.bias", ("token_out",)),
            ("channel_mixing.fc1", f"{channels}.fc1.weight", ("unit", "channel_in")),
            ("channel_mixing.fc1_bias", f"{channels}.fc1.bias", ("unit",)),
            ("channel_mixing.fc2", f"{channels}.fc2.weight", ("channel_out", "unit")),
            ("channel_mixing.fc2_bias", f"{channels}.fc2.bias", ("channel_out",)),
        )
        return read_rows(model, group, rows)

    def derive(self, model: nn.Module, tensors: Mapping[str, Tensor]) -> dict[str, Derived]:
        """Nothing: every operand is a module's input or output."""
        return {}

    def cuts(self, model: nn.Module) -> tuple[Cut, ...]:
        """Of each block: the linear layer over the tokens, the MLP over the channels, the block."""
        found = []
        for j in range(len(_blocks(model))):
            group, path = f"stage0.block{j}", f"blocks.{j}"
            layers = {"token_mixing": "linear_tokens", "channel_mixing": "mlp_channels.fc2"}
            for role, layer in layers.items():
                found.append(operator_cut(model, group=group, role=role, layer=f"{path}.{layer}"))
            found.append(block_cut(group, path))
        return tuple(found)

    def token_axes(self, model: nn.Module) -> tuple[TokenAxis, ...]:
        """Rows, columns and bias of each block's linear layer: no other weight knows places."""
        return tuple(
            TokenAxis(parameter=f"blocks.{j}.linear_tokens.{name}", axis=axis)
            for j in range(len(_blocks(model)))
            for name, axis in (("weight", 1), ("weight", 0), ("bias", 0))
        )


def _blocks(model: nn.Module) -> Any:
    """The blocks; torch's types do not know that they can be counted and indexed."""
    return model.blocks


ADAPTER = ResMLPAdapter()
