"""Two identities of mixing layers, rebuilt with torch's own convolution.

Channel mixing is a 1 x 1 convolution: the same matrix at every place. A layer over the tokens is
one large filter over space: a convolution whose kernel is as large as the token grid, applied to
each channel with the same weights, without any room to slide.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from vislib.schema import CaptureError, LabelledArray, MixingSite, ShapeError, freeze

Arrays = Mapping[str, LabelledArray]
CHANNELS, TOKENS = "channel_mixing", "token_mixing"


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What a layer computed, and what the convolution computes from the same input.

    Attributes:
        name: The tensor's name.
        axes: Of both arrays: (channel, row, column), or (channel, unit).
        model, rebuilt: What the model computed, and the convolution's output.
        kernel: The convolution's weights, axes (output, input, ky, kx).
        largest: Largest |difference|.
        scale: Largest |value| of the model's.
    """

    name: str
    axes: tuple[str, ...]
    model: np.ndarray
    rebuilt: np.ndarray
    kernel: tuple[int, int, int, int]
    largest: float
    scale: float


def channel_mixing(arrays: Arrays, weights: Arrays, site: MixingSite) -> Identity:
    """Rebuild a block's channel mixing with 1 x 1 convolutions.

    Args:
        arrays: From ``capture`` of the block: "{group}.channel_mixing.in" and ".out".
        weights: Of the block: fc1 and fc2 with their biases, or one matrix (ConvMixer).
        site: The block.

    Returns:
        Axes (channel, row, column).

    Raises:
        CaptureError: The model shows no such arrays.

    Exactness:
        Up to rounding: float64 shrinks the difference by 1e8 (test_identities.py).
    """
    given = _map(_find(arrays, f"{site.group}.{CHANNELS}.in"), site)
    wanted = _map(_find(arrays, f"{site.group}.{CHANNELS}.out"), site)
    if f"{site.group}.{CHANNELS}.fc1" in weights:
        one, two = (_pointwise(weights, f"{site.group}.{CHANNELS}.fc{n}") for n in (1, 2))
        hidden = functional.gelu(functional.conv2d(given, *one))
        made, kernel = functional.conv2d(hidden, *two), one[0]
    else:
        layer = _pointwise(
            weights, f"{site.group}.{CHANNELS}.weight", f"{site.group}.{CHANNELS}.bias"
        )
        made, kernel = functional.conv2d(given, *layer), layer[0]
    axes = ("channel", "row", "column")
    return _identity(f"{site.group}.{CHANNELS}.out", axes, wanted[0], made[0], kernel)


def token_mixing(arrays: Arrays, weights: Arrays, site: MixingSite) -> Identity:
    """Rebuild a block's first layer over the tokens with a kernel as large as the grid.

    Args:
        arrays: From ``capture`` of the block: "{group}.token_mixing.in" and ".hidden" or ".out".
        weights: Of the block: "{group}.token_mixing.fc1", or ".weight" (one layer, ResMLP).
        site: The block.

    Returns:
        Axes (channel, unit): each channel's map gives one number a filter. Without hidden units
        the filters are the tokens that are written.

    Raises:
        CaptureError: The model mixes tokens in another way.

    Exactness:
        Up to rounding: float64 shrinks the difference by 1e8 (test_identities.py).
    """
    stem = f"{site.group}.{TOKENS}"
    layer, out = ("fc1", "hidden") if site.units else ("weight", "out")
    matrix = _tensor(_find(weights, f"{stem}.{layer}"))
    bias = _tensor(_find(weights, f"{stem}.{'fc1_bias' if site.units else 'bias'}"))
    given = _tensor(_find(arrays, f"{stem}.in"))
    wanted = _tensor(_find(arrays, f"{stem}.{out}"))
    if matrix.shape[1] != site.rows * site.columns:
        raise ShapeError(
            "error.shape.token_count",
            block=stem,
            tokens=matrix.shape[1],
            needed=site.rows * site.columns,
        )
    kernel = matrix.reshape(-1, 1, site.rows, site.columns)
    # Each channel is a picture of its own, so that all share the weights.
    pictures = given.reshape(-1, 1, site.rows, site.columns)
    made = functional.conv2d(pictures, kernel, bias)[:, :, 0, 0]
    return _identity(f"{stem}.{out}", ("channel", "unit"), wanted, made, kernel)


def _find(arrays: Arrays, name: str) -> LabelledArray:
    """An array, or an error that says what is missing."""
    if name not in arrays:
        raise CaptureError("error.capture.no_operator", name=name)
    return arrays[name]


def _tensor(array: LabelledArray) -> Tensor:
    """A copy as a tensor, in the array's own precision."""
    return torch.from_numpy(np.array(array.values))


def _map(array: LabelledArray, site: MixingSite) -> Tensor:
    """Axes (1, channel, row, column)."""
    values = _tensor(array)
    if array.axes == ("token", "channel"):
        values = values.T
    return values.reshape(1, -1, site.rows, site.columns)


def _pointwise(weights: Arrays, name: str, bias: str = "") -> tuple[Tensor, Tensor]:
    """A matrix as 1 x 1 kernels, and its bias."""
    matrix = _tensor(_find(weights, name))
    found = _find(weights, bias or f"{name}_bias")
    return matrix.reshape(matrix.shape[0], matrix.shape[1], 1, 1), _tensor(found)


def _identity(
    name: str, axes: tuple[str, ...], wanted: Tensor, made: Tensor, kernel: Tensor
) -> Identity:
    """Both as arrays, with the largest difference."""
    a, b, c, d = kernel.shape
    return Identity(
        name=name,
        axes=axes,
        model=freeze(wanted.contiguous().numpy()),
        rebuilt=freeze(made.contiguous().numpy()),
        kernel=(a, b, c, d),
        largest=float((wanted - made).abs().max()),
        scale=float(wanted.abs().max()),
    )
