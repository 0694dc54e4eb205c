"""One hidden unit of the token MLP, followed step by step on one channel of one picture.

The token MLP is the same for all channels: unit u weighs the channel's map with row u of W1, adds
its bias, passes the GELU, and column u of W2 says how much of the result each token gets.

Source: arXiv:2105.01601, equation 1; timm.models.mlp_mixer.MixerBlock.mlp_tokens.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from vislib.analysis.activation import erf, gelu_derivative
from vislib.analysis.arrays import Array, as_grid, check_index, float_values
from vislib.analysis.common_ground import Reading
from vislib.schema import LabelledArray, MixingSite, ShapeError, freeze

_TOKENS = ("token", "token_in", "token_out")


@dataclass(frozen=True, kw_only=True)
class ChannelActivity:
    """What one unit does on one channel.

    Attributes:
        channel: Counted from 0.
        before: fc1's output, bias included, before the GELU.
        after: gelu(before): the factor of the unit's column of W2.
        slope: gelu'(before), -0.13 to 1.13: the gate of the linearised map.
    """

    channel: int
    before: float
    after: float
    slope: float


@dataclass(frozen=True, kw_only=True)
class UnitSteps:
    """One unit on one channel, each map with axes (row, column).

    Attributes:
        reads: Row of W1: the weight of each token. The same for every picture and channel.
        sees: The channel's map as it enters the MLP (after the LayerNorm).
        product: reads * sees; its sum and ``bias`` make ``activity.before``.
        writes: activity.after * the unit's column of W2: what the MLP adds at each token because
            of this unit.
        bias: The unit's bias in fc1.
        activity: The numbers in between, from the forward pass.
    """

    reads: LabelledArray
    sees: LabelledArray
    product: LabelledArray
    writes: LabelledArray
    bias: float
    activity: ChannelActivity


def gelu(values: np.ndarray) -> np.ndarray:
    """The exact GELU, x * Phi(x), float64, any shape (torch.nn.GELU, approximate="none")."""
    x = np.asarray(values, dtype=np.float64)
    return np.asarray(0.5 * x * (1.0 + erf(x / math.sqrt(2.0))))


def on_grid(array: LabelledArray, rows: int, columns: int) -> LabelledArray:
    """The same numbers with the last axis, tokens, laid out as (row, column).

    Raises:
        ShapeError: The last axis is no token axis, or has not rows * columns entries.
    """
    if not array.axes or array.axes[-1] not in _TOKENS:
        raise ShapeError("error.shape.tokens_last", source=array.source, axes=array.axes)
    return replace(
        array,
        values=as_grid(array.values, rows, columns),
        axes=(*array.axes[:-1], "row", "column"),
    )


def activity(hidden: Array, unit: int) -> list[ChannelActivity]:
    """What one unit does on every channel, the strongest |after| first.

    Args:
        hidden: fc1's output, axes (channel, unit).
        unit: Counted from 0.

    Raises:
        ShapeError: There is no such unit.

    Exactness:
        ``before`` is the hooked number; ``after`` and ``slope`` are the exact GELU of it.
    """
    table = float_values(hidden, ("channel", "unit"))
    check_index("unit", unit, table.shape[1])
    before = table[:, unit]
    after, slope = gelu(before), gelu_derivative(before)
    order = np.argsort(-np.abs(after), kind="stable").tolist()
    return [
        ChannelActivity(
            channel=c, before=float(before[c]), after=float(after[c]), slope=float(slope[c])
        )
        for c in order
    ]


def unit_steps(
    site: MixingSite, arrays: Mapping[str, LabelledArray], *, unit: int, channel: int
) -> UnitSteps:
    """Follow one unit on one channel from the map that it weighs to what it adds.

    Args:
        site: The block.
        arrays: Its weights and captured activations, by name.
        unit: The hidden unit, counted from 0.
        channel: The feature channel, counted from 0.

    Raises:
        ShapeError: An index or a size does not fit, or an array is missing.

    Exactness:
        Recomputed: product's sum + bias is the hooked pre-activation within float32 rounding, and
        the sum of ``writes`` over units, with fc2's bias, is the MLP's output
        (test_analysis_unit_steps.py).
    """
    name = f"{site.group}.token_mixing"
    try:
        fc1, fc2 = arrays[f"{name}.fc1"], arrays[f"{name}.fc2"]
        biases, hidden = arrays[f"{name}.fc1_bias"], arrays[f"{name}.hidden"]
        incoming = arrays[f"{name}.in"]
    except KeyError as error:
        raise ShapeError(
            "error.shape.missing_array", block=site.group, name=error.args[0]
        ) from error
    found = {entry.channel: entry for entry in activity(hidden, unit)}
    check_index("channel", channel, len(found))
    reads, sees = fc1.select(unit=unit), incoming.select(channel=channel)
    product = reads.values.astype(np.float64) * sees.values.astype(np.float64)
    column = fc2.select(unit=unit).values.astype(np.float64)
    maps = (
        reads,
        sees,
        _made(sees, product, f"{fc1.source} * input of the MLP"),
        _made(sees, found[channel].after * column, f"gelu(fc1 output) * {fc2.source}"),
    )
    first, second, third, fourth = (on_grid(entry, site.rows, site.columns) for entry in maps)
    return UnitSteps(
        reads=first,
        sees=second,
        product=third,
        writes=fourth,
        bias=float(biases.values[unit]),
        activity=found[channel],
    )


def _made(like: LabelledArray, values: np.ndarray, source: str) -> LabelledArray:
    """Numbers by token that were made from hooked ones."""
    return replace(like, values=values, axes=("token",), provenance="recomputed", source=source)


def own_place(row: int, column: int, rows: int, columns: int) -> Reading:
    """What an operator that mixes channels only reads: 100 percent from the reader's own place.

    Args:
        row: The reader's row.
        column: The reader's column.
        rows: Rows of the token grid.
        columns: Columns of the token grid.

    Raises:
        ShapeError: The place lies outside the grid.
    """
    check_index("row", row, rows)
    check_index("column", column, columns)
    share = np.zeros((rows, columns))
    share[row, column] = 100.0
    return Reading(
        share=share,
        raw=freeze(share / 100.0),
        raw_unit="share",
        raw_signed=False,
        provenance="parameter",
        note="own_place",
    )


def count_weights(arrays: Mapping[str, LabelledArray], group: str, operator: str) -> int:
    """Numbers in the weights and biases of one operator of a block.

    Args:
        arrays: The block's weights, by name; what was captured may stand among them.
        group: The block's hook group.
        operator: "token_mixing" or "channel_mixing".
    """
    start = f"{group}.{operator}."
    return sum(
        array.values.size
        for name, array in arrays.items()
        if name.startswith(start) and array.provenance == "parameter"
    )
