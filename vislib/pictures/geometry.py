"""Where a picture lies before a model: its view box, and which cell a place falls into.

Two kinds of pixels occur here. *Source pixels* are those of the upright, decoded picture;
*model pixels* are those of the square that a model reads. Positions that travel between pages
are thousandths (0 to 1000) of the upright picture, x from the left and y from the top.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from vislib.schema import ShapeError, ViewBox


def view_box(width: int, height: int, *, size: int, crop: float) -> ViewBox:
    """What a model sees of a picture: timm's evaluation transform, undone.

    The transform scales the short side to floor(size / crop) and cuts a square from the middle;
    the long side and the cut's place are rounded to whole model pixels, and so they are here.

    Args:
        width: Of the upright picture, in source pixels.
        height: Of the upright picture, in source pixels.
        size: Side of the model's input, in model pixels.
        crop: timm's crop_pct, above 0. Only crop_mode "center" is meant.

    Returns:
        The square that is seen, in source pixels (floats): model pixel column j covers
        left + width / size * [j, j + 1).

    Raises:
        ShapeError: A side or the crop is not above 0, or the crop exceeds the side.

    Exactness:
        Recomputed; integer rounding equals torchvision's (test_images.py, on the sizes themselves
        and with a marker picture through the real transform).

    Source: torchvision.transforms.functional.resize and center_crop; timm's
    transforms_imagenet_eval.
    """
    if min(width, height, size) < 1 or not 0 < crop <= size:
        raise ShapeError("error.picture.view_box", width=width, height=height, size=size, crop=crop)
    short = math.floor(size / crop)
    if width <= height:
        scaled = short, int(short * height / width)
    else:
        scaled = int(short * width / height), short
    left, top = (_cut(side, size) for side in scaled)
    across, down = width / scaled[0], height / scaled[1]
    return ViewBox(left=left * across, top=top * down, width=size * across, height=size * down)


def _cut(side: int, size: int) -> int:
    """Where center_crop starts, in model pixels; negative where it pads."""
    if side < size:
        return -((size - side) // 2)
    return round((side - size) / 2.0)  # Python rounds halves to even, as torchvision does


def cell_box(box: ViewBox, *, row: int, column: int, rows: int, columns: int) -> ViewBox:
    """The part of the view box that one cell of a rows x columns grid covers, in source pixels.

    Raises:
        ShapeError: The cell lies outside the grid.
    """
    if not (0 <= row < rows and 0 <= column < columns):
        raise ShapeError("error.picture.cell", row=row, column=column, rows=rows, columns=columns)
    wide, high = box.width / columns, box.height / rows
    return ViewBox(left=box.left + column * wide, top=box.top + row * high, width=wide, height=high)


def cell_at(
    box: ViewBox, *, picture: tuple[int, int], x: int, y: int, rows: int, columns: int
) -> tuple[int, int] | None:
    """Which cell of a model's grid a point of the picture falls into.

    Args:
        box: What the model sees, in source pixels.
        picture: (width, height) of the upright picture, in source pixels.
        x: Thousandths of the width, 0 to 1000 from the left.
        y: Thousandths of the height, 0 to 1000 from the top.
        rows: Cells down.
        columns: Cells across.

    Returns:
        (row, column) from 0, or None when the point lies outside the view box. The box's left and
        upper edges belong to it, its right and lower edges as well (to the last cell).

    Exactness:
        Exact on whole numbers: the box's edges are rounded to ``FINEST`` parts of the picture, and
        the cell is a quotient of integers. assets/components/stage.js does the same
        (test_geometry.py compares every place of every grid).
    """
    across = edges(box.left, box.width, picture[0])
    down = edges(box.top, box.height, picture[1])
    row, column = _place(y, *down, rows), _place(x, *across, columns)
    return None if row is None or column is None else (row, column)


FINEST = 10**9
"""Parts of the picture's width or height in which a box's edges are whole numbers."""


def edges(start: float, length: float, whole: float) -> tuple[int, int]:
    """Where a box begins and how long it is, in ``FINEST`` parts of the picture's side.

    Args:
        start: In source pixels.
        length: In source pixels.
        whole: The picture's side in source pixels.
    """
    first, last = round(FINEST * start / whole), round(FINEST * (start + length) / whole)
    return first, last - first  # both ends are rounded: the middle of a box in the middle stays


def _place(thousandths: int, start: int, length: int, count: int) -> int | None:
    """Index of the cell that holds a place; None outside. Integers alone."""
    into = thousandths * (FINEST // 1000) - start
    if not 0 <= into <= length:
        return None
    return min(into * count // length, count - 1)


def point_at(
    box: ViewBox, *, picture: tuple[int, int], row: int, column: int, rows: int, columns: int
) -> tuple[int, int]:
    """The centre of a cell as a point of the picture: (x, y) in thousandths, 0 to 1000.

    ``cell_at`` of it gives the cell again wherever a cell is at least 1/500 of the picture, and
    its centre lies in the picture.

    Raises:
        ShapeError: The cell lies outside the grid.
    """
    cell = cell_box(box, row=row, column=column, rows=rows, columns=columns)
    x = round(1000.0 * (cell.left + cell.width / 2.0) / picture[0])
    y = round(1000.0 * (cell.top + cell.height / 2.0) / picture[1])
    return min(max(x, 0), 1000), min(max(y, 0), 1000)


def seen(boxes: Sequence[ViewBox], *, picture: tuple[int, int]) -> ViewBox:
    """The part of a picture that several models see together, in source pixels.

    Args:
        boxes: What each of them sees; where there is none, the whole picture counts.
        picture: (width, height) of the upright picture, in source pixels.

    Returns:
        The smallest box that holds all of them, without what lies outside the picture.
    """
    width, height = picture
    if not boxes:
        return ViewBox(left=0.0, top=0.0, width=float(width), height=float(height))
    left = max(0.0, min(box.left for box in boxes))
    top = max(0.0, min(box.top for box in boxes))
    right = min(float(width), max(box.left + box.width for box in boxes))
    bottom = min(float(height), max(box.top + box.height for box in boxes))
    return ViewBox(left=left, top=top, width=right - left, height=bottom - top)
