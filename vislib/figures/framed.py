"""One map or kernel as a picture of its own, with a frame around some of its cells."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageDraw

from vislib.figures import colours
from vislib.figures.overlay import OUTLINE
from vislib.schema import ShapeError

SIDE = 420
"""Pixels of the longer side, at most; cells are enlarged by a whole factor with hard edges."""

Frame = tuple[int, int, int, int]
"""(top, left, height, width) in cells, counted from 0."""


def framed_map(
    values: np.ndarray,
    *,
    limits: tuple[float, float],
    signed: bool,
    frame: Frame | None = None,
    side: int = SIDE,
) -> bytes:
    """Draw a map in the legend's exact colours.

    Args:
        values: Axes (row, column), any unit; what is not finite is transparent.
        limits: Values of the first and the last colour.
        signed: Whether zero is the middle of the colours.
        frame: The cells to frame; it may reach beyond the map, where only its part on the map
            shows.
        side: Pixels of the longer side, at most, but never less than one a cell.

    Returns:
        PNG. The frame covers the edges of the framed cells, their middles keep their colour.

    Raises:
        ShapeError: The array has not two axes, or the frame does not touch the map.
    """
    array = np.asarray(values)
    if array.ndim != 2 or array.size == 0:
        raise ShapeError(f"A map of shape {array.shape} came; axes (row, column) fit.")
    scale = max(1, side // max(array.shape))
    rows = colours.to_indices(array, limits).repeat(scale, axis=0).repeat(scale, axis=1)
    canvas = np.zeros((*rows.shape, 4), dtype=np.uint8)
    canvas[:, :, :3] = colours.table(signed)[rows]
    canvas[:, :, 3] = np.where(rows == colours.GAP, 0, 255)
    picture = Image.fromarray(canvas)
    if frame is not None:
        _draw_frame(picture, frame, (array.shape[0], array.shape[1]), scale)
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=False)
    return buffer.getvalue()


def _draw_frame(picture: Image.Image, frame: Frame, shape: tuple[int, int], scale: int) -> None:
    """Magenta between two black lines, along the inner edge of the part that is on the map."""
    top, left = max(0, frame[0]), max(0, frame[1])
    bottom = min(shape[0], frame[0] + frame[2])
    right = min(shape[1], frame[1] + frame[3])
    if top >= bottom or left >= right:
        raise ShapeError(f"The frame {frame} does not touch a map of {shape}; count from 0.")
    pen = ImageDraw.Draw(picture)
    thick = max(2, min(5, scale // 4))
    x0, y0, x1, y1 = left * scale, top * scale, right * scale - 1, bottom * scale - 1
    black = (0, 0, 0, 255)
    pen.rectangle((x0, y0, x1, y1), outline=black, width=thick + 2)
    pen.rectangle((x0 + 1, y0 + 1, x1 - 1, y1 - 1), outline=(*OUTLINE, 255), width=thick)
