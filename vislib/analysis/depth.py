"""Relative depth: which block of a model lies how deep, by one rule for all models and pages.

0 (0 %) is the first block, 1 (100 %) the last, and those between lie evenly apart: block b of n,
counted from 0, lies at b / (n - 1). A model's only block lies at 0.
"""

from __future__ import annotations

import math

from vislib.analysis.arrays import check_index
from vislib.schema import ShapeError

_ROUNDING = 1e-9
"""Two blocks are equally near where their distances differ by less than this: 0.58 * 25 is 14.5."""


def depth_of(block: int, count: int) -> float:
    """A block's relative depth, 0 (first) to 1 (last).

    Args:
        block: From 0.
        count: Blocks of the model.

    Raises:
        ShapeError: There is no such block.
    """
    check_index("block", block, count)
    return block / max(1, count - 1)


def block_at(depth: float, count: int) -> int:
    """The block nearest to a relative depth, from 0; of two that are equally near the earlier.

    So 0.5 (50 %, "middle") is the middle block of an odd number of blocks, and of an even number
    the last one of the first half.

    Args:
        depth: 0 (0 %, the first block) to 1 (100 %, the last).
        count: Blocks of the model.

    Raises:
        ShapeError: There is no block, or the depth lies outside.
    """
    if count < 1 or not 0.0 <= depth <= 1.0:
        raise ShapeError("error.shape.depth", count=count, depth=depth)
    return max(0, math.ceil(depth * (count - 1) - 0.5 - _ROUNDING))


def same_depth(block: int, blocks: int, others: int) -> int:
    """The block of another model that lies as deep: first at first, last at last.

    Args:
        block: From 0, of ``blocks``.
        blocks: Blocks of this model.
        others: Blocks of the other.

    Raises:
        ShapeError: There is no such block, or the other has none.
    """
    return block_at(depth_of(block, blocks), others)
