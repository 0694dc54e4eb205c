"""CKA: what it must not see, what it must see, and the formula by hand."""

from __future__ import annotations

import numpy as np
import pytest

from vislib.analysis.cka import cka_table, linear_cka
from vislib.schema import ShapeError

RANDOM = np.random.default_rng(7)
X = RANDOM.normal(size=(60, 12)) @ RANDOM.normal(size=(12, 12)) + 3.0
Y = np.tanh(X[:, :7]) + 0.5 * RANDOM.normal(size=(60, 7))


def by_hand(first: np.ndarray, second: np.ndarray) -> float:
    """Equation 1 of arXiv:1905.00414, as it stands there."""
    a, b = first - first.mean(axis=0), second - second.mean(axis=0)
    cross = np.linalg.norm(b.T @ a) ** 2
    return float(cross / (np.linalg.norm(a.T @ a) * np.linalg.norm(b.T @ b)))


def hsic_without_bias(k: np.ndarray, m: np.ndarray) -> float:
    """Equation 3 of arXiv:2010.15327."""
    n, ones = k.shape[0], np.ones(k.shape[0])
    k, m = k - np.diag(np.diag(k)), m - np.diag(np.diag(m))
    first = np.trace(k @ m)
    second = (ones @ k @ ones) * (ones @ m @ ones) / ((n - 1) * (n - 2))
    third = 2 / (n - 2) * (ones @ k @ m @ ones)
    return float((first + second - third) / (n * (n - 3)))


@pytest.mark.parametrize("debiased", [False, True])
def test_rotation_scale_and_shift_are_not_seen(debiased: bool) -> None:
    q, _ = np.linalg.qr(RANDOM.normal(size=(12, 12)))
    assert linear_cka(X, 4.2 * X @ q + 1.0, debiased=debiased) == pytest.approx(1.0, abs=1e-12)
    stretched = X * np.linspace(0.01, 5.0, 12)  # not a rotation: it must be seen
    assert linear_cka(X, stretched, debiased=debiased) < 0.95


def test_the_formula_of_the_paper() -> None:
    assert linear_cka(X, Y) == pytest.approx(by_hand(X, Y), rel=1e-12)
    assert 0.05 < by_hand(X, Y) < 0.95
    uncentred = np.linalg.norm(Y.T @ X) ** 2 / (np.linalg.norm(X.T @ X) * np.linalg.norm(Y.T @ Y))
    assert abs(uncentred - linear_cka(X, Y)) > 0.01


def test_the_estimator_without_bias_by_its_own_formula() -> None:
    k, m = X @ X.T, Y @ Y.T
    wanted = hsic_without_bias(k, m) / np.sqrt(hsic_without_bias(k, k) * hsic_without_bias(m, m))
    assert linear_cka(X, Y, debiased=True) == pytest.approx(wanted, rel=1e-10)


def test_unrelated_noise_is_unlike() -> None:
    a, b = RANDOM.normal(size=(119, 256)), RANDOM.normal(size=(119, 256))
    assert abs(linear_cka(a, b, debiased=True)) < 0.05
    assert linear_cka(a, b) > 0.5  # why few samples need the other estimator


def test_a_table_holds_every_pair() -> None:
    table = cka_table([X, Y], [Y, X, X[:, :3]])
    assert table.shape == (2, 3)
    assert table[0, 1] == pytest.approx(1.0)
    assert table[0, 0] == pytest.approx(linear_cka(X, Y))
    assert table[1, 2] == pytest.approx(linear_cka(Y, X[:, :3]))


def test_features_that_do_not_differ_are_like_nothing() -> None:
    assert linear_cka(np.full((10, 3), 0.1), RANDOM.normal(size=(10, 4))) == 0.0


@pytest.mark.parametrize(
    ("first", "second"), [(X, Y[:-1]), (X[:3], Y[:3]), (X[0], Y[0])], ids=["other", "few", "flat"]
)
def test_what_does_not_fit_is_refused(first: np.ndarray, second: np.ndarray) -> None:
    with pytest.raises(ShapeError):
        linear_cka(first, second)
