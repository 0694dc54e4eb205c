"""Patches and tokens: which pixels a token reads, what it is made of, resembles and keeps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vislib.analysis import embedding
from vislib.analysis.arrays import Array, check_index, float_values
from vislib.schema import LabelledArray, ShapeError, TokenGrid, freeze

_PICTURE = ("row", "column", "rgb")
_MAP = ("channel", "row", "column")
_LAST = ("row", "column", "channel")


@dataclass(frozen=True, kw_only=True)
class TokenTable:
    """Tokens of one depth, the same way round for every family.

    Attributes:
        values: float64, axes (token, channel), row-major over the grid, no class token.
        rows: Rows of the token grid.
        columns: Columns of the token grid.
        source: Where the tokens were hooked.
    """

    values: np.ndarray
    rows: int
    columns: int
    source: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", freeze(self.values))

    @property
    def nbytes(self) -> int:
        """Bytes held, for caches that are bounded in bytes."""
        return int(self.values.nbytes)


@dataclass(frozen=True, kw_only=True)
class PatchSquare:
    """The square of input pixels that one token reads, in model pixels; may reach beyond the input.

    Attributes:
        top: First row.
        left: First column.
        side: Rows and columns.
    """

    top: int
    left: int
    side: int


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What the embedding keeps of one picture.

    Attributes:
        seen: Axes (row, column, rgb), the model's normalised input, as far as patches cover it.
        pixels: The same for the picture read back from the tokens, not clipped.
        rank: Numbers of a patch that the embedding keeps.
        patch_numbers: Numbers of a patch.
        energy: Share of the picture's energy that is kept, 0 to 1 where ``is_exact``.
        is_exact: As in ``embedding.Reconstruction``.
    """

    seen: np.ndarray
    pixels: np.ndarray
    rank: int
    patch_numbers: int
    energy: float
    is_exact: bool

    def __post_init__(self) -> None:
        object.__setattr__(self, "seen", freeze(self.seen))
        object.__setattr__(self, "pixels", freeze(self.pixels))


def token_table(array: LabelledArray, rows: int, columns: int) -> TokenTable:
    """Turn captured tokens of any family into axes (token, channel).

    Args:
        array: Axes (channel, row, column), (row, column, channel) or (token, channel). Leading
            tokens that stand for no place (a class token) are left out.
        rows: Rows of the token grid at this depth.
        columns: Columns of the token grid at this depth.

    Raises:
        ShapeError: The axes are others, or there are too few tokens for the grid.
    """
    if array.axes == _MAP:
        values = array.values.reshape(array.values.shape[0], -1).T
    elif array.axes == _LAST:
        values = array.values.reshape(-1, array.values.shape[2])
    elif array.axes == ("token", "channel"):
        values = array.values[max(0, array.values.shape[0] - rows * columns) :]
    else:
        raise ShapeError(
            "error.shape.token_axes", source=array.source, axes=array.axes, grid=_MAP, flat=_LAST
        )
    if values.shape[0] != rows * columns:
        raise ShapeError(
            "error.shape.token_grid",
            source=array.source,
            tokens=values.shape[0],
            rows=rows,
            columns=columns,
        )
    return TokenTable(
        values=np.asarray(values, dtype=np.float64),
        rows=rows,
        columns=columns,
        source=array.source,
    )


def grid_of(array: LabelledArray, rows: int, columns: int) -> tuple[int, int]:
    """Rows and columns of captured tokens: the array's own where it names them.

    A stem that pools, or a block with stride, leaves fewer tokens than it read.

    Args:
        array: As for ``token_table``.
        rows: Rows of the grid where the array's tokens are in one list.
        columns: Columns of it.
    """
    return array.shape.get("row", rows), array.shape.get("column", columns)


