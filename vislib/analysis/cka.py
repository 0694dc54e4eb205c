"""Similarity of layers: linear centred kernel alignment (CKA) over a set of pictures.

CKA asks whether two layers find the same pictures alike, whatever their channels mean: it does not
change when channels are rotated or scaled together, and the layers may have different widths.

Source: arXiv:1905.00414 (equation 1); arXiv:2010.15327 for the estimator without the bias that few
samples bring.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vislib.analysis.arrays import check_size, float_values
from vislib.schema import ShapeError

FEWEST = 4
"""Pictures below which the estimator without bias does not exist."""


def linear_cka(first: np.ndarray, second: np.ndarray, *, debiased: bool = False) -> float:
    """|X^T Y|^2 / (|X^T X| |Y^T Y|), Frobenius norms of centred features.

    Args:
        first: X, axes (sample, channel).
        second: Y, axes (sample, channel); as many samples, any number of channels.
        debiased: Without the bias of few samples: for unrelated features the mean is 0 (single
            values may lie below), where the plain formula gives more the more channels there are.

    Returns:
        1 for features that are equal up to rotation, scale and shift; 0 where a layer gives all
        samples the same features.

    Raises:
        ShapeError: The numbers of samples differ, or there are fewer than 4.
    """
    return float(cka_table([first], [second], debiased=debiased)[0, 0])


def cka_table(
    first: Sequence[np.ndarray], second: Sequence[np.ndarray], *, debiased: bool = False
) -> np.ndarray:
    """Every layer of one list with every layer of another.

    Args:
        first: One array a layer, axes (sample, channel).
        second: The same, over the same samples.
        debiased: As in ``linear_cka``.

    Returns:
        float64, axes (layer of first, layer of second).

    Raises:
        ShapeError: As in ``linear_cka``; or a list is empty.
    """
    if not first or not second:
        raise ShapeError("error.shape.no_layer")
    samples = np.shape(first[0])[0]
    if samples < FEWEST:
        raise ShapeError("error.shape.few_samples", count=samples, least=FEWEST)
    left, right = (
        np.stack([_direction(layer, samples, debiased) for layer in layers])
        for layers in (first, second)
    )
    return np.asarray(left @ right.T)


def _direction(features: np.ndarray, samples: int, debiased: bool) -> np.ndarray:
    """The centred table of inner products of all pairs of samples, as one unit vector."""
    values = float_values(features, ("sample", "channel"))
    check_size("sample", values.shape[0], samples)
    centred = values - values.mean(axis=0)
    products = centred @ centred.T
    if debiased:
        products = _u_centred(products)
    size = np.linalg.norm(products)
    scale = float(np.square(values).sum())
    # Features that do not differ leave rounding dust, which is no direction.
    direction = products / size if size > 1e-12 * max(scale, 1e-300) else 0.0 * products
    return np.asarray(direction.ravel())


def _u_centred(table: np.ndarray) -> np.ndarray:
    """Centring for the unbiased estimator: diagonal 0, every row sums to 0."""
    count = table.shape[0]
    bare = table - np.diag(np.diag(table))
    rows = bare.sum(axis=1)
    total = rows.sum() / ((count - 1) * (count - 2))
    out = bare - rows[:, None] / (count - 2) - rows[None, :] / (count - 2) + total
    np.fill_diagonal(out, 0.0)
    return np.asarray(out)
