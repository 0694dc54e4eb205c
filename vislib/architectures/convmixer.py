"""ConvMixer (arXiv 2201.09792; timm.models.convmixer.ConvMixer)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from timm.models.convmixer import ConvMixer, Residual
from torch import Tensor, nn

from vislib.architectures.shared.cuts import block_cut
from vislib.architectures.shared.grids import on_first_grid, patch_grid
from vislib.architectures.shared.hook_points import block_points, of_group, point
from vislib.architectures.shared.parameters import read_parameter, read_rows, read_stem
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
SITES = (
    ("depthwise.in", "0.fn.0", MAP),
    ("depthwise.out", "0.fn.0", MAP),
    ("channel_mixing.in", "1", MAP),
    ("channel_mixing.out", "1", MAP),
    ("out", "", MAP),
)
"""What is recorded in a block: site, module, axes."""


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
        convolution: Any = model.get_submodule("stem.0")
        patch = convolution.kernel_size[0]
        side = (input_size - patch) // patch + 1
        return patch_grid(side, side, patch, input_size=input_size, position="zero_padding")

    def sites(self, model: nn.Module, input_size: int) -> tuple[MixingSite, ...]:
        """One stage; the grid never changes."""
        grid = self.grid(model, input_size)
        return tuple(
            on_first_grid(
                grid,
                j,
                operators=("depthwise", "channel_mixing"),
                channels=block[1].in_channels,
                mixing="fixed",
                kernel=block[0].fn[0].kernel_size[0],
            )
            for j, block in enumerate(_blocks(model))
        )

    def hook_points(self, model: nn.Module, group: str | None) -> tuple[HookPoint, ...]:
        """Sites: stem.linear, stem.out, depthwise.in/out, channel_mixing.in/out, out."""
        stem = (
            point("stem.linear", "stem.0", "out", MAP, "patch_embedding"),
            point("stem.out", "stem", "out", MAP, "tokens"),
        )
        blocks = {
            f"stage0.block{j}": block_points(f"stage0.block{j}", f"blocks.{j}", SITES)
            for j in range(len(_blocks(model)))
        }
        return of_group("ConvMixer", group, stem, blocks)

    def weights(self, model: nn.Module, group: str) -> dict[str, LabelledArray]:
        """stem.filters/bias; depthwise.kernel/bias and channel_mixing.weight/bias of a block."""
        if group == "stem":
            return read_stem(model, "stem.0")
        block = f"blocks.{group.removeprefix('stage0.block')}"
        depthwise, kernel = f"{block}.0.fn.0", ("channel", "ky", "kx")
        one = read_parameter(model, f"{depthwise}.weight", kernel, "depthwise", squeeze=1)
        rows = (
            ("depthwise.bias", f"{depthwise}.bias", ("channel",)),
            (
                "channel_mixing.weight",
                f"{block}.1.weight",
                ("channel_out", "channel_in", "ky", "kx"),
            ),
            ("channel_mixing.bias", f"{block}.1.bias", ("channel_out",)),
        )
        return {f"{group}.depthwise.kernel": one, **read_rows(model, group, rows)}

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
                block_cut(group, path),
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
        raise CaptureError(
            "error.capture.no_convmixer_block", block=block, kind=type(model).__name__
        )
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