def similarity_map(tokens: TokenTable, row: int, column: int) -> LabelledArray:
    """Cosine similarity of one token to all, on the grid.

    Args:
        tokens: Tokens of one depth.
        row: Row of the token that is compared, from 0.
        column: Its column, from 0.

    Returns:
        Axes (row, column), -1 to 1, signed; 1 at the token itself.

    Raises:
        ShapeError: There is no such place.

    Source: the tokens' own hook.

    Exactness:
        Recomputed from the captured tokens in float64.
    """
    check_index("row", row, tokens.rows)
    check_index("column", column, tokens.columns)
    cosines = embedding.cosine_similarity(tokens.values, row * tokens.columns + column)
    return LabelledArray(
        values=cosines.reshape(tokens.rows, tokens.columns),
        axes=("row", "column"),
        role="tokens",
        unit="cosine",
        signed=True,
        provenance="recomputed",
        source=f"cosine of {tokens.source} at ({row + 1}, {column + 1}) and at each place",
    )


def similarity_means(similarity: LabelledArray, row: int, column: int) -> tuple[float, float]:
    """Mean cosine of a place to its neighbours and to all other places.

    Args:
        similarity: From ``similarity_map``.
        row: The place that was compared, from 0.
        column: Its column, from 0.

    Returns:
        (mean over the up to 8 neighbours, mean over all places but itself), -1 to 1; 0 where a
        grid has one place only.
    """
    values = float_values(similarity, ("row", "column"))
    check_index("row", row, values.shape[0])
    check_index("column", column, values.shape[1])
    near = values[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2]
    own = values[row, column]

    def mean(part: np.ndarray) -> float:
        return float((part.sum() - own) / (part.size - 1)) if part.size > 1 else 0.0

    return mean(near), mean(values)


def component_maps(tokens: TokenTable, found: embedding.PrincipalColours) -> LabelledArray:
    """The numbers behind the colours: three principal components on one scale.

    Args:
        tokens: The tokens that were decomposed.
        found: From ``embedding.principal_colours``.

    Returns:
        Axes (rgb, row, column), -1 to 1: each token's component, all three by one factor.
    """
    return LabelledArray(
        values=2.0 * found.colours.transpose(2, 0, 1) - 1.0,
        axes=("rgb", "row", "column"),
        role="tokens",
        unit="share of the largest component",
        signed=True,
        provenance="recomputed",
        source=f"principal components 1 to 3 of {tokens.source}",
    )


def patch_square(grid: TokenGrid, row: int, column: int) -> PatchSquare:
    """Which input pixels the token at a place reads.

    Raises:
        ShapeError: There is no such token.
    """
    check_index("row", row, grid.rows)
    check_index("column", column, grid.columns)
    return PatchSquare(
        top=grid.offset + row * grid.stride,
        left=grid.offset + column * grid.stride,
        side=grid.patch,
    )


def cut_patch(picture: np.ndarray, square: PatchSquare) -> tuple[np.ndarray, np.ndarray]:
    """The pixels of a patch; beyond the picture's edge there are zeros, as in the convolution.

    Args:
        picture: Axes (row, column, rgb), model pixels.
        square: From ``patch_square``.

    Returns:
        (pixels, axes (row, column, rgb); whether each lies on the picture, axes (row, column)).
    """
    values = float_values(picture, _PICTURE)
    rows = square.top + np.arange(square.side)
    columns = square.left + np.arange(square.side)
    inside = ((rows >= 0) & (rows < values.shape[0]))[:, np.newaxis] & (
        (columns >= 0) & (columns < values.shape[1])
    )
    nearest = values[
        np.clip(rows, 0, values.shape[0] - 1)[:, np.newaxis],
        np.clip(columns, 0, values.shape[1] - 1),
    ]
    return np.where(inside[:, :, np.newaxis], nearest, 0.0), inside


