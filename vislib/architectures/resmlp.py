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


class ResMLPAdapter:
    """Token mixing is A x + b on each channel's map, the same A for all channels."""

    family = "resmlp"

    def accepts(self, model: nn.Module) -> bool:
        """Whether the module is a ResMLP (MLP-Mixer shares the class but not the block)."""
        return isinstance(model, MlpMixer) and isinstance(_blocks(model)[0], ResBlock)

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
        """One stage; the grid never changes. No hidden units over the tokens: units is 0."""
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
                mixing="fixed",
            )
            for index, block in enumerate(_blocks(model))
        )

    def hook_points(self, model: nn.Module, group: str | None) -> tuple[HookPoint, ...]:
        """Sites: stem.linear, stem.out, token_mixing.in/out, channel_mixing.in/out, out."""
        tokens, maps = ("token", "channel"), ("channel", "token")
        linear = HookPoint(
            name="stem.linear",
            module="stem.proj",
            side="out",
            axes=("channel", "row", "column"),
            role="patch_embedding",
        )
        first = HookPoint(name="stem.out", module="stem", side="out", axes=tokens, role="tokens")
        count = len(_blocks(model))
        outs = tuple(_point(j, "out", "", tokens) for j in range(count))
        groups: dict[str | None, tuple[HookPoint, ...]] = {
            "logits": (),
            "stem": (linear, first),
            "tokens": (first, *outs),
        }
        for j in range(count):
            groups[f"stage0.block{j}"] = (
                _point(j, "token_mixing.in", ".linear_tokens", maps),
                _point(j, "token_mixing.out", ".linear_tokens", maps),
                _point(j, "channel_mixing.in", ".mlp_channels", tokens),
                _point(j, "channel_mixing.out", ".mlp_channels", tokens),
                outs[j],
            )
        blocks = [point for j in range(count) for point in groups[f"stage0.block{j}"]]
        groups[None] = (linear, first, *blocks)
        if group not in groups:
            raise CaptureError(f"ResMLP has no group {group!r}; it has {list(groups)[:-1]}.")
        return groups[group]

    def weights(self, model: nn.Module, group: str) -> dict[str, LabelledArray]:
        """stem.filters/bias; token_mixing.weight/bias and channel_mixing.fc1/fc2 with biases."""
        if group == "stem":
            axes = ("channel", "rgb", "ky", "kx")
            return {
                "stem.filters": read_parameter(model, "stem.proj.weight", axes, "patch_embedding"),
                "stem.bias": read_parameter(
                    model, "stem.proj.bias", ("channel",), "patch_embedding"
                ),
            }
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
        return {
            f"{group}.{name}": read_parameter(model, path, axes, name.split(".")[0])
            for name, path, axes in rows
        }

    def derive(self, model: nn.Module, tensors: Mapping[str, Tensor]) -> dict[str, Derived]:
        """Nothing: every operand is a module's input or output."""
        return {}

    def cuts(self, model: nn.Module) -> tuple[Cut, ...]:
        """Of each block: the linear layer over the tokens, the MLP over the channels, the block."""
        found = []
        for j in range(len(_blocks(model))):
            group, path = f"stage0.block{j}", f"blocks.{j}"
            for role, layer in (
                ("token_mixing", "linear_tokens"),
                ("channel_mixing", "mlp_channels.fc2"),
            ):
                zeros = tuple((f"{path}.{layer}.{name}", 0, 0) for name in ("weight", "bias"))
                found.append(Cut(kind="operator", group=group, role=role, zeros=zeros))
            found.append(Cut(kind="block", group=group, role="tokens", passed=path))
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


def _point(j: int, site: str, path: str, axes: tuple[str, ...]) -> HookPoint:
    """A place in block j; a site that ends in ".in" is its module's input."""
    return HookPoint(
        name=f"stage0.block{j}.{site}",
        module=f"blocks.{j}{path}",
        side="in" if site.endswith(".in") else "out",
        axes=axes,
        role="tokens" if site == "out" else site.split(".")[0],
    )


ADAPTER = ResMLPAdapter()
