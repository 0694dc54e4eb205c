"""Attentions of different models beside each other: successive blocks, heads, how far they reach.

Source: arXiv:2010.11929 (mean attention distance, Figure 7); arXiv:2103.14030 (successive blocks).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from vislib.analysis.arrays import check_index, check_size, values_of
from vislib.analysis.common_ground import Reading
from vislib.analysis.depth import block_at, depth_of
from vislib.analysis.reading_at import spatial_operator
from vislib.analysis.windows import partition
from vislib.schema import LabelledArray, MixingSite, ShapeError, freeze

PATTERNS = {"window_attention": "window.pattern", "global_attention": "attention.pattern"}
"""Role of an attention between places -> name of its pattern within the block."""


def pattern_name(site: MixingSite) -> str:
    """The name of a block's pattern between places.

    Raises:
        ShapeError: The block has no attention between places.
    """
    role = spatial_operator(site)
    if role not in PATTERNS:
        raise ShapeError(
            "error.shape.no_attention",
            block=site.group,
            operators=site.operators,
            needed=tuple(PATTERNS),
        )
    return f"{site.group}.{PATTERNS[role]}"


def pair_at_depth(sites: Sequence[MixingSite], depth: float) -> tuple[MixingSite, MixingSite]:
    """Two successive blocks of one stage, the first with its windows in place, near a depth.

    Args:
        sites: Blocks in the order in which they run; within a stage every second may be shifted.
        depth: 0 to 1.

    Returns:
        (first, second); the second one's ``shift`` is 0 where its window is the whole map.

    Raises:
        ShapeError: No stage has two blocks.
    """
    pairs = [
        (first, second)
        for first, second in itertools.pairwise(sites)
        if first.stage == second.stage and first.block % 2 == 0
    ]
    if not pairs:
        raise ShapeError("error.shape.no_stage_of_two", count=len(sites))
    wanted = block_at(depth, len(sites))
    places = {site.group: index for index, site in enumerate(sites)}
    return min(pairs, key=lambda p: min(abs(places[s.group] - wanted) for s in p))


def nearest_head(site: MixingSite, head: int | None) -> int | None:
    """The head that is asked for, from 0, or the last one where a block has fewer."""
    return None if head is None else min(head, site.heads - 1)


def without_head(pattern: LabelledArray, head: int) -> LabelledArray:
    """A pattern of all heads but one: of a head that is switched off nobody gets anything.

    Args:
        pattern: With an axis "head" of 2 or more.
        head: From 0.

    Raises:
        ShapeError: There is no such head, or no other one.
    """
    check_index("head", head, pattern.shape.get("head", 0))
    if pattern.shape["head"] < 2:
        raise ShapeError("error.shape.one_head", source=pattern.source)
    kept = np.delete(pattern.values, head, axis=pattern.axes.index("head"))
    return replace(pattern, values=kept, source=f"{pattern.source}, without head {head}")


def share_of(reading: Reading, site: MixingSite, head: int | None) -> LabelledArray:
    """The share of reading over the grid: of all heads together, or of one head.

    Args:
        reading: Of an attention between places, with ``heads``.
        site: The block.
        head: From 0; None for the root mean square over heads.

    Returns:
        Axes (row, column), percent; sums to 100 with ``outside_of``.

    Raises:
        ShapeError: There is no such head.
    """
    share, words = reading.share, "root mean square over heads"
    name = pattern_name(site)
    if head is not None:
        heads = np.zeros((0, 1, 1)) if reading.heads is None else reading.heads
        check_index("head", head, heads.shape[0])
        share, words = 100.0 * heads[head], f"head {head}"
    return LabelledArray(
        values=share,
        axes=("row", "column"),
        role=spatial_operator(site) or "tokens",
        unit="percent",
        signed=False,
        provenance=reading.provenance,
        source=f"share of {name}, {words}",
    )


def outside_of(reading: Reading, head: int | None) -> float:
    """Percent that goes to tokens without a place (class token, padding), of all heads or of one.

    Raises:
        ShapeError: There is no such head.
    """
    if head is None:
        return reading.outside
    heads = np.zeros((0, 1, 1)) if reading.heads is None else reading.heads
    check_index("head", head, heads.shape[0])
    return max(0.0, 100.0 * (1.0 - float(heads[head].sum())))


@dataclass(frozen=True, kw_only=True)
class ReachOverDepth:
    """How far a model's attention reaches, block by block.

    Attributes:
        depth: Axes (block,): relative depth, 0 to 1.
        reach: Axes (block,): mean distance as a share of the side of what the model sees.
    """

    depth: np.ndarray
    reach: np.ndarray


def reach_over_depth(
    sites: Sequence[MixingSite], arrays: Mapping[str, LabelledArray]
) -> ReachOverDepth:
    """Mean attention distance of every block that has an attention between places.

    Args:
        sites: A model's blocks in the order in which they run; others are passed over.
        arrays: Captured patterns of all of them.
    """
    found = [site for site in sites if spatial_operator(site) in PATTERNS]
    reach = [mean_reach(arrays[pattern_name(site)], site) / site.columns for site in found]
    depth = [depth_of(place, len(found)) for place in range(len(found))]
    return ReachOverDepth(
        depth=freeze(np.array(depth, dtype=np.float64)),
        reach=freeze(np.array(reach, dtype=np.float64)),
    )


def mean_reach(pattern: LabelledArray, site: MixingSite) -> float:
    """Mean distance between reader and read, over all places, weighted by probability, in cells.

    Args:
        pattern: Axes (window, head, query, key) or (head, query, key), probability.
        site: The block: its grid, window, shift and prefix.

    Returns:
        Mean over the grid's places of the distance under the mean over heads; what goes to tokens
        without a place (class token, padding) is left out and the rest scaled to sum to 1.

    Raises:
        ShapeError: The pattern is of another block.

    Exactness:
        From the pattern as it is (test_analysis_attentions.py: against ``statistics`` of readings).
    """
    grid = np.indices((site.rows, site.columns), dtype=np.float64).transpose(1, 2, 0)
    if site.window:
        table = values_of(pattern, ("window", "head", "query", "key")).mean(axis=1)
        places = partition(grid, site.window, site.shift)
        real = partition(np.ones((site.rows, site.columns), dtype=bool), site.window, site.shift)
    else:
        heads = values_of(pattern, ("head", "query", "key"))
        table = heads[:, site.prefix :, site.prefix :].mean(axis=0)[np.newaxis]
        places = grid.reshape(1, -1, 2)
        real = np.ones(places.shape[:2], dtype=bool)
    check_size("window", table.shape[0], places.shape[0])
    check_size("query", table.shape[1], places.shape[1])
    distance = np.linalg.norm(places[:, :, np.newaxis] - places[:, np.newaxis], axis=-1)
    weight = table.astype(np.float64) * real[:, np.newaxis]
    reach = (weight * distance).sum(axis=-1)[real] / weight.sum(axis=-1)[real]
    return float(reach.mean())
