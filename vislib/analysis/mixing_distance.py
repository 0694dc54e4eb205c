"""How far each block's mixing of places reaches, on average over all readers, for every family.

The same number as ``common_ground.statistics`` gives for the reading of one place, averaged over
all places of the grid, but computed for all of them at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from vislib.analysis.activation import gelu_derivative
from vislib.analysis.arrays import Array, check_size, float_values, values_of
from vislib.analysis.reading_at import spatial_operator
from vislib.analysis.windows import partition
from vislib.schema import LabelledArray, MixingSite, ShapeError

BATCH = 8
"""Readers of a token MLP that are followed at once."""


def mixing_distance(
    site: MixingSite, arrays: Mapping[str, LabelledArray], *, at_zero: bool = False
) -> float:
    """Mean distance between reader and read, weighted by the share of reading, in cells.

    Args:
        site: A block with an operator that mixes places.
        arrays: Its weights and its captured activations, by name.
        at_zero: Linearise a token MLP at zero instead of at this picture.

    Returns:
        The mean over all places that read; what goes to tokens without a place (class token,
        padding) is left out and the rest scaled to sum to 1, a place that reads nothing counts 0.

    Raises:
        ShapeError: No operator of the block mixes places, or an array is missing or of another
            block.

    Exactness:
        The mean of ``statistics(reading_at(...)).reach_px`` with cells of 1 (test against it).
    """
    role, group = spatial_operator(site), site.group
    try:
        if role == "token_mixing" and not site.units:
            size = np.abs(
                float_values(arrays[f"{group}.token_mixing.weight"], ("token_out", "token_in"))
            )
            return _mean_reach(size, _places(site))
        if role == "token_mixing":
            hidden = None if at_zero else arrays[f"{group}.token_mixing.hidden"]
            first, second = (arrays[f"{group}.token_mixing.{name}"] for name in ("fc1", "fc2"))
            return _mean_reach(mlp_sizes(first, second, hidden), _places(site))
        if role == "depthwise":
            return _kernel_reach(
                _rms(arrays[f"{group}.depthwise.kernel"], ("channel", "ky", "kx")), site
            )
        if role == "convolution":
            axes = ("channel_out", "channel_in", "ky", "kx")
            return _kernel_reach(_rms(arrays[f"{group}.convolution.kernel"], axes), site)
        if role == "window_attention":
            return _window_reach(arrays[f"{group}.window.pattern"], site)
        if role == "global_attention":
            table = values_of(arrays[f"{group}.attention.pattern"], ("head", "query", "key"))
            read = table[:, site.prefix :, site.prefix :].astype(np.float64)
            return _mean_reach(np.sqrt(np.square(read).mean(axis=0)), _places(site))
    except KeyError as error:
        raise ShapeError("error.shape.missing_array", block=group, name=error.args[0]) from error
    raise ShapeError("error.shape.no_mixing", block=group, operators=site.operators)


def mlp_sizes(
    fc1: Array,
    fc2: Array,
    hidden: Array | None,
    *,
    derivative: Callable[[np.ndarray], np.ndarray] = gelu_derivative,
) -> np.ndarray:
    """Root mean square over channels of a token MLP's slopes, for all pairs of tokens.

    With W2 diag(g_c) W1 for channel c, the square's mean over channels needs of the gates g only
    the table of their products, mean over c of g_c[u] g_c[v].

    Args:
        fc1: W1, axes (unit, token_in).
        fc2: W2, axes (token_out, unit).
        hidden: fc1's output before the activation, axes (channel, unit); None for gates of 1/2.
        derivative: The activation's slope.

    Returns:
        float64, axes (token_out, token_in), 0 or more.
    """
    first = float_values(fc1, ("unit", "token_in"))
    second = float_values(fc2, ("token_out", "unit"))
    check_size("unit of fc2", second.shape[1], first.shape[0])
    if hidden is None:
        return np.asarray(np.abs(0.5 * second @ first))
    gates = derivative(float_values(hidden, ("channel", "unit")))
    check_size("unit of hidden", gates.shape[1], first.shape[0])
    products = gates.T @ gates / gates.shape[0]
    sizes = np.empty((second.shape[0], first.shape[1]))
    for start in range(0, second.shape[0], BATCH):
        rows = second[start : start + BATCH]
        paths = rows[:, :, np.newaxis] * first  # (token_out, unit, token_in)
        wide = paths.transpose(1, 0, 2).reshape(first.shape[0], -1)
        squares = (wide * (products @ wide)).sum(axis=0)
        sizes[start : start + BATCH] = squares.reshape(rows.shape[0], -1)
    return np.asarray(np.sqrt(np.maximum(sizes, 0.0)))


def _places(site: MixingSite) -> np.ndarray:
    """Row and column of each token, axes (token, 2)."""
    return np.indices((site.rows, site.columns), dtype=np.float64).reshape(2, -1).T


def _mean_reach(sizes: np.ndarray, places: np.ndarray) -> float:
    """Mean over readers; sizes has the axes (reader, read)."""
    check_size("token_out", sizes.shape[0], places.shape[0])
    check_size("token_in", sizes.shape[1], places.shape[0])
    distance = np.linalg.norm(places[:, np.newaxis] - places, axis=-1)
    return float(_weighted(sizes, distance).mean())


def _weighted(sizes: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """Distance weighted by size over the last axis; 0 where all sizes are 0."""
    total = sizes.sum(axis=-1)
    moved = (sizes * distance).sum(axis=-1)
    return np.asarray(np.divide(moved, total, out=np.zeros_like(moved), where=total > 0))


def _rms(kernels: Array, axes: tuple[str, ...]) -> np.ndarray:
    """Root mean square over channels or pairs of channels: axes (ky, kx)."""
    taps = float_values(kernels, axes)
    return np.asarray(np.sqrt(np.square(taps).mean(axis=tuple(range(taps.ndim - 2)))))


def _kernel_reach(taps: np.ndarray, site: MixingSite) -> float:
    """Of one tap table around every place that is written; taps beyond the edge read nothing."""
    moved, total = (np.zeros((site.rows, site.columns)) for _ in range(2))
    for (ky, kx), tap in np.ndenumerate(taps):
        down, across = ky - (taps.shape[0] - 1) // 2, kx - (taps.shape[1] - 1) // 2
        rows = slice(max(0, -down), max(0, site.rows - max(0, down)))
        columns = slice(max(0, -across), max(0, site.columns - max(0, across)))
        total[rows, columns] += tap
        moved[rows, columns] += tap * np.hypot(down, across)
    reach = np.divide(moved, total, out=np.zeros_like(moved), where=total > 0)
    return float(reach[:: site.step, :: site.step].mean())


def _window_reach(pattern: Array, site: MixingSite) -> float:
    """Of attention within windows; cells of padding neither read nor count as read."""
    table = values_of(pattern, ("window", "head", "query", "key")).astype(np.float64)
    grid = np.indices((site.rows, site.columns), dtype=np.float64).transpose(1, 2, 0)
    places = partition(grid, site.window, site.shift)
    real = partition(np.ones((site.rows, site.columns), dtype=bool), site.window, site.shift)
    check_size("window", table.shape[0], places.shape[0])
    check_size("query", table.shape[2], places.shape[1])
    sizes = np.sqrt(np.square(table).mean(axis=1)) * real[:, np.newaxis]
    distance = np.linalg.norm(places[:, :, np.newaxis] - places[:, np.newaxis], axis=-1)
    return float(_weighted(sizes, distance)[real].mean())
