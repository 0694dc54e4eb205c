"""Pointwise mixing against torch's 1 x 1 convolution."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vislib.analysis import pointwise
from vislib.schema import ShapeError


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def test_the_terms_sum_to_the_convolution_at_that_place() -> None:
    values, weight = random(5, 4, 6), random(3, 5, 1, 1, seed=1)
    out = torch.nn.functional.conv2d(torch.from_numpy(values)[None], torch.from_numpy(weight))[0]
    terms = pointwise.mixing_terms(values, weight, 2, row=1, column=4)
    assert terms.sum() == pytest.approx(float(out[2, 1, 4]), abs=1e-12)
    assert terms[3] == weight[2, 3, 0, 0] * values[3, 1, 4]
    # Negative controls: another place and another channel give another number.
    assert terms.sum() != pytest.approx(float(out[2, 1, 3]), abs=1e-6)
    assert terms.sum() != pytest.approx(float(out[1, 1, 4]), abs=1e-6)
    # No other place is read.
    moved = values + 100.0
    moved[:, 1, 4] = values[:, 1, 4]
    np.testing.assert_array_equal(pointwise.mixing_terms(moved, weight, 2, row=1, column=4), terms)


def test_the_strongest_are_sorted_by_size_and_keep_their_sign() -> None:
    weight = np.zeros((2, 4, 1, 1))
    weight[1, :, 0, 0] = [0.5, -2.0, 0.0, 1.5]
    found = pointwise.largest_weights(weight, 1, 2)
    assert found.channel.tolist() == [1, 3]
    assert found.weight.tolist() == [-2.0, 1.5]
    assert found.share == pytest.approx(87.5)
    assert pointwise.largest_weights(weight, 0, 2).share == 0.0
    assert pointwise.largest_weights(weight, 1, 9).channel.tolist() == [1, 3, 0, 2]


def test_what_is_not_pointwise_is_refused() -> None:
    with pytest.raises(ShapeError, match="pointwise mixing has"):
        pointwise.output_weights(random(2, 2, 3, 3), 0)
    with pytest.raises(ShapeError, match="channel_out 2 came"):
        pointwise.output_weights(random(2, 2, 1, 1), 2)
    with pytest.raises(ShapeError):
        pointwise.mixing_terms(random(3, 4, 4), random(2, 2, 1, 1), 0, row=0, column=0)