def embed_patch(patch: np.ndarray, filters: Array, bias: Array | None) -> np.ndarray:
    """What the embedding makes of one patch: axes (channel,).

    Args:
        patch: Axes (row, column, rgb), normalised as the model's input is.
        filters: Axes (channel, rgb, ky, kx).
        bias: Axes (channel,), or None.

    Returns:
        sum over the patch of filter * pixel, plus bias: one number a filter.

    Raises:
        ShapeError: The patch is not as large as the filters.

    Exactness:
        Recomputed; equals the convolution's own output at that place up to float32 rounding.
    """
    taps = float_values(filters, ("channel", "rgb", "ky", "kx"))
    pixels = float_values(patch, _PICTURE).transpose(2, 0, 1)
    if taps.shape[1:] != pixels.shape:
        raise ShapeError("error.shape.patch_of_filters", shape=pixels.shape, needed=taps.shape[1:])
    token = taps.reshape(taps.shape[0], -1) @ pixels.reshape(-1)
    return np.asarray(token if bias is None else token + float_values(bias, ("channel",)))


def filter_norms(filters: Array) -> np.ndarray:
    """Length of each filter as a vector: axes (channel,), in units of weight."""
    taps = float_values(filters, ("channel", "rgb", "ky", "kx"))
    return np.asarray(np.sqrt((taps**2).sum(axis=(1, 2, 3))))


def kept(
    picture: np.ndarray, filters: Array, bias: Array | None, linear: LabelledArray, grid: TokenGrid
) -> Kept:
    """Read the picture back from the embedding and compare it with what the model saw.

    Args:
        picture: Axes (row, column, rgb), the model's normalised input.
        filters: Axes (channel, rgb, ky, kx).
        bias: Axes (channel,), or None.
        linear: The convolution's own output on that picture.
        grid: The model's token grid.

    Raises:
        ShapeError: Sizes do not fit each other.

    Exactness:
        As ``embedding.reconstruct``: exact without overlap, else an estimate.
    """
    tokens = token_table(linear, grid.rows, grid.columns)
    found = embedding.reconstruct(
        filters,
        bias,
        tokens.values,
        grid.rows,
        grid.columns,
        stride=grid.stride,
        padding=-grid.offset,
    )
    seen = float_values(picture, _PICTURE)
    rows = min(seen.shape[0], found.pixels.shape[0])
    columns = min(seen.shape[1], found.pixels.shape[1])
    seen, pixels = seen[:rows, :columns], found.pixels[:rows, :columns]
    cut = embedding.Reconstruction(
        pixels=pixels,
        rank=found.rank,
        patch_numbers=found.patch_numbers,
        is_exact=found.is_exact,
    )
    return Kept(
        seen=seen,
        pixels=pixels,
        rank=found.rank,
        patch_numbers=found.patch_numbers,
        energy=embedding.kept_energy(seen, cut),
        is_exact=found.is_exact,
    )


def kept_array(found: Kept, source: str) -> LabelledArray:
    """The picture that was read back, for a figure's strip and its files.

    Args:
        found: From ``kept``.
        source: Where the tokens were hooked.

    Returns:
        Axes (rgb, row, column), normalised input units; "attribution" (an estimate) where patches
        overlap.
    """
    return LabelledArray(
        values=found.pixels.transpose(2, 0, 1).astype(np.float32),
        axes=("rgb", "row", "column"),
        role="patch_embedding",
        unit="normalised pixel",
        signed=True,
        provenance="recomputed" if found.is_exact else "attribution",
        source=f"pinv(filters) ({source} - bias)",
    )


def as_bytes(pixels: np.ndarray, mean: tuple[float, ...], std: tuple[float, ...]) -> np.ndarray:
    """From the model's normalised units to colours: uint8, the axes as they came, rgb last.

    Args:
        pixels: Axes (..., rgb), the model's normalised units; what is no colour is cut off.
        mean: The model's own, one a colour, 0 to 1.
        std: The model's own, one a colour.
    """
    shares = embedding.unnormalise(pixels, np.asarray(mean), np.asarray(std))
    return np.asarray(np.rint(shares * 255.0), dtype=np.uint8)
