"""What one token reads from the grid, for each kind of token mixing.

Every function returns a ``Reading``: the share of reading (see ``common_ground``) and the raw map.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from vislib.analysis.activation import gelu_derivative
from vislib.analysis.arrays import (
    Array,
    as_grid,
    check_index,
    check_size,
    float_values,
    provenance_of,
    values_of,
)
from vislib.analysis.common_ground import (
    OF_RAW,
    OF_SHARE,
    REDUCTIONS,
    Reading,
    ReadingStatistics,
    share,
    statistics,
)
from vislib.analysis.windows import window_corner, window_grid, window_of
from vislib.schema import ShapeError

__all__ = [
    "Reading",
    "ReadingStatistics",
    "attention_reading",
    "convolution_reading",
    "depthwise_reading",
    "linear_reading",
    "mixer_reading",
    "share",
    "statistics",
    "window_reading",
]


def linear_reading(weights: Array, *, token: int, rows: int, columns: int) -> Reading:
    """What a token reads through one linear layer over tokens (ResMLP).

    Args:
        weights: Axes (token_out, token_in), signed.
        token: The reader, in row-major order.
        rows: Rows of the token grid.
        columns: Columns of the token grid.

    Raises:
        ShapeError: Token or grid do not fit the weights.

    Exactness:
        Parameter: the layer's row as it is.
    """
    matrix = values_of(weights, ("token_out", "token_in"))
    check_index("token", token, matrix.shape[0])
    row = as_grid(matrix[token].astype(np.float64), rows, columns)
    return Reading(
        share=share(row),
        raw=row,
        raw_unit="weight",
        raw_signed=True,
        provenance=provenance_of(weights, "parameter"),
        note="linear",
    )


def mixer_reading(
    fc1: Array,
    fc2: Array,
    hidden: Array | None,
    *,
    token: int,
    rows: int,
    columns: int,
    derivative: Callable[[np.ndarray], np.ndarray] = gelu_derivative,
) -> Reading:
    """What a token reads through a token-mixing MLP, linearised.

    For channel c the slope of output token t by the input tokens is row t of
    W2 diag(gelu'(h_c)) W1; the whole (channel, token_out, token_in) table is never formed.

    Args:
        fc1: W1, axes (unit, token_in), signed.
        fc2: W2, axes (token_out, unit), signed.
        hidden: fc1's output before the activation, bias included, axes (channel, unit), at this
            picture; None linearises at zero, where gelu' is 1/2 for every channel: 1/2 W2 W1.
        token: The reader, in row-major order.
        rows: Rows of the token grid.
        columns: Columns of the token grid.
        derivative: The activation's slope.

    Returns:
        share from the root mean square over channels; raw is the mean over channels.

    Raises:
        ShapeError: Sizes do not fit each other or the grid.

    Exactness:
        Linearised: the exact Jacobian of the MLP at this picture (test against autograd); LayerNorm
        and the residual are left out.

    Source: arXiv:2105.01601; timm.models.mlp_mixer.MixerBlock.mlp_tokens.
    """
    first = float_values(fc1, ("unit", "token_in"))
    second = values_of(fc2, ("token_out", "unit"))
    check_index("token", token, second.shape[0])
    check_size("unit of fc2", second.shape[1], first.shape[0])
    before = (
        np.zeros((1, first.shape[0]))
        if hidden is None
        else float_values(hidden, ("channel", "unit"))
    )
    check_size("unit of hidden", before.shape[1], first.shape[0])
    slopes = (second[token].astype(np.float64) * derivative(before)) @ first
    maps = as_grid(slopes, rows, columns)
    return Reading(
        share=share(maps, channel_axis=0),
        raw=REDUCTIONS[OF_RAW](maps, axis=0),
        raw_unit="weight",
        raw_signed=True,
        provenance="linearised",
        note="mixer_at_zero" if hidden is None else "mixer_at_picture",
        over=_over("channels", maps),
    )


def depthwise_reading(kernels: Array, *, row: int, column: int, rows: int, columns: int) -> Reading:
    """What a place reads through a depthwise convolution with zero padding ("same").

    Output (r, c) reads input (r + ky - p, c + kx - p) with p = (K - 1) // 2, a correlation as in
    torch; taps that fall outside the grid meet zeros and are dropped.

    Args:
        kernels: Axes (channel, ky, kx), signed.
        row: The reader's row.
        column: The reader's column.
        rows: Rows of the token grid.
        columns: Columns of the token grid.

    Returns:
        share from the root mean square over channels; raw is the mean over channels.

    Raises:
        ShapeError: The place lies outside the grid.

    Exactness:
        Parameter: the kernels as they are, laid out on the grid.
    """
    taps = float_values(kernels, ("channel", "ky", "kx"))
    check_index("row", row, rows)
    check_index("column", column, columns)
    maps = _laid_out(taps, row, column, rows, columns)
    return Reading(
        share=share(maps, channel_axis=0),
        raw=REDUCTIONS[OF_RAW](maps, axis=0),
        raw_unit="weight",
        raw_signed=True,
        provenance=provenance_of(kernels, "parameter"),
        note="depthwise",
        over=_over("channels", maps),
    )


def convolution_reading(
    kernels: Array, *, row: int, column: int, rows: int, columns: int, step: int = 1
) -> Reading:
    """What a place reads through a dense convolution with zero padding of (K - 1) // 2.

    Unlike a depthwise kernel, a dense one mixes channels as well as places: there is one tap table
    for each pair of channels.

    Args:
        kernels: Axes (channel_out, channel_in, ky, kx), signed.
        row: A row of the grid that is read; the reader is the output token written there.
        column: A column of that grid.
        rows: Rows of the grid that is read.
        columns: Columns of it.
        step: The convolution's stride: the reader's middle tap lies on the nearest multiple of it
            above and to the left.

    Returns:
        share from the root mean square over pairs of channels; raw is the mean over them.

    Raises:
        ShapeError: The place lies outside the grid.

    Exactness:
        Parameter: the kernels as they are, laid out on the grid.
    """
    taps = float_values(kernels, ("channel_out", "channel_in", "ky", "kx"))
    check_index("row", row, rows)
    check_index("column", column, columns)
    two = np.stack([REDUCTIONS[kind](taps, axis=(0, 1)) for kind in (OF_SHARE, OF_RAW)])
    magnitude, mean = _laid_out(two, row // step * step, column // step * step, rows, columns)
    return Reading(
        share=share(magnitude),
        raw=mean,
        raw_unit="weight",
        raw_signed=True,
        provenance=provenance_of(kernels, "parameter"),
        note="convolution",
        over=_over("channel_pairs", taps) or _over("channels_read", taps[0]),
    )


def _over(name: str, maps: np.ndarray) -> str:
    """The name of what maps are reduced over; nothing where there is one map."""
    return name if len(maps) > 1 else ""


def _laid_out(taps: np.ndarray, row: int, column: int, rows: int, columns: int) -> np.ndarray:
    """Kernels (channel, ky, kx) laid on a grid around a place: axes (channel, row, column)."""
    down, across = taps.shape[1:]
    top, left = row - (down - 1) // 2, column - (across - 1) // 2
    maps = np.zeros((taps.shape[0], rows, columns))
    r0, r1 = max(top, 0), min(top + down, rows)
    c0, c1 = max(left, 0), min(left + across, columns)
    maps[:, r0:r1, c0:c1] = taps[:, r0 - top : r1 - top, c0 - left : c1 - left]
    return maps


def window_reading(
    pattern: Array,
    *,
    row: int,
    column: int,
    rows: int,
    columns: int,
    window: int,
    shift: int = 0,
) -> Reading:
    """What a place reads through attention within windows.

    Args:
        pattern: Axes (window, head, query, key), probability.
        row: The reader's row.
        column: The reader's column.
        rows: Rows of the token grid, without padding.
        columns: Columns of the token grid, without padding.
        window: Side of a window, in cells.
        shift: Cells by which the grid was rolled up and left before it was cut (Swin); a window
            may then hold places of opposite edges, whose probability the model's mask makes 0.

    Returns:
        share from the root mean square over heads; raw is the mean over heads; ``outside`` is the
        share of padding tokens (they carry the projection's bias, so they are really read).

    Raises:
        ShapeError: Pattern, grid and window do not fit.

    Exactness:
        Recomputed: the pattern's row, laid out on the grid.

    Source: arXiv:2204.03645, timm.models.davit.SpatialBlock; arXiv:2103.14030,
    timm.models.swin_transformer.SwinTransformerBlock.
    """
    table = values_of(pattern, ("window", "head", "query", "key"))
    down, across = window_grid(rows, columns, window)
    check_size("window", table.shape[0], down * across)
    check_size("query", table.shape[2], window * window)
    check_size("key", table.shape[3], window * window)
    index, query = window_of(row, column, rows=rows, columns=columns, window=window, shift=shift)
    top, left = window_corner(index, rows=rows, columns=columns, window=window)
    rows_of_heads = as_grid(table[index, :, query].astype(np.float64), window, window)
    padded = np.zeros((table.shape[1], down * window, across * window))
    padded[:, top : top + window, left : left + window] = rows_of_heads
    percent = share(padded, channel_axis=0)
    inside = padded[:, :rows, :columns]
    return Reading(
        share=np.roll(percent[:rows, :columns], (shift, shift), axis=(0, 1)),
        raw=np.roll(REDUCTIONS[OF_RAW](inside, axis=0), (shift, shift), axis=(0, 1)),
        raw_unit="probability",
        raw_signed=False,
        provenance=provenance_of(pattern, "recomputed"),
        note="window",
        over=_over("heads", padded),
        # The complement would leave rounding dust where there is no padding.
        outside=float(percent[rows:].sum() + percent[:rows, columns:].sum()),
        heads=np.roll(inside, (shift, shift), axis=(1, 2)),
    )


def attention_reading(
    pattern: Array, *, row: int, column: int, rows: int, columns: int, prefix_tokens: int = 0
) -> Reading:
    """What a place reads through attention between all tokens (ViT).

    Args:
        pattern: Axes (head, query, key), probability; the prefix tokens come first.
        row: The reader's row.
        column: The reader's column.
        rows: Rows of the token grid.
        columns: Columns of the token grid.
        prefix_tokens: Tokens without a place (class, registers) before the grid's.

    Returns:
        share from the root mean square over heads; raw is the mean over heads; ``outside`` is the
        share of the prefix tokens.

    Raises:
        ShapeError: The place lies outside, or the tokens are not prefix + grid.

    Exactness:
        Recomputed: the pattern's row, laid out on the grid.

    Source: arXiv:2010.11929; timm.models.vision_transformer.Attention.
    """
    table = values_of(pattern, ("head", "query", "key"))
    check_index("row", row, rows)
    check_index("column", column, columns)
    if prefix_tokens < 0:
        raise ShapeError("error.shape.prefix_tokens", count=prefix_tokens)
    check_size("query", table.shape[1], prefix_tokens + rows * columns)
    check_size("key", table.shape[2], prefix_tokens + rows * columns)
    read = table[:, prefix_tokens + row * columns + column].astype(np.float64)
    percent = share(read, channel_axis=0)
    heads = as_grid(read[:, prefix_tokens:], rows, columns)
    return Reading(
        share=as_grid(percent[prefix_tokens:], rows, columns),
        raw=REDUCTIONS[OF_RAW](heads, axis=0),
        raw_unit="probability",
        raw_signed=False,
        provenance=provenance_of(pattern, "recomputed"),
        note="attention",
        over=_over("heads", heads),
        outside=float(percent[:prefix_tokens].sum()),
        heads=heads,
    )
