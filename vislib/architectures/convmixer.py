"""ConvMixer (arXiv 2201.09792; timm.models.convmixer.ConvMixer)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from timm.models.convmixer import ConvMixer, Residual
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

MAP = ("channel", "row", "column")


@dataclass(frozen=True, kw_only=True)
class BlockFacts:
    """What a block's modules are, read off them.

    Attributes:
        kernel: Side of the depthwise kernel, in cells.
        padding: As the convolution has it: "same", or cells on each side.
        activation: The class's name ("ReLU", "GELU").
        norm: The class's name of what follows the activation.
        residual: Whether the block's depthwise part is added to its own input.
    """

    kernel: int
    padding: str
    activation: str
    norm: str
    residual: bool


class ConvMixerAdapter:
    """A block is x + BN(act(depthwise(x))), then BN(act(pointwise(.))).

    The activation is the module's own: convmixer_768_32 uses ReLU, the others GELU.
    """

    family = "convmixer"

    def accepts(self, model: nn.Module) -> bool:
        """Whether the module is a ConvMixer."""
        return isinstance(model, ConvMixer)

    def grid(self, model: nn.Module, input_size: int) -> TokenGrid:
        """Tokens that do not overlap; a rest of the input at the right and bottom is not read."""
        stem: Any = model.stem
        convolution = stem[0]
        patch = convolution.kernel_size[0]
        side = (input_size - patch) // patch + 1
        return TokenGrid(
            rows=side,
            columns=side,
            patch=patch,
            stride=patch,
            offset=0,
            input_size=input_size,
            position="zero_padding",
        )

    def sites(self, model: nn.Module, input_size: int) -> tuple[MixingSite, ...]:
        """One stage; the grid never changes."""
        grid, blocks = self.grid(model, input_size), _blocks(model)
        return tuple(
            MixingSite(
                stage=0,
                block=index,
                group=f"stage0.block{index}",
                operators=("depthwise", "channel_mixing"),
                rows=grid.rows,
                columns=grid.columns,
                stride=grid.stride,
                channels=block[1].in_channels,
                mixing="fixed",
                kernel=block[0].fn[0].kernel_size[0],
            )
            for index, block in enumerate(blocks)
        )

    def hook_points(self, model: nn.Module, group: str | None) -> tuple[HookPoint, ...]:
        """Sites: stem.linear, stem.out, depthwise.in/out, channel_mixing.in/out, out."""
        stem = (
            HookPoint(
                name="stem.linear", module="stem.0", side="out", axes=MAP, role="patch_embedding"
            ),
            HookPoint(name="stem.out", module="stem", side="out", axes=MAP, role="tokens"),
        )
        count = len(_blocks(model))
        outs = tuple(
            HookPoint(
                name=f"stage0.block{j}.out",
                module=f"blocks.{j}",
                side="out",
                axes=MAP,
                role="tokens",
            )
            for j in range(count)
        )
        groups: dict[str | None, tuple[HookPoint, ...]] = {
            "logits": (),
            "stem": stem,
            "tokens": (stem[1], *outs),
        }
        for j in range(count):
            groups[f"stage0.block{j}"] = (*self._inside(j), outs[j])
        groups[None] = (*stem, *(p for j in range(count) for p in groups[f"stage0.block{j}"]))
        if group not in groups:
            raise CaptureError(f"ConvMixer has no group {group!r}; it has {list(groups)[:-1]}.")
        return groups[group]

    @staticmethod
    def _inside(j: int) -> tuple[HookPoint, ...]:
        """What goes into and comes out of one block's two convolutions."""
        depthwise, pointwise = f"blocks.{j}.0.fn.0", f"blocks.{j}.1"
        name = f"stage0.block{j}"
        return (
            HookPoint(
                name=f"{name}.depthwise.in", module=depthwise, side="in", axes=MAP, role="depthwise"
            ),
            HookPoint(
                name=f"{name}.depthwise.out",
                module=depthwise,
                side="out",
                axes=MAP,
                role="depthwise",
            ),
            HookPoint(
                name=f"{name}.channel_mixing.in",
                module=pointwise,
                side="in",
                axes=MAP,
                role="channel_mixing",
            ),
            HookPoint(
                name=f"{name}.channel_mixing.out",
                module=pointwise,
                side="out",
                axes=MAP,
                role="channel_mixing",
            ),
        )

    def weights(self, model: nn.Module, group: str) -> dict[str, LabelledArray]:
        """stem.filters/bias; depthwise.kernel/bias and channel_mixing.weight/bias of a block."""
        if group == "stem":
            return {
                "stem.filters": read_parameter(
                    model, "stem.0.weight", ("channel", "rgb", "ky", "kx"), "patch_embedding"
                ),
                "stem.bias": read_parameter(model, "stem.0.bias", ("channel",), "patch_embedding"),
            }
        block = f"blocks.{group.removeprefix('stage0.block')}"
        return {
            f"{group}.depthwise.kernel": read_parameter(
                model,
                f"{block}.0.fn.0.weight",
                ("channel", "ky", "kx"),
                "depthwise",
                squeeze=1,
            ),
            f"{group}.depthwise.bias": read_parameter(
                model, f"{block}.0.fn.0.bias", ("channel",), "depthwise"
            ),
            f"{group}.channel_mixing.weight": read_parameter(
                model,
                f"{block}.1.weight",
                ("channel_out", "channel_in", "ky", "kx"),
                "channel_mixing",
            ),
            f"{group}.channel_mixing.bias": read_parameter(
                model, f"{block}.1.bias", ("channel_out",), "channel_mixing"
            ),
        }

    def derive(self, model: nn.Module, tensors: Mapping[str, Tensor]) -> dict[str, Derived]:
        """Nothing: every operand is a module's input or output."""
        return {}

    def cuts(self, model: nn.Module) -> tuple[Cut, ...]:
        """Of each block: a channel's kernel, the depthwise part (its last norm gives 0), the block.

        Without a kernel its channel still gets what activation and norm make of 0.
        """
        found = []
        for j, block in enumerate(_blocks(model)):
            group, path = f"stage0.block{j}", f"blocks.{j}"
            kernel = tuple((f"{path}.0.fn.0.{name}", 0, 1) for name in ("weight", "bias"))
            norm = tuple((f"{path}.0.fn.2.{name}", 0, 0) for name in ("weight", "bias"))
            channels = block[1].in_channels
            found += [
                Cut(kind="kernel", group=group, role="depthwise", count=channels, zeros=kernel),
                Cut(kind="operator", group=group, role="depthwise", zeros=norm),
                Cut(kind="block", group=group, role="tokens", passed=path),
            ]
        return tuple(found)

    def token_axes(self, model: nn.Module) -> tuple[TokenAxis, ...]:
        """None: a kernel knows neighbours, and a shuffle takes them away."""
        return ()


def _blocks(model: nn.Module) -> Any:
    """The blocks; torch's types do not know that they can be counted and indexed."""
    return model.blocks


def block_facts(model: nn.Module, block: int) -> BlockFacts:
    """Read a block's facts off its modules.

    Args:
        model: A ConvMixer.
        block: Counted from 0.

    Raises:
        CaptureError: It is another family's model, or has no such block.
    """
    if not isinstance(model, ConvMixer) or not 0 <= block < len(model.blocks):
        raise CaptureError(f"There is no block {block} of a ConvMixer in {type(model).__name__}.")
    wrapped = _blocks(model)[block][0]
    convolution, activation, norm = wrapped.fn
    padding = convolution.padding
    return BlockFacts(
        kernel=convolution.kernel_size[0],
        padding=padding if isinstance(padding, str) else str(padding[0]),
        activation=type(activation).__name__,
        norm=type(norm).__name__,
        residual=isinstance(wrapped, Residual),
    )


ADAPTER = ConvMixerAdapter()
