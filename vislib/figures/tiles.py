"""Many small maps as one picture: an 8-bit palette PNG, made once and cached.

A sheet is laid out in reading order. It is enlarged by a whole factor with hard edges, so each
number of a map is one square of the picture, and it is at most 1,460 pixels wide, because
Streamlit resamples what is wider. The gap between tiles is transparent: a sheet fits light and
dark pages.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from vislib.figures import colours
from vislib.figures.colours import GAP, to_indices
from vislib.schema import ShapeError

__all__ = [
    "MAX_WIDTH",
    "TileSheet",
    "arrange",
    "rgb_rows",
    "rgb_shades",
    "rgb_tile_sheet",
    "tile_sheet",
    "to_indices",
]

MAX_WIDTH = 1460
"""Picture pixels; a wider picture would be resampled on its way to the page."""

_LARGEST_TILE = 220
_SMALLEST_TILE = 24
_LARGEST_FACTOR = 24
_HEIGHT_SHARE = 0.6

ALL_TILES = "all tiles on one scale"
EACH_TILE = "each tile by its own largest |value|"
ALL_FILTERS = "all filters by their largest |value|, around mid-grey"
EACH_FILTER = "each filter by its own largest |value|, around mid-grey"


@dataclass(frozen=True, kw_only=True)
class TileSheet:
    """A sheet of maps and what a page must know to caption it and to find a tile in it.

    Attributes:
        png: The encoded picture.
        count: Tiles on the sheet.
        columns, rows: Tiles across and down.
        width, height: Of the sheet, in pixels of the sheet.
        tile_width, tile_height: Of one tile with its gap, in pixels of the sheet.
        gap: Pixels right of and below each tile.
        scale: Pixels of the sheet per number, each way.
        limits: The values of the first and the last colour, after normalisation.
        clipped: Numbers outside the limits.
        normalised: How the tiles were scaled, in words' key.
        signed: Which colour table was used.
    """

    png: bytes
    count: int
    columns: int
    rows: int
    width: int
    height: int
    tile_width: int
    tile_height: int
    gap: int
    scale: int
    limits: tuple[float, float]
    clipped: int
    normalised: str
    signed: bool

    def corner(self, tile: int) -> tuple[int, int]:
        """Where a tile begins: (column, row) in pixels of the sheet, from the top left."""
        return tile % self.columns * self.tile_width, tile // self.columns * self.tile_height

    def tile_at(self, x: float, y: float) -> int | None:
        """Which tile lies at a place in pixels of the sheet; None where there is none."""
        column, row = int(x // self.tile_width), int(y // self.tile_height)
        tile = row * self.columns + column
        inside = 0 <= column < self.columns and row >= 0 and tile < self.count
        return tile if inside else None


@dataclass(frozen=True)
class _Layout:
    """How tiles of one size lie on a sheet."""

    columns: int
    rows: int
    scale: int
    gap: int


def _lay_out(
    count: int, height: int, width: int, width_px: int, gap: int, columns: int | None
) -> _Layout:
    """Choose how many tiles go in a row and how much each is enlarged."""
    room = min(width_px, MAX_WIDTH)
    if columns is not None and columns < 1:
        raise ShapeError("error.figure.tile_columns", columns=columns)
    cells = columns if columns is not None else 1
    if gap < 0 or cells * (width + gap) > room:
        raise ShapeError(
            "error.figure.tiles_too_wide", columns=cells, width=width, gap=gap, room=room
        )
    if columns is not None:
        columns = min(columns, count)
        scale = (room // columns - gap) // width
        scale = max(1, min(scale, _LARGEST_FACTOR, _LARGEST_TILE // max(height, width)))
        return _Layout(columns, -(-count // columns), scale, gap)
    scale = max(1, min(_LARGEST_FACTOR, _LARGEST_TILE // max(height, width), (room - gap) // width))
    # The largest tiles whose sheet fits on a screen; but never so small that nobody can read them.
    while scale > 1 and (scale - 1) * width >= _SMALLEST_TILE:
        across = min(count, room // (width * scale + gap))
        if -(-count // across) * (height * scale + gap) <= _HEIGHT_SHARE * room:
            break
        scale -= 1
    across = min(count, room // (width * scale + gap))
    return _Layout(across, -(-count // across), scale, gap)


def arrange(
    tiles: np.ndarray, columns: int, *, scale: int = 1, gap: int = 1, fill: float = GAP
) -> np.ndarray:
    """Lay tiles side by side in reading order.

    Args:
        tiles: Axes (tile, row, column), any type.
        columns: Tiles in a row of the sheet.
        scale: Enlargement, a whole factor with hard edges.
        gap: Cells of the enlarged sheet right of and below each tile.
        fill: What gaps and empty places hold.

    Returns:
        Axes (row, column) of the sheet, row 0 at the top, the type of ``tiles``.
    """
    count, height, width = tiles.shape
    rows = -(-count // columns)
    sheet = np.full(
        (rows * columns, height * scale + gap, width * scale + gap), fill, dtype=tiles.dtype
    )
    large = np.repeat(np.repeat(tiles, scale, axis=1), scale, axis=2)
    sheet[:count, : height * scale, : width * scale] = large
    tall, wide = sheet.shape[1:]
    grid = sheet.reshape(rows, columns, tall, wide).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(grid.reshape(rows * tall, columns * wide))


def palette_png(
    rows: np.ndarray, table: np.ndarray, background: tuple[int, int, int] | None = None
) -> bytes:
    """Encode rows of a colour table as an 8-bit palette PNG.

    Args:
        rows: uint8, axes (row, column); 255 is the gap.
        table: uint8, axes (row of the table, rgb), 256 rows.
        background: The gap's colour; None makes it transparent.
    """
    palette = table.copy()
    if background is not None:
        palette[GAP] = background
    picture = Image.fromarray(rows)
    picture.putpalette(palette.tobytes())
    buffer = io.BytesIO()
    options = {} if background is not None else {"transparency": GAP}
    picture.save(buffer, format="PNG", optimize=False, **options)
    return buffer.getvalue()


def _check_tiles(values: np.ndarray, axes: tuple[str, ...]) -> np.ndarray:
    """Refuse what is not a stack of tiles."""
    array = np.asarray(values)
    if array.ndim != len(axes) or array.size == 0 or (axes[-1] == "rgb" and array.shape[-1] != 3):
        raise ShapeError("error.figure.tiles", shape=array.shape, axes=axes)
    return array


def _by_own_largest(values: np.ndarray) -> np.ndarray:
    """Divide each tile by its largest finite |value|; a tile of zeros stays zero."""
    wide = np.asarray(values, dtype=np.float64)
    axes = tuple(range(1, wide.ndim))
    largest = np.max(np.where(np.isfinite(wide), np.abs(wide), 0.0), axis=axes, keepdims=True)
    return np.asarray(wide / np.where(largest > 0.0, largest, 1.0))


def _sheet(
    rows: np.ndarray,
    table: np.ndarray,
    layout: _Layout,
    background: tuple[int, int, int] | None,
    pair: tuple[float, float],
    clipped: int,
    normalised: str,
    signed: bool,
) -> TileSheet:
    """Arrange and encode tiles that are already rows of a colour table."""
    picture = arrange(rows, layout.columns, scale=layout.scale, gap=layout.gap)
    return TileSheet(
        png=palette_png(picture, table, background),
        count=len(rows),
        columns=layout.columns,
        rows=layout.rows,
        width=picture.shape[1],
        height=picture.shape[0],
        tile_width=rows.shape[2] * layout.scale + layout.gap,
        tile_height=rows.shape[1] * layout.scale + layout.gap,
        gap=layout.gap,
        scale=layout.scale,
        limits=pair,
        clipped=clipped,
        normalised=normalised,
        signed=signed,
    )


def tile_sheet(
    values: np.ndarray,
    *,
    signed: bool,
    limits: tuple[float, float] | None = None,
    per_tile: bool = False,
    columns: int | None = None,
    width_px: int = 1400,
    gap: int = 1,
    background: tuple[int, int, int] | None = None,
) -> TileSheet:
    """Draw a stack of maps as one picture.

    Args:
        values: Axes (tile, row, column), one unit.
        signed: Whether zero is the middle of the colours.
        limits: Values of the first and the last colour; None takes them from all tiles.
        per_tile: Divide each tile by its own largest |value| first; recorded in ``normalised``.
        columns: Tiles in a row; None chooses so that the sheet fits on a screen.
        width_px: The sheet is at most this wide, and at most 1,460.
        gap: Pixels between tiles.
        background: The gap's colour; None makes it transparent.

    Returns:
        The sheet. Each number is a square of ``scale`` pixels whose palette row is
        ``to_indices`` of it.

    Raises:
        ShapeError: The axes do not fit, or the tiles are too wide.
    """
    tiles = _check_tiles(values, ("tile", "row", "column"))
    if per_tile:
        tiles = _by_own_largest(tiles)
    pair = colours.check_limits(limits or colours.limits(tiles, signed=signed))
    count, height, width = tiles.shape
    layout = _lay_out(count, height, width, width_px, gap, columns)
    return _sheet(
        to_indices(tiles, pair),
        colours.table(signed),
        layout,
        background,
        pair,
        colours.count_clipped(tiles, pair),
        EACH_TILE if per_tile else ALL_TILES,
        signed,
    )


def rgb_shades(
    values: np.ndarray, *, per_tile: bool = True
) -> tuple[np.ndarray, tuple[float, float]]:
    """Turn colour filters into colours: zero is mid-grey, +-largest is the channel's end.

    Args:
        values: Axes (tile, row, column, rgb), signed weights.
        per_tile: Scale each filter by its own largest |value|; else all by the largest of all.

    Returns:
        (uint8 of the same axes, 1 to 255; the limits).

    Raises:
        ShapeError: The axes do not fit.
    """
    filters = _check_tiles(values, ("tile", "row", "column", "rgb"))
    pair = (-1.0, 1.0) if per_tile else colours.limits(filters, signed=True)
    scaled = _by_own_largest(filters) if per_tile else np.asarray(filters, np.float64) / pair[1]
    return np.rint(np.nan_to_num(scaled) * 127.0 + 128.0).astype(np.uint8), pair


def rgb_rows(
    values: np.ndarray, *, per_tile: bool = True
) -> tuple[np.ndarray, np.ndarray, tuple[float, float], str]:
    """Turn colour filters into rows of a colour table of their own: a third of the bytes.

    Args:
        values: Axes (tile, row, column, rgb), signed weights.
        per_tile: Scale each filter by its own largest |value|; else all by the largest of all.

    Returns:
        (rows, uint8, axes (tile, row, column), 0 to 254; table, uint8, axes (row of the table,
        rgb), 256 rows; the limits; how the filters were scaled, in words).

    Raises:
        ShapeError: The axes do not fit.
    """
    shades, pair = rgb_shades(values, per_tile=per_tile)
    count, height, width, _ = shades.shape
    # Rounded before the enlargement: the picture is small then, and each number stays one square.
    small = Image.fromarray(shades.reshape(count * height, width, 3))
    rounded = small.quantize(colours.LEVELS, method=Image.Quantize.MEDIANCUT)
    table = np.full((256, 3), 128, dtype=np.uint8)
    found = np.asarray(rounded.getpalette() or [], dtype=np.uint8).reshape(-1, 3)[: colours.LEVELS]
    table[: len(found)] = found
    rows = np.asarray(rounded, dtype=np.uint8).reshape(count, height, width)
    exact = bool(np.array_equal(table[rows], shades))
    words = (EACH_FILTER if per_tile else ALL_FILTERS) + (
        "" if exact else "; rounded to 255 colours"
    )
    return rows, table, pair, words


def rgb_tile_sheet(
    values: np.ndarray,
    *,
    per_tile: bool = True,
    columns: int | None = None,
    width_px: int = 1400,
    gap: int = 1,
    background: tuple[int, int, int] | None = None,
) -> TileSheet:
    """Draw colour filters as one picture: zero is mid-grey, +-largest is the channel's end.

    The picture's colours are rounded to 255 in all (a sheet of exact colours is four times as
    large on the wire); that is said in ``normalised``.

    Args:
        values: Axes (tile, row, column, rgb), signed weights.
        per_tile: Scale each filter by its own largest |value|; else all by the largest of all.
        columns: As in ``tile_sheet``.
        width_px: As in ``tile_sheet``.
        gap: As in ``tile_sheet``.
        background: As in ``tile_sheet``.

    Returns:
        The sheet; its limits are (-1, 1) per tile, else (-largest, largest).

    Raises:
        ShapeError: The axes do not fit, or the tiles are too wide.
    """
    rows, table, pair, words = rgb_rows(values, per_tile=per_tile)
    count, height, width = rows.shape
    layout = _lay_out(count, height, width, width_px, gap, columns)
    return _sheet(rows, table, layout, background, pair, 0, words, True)
