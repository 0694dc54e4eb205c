"""DaViT's two attentions as maps: rows of a window's heads, channels of a group, both over depth.

Source: arXiv:2204.03645; timm.models.davit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vislib.analysis.arrays import as_grid, check_index, check_size, float_values, values_of
from vislib.analysis.channel_groups import entropy, score_at_places
from vislib.analysis.common_ground import ReadingStatistics, statistics
from vislib.analysis.windows import partition, window_corner, window_of
from vislib.schema import LabelledArray, MixingSite, freeze

_PATTERN = ("window", "head", "query", "key")
_OPERAND = ("group", "token", "channel")


@dataclass(frozen=True, kw_only=True)
class WindowRows:
    """What one place reads inside its window, a map a head.

    Attributes:
        maps: Axes (head, row, column) of the window, padding included; probability, each sums to 1.
        mean: Axes (row, column): the mean over heads.
        place: The reader's (row, column) inside the window.
        corner: The grid cell (row, column) at the window's top left; of a shifted window that goes
            round an edge, the cell at which it begins.
        number, count: The window, from 0 in row-major order, and how many there are.
    """

    maps: LabelledArray
    mean: LabelledArray
    place: tuple[int, int]
    corner: tuple[int, int]
    number: int
    count: int


def window_rows(pattern: LabelledArray, site: MixingSite, *, row: int, column: int) -> WindowRows:
    """Lay the rows of all heads for one reader out on its window.

    Args:
        pattern: Axes (window, head, query, key), probability.
        site: The block: its grid and window.
        row: The reader's row of the grid, from 0.
        column: The reader's column, from 0.

    Raises:
        ShapeError: The place lies outside, or the pattern is of another block.

    Exactness:
        The pattern's own rows, unchanged.
    """
    table = values_of(pattern, _PATTERN)
    side = site.window
    grid = {"rows": site.rows, "columns": site.columns, "window": side}
    number, query = window_of(row, column, **grid, shift=site.shift)
    check_index("window", number, table.shape[0])
    check_size("key", table.shape[3], side * side)
    maps = as_grid(table[number, :, query], side, side)
    top, left = window_corner(number, **grid)
    source = f"{pattern.source}, window {number}, query {query}"
    return WindowRows(
        maps=_like(pattern, maps, ("head", "row", "column"), source),
        mean=_like(pattern, maps.mean(axis=0), ("row", "column"), f"mean over heads of {source}"),
        place=divmod(query, side),
        corner=((top + site.shift) % site.rows, (left + site.shift) % site.columns),
        number=number,
        count=table.shape[0],
    )


def head_statistics(
    heads: np.ndarray, *, row: int, column: int, cell_px: float
) -> tuple[ReadingStatistics, ...]:
    """Reach, entropy and local share of each head's row.

    Args:
        heads: Axes (head, row, column) over the whole grid, probability (``Reading.heads``).
        row: The reader's row.
        column: The reader's column.
        cell_px: Side of a cell in pixels of the picture.
    """
    maps = float_values(heads, ("head", "row", "column"))
    return tuple(statistics(100.0 * m, row=row, column=column, cell_px=cell_px) for m in maps)


def group_maps(operand: LabelledArray, group: int, *, rows: int, columns: int) -> LabelledArray:
    """One group's queries, keys or values as maps.

    Args:
        operand: Axes (group, token, channel), activation.
        group: The group, from 0.
        rows: Rows of the token grid.
        columns: Columns of the token grid.

    Returns:
        Axes (channel, row, column), channels counted within the group.

    Raises:
        ShapeError: There is no such group, or the grid does not fit.
    """
    values = values_of(operand, _OPERAND)
    check_index("group", group, values.shape[0])
    maps = as_grid(values[group].T, rows, columns)
    source = f"{operand.source}, group {group}"
    return _like(operand, maps, ("channel", "row", "column"), source)


def mixed_maps(
    mixed: LabelledArray, group: int, *, groups: int, rows: int, columns: int
) -> LabelledArray:
    """One group's output channels as maps: what channel attention writes, before its projection.

    Args:
        mixed: Axes (token, channel); the groups' channels one after the other.
        group: The group, from 0.
        groups: How many groups there are.
        rows: Rows of the token grid.
        columns: Columns of the token grid.

    Returns:
        Axes (channel, row, column), channels counted within the group: sum over j of
        pattern[group, i, j] * query j (test_analysis_dual_attention.py).

    Raises:
        ShapeError: There is no such group, or the sizes do not fit.
    """
    values = values_of(mixed, ("token", "channel"))
    check_index("group", group, groups)
    width = values.shape[1] // groups
    check_size("channel", values.shape[1], width * groups)
    maps = as_grid(values[:, group * width : (group + 1) * width].T, rows, columns)
    source = f"{mixed.source}, group {group}"
    return _like(mixed, maps, ("channel", "row", "column"), source)


def score_map(
    arrays: Mapping[str, LabelledArray], site: MixingSite, *, group: int, out: int, read: int
) -> LabelledArray:
    """Where entry (out, read) of a group's table comes from: scale * k_out[p] * v_read[p].

    Args:
        arrays: The block's captured arrays, with channel.keys and channel.values.
        site: The block.
        group: The group, from 0.
        out: The channel that is written, counted within the group.
        read: The channel that is read, counted within the group.

    Returns:
        Axes (row, column), signed; the sum over places is the score before the softmax.
    """
    keys = arrays[f"{site.group}.channel.keys"]
    places = score_at_places(
        keys,
        arrays[f"{site.group}.channel.values"],
        group=group,
        channel_out=out,
        channel_in=read,
        scale=(site.channels // site.heads) ** -0.5,
        rows=site.rows,
        columns=site.columns,
    )
    return LabelledArray(
        values=places,
        axes=("row", "column"),
        role="channel_attention",
        unit="score",
        signed=True,
        provenance="recomputed",
        source=f"scale * k_{out} * v_{read} of {keys.source.removeprefix('k of ')}, group {group}",
    )


def fed_by(
    mixed: LabelledArray, queries: LabelledArray, channel: int, feeders: Sequence[int]
) -> LabelledArray:
    """A channel's output map, followed by the query maps of channels that feed it.

    Args:
        mixed: Axes (channel, row, column), what one group writes.
        queries: Axes (channel, row, column), the same group's queries.
        channel: The channel that is written.
        feeders: Channels that are read.

    Returns:
        Axes (channel, row, column): first the output, then the feeders in the order given.
    """
    check_index("channel", channel, mixed.values.shape[0])
    maps = np.concatenate([mixed.values[[channel]], queries.values[list(feeders)]])
    source = f"channel {channel} of {mixed.source}; channels {list(feeders)} of {queries.source}"
    return _like(queries, maps, queries.axes, source)


def total(places: LabelledArray) -> float:
    """The sum over all places."""
    return float(np.asarray(places.values, dtype=np.float64).sum())


def dual_sites(sites: Sequence[MixingSite]) -> list[MixingSite]:
    """The blocks that have both attentions."""
    both = {"window_attention", "channel_attention"}
    return [site for site in sites if both <= set(site.operators)]


@dataclass(frozen=True, kw_only=True)
class DepthEntropy:
    """Mean entropy of a model's attentions, block by block (axes (block,), bits).

    Attributes:
        blocks: 1, 2, ... in the order in which the blocks run.
        window, window_most: Mean over real places and heads; log2 of the window's places.
        channel, channel_most: Mean over channels and groups; log2 of the group's channels.
    """

    blocks: np.ndarray
    window: np.ndarray
    window_most: np.ndarray
    channel: np.ndarray
    channel_most: np.ndarray


def entropy_over_depth(
    sites: Sequence[MixingSite], arrays: Mapping[str, LabelledArray]
) -> DepthEntropy:
    """Mean entropy of both attentions in every block.

    Args:
        sites: Blocks that have both attentions.
        arrays: Captured patterns of all of them.
    """
    numbers: list[tuple[float, float, float, float]] = []
    for site in sites:
        window = values_of(arrays[f"{site.group}.window.pattern"], _PATTERN)
        channel = arrays[f"{site.group}.channel.pattern"].values
        # Padding reads too, but no one sees what it writes.
        real = partition(np.ones((site.rows, site.columns), dtype=bool), site.window)
        places = entropy(window).swapaxes(1, 2)[real]
        most = (np.log2(window.shape[-1]), np.log2(channel.shape[-1]))
        numbers.append((float(places.mean()), most[0], float(entropy(channel).mean()), most[1]))
    columns = np.array(numbers, dtype=np.float64).reshape(-1, 4).T
    return DepthEntropy(
        blocks=freeze(np.arange(1, len(sites) + 1)),
        window=freeze(columns[0]),
        window_most=freeze(columns[1]),
        channel=freeze(columns[2]),
        channel_most=freeze(columns[3]),
    )


def _like(
    array: LabelledArray, values: np.ndarray, axes: tuple[str, ...], source: str
) -> LabelledArray:
    """The same kind of numbers on other axes."""
    return LabelledArray(
        values=values,
        axes=axes,
        role=array.role,
        unit=array.unit,
        signed=array.signed,
        provenance=array.provenance,
        source=source,
    )
