"""Windows against timm's own partition, exact inverse, padded grids."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from timm.models import davit

from vislib.analysis import windows
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
