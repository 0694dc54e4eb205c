"""One place of a depthwise output against torch's convolution."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vislib.analysis import one_channel
from vislib.schema import ShapeError


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def convolved(values: np.ndarray, kernel: np.ndarray, bias: float) -> np.ndarray:
    out = torch.nn.functional.conv2d(
        torch.from_numpy(values)[None, None],
        torch.from_numpy(kernel)[None, None],
        torch.tensor([bias], dtype=torch.float64),
        padding="same",
    )
    return out[0, 0].numpy()


@pytest.mark.parametrize("place", [(0, 0), (2, 3), (5, 6)])
def test_the_sum_is_the_captured_value(place: tuple[int, int]) -> None:
    values, kernel = random(6, 7), random(5, 5, seed=1)
    output = convolved(values, kernel, 0.25)
    row, column = place
    found = one_channel.follow_place(values, kernel, 0.25, output, row=row, column=column)
    assert found.captured == output[place]
    assert found.total == pytest.approx(found.terms.sum())
    assert abs(found.difference) < 1e-12
    # Negative controls: without the bias, and with the kernel turned, it is another number.
    bare = one_channel.follow_place(values, kernel, 0.0, output, row=row, column=column)
    assert abs(bare.difference) == pytest.approx(0.25)
    turned = one_channel.follow_place(values, kernel.T, 0.25, output, row=row, column=column)
    assert abs(turned.difference) > 1e-3


@pytest.mark.parametrize("side", [3, 5, 9])
def test_the_window_is_what_changes_the_output(side: int) -> None:
    """A place is in the window just when a change there changes the written place."""
    rows, columns = 6, 7
    kernel = np.ones((side, side))
    before = convolved(np.zeros((rows, columns)), kernel, 0.0)
    for row, column in ((0, 0), (3, 2), (5, 6)):
        window = one_channel.window_at((side, side), (rows, columns), row=row, column=column)
        reads = np.zeros((rows, columns), dtype=bool)
        for place in np.ndindex(rows, columns):
            values = np.zeros((rows, columns))
            values[place] = 1.0
            after = convolved(values, kernel, 0.0)
            reads[place] = after[row, column] != before[row, column]
        inside = np.zeros((rows, columns), dtype=bool)
        top, left = max(0, window.top), max(0, window.left)
        inside[top : window.top + side, left : window.left + side] = True
        np.testing.assert_array_equal(inside, reads)
        assert window.padded == side * side - reads.sum()
    middle = one_channel.window_at((3, 3), (6, 7), row=3, column=3)
    assert (middle.top, middle.left, middle.padded) == (2, 2, 0)
    with pytest.raises(ShapeError, match="row 6 came"):
        one_channel.window_at((3, 3), (6, 7), row=6, column=0)
