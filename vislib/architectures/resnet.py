"""ResNet and BiT (arXiv 1512.03385, 1912.11370; timm.models.resnet and timm.models.resnetv2).

The convolution that a page shows is a block's ``conv2``: in a bottleneck block it is the only one
that mixes places (the two around it are 1 x 1), in a basic block the second of two. It mixes
channels as well, so it has one table of taps for each pair of channels. In timm (as in
torchvision) the stride lies on it; the paper has it on the 1 x 1 convolution before.

BiT standardises the weights of each convolution in the forward pass: what the model uses is given
here, not the parameter. Its stem pads with zeros before it pools, where ResNet's pooling pads with
what never is the largest; a token's place is the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from timm.layers.std_conv import StdConv2d
from timm.models import resnet, resnetv2
from torch import Tensor, nn

from vislib.architectures.shared.cuts import block_cut
from vislib.architectures.shared.hook_points import block_points, of_group, point
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
SITES = (
    ("convolution.in", "conv2", MAP),
    ("convolution.out", "conv2", MAP),
    ("out", "", MAP),
)
"""What is recorded in a block: site, module, axes."""
KERNEL = ("channel_out", "channel_in", "ky", "kx")
CONVOLUTIONS = (nn.Conv2d, StdConv2d)
BASIC = (resnet.BasicBlock, resnetv2.PreActBasic)
WEIGHTS = (
    ("convolution.kernel", "conv2"),
    ("channel_mixing.reduce", "conv1"),
    ("channel_mixing.expand", "conv3"),
)
BASIC_WEIGHTS = (("convolution.kernel", "conv2"), ("convolution.first_kernel", "conv1"))
BLOCKS = (*BASIC, resnet.Bottleneck, resnetv2.PreActBottleneck, resnetv2.Bottleneck)


def kernel_in_use(convolution: nn.Module) -> Tensor:
    """The kernel that a convolution applies, on its own device.

    Args:
        convolution: torch's, or timm's with weight standardisation.

    Returns:
        Axes (channel_out, channel_in, ky, kx); for the latter, mean 0 and variance 1 over each
        output channel's weights.

    Exactness:
        Recomputed by the forward pass's own operation (test_resnet.py).

    Source: arXiv:1903.10520; timm.layers.StdConv2d.
    """
    plain: Any = convolution
    weight: Tensor = plain.weight.detach()
    if not isinstance(plain, StdConv2d):
        return weight
    flat = weight.reshape(1, plain.out_channels, -1)
    scaled = F.batch_norm(flat, None, None, training=True, momentum=0.0, eps=plain.eps)
    return scaled.reshape_as(weight)


class ResNetAdapter:
    """Stages of blocks; a block adds what its convolutions compute to its input."""

    family = "resnet"

    def accepts(self, model: nn.Module) -> bool:
        """Whether the module is a ResNet or BiT of plain dense convolutions with a 7x7 stem.

        Refused: dilated, grouped, anti-aliased convolutions, attention inside blocks, other stems.
        """
        if not isinstance(model, resnet.ResNet | resnetv2.ResNetV2):
            return False
        convolution, pool, _ = _stem(model)
        return (
            type(convolution) in CONVOLUTIONS
            and type(pool) is nn.MaxPool2d
            and all(_is_plain(block) for _, _, _, block in _blocks(model))
        )

    def grid(self, model: nn.Module, input_size: int) -> TokenGrid:
        """The stem convolution's own output; pooling then halves it before the first block."""
        convolution, _, _ = _stem(model)
        side = _side_after(input_size, convolution)
        return TokenGrid(
            rows=side,
            columns=side,
            patch=convolution.kernel_size[0],
            stride=convolution.stride[0],
            offset=-convolution.padding[0],
            input_size=input_size,
            position="zero_padding",
        )

    def sites(self, model: nn.Module, input_size: int) -> tuple[MixingSite, ...]:
        """Every block; rows, columns and stride are those of the grid that ``conv2`` reads."""
        grid, (_, pool, padding) = self.grid(model, input_size), _stem(model)
        side = (grid.rows + 2 * padding - pool.kernel_size) // pool.stride + 1
        distance, found = grid.stride * pool.stride, []
        for stage, block, _, part in _blocks(model):
            side = _side_after(side, part.conv1)
            distance *= part.conv1.stride[0]
            step = part.conv2.stride[0]
            last = part.conv2 if isinstance(part, BASIC) else part.conv3
            found.append(
                MixingSite(
                    stage=stage,
                    block=block,
                    group=f"stage{stage}.block{block}",
                    operators=("convolution",)
                    if isinstance(part, BASIC)
                    else ("convolution", "channel_mixing"),
                    rows=side,
                    columns=side,
                    stride=distance,
                    channels=last.out_channels,
                    mixing="fixed",
                    kernel=part.conv2.kernel_size[0],
                    step=step,
                )
            )
            side, distance = _side_after(side, part.conv2), distance * step
        return tuple(found)

    def hook_points(self, model: nn.Module, group: str | None) -> tuple[HookPoint, ...]:
        """Sites: stem.linear, stem.out (after pooling), convolution.in/out, out."""
        is_first = isinstance(model, resnet.ResNet)
        linear, last = ("conv1", "maxpool") if is_first else ("stem.conv", "stem")
        stem = (
            point("stem.linear", linear, "out", MAP, "patch_embedding"),
            point("stem.out", last, "out", MAP, "tokens"),
        )
        blocks = {
            f"stage{i}.block{j}": block_points(f"stage{i}.block{j}", path, SITES)
            for i, j, path, _ in _blocks(model)
        }
        return of_group("ResNet", group, stem, blocks)

    def weights(self, model: nn.Module, group: str) -> dict[str, LabelledArray]:
        """stem.filters; convolution.kernel of a block, and its other convolutions.

        Those are channel_mixing.reduce and channel_mixing.expand (1 x 1, before and after) of a
        bottleneck block, convolution.first_kernel of a basic one.
        """
        if group == "stem":
            path = "conv1" if isinstance(model, resnet.ResNet) else "stem.conv"
            axes = ("channel", "rgb", "ky", "kx")
            found = {"stem.filters": _kernel(model, path, axes, "patch_embedding")}
            if _stem(model)[0].bias is not None:
                found["stem.bias"] = read_parameter(
                    model, f"{path}.bias", ("channel",), "patch_embedding"
                )
            return found
        for stage, block, path, part in _blocks(model):
            if group == f"stage{stage}.block{block}":
                return {
                    f"{group}.{name}": _kernel(model, f"{path}.{site}", KERNEL, name.split(".")[0])
                    for name, site in (BASIC_WEIGHTS if isinstance(part, BASIC) else WEIGHTS)
                }
        raise CaptureError("error.capture.no_weights", family="ResNet", group=group)

    def derive(self, model: nn.Module, tensors: Mapping[str, Tensor]) -> dict[str, Derived]:
        """Nothing: every operand is a module's input or output."""
        return {}

    def cuts(self, model: nn.Module) -> tuple[Cut, ...]:
        """Of each block: a channel's kernels in ``conv2``, all of ``conv2``, and the block.

        What follows ``conv2`` stays and makes something of 0 too. A block can be left out where it
        hands its input on unchanged beside its convolutions; elsewhere the shape would not fit.
        """
        found = []
        for stage, block, path, part in _blocks(model):
            group, kernel = f"stage{stage}.block{block}", f"{path}.conv2.weight"
            role, channels = "convolution", part.conv2.out_channels
            found += [
                Cut(kind="kernel", group=group, role=role, count=channels, zeros=((kernel, 0, 1),)),
                Cut(kind="operator", group=group, role=role, zeros=((kernel, 0, 0),)),
            ]
            if part.downsample is None:
                found.append(block_cut(group, path))
        return tuple(found)

    def token_axes(self, model: nn.Module) -> tuple[TokenAxis, ...]:
        """None: a kernel knows neighbours, and a shuffle takes them away."""
        return ()


