"""Pictures of patches, filters and token colours: the right pixel at the right place."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from vislib.figures import colours, overlay, tiles
from vislib.figures import patches as pictures
from vislib.schema import ShapeError, TokenGrid, ViewBox


def decoded(png: bytes) -> np.ndarray:
    picture = Image.open(io.BytesIO(png))
    return np.asarray(picture.convert("RGBA" if "A" in picture.getbands() else "RGB"))


def grid(size: int, patch: int, stride: int, offset: int) -> TokenGrid:
    side = size // stride
    return TokenGrid(
        rows=side,
        columns=side,
        patch=patch,
        stride=stride,
        offset=offset,
        input_size=size,
        position="none",
    )


APART, OVERLAPPING = grid(64, 8, 8, 0), grid(64, 7, 4, -3)


@pytest.fixture
def pixels(picture_pixels: np.ndarray) -> np.ndarray:
    return picture_pixels[:64, :64]


def places(png: bytes, colour: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """(top, left, bottom, right) of all pixels of a colour."""
    rows, columns = np.nonzero((decoded(png)[:, :, :3] == colour).all(axis=2))
    return rows.min(), columns.min(), rows.max() + 1, columns.max() + 1


def test_a_picture_is_enlarged_by_a_whole_factor(pixels: np.ndarray) -> None:
    large = decoded(pictures.picture_png(pixels, side=150))
    assert large.shape == (128, 128, 3)
    np.testing.assert_array_equal(large[::2, ::2], pixels)
    np.testing.assert_array_equal(large[1::2, 1::2], pixels)
    assert not np.array_equal(large[::2, ::2], pixels[::-1])


def test_a_large_picture_is_rounded_but_close() -> None:
    rows, columns = np.mgrid[0:224, 0:224]
    large = np.stack([rows, columns, (rows + columns) // 2], axis=2).astype(np.uint8)
    png = pictures.picture_png(large)
    error = np.abs(decoded(png).astype(int) - large)
    assert error.mean() < 8
    assert error.max() > 0  # it is rounded
    assert len(png) < 100_000


def test_lines_lie_between_cells_and_the_patch_is_framed(pixels: np.ndarray) -> None:
    plain = decoded(pictures.grid_png(pixels, APART, None))
    changed = (plain != np.repeat(np.repeat(pixels, 7, axis=0), 7, axis=1)).any(axis=2)
    assert np.flatnonzero(changed.all(axis=1)).tolist() == [56 * i for i in range(1, 8)]
    assert np.flatnonzero(changed.all(axis=0)).tolist() == [56 * i for i in range(1, 8)]
    framed = pictures.grid_png(pixels, APART, (2, 5))
    top, left, bottom, right = places(framed, overlay.OUTLINE)
    thick = 112 - top
    assert 2 <= thick <= 8
    assert (top, left, bottom, right) == (112 - thick, 280 - thick, 168 + thick, 336 + thick)
    np.testing.assert_array_equal(decoded(framed)[113:168, 281:336], plain[113:168, 281:336])


def test_a_patch_that_overlaps_is_larger_than_its_cell(pixels: np.ndarray) -> None:
    png = pictures.grid_png(pixels, OVERLAPPING, (4, 6))
    top, left, bottom, right = places(png, overlay.OUTLINE)
    thick = (bottom - top - 49) // 2
    assert (top + thick, left + thick, bottom - thick, right - thick) == (91, 147, 140, 196)
    inner = places(png, overlay.REGION)
    assert inner[0] > top
    assert inner[1] > left


@pytest.mark.parametrize("cell", [(0, 0), (15, 15), (0, 15)])
def test_a_frame_stays_on_the_picture(pixels: np.ndarray, cell: tuple[int, int]) -> None:
    top, left, bottom, right = places(pictures.grid_png(pixels, OVERLAPPING, cell), overlay.OUTLINE)
    assert min(top, left) > 0
    assert max(bottom, right) < 448
    with pytest.raises(ShapeError, match="does not exist"):
        pictures.grid_png(pixels, OVERLAPPING, (16, 0))


def test_an_enlarged_patch_shows_its_pixels_and_greys_what_lies_beyond() -> None:
    patch = np.arange(192, dtype=np.uint8).reshape(8, 8, 3)
    inside = np.ones((8, 8), dtype=bool)
    inside[:2] = False
    large = decoded(pictures.patch_png(patch, inside, APART))
    assert large.shape == (224, 224, 3)
    np.testing.assert_array_equal(large[::28, ::28][2:], patch[2:])
    assert (large[:56] == pictures.BEYOND).all()
    with pytest.raises(ShapeError, match="mask"):
        pictures.patch_png(patch, inside[:4], APART)


def test_an_overlapping_patch_shows_its_own_cell() -> None:
    png = pictures.patch_png(
        np.zeros((7, 7, 3), dtype=np.uint8), np.ones((7, 7), dtype=bool), OVERLAPPING
    )
    top, left, bottom, right = places(png, overlay.REGION)
    assert 96 <= top <= 102
    assert 96 <= left <= 102
    assert 218 <= bottom <= 224
    assert 218 <= right <= 224


def test_a_filter_is_drawn_in_colours_and_in_parts() -> None:
    taps = np.random.default_rng(3).standard_normal((3, 8, 8))
    large = decoded(pictures.filter_png(taps, side=96, gap=12))
    assert large.shape == (96, 4 * 96 + 36, 4)
    low, high = colours.limits(taps, signed=True)
    for number in range(3):
        left = (number + 1) * 108
        tile = large[::12, left : left + 96 : 12, :3]
        expected = colours.table(True)[colours.to_indices(taps[number], (low, high))]
        np.testing.assert_array_equal(tile, expected)
        assert not np.array_equal(tile[::-1], expected)
    assert (large[:, 96:108, 3] == 0).all()
    shade = large[0, 0, :3].astype(float)
    np.testing.assert_allclose(shade, taps[:, 0, 0] / high * 127 + 128, atol=0.51)
    even = decoded(pictures.filter_png(np.zeros((3, 4, 4))))
    assert (even[0, 0, :3] == 128).all()


def test_token_colours_lie_in_the_view_box() -> None:
    cells = np.random.default_rng(4).random((4, 4, 3))
    box = ViewBox(left=10.0, top=0.0, width=80.0, height=80.0)
    large = decoded(overlay.colour_map(cells, picture_shape=(80, 100), box=box, side=100))
    assert large.shape == (80, 100, 4)
    assert (large[:, :10, 3] == 0).all()
    assert (large[:, 90:, 3] == 0).all()
    np.testing.assert_array_equal(
        large[10::20, 20:90:20, :3], np.rint(cells * 255).astype(np.uint8)
    )
    with pytest.raises(ShapeError, match="row, column, rgb"):
        overlay.colour_map(cells[:, :, :2], picture_shape=(80, 100), box=box)


def test_filter_rows_stand_for_the_sheets_colours() -> None:
    filters = np.random.default_rng(5).standard_normal((9, 4, 4, 3))
    rows, table, limits, _ = tiles.rgb_rows(filters)
    assert (rows.shape, rows.dtype, table.shape) == ((9, 4, 4), np.uint8, (256, 3))
    assert rows.max() < colours.GAP
    assert limits == (-1.0, 1.0)
    largest = np.abs(filters).max(axis=(1, 2, 3), keepdims=True)
    exact = filters / largest * 127 + 128
    assert np.abs(table[rows] - exact).mean() < 8
    assert np.abs(table[rows][::-1] - exact).mean() > 30


def test_what_is_no_picture_is_refused() -> None:
    with pytest.raises(ShapeError, match="uint8"):
        pictures.picture_png(np.zeros((4, 4, 3)))
    with pytest.raises(ShapeError, match="rgb, ky, kx"):
        pictures.filter_png(np.zeros((4, 8, 8)))


def test_dense_grids_leave_lines_out() -> None:
    """A convolution's stem has a token every second pixel: lines that close would hide all."""
    cases = {(224, 4): 1, (224, 2): 2, (448, 2): 4, (64, 2): 1, (224, 16): 1}
    for (size, stride), tokens in cases.items():
        assert pictures.tokens_a_line(size, grid(size, 7, stride, -3)) == tokens
    black = np.zeros((224, 224, 3), dtype=np.uint8)
    drawn = decoded(pictures.grid_png(black, grid(224, 7, 2, -3), None))
    # Between the lines across, whose first row is 8: the lines down, two tokens of 2 x 2 pixels.
    assert np.flatnonzero(drawn[3].any(axis=-1)).tolist() == list(range(8, 448, 8))
    assert np.flatnonzero(drawn[:, 3].any(axis=-1)).tolist() == list(range(8, 448, 8))
    every = decoded(pictures.grid_png(black, grid(224, 7, 4, -3), None))
    assert np.array_equal(every, drawn)  # a line for each token of stride 4 is the same grid
    coarse = decoded(pictures.grid_png(black, grid(224, 7, 16, -3), None))
    assert not np.array_equal(coarse, drawn)
