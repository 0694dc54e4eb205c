"""MLP-Mixer (arXiv 2105.01601; timm.models.mlp_mixer.MlpMixer with MixerBlock)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from timm.models.mlp_mixer import MixerBlock, MlpMixer
from torch import Tensor, nn

from vislib.architectures.shared.parameters import read_parameter
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


class MixerAdapter:
    """The token MLP is W2 gelu(W1 x + b1) + b2 on each channel's map, the same for all channels."""

    family = "mixer"

    def accepts(self, model: nn.Module) -> bool:
        """Whether the module is an MLP-Mixer (ResMLP shares the class but not the block)."""
        return isinstance(model, MlpMixer) and isinstance(model.blocks[0], MixerBlock)

    def grid(self, model: nn.Module, input_size: int) -> TokenGrid:
        """Tokens that do not overlap."""
        stem: Any = model.stem
        rows, columns = stem.grid_size
        patch = stem.patch_size[0]
        return TokenGrid(
            rows=rows,
            columns=columns,
            patch=patch,
            stride=patch,
            offset=0,
            input_size=input_size,
            position="token_mlp_weights",
        )

    def sites(self, model: nn.Module, input_size: int) -> tuple[MixingSite, ...]:
        """One stage; the grid never changes."""
        grid = self.grid(model, input_size)
        return tuple(
            MixingSite(
                stage=0,
                block=index,
                group=f"stage0.block{index}",
                operators=("token_mixing", "channel_mixing"),
                rows=grid.rows,
                columns=grid.columns,
                stride=grid.stride,
                channels=block.mlp_channels.fc1.in_features,
                mixing="gated",
                units=block.mlp_tokens.fc1.out_features,
            )
            for index, block in enumerate(_blocks(model))
        )

    def hook_points(self, model: nn.Module, group: str | None) -> tuple[HookPoint, ...]:
        """Sites: stem.linear, stem.out, token_mixing.in/hidden/out, channel_mixing.hidden, out."""
        stem = (
            HookPoint(
                name="stem.linear",
                module="stem.proj",
                side="out",
                axes=("channel", "row", "column"),
                role="patch_embedding",
            ),
            HookPoint(
                name="stem.out",
                module="stem",
                side="out",
                axes=("token", "channel"),
                role="tokens",
            ),
        )
        count = len(_blocks(model))
        outs = tuple(self._point(j, "out", "", "out", ("token", "channel")) for j in range(count))
        groups: dict[str | None, tuple[HookPoint, ...]] = {
            "logits": (),
            "stem": stem,
            "tokens": (stem[1], *outs),
        }
        for j in range(count):
            groups[f"stage0.block{j}"] = (
                self._point(j, "token_mixing.in", ".mlp_tokens", "in", ("channel", "token")),
                self._point(
                    j, "token_mixing.hidden", ".mlp_tokens.fc1", "out", ("channel", "unit")
                ),
                self._point(j, "token_mixing.out", ".mlp_tokens", "out", ("channel", "token")),
                self._point(j, "channel_mixing.in", ".mlp_channels", "in", ("token", "channel")),
                self._point(j, "channel_mixing.out", ".mlp_channels", "out", ("token", "channel")),
                outs[j],
            )
        blocks = [point for j in range(count) for point in groups[f"stage0.block{j}"]]
        groups[None] = (*stem, *blocks)
        if group not in groups:
            raise CaptureError(f"MLP-Mixer has no group {group!r}; it has {list(groups)[:-1]}.")
        return groups[group]

    @staticmethod
    def _point(j: int, site: str, path: str, side: str, axes: tuple[str, ...]) -> HookPoint:
        role = "tokens" if site == "out" else site.split(".")[0]
        return HookPoint(
            name=f"stage0.block{j}.{site}",
            module=f"blocks.{j}{path}",
            side="in" if side == "in" else "out",
            axes=axes,
            role=role,
        )

    def weights(self, model: nn.Module, group: str) -> dict[str, LabelledArray]:
        """stem.filters/bias; token_mixing.fc1/fc2 and channel_mixing.fc1/fc2 with their biases."""
        if group == "stem":
            return {
                "stem.filters": read_parameter(
                    model, "stem.proj.weight", ("channel", "rgb", "ky", "kx"), "patch_embedding"
                ),
                "stem.bias": read_parameter(
                    model, "stem.proj.bias", ("channel",), "patch_embedding"
                ),
            }
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
        return {
            f"{group}.{name}": read_parameter(model, path, axes, name.split(".")[0])
            for name, path, axes in rows
        }

    def derive(self, model: nn.Module, tensors: Mapping[str, Tensor]) -> dict[str, Derived]:
        """Nothing: every operand is a module's input or output."""
        return {}

    def cuts(self, model: nn.Module) -> tuple[Cut, ...]:
        """Of each block: a hidden unit of the token MLP, each MLP, the block."""
        found = []
        for j, block in enumerate(_blocks(model)):
            group, path = f"stage0.block{j}", f"blocks.{j}"
            fc2 = f"{path}.mlp_tokens.fc2.weight"
            units = block.mlp_tokens.fc2.in_features
            found.append(
                Cut(
                    kind="unit",
                    group=group,
                    role="token_mixing",
                    count=units,
                    zeros=((fc2, 1, 1),),
                )
            )
            for role, mlp in (("token_mixing", "mlp_tokens"), ("channel_mixing", "mlp_channels")):
                zeros = tuple((f"{path}.{mlp}.fc2.{name}", 0, 0) for name in ("weight", "bias"))
                found.append(Cut(kind="operator", group=group, role=role, zeros=zeros))
            found.append(Cut(kind="block", group=group, role="tokens", passed=path))
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
