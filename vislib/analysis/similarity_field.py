"""How alike every two tokens are, packed for the browser: unit vectors that it multiplies."""

from __future__ import annotations

import numpy as np

from vislib.analysis.fields import MOST_BYTES, Packing, ReadingField
from vislib.analysis.patches import TokenTable
from vislib.schema import ShapeError, freeze

_LARGEST: dict[Packing, int] = {"signed16": 32767, "signed8": 127}


def similarity_field(tokens: TokenTable) -> ReadingField:
    """The cosine of every two tokens of one depth, as ``factors``.

    The unit vectors are turned into their principal axes first, which leaves every cosine as it is:
    there are never more axes than tokens. What is then too large goes as bytes, and only as many of
    the first axes as fit into ``MOST_BYTES``; ``loss`` says how far any cosine is from the exact
    one.

    Args:
        tokens: Tokens of one depth; one of zeros has no direction, and its cosines are 0.

    Raises:
        ShapeError: A number is not finite.

    Source: ``patches.similarity_map``, place for place.
    """
    if not np.isfinite(tokens.values).all():
        raise ShapeError("error.shape.not_finite")
    lengths = np.linalg.norm(tokens.values, axis=1, keepdims=True)
    unit = tokens.values / np.where(lengths > 0, lengths, 1.0)
    left, sizes, _ = np.linalg.svd(unit, full_matrices=False)
    turned = left * sizes
    packing: Packing = "signed16" if turned.size * 2 <= MOST_BYTES else "signed8"
    most = MOST_BYTES // (len(turned) * (2 if packing == "signed16" else 1))
    turned = turned[:, : max(1, most)]
    top = float(np.abs(turned).max(initial=0.0))
    scale = top / _LARGEST[packing] if top else 1.0
    values = np.rint(turned / scale).astype(np.int16 if packing == "signed16" else np.int8)
    return ReadingField(
        kind="factors",
        rows=tokens.rows,
        columns=tokens.columns,
        values=freeze(values),
        packing=packing,
        scale=scale,
        outside=None,
        largest=1.0,
        loss=_loss(unit, values * scale),
        provenance="recomputed",
        note="cosine",
    )


def _loss(unit: np.ndarray, packed: np.ndarray) -> float:
    """The largest distance of a packed cosine from the exact one, over all pairs."""
    away = 0.0
    for start in range(0, len(unit), 256):  # not all pairs at once: there may be ten million
        part = slice(start, start + 256)
        exact, shown = unit[part] @ unit.T, packed[part] @ packed.T
        away = max(away, float(np.abs(np.clip(shown, -1.0, 1.0) - exact).max(initial=0.0)))
    return away + 1e-12  # rounding of the two sums
