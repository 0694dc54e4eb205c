"""One linear layer over the tokens (ResMLP): its rows, its columns, and how far it reads by depth.

Row i of the matrix says what token i reads; column j says who reads token j. Both are the model's
parameters as they are: no picture goes into them.

Source: arXiv:2105.03404, Figure 2; timm.models.mlp_mixer.ResBlock.linear_tokens.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from vislib.analysis.arrays import Array, as_grid, check_index, check_size, float_values
from vislib.analysis.common_ground import Reading
from vislib.analysis.fields import ReadingField
from vislib.schema import ShapeError, freeze

_MATRIX = ("token_out", "token_in")


@dataclass(frozen=True, kw_only=True)
class LinearDepth:
    """How a model's matrices read, block by block.

    Attributes:
        block: Axes (block,), counted from 1.
        reach: Axes (block, token), patches: mean distance of what a token reads, weighted by its
            share.
        local: Axes (block, token), percent: what a token reads from its own place.
        even_reach: The median reach of tokens that read all places alike.
        even_local: Percent from the own place if all places were read alike.
    """

    block: np.ndarray
    reach: np.ndarray
    local: np.ndarray
    even_reach: float
    even_local: float

    def __post_init__(self) -> None:
        for name in ("block", "reach", "local"):
            object.__setattr__(self, name, freeze(getattr(self, name)))


def read_by(weights: Array, *, token: int, rows: int, columns: int) -> Reading:
    """Who reads a token: the matrix's column, the contrast to what the token itself reads.

    Args:
        weights: Axes (token_out, token_in), signed.
        token: The token that is read, in row-major order.
        rows: Rows of the token grid.
        columns: Columns of the token grid.

    Returns:
        share at a place: percent of what that place reads which comes from the token. Each
        reader's own reading sums to 100, so the map itself does not. raw: the signed column.

    Raises:
        ShapeError: Token or grid do not fit the weights.

    Exactness:
        Parameter: the layer's column as it is.
    """
    matrix = float_values(weights, _MATRIX)
    check_index("token", token, matrix.shape[1])
    return Reading(
        share=as_grid(_shares(matrix)[:, token], rows, columns),
        raw=as_grid(matrix[:, token], rows, columns),
        raw_unit="weight",
        raw_signed=True,
        provenance="parameter",
        note="read_by",
    )


def read_by_field(field: ReadingField) -> ReadingField:
    """Who reads each place, from what each place reads: ``read_by`` for all tokens at once.

    Args:
        field: Of the kind "dense", from ``reading_field``.
    """
    return replace(field, values=freeze(field.values.T.copy()), note="read_by")


def mirror(weights: Array, *, token: int) -> float:
    """Pearson's correlation of a token's row and its column, -1 to 1; 0 where one is constant.

    Raises:
        ShapeError: There is no such token.
    """
    matrix = float_values(weights, _MATRIX)
    check_index("token", token, min(matrix.shape))
    row, column = matrix[token] - matrix[token].mean(), matrix[:, token] - matrix[:, token].mean()
    size = float(np.linalg.norm(row) * np.linalg.norm(column))
    return float(row @ column) / size if size > 0.0 else 0.0


def spaced(rows: int, columns: int, most: int) -> tuple[list[tuple[int, int]], int]:
    """Places of a grid, evenly apart, so that at most ``most`` stand side by side.

    Returns:
        The places (row, column) in row-major order, and the step between them; step 1 is all.
    """
    step = max(1, -(-max(rows, columns) // most))
    places = [(r, c) for r in range(0, rows, step) for c in range(0, columns, step)]
    return places, step


def over_depth(matrices: Iterable[Array], *, rows: int, columns: int) -> LinearDepth:
    """Reach and own share of every token in every block.

    Args:
        matrices: One a block, axes (token_out, token_in), signed.
        rows: Rows of the token grid.
        columns: Columns of the token grid.

    Raises:
        ShapeError: There is no matrix, or one does not fit the grid.

    Exactness:
        Arithmetic on the parameters as they are; the same numbers as ``common_ground.statistics``
        of each token's row (test_analysis_linear_mixing.py).
    """
    down, across = np.divmod(np.arange(rows * columns), columns)
    distance = np.hypot(down[:, None] - down[None, :], across[:, None] - across[None, :])
    reach, local = [], []
    for matrix in matrices:
        values = float_values(matrix, _MATRIX)
        check_size("token_out", values.shape[0], rows * columns)
        check_size("token_in", values.shape[1], rows * columns)
        share = _shares(values)
        reach.append((share * distance).sum(axis=1) / 100.0)
        local.append(np.diagonal(share))
    if not reach:
        raise ShapeError("error.shape.no_matrix")
    return LinearDepth(
        block=np.arange(1, len(reach) + 1),
        reach=np.stack(reach),
        local=np.stack(local),
        even_reach=float(np.median(distance.mean(axis=1))),
        even_local=100.0 / (rows * columns),
    )


def quartiles(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lower quartile, median and upper quartile over the last axis."""
    lower, median, upper = np.percentile(values, (25.0, 50.0, 75.0), axis=-1)
    return lower, median, upper


def _shares(matrix: np.ndarray) -> np.ndarray:
    """Every row's share of reading in percent; rows of zeros stay zeros."""
    size = np.abs(matrix)
    totals = size.sum(axis=1, keepdims=True)
    return np.asarray(100.0 * size / np.where(totals > 0.0, totals, 1.0))
