"""DaViT's channel attention: which channels feed a channel, and from which places a score comes.

Within a group, pattern = softmax over channel_in of scale * k^T v, summed over all places, and
out_i = sum_j pattern[i, j] q_j: k and v make the table, q is what gets mixed. The paper's notation
names the operands otherwise. No location survives in the pattern; its scores still are sums over
places, and those can be shown.

Source: arXiv:2204.03645; timm.models.davit.ChannelAttention.
"""

from __future__ import annotations

import numpy as np

from vislib.analysis.arrays import Array, as_grid, check_index, check_size, float_values, values_of
from vislib.schema import ShapeError

_PATTERN = ("group", "channel_out", "channel_in")
_OPERAND = ("group", "token", "channel")


def feeding_channels(
    pattern: Array, group: int, channel: int, count: int = 7
) -> list[tuple[int, float]]:
    """The channels that feed one channel most, strongest first.

    Args:
        pattern: Axes (group, channel_out, channel_in), probability.
        group: The channel group.
        channel: The channel that is written, counted within the group.
        count: How many to name at most.

    Returns:
        (channel_in, counted within the group; probability). Ties go to the smaller channel.

    Raises:
        ShapeError: There is no such group or channel.
    """
    table = values_of(pattern, _PATTERN)
    check_index("group", group, table.shape[0])
    check_index("channel", channel, table.shape[1])
    row = table[group, channel]
    order = np.argsort(-row, kind="stable")[: max(count, 0)]
    return [(int(j), float(row[j])) for j in order]


def strongest_entry(
    pattern: Array, *, group: int | None = None, out: int | None = None, read: int | None = None
) -> tuple[int, int, int]:
    """The largest entry of all tables, among those that what is given leaves.

    Args:
        pattern: Axes (group, channel_out, channel_in), probability.
        group: Only this group; None for all.
        out: Only this channel that is written, counted within the group; None for all.
        read: Only this channel that is read, counted within the group; None for all.

    Returns:
        (group, channel_out, channel_in), from 0. Ties go to the smaller numbers.

    Raises:
        ShapeError: There is no such group or channel.
    """
    table = values_of(pattern, _PATTERN)
    kept = []
    for name, index, size in zip(_PATTERN, (group, out, read), table.shape, strict=True):
        if index is not None:
            check_index(name, index, size)
        kept.append(range(size) if index is None else range(index, index + 1))
    part = table[tuple(slice(places.start, places.stop) for places in kept)]
    best = np.unravel_index(int(part.argmax()), part.shape)
    first, second, third = (places[int(i)] for places, i in zip(kept, best, strict=True))
    return first, second, third


def score_at_places(
    k: Array,
    v: Array,
    *,
    group: int,
    channel_out: int,
    channel_in: int,
    scale: float,
    rows: int,
    columns: int,
) -> np.ndarray:
    """Where an entry of the channel table comes from: scale * k_i[p] * v_j[p] at each place p.

    Args:
        k: Axes (group, token, channel), before the scale; channel_out indexes it.
        v: Axes (group, token, channel); channel_in indexes it.
        group: The channel group.
        channel_out: Row i of the entry, counted within the group.
        channel_in: Column j of the entry, counted within the group.
        scale: The module's factor, 1 / sqrt(channels per group).
        rows: Rows of the token grid.
        columns: Columns of the token grid.

    Returns:
        Axes (row, column), signed; their sum is the score before the softmax.

    Raises:
        ShapeError: An index or the grid does not fit.

    Exactness:
        Recomputed: the sum is the forward pass's score within float32 rounding; the other operand
        order gives another number (test_analysis_channel_groups.py).
    """
    first, second = values_of(k, _OPERAND), values_of(v, _OPERAND)
    check_index("group", group, first.shape[0])
    check_index("channel_out", channel_out, first.shape[2])
    check_index("channel_in", channel_in, second.shape[2])
    check_size("token", second.shape[1], first.shape[1])
    written = first[group, :, channel_out].astype(np.float64)
    read = second[group, :, channel_in].astype(np.float64)
    return as_grid(scale * written * read, rows, columns)


def entropy(pattern: Array, axis: int = -1) -> np.ndarray:
    """Entropy of a pattern's rows in bits: 0 (one entry) to log2 of their length (all equal).

    Args:
        pattern: Any axes, probability; sums to 1 along ``axis``.
        axis: The axis over which the probabilities sum to 1.

    Returns:
        The shape without that axis.

    Raises:
        ShapeError: A number is negative, so these are scores and no probabilities.
    """
    values = pattern if isinstance(pattern, np.ndarray) else pattern.values
    p = np.asarray(values, dtype=np.float64)
    if (p < 0).any():
        raise ShapeError("error.shape.not_probabilities", least=p.min())
    positive = np.where(p > 0, p, 1.0)
    return np.asarray(np.maximum(-(p * np.log2(positive)).sum(axis=axis), 0.0))


def most_bits(count: int) -> float:
    """The largest entropy that ``count`` entries allow: log2 of it."""
    return float(np.log2(count))


def effective_inputs(pattern: Array, axis: int = -1) -> np.ndarray:
    """2**entropy: how many channels (or places) a row draws on in effect, 1 to its length."""
    return np.asarray(2.0 ** entropy(pattern, axis))


def channel_entropy(pattern: Array) -> np.ndarray:
    """Entropy of each channel's row in bits: axes (group, channel_out)."""
    return entropy(float_values(pattern, _PATTERN))
