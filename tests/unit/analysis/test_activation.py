"""erf and the GELU's slope against math.erf and torch's autograd."""

from __future__ import annotations

import math

import numpy as np
import torch

from vislib.analysis import activation

POINTS = np.concatenate([np.linspace(-9.0, 9.0, 20_011), [-40.0, -6.0, 0.0, 6.0, 40.0, 1e30]])


def test_erf_equals_math_erf() -> None:
    exact = np.array([math.erf(float(x)) for x in POINTS])
    assert np.abs(activation.erf(POINTS) - exact).max() < 1e-13


def test_erf_keeps_shape_and_nan() -> None:
    values = activation.erf(np.array([[0.0, np.nan], [np.inf, -np.inf]]))
    np.testing.assert_array_equal(values, [[0.0, np.nan], [1.0, -1.0]])


def test_gelu_derivative_equals_autograd() -> None:
    points = torch.tensor(POINTS[np.abs(POINTS) < 10], dtype=torch.float64, requires_grad=True)
    torch.nn.functional.gelu(points).sum().backward()
    exact = points.grad.numpy()
    ours = activation.gelu_derivative(points.detach().numpy())
    assert np.abs(ours - exact).max() < 1e-12
    # Negative control: the tanh approximation's slope is another function.
    rough = points.detach().clone().requires_grad_()
    torch.nn.functional.gelu(rough, approximate="tanh").sum().backward()
    assert np.abs(rough.grad.numpy() - exact).max() > 1e-4
    assert activation.gelu_derivative(np.zeros(1))[0] == 0.5
