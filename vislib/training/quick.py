"""The same network, arranged so that it trains faster; its parameters are timm's own.

A GPU has units for matrix products, and PyTorch's kernels for depthwise convolutions do not use
them; the gradient of a kernel is the slowest of all. On a map of a few hundred cells the same
convolution can be written as one matrix product a channel, from every cell to every cell, with
zeros where the kernel does not reach: many times the operations, and still faster
(``benchmarks/training.py`` measures it).

A processor that multiplies bfloat16 spends most of a step on two things that are no products: the
gradient of a depthwise kernel, for which PyTorch's library has no fast code, and fused attention
over small heads. The first is written out as sums, which torch compiles; the second is done in
steps.
"""

from __future__ import annotations

import functools
import importlib.util
import shutil
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from vislib.models.copying import shared_copy

LARGEST_MAP = 256
"""Cells of a map up to which a convolution is written as a product: the matrix has their square."""


class DepthwiseProduct(nn.Conv2d):
    """A depthwise convolution of stride 1 that keeps the size, as one matrix product a channel.

    ``table``: axes (tap, cell read, cell written), 1 where the tap of the kernel leads from the one
    cell to the other; see ``taps``.
    """

    table: Tensor

    def forward(self, maps: Tensor) -> Tensor:
        """Axes (picture, channel, row, column), the same on the way out."""
        size = maps.shape[2:]
        cells = size.numel()
        matrices = (self.weight.flatten(1) @ self.table.flatten(1)).view(-1, cells, cells)
        written = torch.bmm(maps.flatten(2).transpose(0, 1), matrices)
        if self.bias is not None:
            written = written + self.bias.to(written.dtype)[:, None, None]
        return written.transpose(0, 1).view(-1, len(self.weight), *size)


class PointwiseProduct(nn.Conv2d):
    """A 1 x 1 convolution as one matrix product for all pictures.

    It reads and writes its channels one after the other in memory, as ``DepthwiseProduct`` does.
    """

    def forward(self, maps: Tensor) -> Tensor:
        """Axes (picture, channel, row, column), the same on the way out."""
        by_channel = maps.transpose(0, 1)
        written = self.weight.flatten(1) @ by_channel.flatten(1)
        if self.bias is not None:
            written = written + self.bias.to(written.dtype)[:, None]
        return written.view(-1, *by_channel.shape[1:]).transpose(0, 1)


class DepthwiseSums(nn.Conv2d):
    """A depthwise convolution of stride 1 that keeps the size; see ``kernel_gradient``."""

    def forward(self, maps: Tensor) -> Tensor:
        """Axes (picture, channel, row, column), the same on the way out."""
        bias, half = self.bias, torch.is_autocast_enabled("cpu")
        weight = self.weight.bfloat16() if half else self.weight
        maps = maps.to(weight.dtype).contiguous(memory_format=torch.channels_last)
        written: Tensor = _Depthwise.apply(maps, weight)
        return written if bias is None else written + bias.to(written.dtype)[:, None, None]


