"""Depthwise kernels against torch's convolution and known kernels."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vislib.analysis import kernels
from vislib.schema import ShapeError


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def one_tap(side: int, ky: int, kx: int) -> np.ndarray:
    kernel = np.zeros((1, side, side))
    kernel[0, ky, kx] = -2.0
    return kernel


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize("side", [3, 4, 5, 9])
def test_convolve_same_equals_torch(side: int) -> None:
    values, kernel = random(6, 7), random(side, side, seed=1)
    exact = torch.nn.functional.conv2d(
        torch.from_numpy(values)[None, None], torch.from_numpy(kernel)[None, None], padding="same"
    )[0, 0].numpy()
    np.testing.assert_allclose(kernels.convolve_same(values, kernel), exact, atol=1e-12)
    # Negative control: the flipped and the turned kernel give other outputs.
    for wrong in (kernel[::-1, ::-1], kernel.T):
        assert np.abs(kernels.convolve_same(values, wrong) - exact).max() > 0.1


def test_place_terms_sum_to_the_output() -> None:
    values, kernel = random(6, 7), random(5, 5, seed=1)
    output = kernels.convolve_same(values, kernel)
    for row, column in ((0, 0), (2, 3), (5, 6), (0, 6)):
        terms = kernels.place_terms(values, kernel, row, column)
        assert terms.sum() == pytest.approx(output[row, column], abs=1e-12)
    terms = kernels.place_terms(values, kernel, 3, 2)
    assert terms[2, 2] == values[3, 2] * kernel[2, 2]
    assert terms[1, 3] == values[2, 3] * kernel[1, 3]
    assert kernels.place_terms(values, kernel, 0, 0)[:2].any() == np.False_  # the padding
    assert terms.sum() != pytest.approx(output[2, 3])  # rows and columns are not interchangeable
    with pytest.raises(ShapeError, match="row 6 came"):
        kernels.place_terms(values, kernel, 6, 0)


def test_energy_radius_of_single_taps() -> None:
    taps = np.concatenate([one_tap(5, 2, 2), one_tap(5, 2, 4), one_tap(5, 0, 0), one_tap(5, 1, 2)])
    np.testing.assert_allclose(kernels.energy_radius(taps), [0, 2, np.sqrt(8), 1])
    assert kernels.energy_radius(np.zeros((1, 5, 5)))[0] == 0
    # Weighted by energy: a tap twice as large counts four times.
    two = np.zeros((1, 3, 3))
    two[0, 1, 1], two[0, 1, 2] = 2.0, 1.0
    assert kernels.energy_radius(two)[0] == pytest.approx(np.sqrt(1 / 5))


def test_centre_share_is_percent_of_magnitude() -> None:
    two = np.zeros((2, 3, 3))
    two[0, 1, 1], two[0, 1, 2] = 3.0, -1.0
    np.testing.assert_allclose(kernels.centre_share(two), [75.0, 0.0])


def test_orders() -> None:
    board = (-1.0) ** np.add(*np.mgrid[:5, :5])[None]
    taps = np.concatenate([5 * board, np.ones((1, 5, 5)), 0.1 * one_tap(5, 2, 2)])
    assert kernels.kernel_order(taps, by="frequency").tolist() == [1, 2, 0]
    assert kernels.kernel_order(taps, by="norm").tolist() == [0, 1, 2]
    assert kernels.kernel_order(taps, by="radius").tolist() == [2, 0, 1]
    with pytest.raises(ShapeError, match="'radius', 'norm' and 'frequency'"):
        kernels.kernel_order(taps, by="colour")  # type: ignore[arg-type]


def test_spectrum_has_zero_frequency_in_the_middle() -> None:
    flat = kernels.spectrum(np.ones((2, 5, 5)))
    assert flat[2, 2] == pytest.approx(625)
    assert flat.sum() == pytest.approx(625)
    impulse = kernels.spectrum(one_tap(5, 2, 2))
    np.testing.assert_allclose(impulse, 4.0)
    taps = random(3, 5, 5)
    power = kernels.spectrum(taps)
    assert power.sum() / 25 == pytest.approx((taps**2).sum((1, 2)).mean())  # Parseval
    # fy goes down: stripes that change from row to row light a column of the spectrum.
    down = np.cos(2 * np.pi * np.arange(8) / 4)[:, None] * np.ones((1, 8))
    lit = np.argwhere(kernels.spectrum(down[None]) > 1).tolist()
    assert lit == [[2, 4], [6, 4]]
    assert lit != np.argwhere(kernels.spectrum(down.T[None]) > 1).tolist()


def test_spectrum_can_be_sampled_more_finely() -> None:
    taps = random(3, 5, 5)
    fine = kernels.spectrum(taps, size=15)
    assert fine.shape == (15, 15)
    np.testing.assert_allclose(fine[7 - 6 : 14 : 3, 1:14:3], kernels.spectrum(taps), atol=1e-9)
    with pytest.raises(ShapeError, match="choose the kernel's side or more"):
        kernels.spectrum(taps, size=4)


def test_radial_spectrum() -> None:
    rings = kernels.radial_spectrum(one_tap(5, 2, 2))
    np.testing.assert_allclose(rings.power, 4.0)
    assert rings.frequency[0] == 0
    assert rings.frequency[-1] <= np.sqrt(0.5)
    smooth = kernels.radial_spectrum(np.ones((1, 5, 5)))
    assert smooth.power[0] == pytest.approx(625)
    np.testing.assert_allclose(smooth.power[1:], 0, atol=1e-9)
    wave = np.cos(2 * np.pi * np.arange(8) / 4)[:, None] * np.ones((1, 8))
    peak = kernels.radial_spectrum(wave[None])
    assert peak.frequency[peak.power.argmax()] == pytest.approx(0.25)
