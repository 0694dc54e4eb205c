"""Kernels over depth against numbers that are known without the code."""

from __future__ import annotations

import numpy as np
import pytest

from vislib.analysis import kernel_depth, kernels
from vislib.schema import ShapeError


def random_blocks(count: int = 3, channels: int = 9, side: int = 5) -> list[np.ndarray]:
    return list(np.random.default_rng(3).standard_normal((count, channels, side, side)))


def tap_at(side: int, distances: list[int]) -> np.ndarray:
    """A kernel a distance, with a single tap so far right of its middle."""
    found = np.zeros((len(distances), side, side))
    for kernel, distance in zip(found, distances, strict=True):
        kernel[side // 2, side // 2 + distance] = -0.5
    return found


def test_quartiles_of_single_taps_are_their_distances() -> None:
    near, far = tap_at(5, [0, 0, 1, 1, 1]), tap_at(5, [0, 1, 1, 2, 2])
    found = kernel_depth.radius_over_depth([near, far])
    np.testing.assert_array_equal(found.block, [1, 2])
    np.testing.assert_allclose(found.lower, [0, 1])
    np.testing.assert_allclose(found.median, [1, 1])
    np.testing.assert_allclose(found.upper, [1, 2])
    # Equal taps of a 5 x 5 kernel: twice the mean of 4, 1, 0, 1, 4.
    assert found.even == pytest.approx(2.0)
    # Negative control: in another order the blocks' numbers differ.
    assert not np.array_equal(kernel_depth.radius_over_depth([far, near]).lower, found.lower)
    with pytest.raises(ShapeError, match="one array a block"):
        kernel_depth.radius_over_depth([])


def test_samples_follow_the_sorted_order() -> None:
    blocks = random_blocks()
    found = kernel_depth.samples_over_depth(blocks, depths=2, count=4, by="norm")
    assert sorted({block for block, _ in found}) == [0, 2]
    for block in (0, 2):
        norms = [np.linalg.norm(blocks[block][c]) for b, c in found if b == block]
        assert len(norms) == 4
        assert norms == sorted(norms, reverse=True)
        assert norms[0] == max(np.linalg.norm(kernel) for kernel in blocks[block])
    by_radius = kernel_depth.samples_over_depth(blocks, depths=2, count=4, by="radius")
    assert by_radius != found


def test_spectrum_has_zero_frequency_in_the_middle() -> None:
    flat = np.ones((2, 3, 3))
    power = kernel_depth.spectra([flat, tap_at(3, [0, 1])])
    assert power.shape == (2, 15, 15)
    assert power[0].max() == power[0, 7, 7] == pytest.approx(81.0)
    np.testing.assert_allclose(power[1], 0.25)  # one tap has all frequencies alike
    # Negative control: a checkerboard has little there.
    board = np.where(np.indices((3, 3)).sum(axis=0) % 2, -1.0, 1.0)[None]
    assert kernel_depth.spectra([board])[0, 7, 7] < 2.0
    assert kernel_depth.spectra([np.ones((1, 9, 9))]).shape == (1, 19, 19)


def test_radius_is_the_one_of_the_kernels() -> None:
    blocks = random_blocks()
    found = kernel_depth.radius_over_depth(blocks)
    for j, block in enumerate(blocks):
        assert found.median[j] == np.median(kernels.energy_radius(block))