class _Depthwise(torch.autograd.Function):
    """PyTorch's depthwise convolution, with another way to the gradient of its kernels."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor, weight: Tensor) -> Tensor:
        """Axes (picture, channel, row, column) and (channel, 1, row, column)."""
        ctx.save_for_backward(maps, weight)
        return functional.conv2d(maps, weight, None, 1, weight.shape[-1] // 2, 1, len(weight))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor]:
        """Of the maps and of the kernels."""
        maps, weight = ctx.saved_tensors
        kernel = weight.shape[-1]
        written = gradients[0].contiguous(memory_format=torch.channels_last)
        back = None
        if ctx.needs_input_grad[0]:
            # what leads from a cell to another leads back with the kernel turned around
            turned = weight.flip((2, 3))
            back = functional.conv2d(written, turned, None, 1, kernel // 2, 1, len(weight))
        sums = _compiled()(maps.permute(0, 2, 3, 1), written.permute(0, 2, 3, 1), kernel)
        return back, sums.to(weight.dtype).T.reshape(weight.shape)


def kernel_gradient(maps: Tensor, written: Tensor, kernel: int) -> Tensor:
    """The gradient of the kernels of a depthwise convolution of stride 1 that keeps the size.

    Args:
        maps: What it read; axes (picture, row, column, channel).
        written: Gradient of what it wrote, the same axes.
        kernel: Side of the square kernels, odd.

    Returns:
        Axes (tap, channel); taps row by row. float32, of float64 maps float64.
    """
    _, rows, columns, _ = maps.shape
    reach = kernel // 2
    wide = torch.float64 if maps.dtype == torch.float64 else torch.float32
    padded = functional.pad(maps, (0, 0, reach, reach, reach, reach))
    sums = [
        (padded[:, down : down + rows, right : right + columns].to(wide) * written.to(wide))
        .sum(1)
        .sum((0, 1))
        for down in range(kernel)
        for right in range(kernel)
    ]
    return torch.stack(sums)


@functools.cache
def _compiled() -> Callable[[Tensor, Tensor, int], Tensor]:
    """``kernel_gradient``, compiled for each shape it meets."""
    made: Callable[[Tensor, Tensor, int], Tensor] = torch.compile(kernel_gradient, dynamic=False)
    return made


def taps(kernel: int, rows: int, columns: int) -> Tensor:
    """Which tap of a square kernel leads from one cell of a map to another.

    Args:
        kernel: Side of the kernel, odd; cells outside the map are 0.
        rows: Of the map.
        columns: Of the map.

    Returns:
        float32, axes (tap, cell read, cell written); taps and cells are counted row by row. At
        most one tap of a pair of cells is 1.
    """
    found = torch.zeros(kernel, kernel, rows, columns, rows, columns)
    reach = kernel // 2
    for row in range(rows):
        for column in range(columns):
            for down in range(max(-reach, -row), min(reach, rows - 1 - row) + 1):
                for right in range(max(-reach, -column), min(reach, columns - 1 - column) + 1):
                    found[reach + down, reach + right, row + down, column + right, row, column] = (
                        1.0
                    )
    return found.view(kernel**2, rows * columns, rows * columns)


def with_products(model: nn.Module, size: int, dtype: torch.dtype = torch.float32) -> nn.Module:
    """A copy of a model whose depthwise convolutions are matrix products.

    The copy has the very parameters and buffers of the model: what trains the one trains the other.

    Args:
        model: On the device where it stays.
        size: Side of its square input, in model pixels.
        dtype: Of the tables; that of the products under autocast.

    Returns:
        The copy; without depthwise convolutions on maps of at most ``LARGEST_MAP`` cells, it
        computes what the model computes in the same way.
    """
    twin = shared_copy(model)
    maps = _maps_read(twin, size)
    depthwise = {part: shape for part, shape in maps.items() if _is_depthwise(part)}

    @functools.cache
    def table(kernel: int, rows: int, columns: int) -> Tensor:
        return taps(kernel, rows, columns).to(next(model.parameters()).device, dtype)

    for part, (rows, columns) in depthwise.items():
        if rows * columns <= LARGEST_MAP:
            part.__class__ = DepthwiseProduct
            part.register_buffer(
                "table", table(part.kernel_size[0], rows, columns), persistent=False
            )
    for part in maps if depthwise else ():
        if part.kernel_size == (1, 1) and part.stride == (1, 1) and part.groups == 1:
            part.__class__ = PointwiseProduct
    return twin


def for_gpu(model: nn.Module, size: int) -> nn.Module:
    """What to call instead of a model while it trains in bfloat16 on a CUDA device.

    Compiled by torch where Triton is there (Linux). It has the very parameters of the model.

    Args:
        model: On the device.
        size: Side of its square input, in model pixels.
    """
    fast: nn.Module = compiled(with_products(model, size, torch.bfloat16))
    return fast


def compiled(called: Any) -> Any:
    """A module or a function, compiled for each shape that it meets where Triton is there."""
    if importlib.util.find_spec("triton") is None:
        return called
    return torch.compile(called, dynamic=False)


def for_cpu(model: nn.Module) -> nn.Module:
    """What to call instead of a model while it trains in bfloat16 on a processor.

    Depthwise convolutions stay as they are where no compiler is found. The result has the very
    parameters of the model.
    """
    twin = shared_copy(model)
    compiles = can_compile()
    for part in twin.modules():
        if hasattr(part, "fused_attn"):
            part.fused_attn = False  # type: ignore[assignment]
        if compiles and type(part) is nn.Conv2d and _is_depthwise(part):
            part.__class__ = DepthwiseSums
    return twin


def can_compile() -> bool:
    """Whether torch finds a C++ compiler here."""
    return any(shutil.which(name) for name in ("g++", "clang++"))


def _maps_read(model: nn.Module, size: int) -> dict[nn.Conv2d, torch.Size]:
    """Rows and columns of what each 2-D convolution reads of an input of this side."""
    found: dict[nn.Conv2d, torch.Size] = {}

    def keep(part: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        found[part] = inputs[0].shape[2:]  # type: ignore[index]

    parts = [part for part in model.modules() if type(part) is nn.Conv2d]
    hooks = [part.register_forward_pre_hook(keep) for part in parts]
    before = model.training
    some = next(model.parameters())
    try:
        with torch.inference_mode():
            model.eval()(torch.zeros(1, 3, size, size, dtype=some.dtype, device=some.device))
    finally:
        model.train(before)
        for hook in hooks:
            hook.remove()
    return found


def _is_depthwise(part: nn.Conv2d) -> bool:
    """Whether each channel has a square kernel of its own, and the map keeps its size."""
    side = part.kernel_size[0]
    return (
        part.groups == part.in_channels == part.out_channels
        and part.kernel_size == (side, side)
        and side % 2 == 1
        and part.stride == (1, 1)
        and part.dilation == (1, 1)
        and part.padding in ("same", (side // 2, side // 2))
        and part.padding_mode == "zeros"
    )
