"""The common ground on which families are compared: the share of reading, and its statistics.

The *share of reading* is |w| / sum |w| in percent, on the model's own grid at that depth. Where
each channel has its own weights, the root mean square over channels comes first. An attention
head's pattern is the weight of all of its channels and the heads have equally many, so for
attention the root mean square over heads is the one over channels. Beside the share stands the
raw map, signed or a probability, as a mean over channels or heads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from vislib.analysis.arrays import check_index, float_values
from vislib.schema import Provenance, freeze

REDUCTIONS: Mapping[str, Callable[..., np.ndarray]] = {
    "mean": np.mean,
    "root_mean_square": lambda values, axis: np.sqrt(np.mean(np.square(values), axis=axis)),
}
"""How channels or heads become one map; a page words the name (``reduction.*``)."""
OF_SHARE, OF_RAW = "root_mean_square", "mean"
"""Names of the reductions of a reading's two maps."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What one token reads, on the model's own token grid at that depth.

    Attributes:
        share: Axes (row, column), percent; with ``outside`` it sums to 100, or to 0 where every
            weight is 0.
        raw: Axes (row, column): the mean over channels or heads, in ``raw_unit``.
        raw_unit: What one raw number counts ("weight", "probability").
        raw_signed: Whether zero is a middle.
        provenance: How the raw numbers came about.
        note: Key of the sentence that says what this is: "linear", "mixer_at_picture",
            "mixer_at_zero", "depthwise", "window", "attention".
        over: What both maps were reduced over, the share by ``OF_SHARE`` and the raw map by
            ``OF_RAW``: "channels", "heads", "channel_pairs", "channels_read"; "" for nothing.
        outside: Percent of the share that goes to tokens without a place in the picture: padding
            (windows), class and register tokens (global attention).
        heads: Axes (head, row, column), probability, for attention; otherwise None.
    """

    share: np.ndarray
    raw: np.ndarray
    raw_unit: str
    raw_signed: bool
    provenance: Provenance
    note: str
    over: str = ""
    outside: float = 0.0
    heads: np.ndarray | None = None

    def __post_init__(self) -> None:
        for name in ("share", "raw", "heads"):
            values = getattr(self, name)
            if values is not None:
                object.__setattr__(self, name, freeze(values))


@dataclass(frozen=True, kw_only=True)
class ReadingStatistics:
    """A reading in four numbers, comparable between models.

    Attributes:
        reach_px: Mean distance from the reader's cell, weighted by share, in pixels of the
            picture (or whatever ``cell_px`` counted).
        entropy_bits: Entropy of the share over the cells of the grid.
        places: Effective number of places, 2**entropy_bits (0 where nothing is read).
        local_percent: Share that comes from the reader's own cell.
    """

    reach_px: float
    entropy_bits: float
    places: float
    local_percent: float


def share(weights: np.ndarray, channel_axis: int | None = None) -> np.ndarray:
    """|w| / sum |w| over all places, in percent, float64.

    Args:
        weights: Any shape; signed weights or probabilities.
        channel_axis: The axis that is reduced first, by ``OF_SHARE``; None for none.

    Returns:
        The shape without the channel axis; sums to 100, or all 0 where every weight is 0.
    """
    size = np.abs(np.asarray(weights, dtype=np.float64))
    largest = size.max(initial=0.0)
    if largest == 0.0:
        return np.asarray(size.sum(axis=channel_axis) if channel_axis is not None else size)
    size = size / largest  # so that squares of tiny weights do not vanish
    if channel_axis is not None:
        size = REDUCTIONS[OF_SHARE](size, axis=channel_axis)
    return np.asarray(100.0 * size / size.sum())


def statistics(share: np.ndarray, *, row: int, column: int, cell_px: float) -> ReadingStatistics:
    """Reach, entropy and local share of one reading.

    Args:
        share: Axes (row, column), percent. Reach and entropy are over what lies on the grid,
            scaled to sum to 1; the local share is the percentage as shown.
        row: The reader's row.
        column: The reader's column.
        cell_px: Side of a cell in pixels of the picture.

    Raises:
        ShapeError: The cell lies outside the grid.
    """
    values = float_values(share, ("row", "column"))
    check_index("row", row, values.shape[0])
    check_index("column", column, values.shape[1])
    total = float(values.sum())
    if total == 0.0:
        return ReadingStatistics(reach_px=0.0, entropy_bits=0.0, places=0.0, local_percent=0.0)
    part = values / total
    down = np.arange(values.shape[0])[:, None] - row
    across = np.arange(values.shape[1])[None, :] - column
    positive = part[part > 0]
    bits = max(0.0, float(-(positive * np.log2(positive)).sum()))
    return ReadingStatistics(
        reach_px=float((part * np.hypot(down, across)).sum()) * cell_px,
        entropy_bits=bits,
        places=2.0**bits,
        local_percent=float(values[row, column]),
    )
