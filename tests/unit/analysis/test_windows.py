"""Windows against timm's own partition, exact inverse, padded grids."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from timm.models import davit, swin_transformer

from vislib.analysis import reading, windows
from vislib.schema import ShapeError

GRIDS = [(8, 8, 4), (7, 7, 7), (6, 9, 4), (5, 5, 7), (16, 16, 7)]


def timm_windows(grid: np.ndarray, window: int) -> np.ndarray:
    """timm's padding and partition, axes (window, query, channel)."""
    rows, columns, channels = grid.shape
    pad = (0, 0, 0, -columns % window, 0, -rows % window)
    padded = torch.nn.functional.pad(torch.from_numpy(grid)[None], pad)
    cut = davit.window_partition(padded, (window, window))
    return cut.reshape(-1, window * window, channels).numpy()


@pytest.mark.parametrize(("rows", "columns", "window"), GRIDS)
def test_partition_is_timms_and_stitching_is_its_inverse(
    rows: int, columns: int, window: int
) -> None:
    grid = 1.0 + np.arange(rows * columns * 2, dtype=np.float32).reshape(rows, columns, 2)
    ours = windows.partition(grid, window)
    np.testing.assert_array_equal(ours, timm_windows(grid, window))
    np.testing.assert_array_equal(windows.stitch_windows(ours, rows, columns, window), grid)
    # Negative control: windows turned round do not stitch back (one-query windows aside).
    turned = ours.reshape(-1, window, window, 2).swapaxes(1, 2).reshape(ours.shape)
    assert not np.array_equal(windows.stitch_windows(turned, rows, columns, window), grid)


@pytest.mark.parametrize(("rows", "columns", "window"), GRIDS)
def test_window_of_finds_every_cell(rows: int, columns: int, window: int) -> None:
    grid = 1 + np.arange(rows * columns).reshape(rows, columns)
    cut = windows.partition(grid, window)
    for row in range(rows):
        for column in range(columns):
            index, query = windows.window_of(row, column, rows=rows, columns=columns, window=window)
            assert cut[index, query] == grid[row, column]
            top, left = windows.window_corner(index, rows=rows, columns=columns, window=window)
            assert (top + query // window, left + query % window) == (row, column)


def test_padding_is_zero_on_the_right_and_at_the_bottom() -> None:
    cut = windows.partition(np.ones((5, 5)), 4).reshape(4, 4, 4)
    assert cut[0].sum() == 16
    assert cut[1, :, 0].sum() == 4
    assert cut[1].sum() == 4
    assert cut[3, 0, 0] == 1
    assert cut[3].sum() == 1


def test_windows_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError, match="window has 3 entries, 4"):
        windows.stitch_windows(np.zeros((3, 16)), 8, 8, 4)
    with pytest.raises(ShapeError, match="query has 9 entries, 16"):
        windows.stitch_windows(np.zeros((4, 9)), 8, 8, 4)
    with pytest.raises(ShapeError, match="0 to 7 exist"):
        windows.window_of(8, 0, rows=8, columns=8, window=4)
    with pytest.raises(ShapeError, match="must be 1 or more"):
        windows.window_grid(8, 8, 0)


SHIFTED = [(8, 8, 4, 2), (6, 9, 3, 1), (7, 7, 3, 1), (5, 8, 4, 3), (14, 14, 7, 3)]


@pytest.mark.parametrize(("rows", "columns", "window", "shift"), SHIFTED)
def test_shifted_windows_are_timms_and_come_back(
    rows: int, columns: int, window: int, shift: int
) -> None:
    """Each cell's own index through roll, partition, stitching and roll back."""
    grid = 1.0 + np.arange(rows * columns, dtype=np.float32).reshape(rows, columns, 1)
    rolled = torch.roll(torch.from_numpy(grid), (-shift, -shift), (0, 1)).numpy()
    ours = windows.partition(grid, window, shift)
    np.testing.assert_array_equal(ours, timm_windows(rolled, window))
    back = windows.stitch_windows(ours, rows, columns, window, shift)
    np.testing.assert_array_equal(back, grid)
    # Negative control: without the roll back, or with another one, cells are elsewhere.
    for wrong in (0, shift + 1):
        other = windows.stitch_windows(ours, rows, columns, window, wrong)
        assert not np.array_equal(other, grid)
    for row in range(rows):
        for column in range(columns):
            index, query = windows.window_of(
                row, column, rows=rows, columns=columns, window=window, shift=shift
            )
            assert ours[index, query] == grid[row, column]


