"""The picture in patches, one patch enlarged, one filter in its colours, tokens as colours.

Everything is enlarged by a whole factor with hard edges: a pixel of the model's input is a square.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from vislib.figures import colours
from vislib.figures.overlay import OUTLINE, REGION
from vislib.schema import ShapeError, TokenGrid

SIDE = 448
"""Pixels of the longer side of a picture in patches; 2 times 224 and 7 times 64."""

PATCH_SIDE = 224
"""Pixels of an enlarged patch, at most."""

EXACT_PIXELS = 128 * 128
"""Larger pictures are rounded to 256 colours for the wire: a third of the bytes."""

LEAST_SPACING = 8
"""Output pixels between two lines of a grid, at least: closer ones would hide the picture."""

BEYOND = (128, 128, 128)
"""The colour of what lies beyond the picture's edge."""

Square = tuple[int, int, int, int]
"""(top, left, bottom, right), the last two not included."""


def enlarge(pixels: np.ndarray, factor: int) -> np.ndarray:
    """Repeat each pixel: uint8, axes (row, column, rgb)."""
    _check_pixels(pixels)
    return np.repeat(np.repeat(pixels, max(1, factor), axis=0), max(1, factor), axis=1)


def picture_png(pixels: np.ndarray, *, side: int = 0) -> bytes:
    """Encode a picture, enlarged by the largest whole factor that stays within ``side``.

    Args:
        pixels: uint8, axes (row, column, rgb).
        side: Pixels of the longer side at most; 0 leaves the size as it is.

    Returns:
        PNG; exact up to ``EXACT_PIXELS``, above that rounded to 256 colours.
    """
    large = enlarge(pixels, side // max(pixels.shape[:2]))
    return _encode(large, exact=pixels.shape[0] * pixels.shape[1] <= EXACT_PIXELS)


def tokens_a_line(size: int, grid: TokenGrid, *, side: int = SIDE) -> int:
    """How many tokens lie between two lines of ``grid_png``: 1, or 2, 4, 8 ... for dense grids.

    Args:
        size: Side of the model's input, in model pixels.
        grid: How the tokens lie on it.
        side: As for ``grid_png``.
    """
    step, tokens = grid.stride * max(1, side // size), 1
    while step * tokens < LEAST_SPACING:
        tokens *= 2
    return tokens


def grid_png(
    pixels: np.ndarray, grid: TokenGrid, cell: tuple[int, int] | None, *, side: int = SIDE
) -> bytes:
    """Draw a model's input with a line between its tokens' cells and the selected patch framed.

    Args:
        pixels: uint8, axes (row, column, rgb): the model's input, as colours.
        grid: How the tokens lie on it. The lines are where one token's stride ends (of a dense
            grid not all are drawn, see ``tokens_a_line``); patches that overlap reach over them.
        cell: The selected token (row, column) from 0, or None. Its patch (the pixels that it
            reads) is framed in magenta; where patches overlap, its cell is framed in white too.
        side: Pixels of the output's longer side at most.

    Returns:
        PNG, see ``picture_png``.

    Raises:
        ShapeError: The pixels do not fit, or there is no such token.
    """
    factor = max(1, side // max(pixels.shape[:2]))
    canvas = enlarge(pixels, factor).copy()
    tokens = tokens_a_line(max(pixels.shape[:2]), grid, side=side)
    step = grid.stride * factor * tokens
    for axis, count in ((0, grid.rows), (1, grid.columns)):
        places = np.arange(1, count // tokens + 1) * step
        places = places[places < canvas.shape[axis]]
        lines = np.take(canvas, places, axis=axis).astype(np.float64)
        bright = lines.mean(axis=-1, keepdims=True) > 127.0
        mixed = np.where(bright, 0.45 * lines, 255.0 - 0.45 * (255.0 - lines))
        canvas[(places,) if axis == 0 else (slice(None), places)] = mixed.astype(np.uint8)
    if cell is not None:
        for square, colour in _frames(grid, cell):
            _frame(canvas, tuple(factor * edge for edge in square), colour)
    return _encode(canvas, exact=pixels.shape[0] * pixels.shape[1] <= EXACT_PIXELS)


def patch_png(
    patch: np.ndarray, inside: np.ndarray, grid: TokenGrid, *, side: int = PATCH_SIDE
) -> bytes:
    """Draw one patch enlarged; where patches overlap, the token's own cell is framed in white.

    Args:
        patch: uint8, axes (row, column, rgb): the pixels that the token reads.
        inside: Whether each lies on the picture, axes (row, column); others are mid-grey.
        grid: The model's token grid.
        side: Pixels of the output's side at most.

    Raises:
        ShapeError: The arrays do not fit each other.
    """
    _check_pixels(patch)
    if inside.shape != patch.shape[:2]:
        raise ShapeError("error.figure.patch_mask", shape=patch.shape, mask=inside.shape)
    factor = max(1, side // max(patch.shape[:2]))
    shown = np.where(inside[:, :, np.newaxis], patch, np.asarray(BEYOND, dtype=np.uint8))
    canvas = enlarge(shown.astype(np.uint8), factor).copy()
    if grid.overlaps:
        start, end = -grid.offset, -grid.offset + grid.stride
        square = tuple(factor * edge for edge in (start, start, end, end))
        _frame(canvas, square, REGION, inwards=True)
    return _encode(canvas, exact=True)


def filter_png(taps: np.ndarray, *, side: int = 96, gap: int = 12) -> bytes:
    """Draw one filter four times in a row: as a colour, then its red, green and blue weights.

    Args:
        taps: Axes (rgb, ky, kx), signed weights.
        side: Pixels of a tile at most.
        gap: Transparent pixels between tiles.

    Returns:
        PNG, transparent in the gaps. All four are scaled by the filter's largest |weight|: in the
        colour tile 0 is mid-grey, in the parts it is white (the diverging table).

    Raises:
        ShapeError: The axes do not fit.
    """
    if taps.ndim != 3 or taps.shape[0] != 3 or taps.size == 0:
        raise ShapeError("error.figure.filter", shape=taps.shape)
    low, high = colours.limits(taps, signed=True)
    shades = np.rint(taps.transpose(1, 2, 0) / high * 127.0 + 128.0).astype(np.uint8)
    parts = [shades, *colours.table(True)[colours.to_indices(taps, (low, high))]]
    factor = max(1, side // max(taps.shape[1:]))
    large = [enlarge(part, factor) for part in parts]
    rows, columns = large[0].shape[:2]
    canvas = np.zeros((rows, 4 * columns + 3 * gap, 4), dtype=np.uint8)
    for number, part in enumerate(large):
        left = number * (columns + gap)
        canvas[:, left : left + columns, :3] = part
        canvas[:, left : left + columns, 3] = 255
    return _encode(canvas, exact=True)


def _frames(grid: TokenGrid, cell: tuple[int, int]) -> list[tuple[Square, tuple[int, int, int]]]:
    """The squares to frame, in model pixels: the token's cell where patches overlap, its patch."""
    row, column = cell
    if not (0 <= row < grid.rows and 0 <= column < grid.columns):
        raise ShapeError(
            "error.figure.cell_of_grid", cell=cell, rows=grid.rows, columns=grid.columns
        )
    top, left = row * grid.stride, column * grid.stride
    own = (top, left, top + grid.stride, left + grid.stride)
    first, side = (top + grid.offset, left + grid.offset), grid.patch
    patch = (first[0], first[1], first[0] + side, first[1] + side)
    return [(own, REGION), (patch, OUTLINE)] if grid.overlaps else [(patch, OUTLINE)]


def _frame(
    canvas: np.ndarray, square: Square, colour: tuple[int, int, int], *, inwards: bool = False
) -> None:
    """Draw a frame with a thin black edge around a square, within it where asked or at an edge."""
    thick = max(3, max(canvas.shape[:2]) // 110)
    room = thick + 1
    shift = room if inwards else 0
    height, width = canvas.shape[:2]
    top, left = (max(edge + shift, room) for edge in square[:2])
    bottom = min(square[2] - shift, height - room)
    right = min(square[3] - shift, width - room)
    content = canvas[top:bottom, left:right].copy()
    for reach, line in ((room, (0, 0, 0)), (thick, colour)):
        canvas[top - reach : bottom + reach, left - reach : right + reach] = line
    canvas[top:bottom, left:right] = content


def _check_pixels(pixels: np.ndarray) -> None:
    """Refuse what are no colours."""
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or pixels.size == 0:
        raise ShapeError("error.figure.pixels", dtype=pixels.dtype, shape=pixels.shape)


def _encode(canvas: np.ndarray, *, exact: bool) -> bytes:
    """PNG bytes, exact or with 256 colours."""
    picture = Image.fromarray(canvas)
    if not exact:
        picture = picture.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=False)
    return buffer.getvalue()
