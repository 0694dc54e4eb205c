"""MLP-Mixer (arXiv 2105.01601; timm.models.mlp_mixer.MlpMixer with MixerBlock)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from timm.models.mlp_mixer import MixerBlock, MlpMixer
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
    ("token_mixing.in", "mlp_tokens", MAPS),
    ("token_mixing.hidden", "mlp_tokens.fc1", ("channel", "unit")),
    ("token_mixing.out", "mlp_tokens", MAPS),
    ("channel_mixing.in", "mlp_channels", TOKENS),
    ("channel_mixing.out", "mlp_channels", TOKENS),
    ("out", "", TOKENS),
)
"""What is recorded in a block: site, module, axes."""


class MixerAdapter:
    """The token MLP is W2 gelu(W1 x + b1) + b2 on each channel's map, the same for all channels."""

    family = "mixer"

    def accepts(self, model: nn.Module) -> bool:
        """Whether the module is an MLP-Mixer (ResMLP shares the class but not the block)."""
        return isinstance(model, MlpMixer) and isinstance(model.blocks[0], MixerBlock)

    def grid(self, model: nn.Module, input_size: int) -> TokenGrid:
        """Tokens that do not overlap."""
        stem: Any = model.stem
        (rows, columns), patch, known_by = stem.grid_size, stem.patch_size[0], "token_mlp_weights"
        return patch_grid(rows, columns, patch, input_size=input_size, position=known_by)

    def sites(self, model: nn.Module, input_size: int) -> tuple[MixingSite, ...]:
        """One stage; the grid never changes."""
        grid = self.grid(model, input_size)
        return tuple(
            on_first_grid(
                grid,
                j,
                operators=("token_mixing", "channel_mixing"),
                channels=block.mlp_channels.fc1.in_features,
                mixing="gated",
                units=block.mlp_tokens.fc1.out_features,
            )
            for j, block in enumerate(_blocks(model))
        )

    def hook_points(self, model: nn.Module, group: str | None) -> tuple[HookPoint, ...]:
        """Sites: stem.linear, stem.out, token_mixing.in/hidden/out, channel_mixing.in/out, out."""
        stem = (
            point("stem.linear", "stem.proj", "out", PIXELS, "patch_embedding"),
            point("stem.out", "stem", "out", TOKENS, "tokens"),
        )
        blocks = {
            f"stage0.block{j}": block_points(f"stage0.block{j}", f"blocks.{j}", SITES)
            for j in range(len(_blocks(model)))
        }
        return of_group("MLP-Mixer", group, stem, blocks)

    def weights(self, model: nn.Module, group: str) -> dict[str, LabelledArray]:
        """stem.filters/bias; token_mixing.fc1/fc2 and channel_mixing.fc1/fc2 with their biases."""
        if group == "stem":
            return read_stem(model, "stem.proj")
        block = f"blocks.{group.removeprefix('stage0.block')}"
        tokens, channels = f"{block}.mlp_tokens", f"{block}.mlp_channels"
        rows = (
            ("token_mixing.fc1", f"{tokens}.fc1.weight", ("unit", "token_in")),
            ("token_mixing.fc1_bias", f"{tokens}.fc1.bias", ("unit",)),
            ("token_mixing.fc2", f"{tokens}.fc2.weight", ("token_out", "unit")),
            ("token_mixing.fc2_bias", f"{tokens}.fc2.bias", ("token_out",)),
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
        """Of each block: a hidden unit of the token MLP, each MLP, the block."""
        found = []
        for j, block in enumerate(_blocks(model)):
            group, path, role = f"stage0.block{j}", f"blocks.{j}", "token_mixing"
            fc2, units = f"{path}.mlp_tokens.fc2", block.mlp_tokens.fc2.in_features
            one = ((f"{fc2}.weight", 1, 1),)
            channels, last = "channel_mixing", f"{path}.mlp_channels.fc2"
            found += [
                Cut(kind="unit", group=group, role=role, count=units, zeros=one),
                operator_cut(model, group=group, role=role, layer=fc2),
                operator_cut(model, group=group, role=channels, layer=last),
                block_cut(group, path),
            ]
        return tuple(found)

    def token_axes(self, model: nn.Module) -> tuple[TokenAxis, ...]:
        """fc1's columns, fc2's rows and fc2's bias in every block: no other weight knows places."""
        return tuple(
            TokenAxis(parameter=f"blocks.{j}.mlp_tokens.{name}", axis=axis)
            for j in range(len(_blocks(model)))
            for name, axis in (("fc1.weight", 1), ("fc2.weight", 0), ("fc2.bias", 0))
        )


def _blocks(model: nn.Module) -> Any:
    """Timm's blocks, in order."""
    return model.blocks


ADAPTER = MixerAdapter()
