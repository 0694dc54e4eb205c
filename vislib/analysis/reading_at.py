"""One question to every architecture: where does this place read from?

The operator's role decides which reading it is; no family is named here, so that a new one needs
no change.
"""

from __future__ import annotations

from collections.abc import Mapping

from vislib.analysis import reading
from vislib.analysis.common_ground import Reading
from vislib.schema import LabelledArray, MixingSite, ShapeError

SPATIAL = ("token_mixing", "depthwise", "convolution", "window_attention", "global_attention")
"""Roles of operators that mix places. Channel attention mixes values at the same place only."""


def spatial_operator(site: MixingSite) -> str | None:
    """The role of a block's operator that mixes places, or None."""
    return next((role for role in site.operators if role in SPATIAL), None)


def reading_at(
    site: MixingSite,
    arrays: Mapping[str, LabelledArray],
    *,
    row: int,
    column: int,
    at_zero: bool = False,
) -> Reading:
    """What the token at (row, column) reads in one block, on that block's own grid.

    Args:
        site: The block.
        arrays: Its weights and its captured activations, by name.
        row: The reader's row, from 0.
        column: The reader's column, from 0.
        at_zero: Linearise a token MLP at zero instead of at this picture.

    Raises:
        ShapeError: No operator of the block mixes places, or an array is missing.
    """
    role = spatial_operator(site)
    grid = {"row": row, "column": column, "rows": site.rows, "columns": site.columns}
    try:
        if role == "token_mixing" and not site.units:
            weights = arrays[f"{site.group}.token_mixing.weight"]
            return reading.linear_reading(
                weights,
                token=row * site.columns + column,
                rows=site.rows,
                columns=site.columns,
            )
        if role == "token_mixing":
            hidden = None if at_zero else arrays[f"{site.group}.token_mixing.hidden"]
            return reading.mixer_reading(
                arrays[f"{site.group}.token_mixing.fc1"],
                arrays[f"{site.group}.token_mixing.fc2"],
                hidden,
                token=row * site.columns + column,
                rows=site.rows,
                columns=site.columns,
            )
        if role == "depthwise":
            return reading.depthwise_reading(arrays[f"{site.group}.depthwise.kernel"], **grid)
        if role == "convolution":
            kernel = arrays[f"{site.group}.convolution.kernel"]
            return reading.convolution_reading(kernel, step=site.step, **grid)
        if role == "window_attention":
            pattern = arrays[f"{site.group}.window.pattern"]
            return reading.window_reading(pattern, window=site.window, shift=site.shift, **grid)
        if role == "global_attention":
            pattern = arrays[f"{site.group}.attention.pattern"]
            return reading.attention_reading(pattern, prefix_tokens=site.prefix, **grid)
    except KeyError as error:
        raise ShapeError(
            "error.shape.missing_array", block=site.group, name=error.args[0]
        ) from error
    raise ShapeError("error.shape.no_mixing", block=site.group, operators=site.operators)