def _blocks(model: nn.Module) -> Iterator[tuple[int, int, str, Any]]:
    """Stage, block, timm's path and the block, in the order in which they run."""
    if isinstance(model, resnet.ResNet):
        stages = [(f"layer{i}", getattr(model, f"layer{i}", None)) for i in range(1, 5)]
    else:
        parts: Any = model.stages
        stages = [(f"stages.{i}.blocks", stage.blocks) for i, stage in enumerate(parts)]
    for i, (path, blocks) in enumerate(stages):
        for j, block in enumerate(blocks if blocks is not None else ()):
            yield i, j, f"{path}.{j}", block


def _stem(model: nn.Module) -> tuple[Any, Any, int]:
    """The stem's convolution, its pooling, and the cells of padding before the pooling."""
    parts: Any = model if isinstance(model, resnet.ResNet) else getattr(model, "stem", None)
    if isinstance(model, resnet.ResNet):
        convolution, pool, pad = parts.conv1, parts.maxpool, None
    else:
        convolution, pool = getattr(parts, "conv", None), getattr(parts, "pool", None)
        pad = getattr(parts, "pad", None)
    padding = getattr(pool, "padding", 0) if pad is None else pad.padding[0] + pool.padding
    return convolution, pool, padding


def _is_plain(block: Any) -> bool:
    """Whether a block is of dense, undilated 1 x 1 and 3 x 3 convolutions and nothing else."""
    if type(block) not in BLOCKS or getattr(block, "se", None) is not None:
        return False
    if not isinstance(getattr(block, "aa", nn.Identity()), nn.Identity):
        return False
    parts = [part for name, part in block.named_children() if name in ("conv1", "conv2", "conv3")]
    return all(
        type(part) in CONVOLUTIONS
        and part.dilation == (1, 1)
        and part.groups == 1
        and part.bias is None
        and part.padding == tuple((side - 1) // 2 for side in part.kernel_size)
        for part in parts
    )


def _side_after(side: int, convolution: Any) -> int:
    """Cells a side of what a convolution writes."""
    room = side + 2 * convolution.padding[0] - convolution.kernel_size[0]
    return int(room // convolution.stride[0] + 1)


def _kernel(model: nn.Module, path: str, axes: tuple[str, ...], role: str) -> LabelledArray:
    """A convolution's kernel as the forward pass uses it."""
    convolution = model.get_submodule(path)
    if not isinstance(convolution, StdConv2d):
        return read_parameter(model, f"{path}.weight", axes, role)
    with torch.inference_mode():
        values = kernel_in_use(convolution).cpu().numpy().copy()
    return LabelledArray(
        values=values,
        axes=axes,
        role=role,
        unit="weight",
        signed=True,
        provenance="recomputed",
        source=f"{path}.weight, standardised for each output channel as in the forward pass",
    )


ADAPTER = ResNetAdapter()
