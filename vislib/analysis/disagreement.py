"""How far the answers of several models lie apart: the Jensen-Shannon divergence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from vislib.schema import ShapeError


def jensen_shannon(probabilities: np.ndarray) -> float:
    """Entropy of the mean answer minus the mean entropy of the answers, in bits.

    Args:
        probabilities: Axes (model, class); each row 0 or more, with sum 1.

    Returns:
        0 where all answers are equal, log2(number of models) where no two share a class.

    Raises:
        ShapeError: Fewer than two models came, or a row is no distribution.

    Source: Lin, Divergence measures based on the Shannon entropy, IEEE Trans. Inf. Theory 37, 1991.
    """
    rows = np.asarray(probabilities, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[0] < 2:
        raise ShapeError("error.shape.answers", shape=rows.shape)
    if rows.min() < 0 or not np.allclose(rows.sum(axis=1), 1.0, atol=1e-6):
        raise ShapeError("error.shape.not_distribution")
    bits = _entropy(rows.mean(axis=0)) - float(np.mean([_entropy(row) for row in rows]))
    return max(0.0, bits)


def disagreement(probabilities: np.ndarray) -> float:
    """``jensen_shannon`` as a share of its largest value, 0 (all agree) to 1.

    Args:
        probabilities: Axes (model, class).
    """
    return jensen_shannon(probabilities) / float(np.log2(np.shape(probabilities)[0]))


def ranked(answers: Mapping[str, np.ndarray]) -> list[tuple[str, float]]:
    """Pictures by disagreement, the largest first; equal ones stay in order.

    Args:
        answers: Picture -> axes (model, class).

    Returns:
        (picture, 0 to 1).
    """
    found = [(name, disagreement(rows)) for name, rows in answers.items()]
    return sorted(found, key=lambda entry: -entry[1])


def alike(labels: Mapping[str, Sequence[str]]) -> list[str]:
    """The largest set of models with the same classes in the same order; the first of equals.

    Args:
        labels: Model -> its classes.
    """
    groups: dict[tuple[str, ...], list[str]] = {}
    for key, names in labels.items():
        groups.setdefault(tuple(names), []).append(key)
    return max(groups.values(), key=len) if groups else []


def _entropy(row: np.ndarray) -> float:
    """In bits; 0 log 0 is 0."""
    positive = row[row > 0]
    return float(-(positive * np.log2(positive)).sum())
