"""Patch embedding: the filters, how tokens resemble each other, and what the embedding keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from vislib.analysis.arrays import Array, as_grid, check_index, check_size, float_values, values_of
from vislib.analysis.frequency import radial_frequencies
from vislib.schema import ShapeError, freeze

_FILTERS = ("channel", "rgb", "ky", "kx")
_TOKENS = ("token", "channel")
FilterOrder = Literal["frequency", "norm"]


@dataclass(frozen=True, kw_only=True)
class PrincipalColours:
    """Tokens as colours: their first three principal components as red, green and blue.

    Attributes:
        colours: Axes (row, column, rgb), 0 to 1. All three components share one factor, chosen so
            that the largest just fits, and 0.5 is the tokens' mean: nothing is clipped, and
            distances between colours are in proportion to distances between tokens.
        explained: Axes (rgb,), share 0 to 1 of the tokens' variance in each component.
    """

    colours: np.ndarray
    explained: np.ndarray

    def __post_init__(self) -> None:
        object.__setattr__(self, "colours", freeze(self.colours))
        object.__setattr__(self, "explained", freeze(self.explained))


@dataclass(frozen=True, kw_only=True)
class Reconstruction:
    """The picture that can be read back from the embedding.

    Attributes:
        pixels: Axes (row, column, rgb), in the model's normalised input units, not clipped.
        rank: Number of independent filters: what a patch keeps.
        patch_numbers: Numbers in a patch (rgb * ky * kx): what a patch had.
        is_exact: True: each patch is the exact projection onto what the filters see. False: the
            patches overlap, each was solved alone and overlaps were averaged: an estimate.
    """

    pixels: np.ndarray
    rank: int
    patch_numbers: int
    is_exact: bool

    def __post_init__(self) -> None:
        object.__setattr__(self, "pixels", freeze(self.pixels))


def filter_frequency(filters: Array) -> np.ndarray:
    """Mean spatial frequency of each filter, weighted by energy over the three colours.

    Args:
        filters: Axes (channel, rgb, ky, kx), signed.

    Returns:
        Axes (channel,), cycles per patch side; an even colour has 0, and so has a filter of zeros.
    """
    taps = float_values(filters, _FILTERS)
    power = (np.abs(np.fft.fft2(taps)) ** 2).sum(axis=1)
    radius = radial_frequencies(taps.shape[2], taps.shape[3], per="map")
    total = power.sum(axis=(1, 2))
    return np.asarray((power * radius).sum(axis=(1, 2)) / np.where(total > 0, total, 1.0))


def filter_order(filters: Array, by: FilterOrder = "frequency") -> np.ndarray:
    """Channels in the order in which to show them: axes (channel,), indices.

    Args:
        filters: Axes (channel, rgb, ky, kx), signed.
        by: "frequency" (lowest first) or "norm" (largest first). Ties keep the channels' order.

    Raises:
        ShapeError: ``by`` is neither.
    """
    if by == "frequency":
        return np.argsort(filter_frequency(filters), kind="stable")
    if by == "norm":
        norms = np.sqrt((float_values(filters, _FILTERS) ** 2).sum(axis=(1, 2, 3)))
        return np.argsort(-norms, kind="stable")
    raise ShapeError("error.shape.filter_order", order=by)


def as_rgb_tiles(filters: Array) -> np.ndarray:
    """Filters with the colour last, as pictures have it: axes (channel, ky, kx, rgb).

    The weights stay as they are, signed; the figure chooses the factor that makes them colours.
    """
    return np.ascontiguousarray(values_of(filters, _FILTERS).transpose(0, 2, 3, 1))


def cosine_similarity(tokens: Array, token: int) -> np.ndarray:
    """Cosine of the angle between one token and every token: axes (token,), -1 to 1.

    Args:
        tokens: Axes (token, channel).
        token: The token that is compared with all.

    Returns:
        1 at the token itself; 0 for a token of zeros, which has no direction.

    Raises:
        ShapeError: There is no such token.
    """
    values = float_values(tokens, _TOKENS)
    check_index("token", token, values.shape[0])
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    directions = values / np.where(lengths > 0, lengths, 1.0)
    return np.asarray(np.clip(directions @ directions[token], -1.0, 1.0))


def principal_colours(tokens: Array, rows: int, columns: int) -> PrincipalColours:
    """The tokens' first three principal components as a colour picture.

    Each component's sign is fixed by its largest loading being positive, so the same tokens always
    give the same colours; colours of different models or depths are not comparable.

    Args:
        tokens: Axes (token, channel), without class token.
        rows: Rows of the token grid.
        columns: Columns of the token grid.

    Raises:
        ShapeError: There are not rows * columns tokens.
    """
    values = float_values(tokens, _TOKENS)
    check_size("token", values.shape[0], rows * columns)
    centred = values - values.mean(axis=0)
    variances, loadings = _components(centred, count=3)
    largest = np.abs(loadings).argmax(axis=0)
    signs = np.where(loadings[largest, np.arange(3)] < 0, -1.0, 1.0)
    scores = centred @ (loadings * signs)
    peak = float(np.abs(scores).max(initial=0.0))
    colours = 0.5 + scores / (2.0 * peak) if peak > 0 else np.full_like(scores, 0.5)
    total = float((centred**2).sum())
    explained = variances / total if total > 0 else np.zeros(3)
    return PrincipalColours(
        colours=np.clip(colours, 0.0, 1.0).reshape(rows, columns, 3),
        explained=np.clip(explained, 0.0, 1.0),
    )


def reconstruct(
    filters: Array,
    bias: Array | None,
    tokens: Array,
    rows: int,
    columns: int,
    *,
    stride: int,
    padding: int = 0,
) -> Reconstruction:
    """The picture of least energy that the embedding would turn into these tokens.

    A patch is read back as pinv(W) (token - bias): what the filters see of it; the rest is lost,
    and so is what they pass on so faintly that float32 tokens hold more rounding than picture.

    Args:
        filters: W, axes (channel, rgb, ky, kx).
        bias: Axes (channel,), or None.
        tokens: The convolution's own output, before norm and activation: axes (token, channel).
        rows: Rows of the token grid.
        columns: Columns of the token grid.
        stride: Pixels of the model's input between neighbouring patches.
        padding: Zeros around the model's input, in its pixels.

    Returns:
        pixels of (rows * stride, columns * stride) model pixels for a stem whose padding keeps
        stride * grid; what no patch covers is 0 (the data set's mean colour).

    Raises:
        ShapeError: Sizes do not fit each other or the grid.

    Exactness:
        Without overlap (stride >= patch): the exact projection of every patch, in float64. With
        overlap: an estimate, see ``Reconstruction.is_exact``.
    """
    taps = float_values(filters, _FILTERS)
    values = float_values(tokens, _TOKENS)
    check_size("token", values.shape[0], rows * columns)
    check_size("channel of tokens", values.shape[1], taps.shape[0])
    if bias is not None:
        offset = float_values(bias, ("channel",))
        check_size("channel of bias", offset.shape[0], taps.shape[0])
        values = values - offset
    inverse, rank = _pseudo_inverse(taps.reshape(taps.shape[0], -1))
    patches = (values @ inverse.T).reshape(-1, *taps.shape[1:])
    return Reconstruction(
        pixels=_lay_patches(_as_patch_grid(patches, rows, columns), stride, padding),
        rank=rank,
        patch_numbers=inverse.shape[0],
        is_exact=stride >= max(taps.shape[2:]),
    )


def _as_patch_grid(patches: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Patches (token, rgb, ky, kx) on the grid with colour last: (row, column, ky, kx, rgb).

    Raises:
        ShapeError: There are not rows * columns patches.
    """
    return as_grid(patches.transpose(2, 3, 1, 0), rows, columns).transpose(3, 4, 0, 1, 2)


def filter_rank(filters: Array) -> int:
    """Number of linearly independent filters: how many numbers of a patch the embedding keeps."""
    taps = float_values(filters, _FILTERS)
    gains = np.linalg.svd(taps.reshape(taps.shape[0], -1), compute_uv=False)
    return int((gains > _least_gain(gains, taps.size // taps.shape[0])).sum())


def kept_energy(picture: np.ndarray, reconstruction: Reconstruction) -> float:
    """Share of the picture's energy that the embedding keeps: 1 - |x - x'|^2 / |x|^2.

    Args:
        picture: Axes (row, column, rgb), the model's normalised input.
        reconstruction: Of the same picture.

    Returns:
        0 to 1 where the reconstruction is exact (it is then |x'|^2 / |x|^2); an estimate may fall
        below 0. A picture of zeros, of which nothing can be lost, gives 1.

    Raises:
        ShapeError: The sizes differ.
    """
    values = float_values(picture, ("row", "column", "rgb"))
    if values.shape != reconstruction.pixels.shape:
        raise ShapeError(
            "error.shape.reconstruction", shape=values.shape, needed=reconstruction.pixels.shape
        )
    energy = float((values**2).sum())
    if energy == 0.0:
        return 1.0
    return 1.0 - float(((values - reconstruction.pixels) ** 2).sum()) / energy


def unnormalise(pixels: np.ndarray, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    """From the model's normalised units to colours: pixels * std + mean, cut to 0 to 1.

    Args:
        pixels: Axes (row, column, rgb).
        mean: Axes (rgb,), the model's own.
        std: Axes (rgb,), the model's own.
    """
    return np.asarray(np.clip(pixels * np.asarray(std) + np.asarray(mean), 0.0, 1.0))


def _least_gain(gains: np.ndarray, patch_numbers: int) -> float:
    """Below this singular value, a float32 token holds more rounding than picture."""
    size = max(len(gains), patch_numbers)
    return float(gains.max(initial=0.0)) * size * float(np.finfo(np.float32).eps)


def _pseudo_inverse(matrix: np.ndarray) -> tuple[np.ndarray, int]:
    """Inverse, pinv, of (channel, number), axes (number, channel), and the matrix's rank."""
    left, gains, right = np.linalg.svd(matrix, full_matrices=False)
    kept = gains > _least_gain(gains, matrix.shape[1])
    return (right[kept].T / gains[kept]) @ left[:, kept].T, int(kept.sum())


def _components(centred: np.ndarray, *, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Squared singular values (count,), largest first, and loadings (channel, count)."""
    tokens, channels = centred.shape
    is_wide = channels > tokens  # the smaller of the two square tables is the cheaper one
    table = centred @ centred.T if is_wide else centred.T @ centred
    values, vectors = np.linalg.eigh(table)
    values, vectors = values[::-1][:count], vectors[:, ::-1][:, :count]
    # Below this, a direction is rounding dust and its sign and colour would be noise.
    real = values > 1e-12 * max(float(values.max(initial=0.0)), 1e-300)
    values = np.where(real, values, 0.0)
    if is_wide:
        vectors = centred.T @ vectors / np.sqrt(np.where(real, values, 1.0))
    loadings = np.zeros((channels, count))
    loadings[:, : len(values)] = np.where(real, vectors, 0.0)
    return np.pad(values, (0, count - len(values))), loadings


def _lay_patches(patches: np.ndarray, stride: int, padding: int) -> np.ndarray:
    """Lay patches (row, column, ky, kx, rgb) at their places; overlaps are averaged."""
    rows, columns, down, across, colours = patches.shape
    height, width = rows * stride, columns * stride
    room = (
        max(height + padding, (rows - 1) * stride + down),
        max(width + padding, (columns - 1) * stride + across),
    )
    sums, counts = np.zeros((*room, colours)), np.zeros((*room, 1))
    last_row, last_column = (rows - 1) * stride + 1, (columns - 1) * stride + 1
    for ky in range(down):
        for kx in range(across):
            place = (slice(ky, ky + last_row, stride), slice(kx, kx + last_column, stride))
            sums[place] += patches[:, :, ky, kx]
            counts[place] += 1.0
    laid = sums / np.where(counts > 0, counts, 1.0)
    return laid[padding : padding + height, padding : padding + width]
