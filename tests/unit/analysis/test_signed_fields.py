"""Signed maps for the stage: a map as it is, and a kernel's products at every place."""

from __future__ import annotations

import numpy as np
import pytest

from vislib.analysis.kernels import place_terms
from vislib.analysis.signed_fields import SignedField, product_field, still_field
from vislib.schema import ShapeError


def products(rows: int, columns: int, side: int) -> tuple[np.ndarray, np.ndarray, SignedField]:
    draw = np.random.default_rng(side)
    values = draw.normal(size=(rows, columns)).astype(np.float32)
    kernel = draw.normal(size=(side, side)).astype(np.float32)
    return values, kernel, product_field(values, kernel, 0.25)


@pytest.mark.parametrize(("rows", "columns", "side"), [(7, 5, 3), (6, 6, 5), (5, 7, 4), (3, 3, 9)])
def test_products_are_the_kernels_terms_at_every_place(rows: int, columns: int, side: int) -> None:
    values, kernel, field = products(rows, columns, side)
    furthest = 0.0
    for row, column in np.ndindex(rows, columns):
        wanted = place_terms(values, kernel, row, column)
        laid = field.at(row, column)
        shown = laid[np.isfinite(laid)]
        top, left = row - (side - 1) // 2, column - (side - 1) // 2
        met = [
            wanted[y - top, x - left]
            for y, x in np.ndindex(rows, columns)
            if 0 <= y - top < side and 0 <= x - left < side
        ]
        np.testing.assert_allclose(shown, met, rtol=1e-12)
        assert shown.sum() == pytest.approx(wanted.sum(), abs=1e-9)
        turned = place_terms(values, kernel[::-1, ::-1], row, column)
        assert shown.sum() != pytest.approx(turned.sum(), abs=1e-9)  # negative control
        furthest = max(furthest, float(np.abs(shown).max()))
    assert field.largest == pytest.approx(furthest)


def test_a_map_that_stays_is_the_same_for_every_place() -> None:
    values = np.array([[1.0, -3.0], [0.5, 2.0]])
    field = still_field(values)
    assert field.largest == 3.0
    assert still_field(values, largest=5.0).largest == 5.0
    assert still_field(np.zeros((2, 2))).largest == 1.0
    for row, column in np.ndindex(2, 2):
        np.testing.assert_array_equal(field.at(row, column), values)
    with pytest.raises(ShapeError):
        field.at(2, 0)


def test_what_is_not_finite_is_no_map() -> None:
    broken = np.array([[1.0, np.nan], [0.0, 0.0]])
    with pytest.raises(ShapeError, match="not finite"):
        still_field(broken)
    with pytest.raises(ShapeError, match="not finite"):
        product_field(np.ones((2, 2)), broken, 0.0)