@pytest.mark.parametrize(("rows", "columns", "window", "shift"), [*SHIFTED, (8, 6, 4, 0)])
def test_a_piece_holds_the_cells_of_one_window_that_lie_together(
    rows: int, columns: int, window: int, shift: int
) -> None:
    where = {"rows": rows, "columns": columns, "window": window, "shift": shift}
    numbers = np.array(
        [[windows.window_of(r, c, **where)[0] for c in range(columns)] for r in range(rows)]
    )
    # What is rolled round an edge is the first rows and columns of the picture.
    sides = 2 * (np.arange(rows) < shift)[:, None] + (np.arange(columns) < shift)[None, :]
    for row in range(rows):
        for column in range(columns):
            wanted = (numbers == numbers[row, column]) & (sides == sides[row, column])
            top, left, down, across = windows.window_piece(row, column, **where)
            found = np.zeros_like(wanted)
            found[top : top + down, left : left + across] = True
            np.testing.assert_array_equal(found, wanted)
            assert down * across == wanted.sum()


def test_timms_mask_keeps_just_the_pieces_apart() -> None:
    """Where the window divides the grid, what the mask lets through is the reader's piece."""
    block = swin_transformer.SwinTransformerBlock(
        dim=4, input_resolution=(8, 8), num_heads=1, window_size=4, shift_size=2
    )
    allowed = block.attn_mask.numpy() == 0
    where = {"rows": 8, "columns": 8, "window": 4, "shift": 2}
    cells = np.arange(64).reshape(8, 8, 1)
    cut = windows.partition(cells, 4, 2)[:, :, 0]
    for row in range(8):
        for column in range(8):
            index, query = windows.window_of(row, column, **where)
            top, left, down, across = windows.window_piece(row, column, **where)
            piece = cells[top : top + down, left : left + across].ravel()
            assert set(cut[index][allowed[index, query]]) == set(piece)
    assert not allowed.all()


@pytest.mark.parametrize(("rows", "columns", "window", "shift"), SHIFTED)
def test_a_reading_in_shifted_windows_is_its_row_at_its_places(
    rows: int, columns: int, window: int, shift: int
) -> None:
    """Against the long way: one-hot cells through timm's roll, cut, merge and roll back."""
    down, across = windows.window_grid(rows, columns, window)
    pattern = np.random.default_rng(1).random((down * across, 2, window**2, window**2))
    pattern /= pattern.sum(axis=-1, keepdims=True)
    cells = rows * columns
    marks = np.eye(cells, dtype=np.float64).reshape(rows, columns, cells)
    rolled = torch.roll(torch.from_numpy(marks), (-shift, -shift), (0, 1)).numpy()
    mixed = pattern.mean(axis=1) @ timm_windows(rolled, window)
    merged = swin_transformer.window_reverse(
        torch.from_numpy(mixed).reshape(-1, window, window, cells),
        (window, window),
        down * window,
        across * window,
    )[0, :rows, :columns]
    read = torch.roll(merged, (shift, shift), (0, 1)).numpy()
    where = {"rows": rows, "columns": columns, "window": window}
    for row in range(rows):
        for column in range(columns):
            found = reading.window_reading(pattern, row=row, column=column, shift=shift, **where)
            np.testing.assert_allclose(found.raw.ravel(), read[row, column], atol=1e-15)
            assert found.share.sum() + found.outside == pytest.approx(100.0)
            assert found.heads is not None
            np.testing.assert_allclose(found.heads.mean(axis=0), found.raw, atol=1e-15)
    # Negative control: read as if the windows were not shifted.
    plain = reading.window_reading(pattern, row=rows // 2, column=1, **where)
    assert not np.allclose(plain.raw.ravel(), read[rows // 2, 1])
