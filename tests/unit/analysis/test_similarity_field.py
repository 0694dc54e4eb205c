"""The cosine of every two tokens from packed unit vectors is the library's own."""

from __future__ import annotations

import numpy as np
import pytest

from vislib.analysis.fields import MOST_BYTES
from vislib.analysis.patches import TokenTable, similarity_map
from vislib.analysis.similarity_field import similarity_field
from vislib.schema import ShapeError

HALF_A_COLOUR = 1 / 254
"""Half a step of the 255 colours from -1 to 1."""


def tokens(rows: int, columns: int, channels: int, seed: int = 0) -> TokenTable:
    draw = np.random.default_rng(seed)
    values = draw.normal(size=(rows * columns, channels)) + draw.normal(size=channels)
    return TokenTable(values=values, rows=rows, columns=columns, source="made")


@pytest.mark.parametrize(("rows", "columns", "channels"), [(4, 6, 5), (16, 16, 64), (14, 14, 768)])
def test_every_place_equals_the_librarys_similarity(rows: int, columns: int, channels: int) -> None:
    table = tokens(rows, columns, channels)
    field = similarity_field(table)
    assert field.nbytes <= MOST_BYTES
    assert field.loss < HALF_A_COLOUR
    step = max(1, rows * columns // 200)
    for place in range(0, rows * columns, step):
        row, column = divmod(place, columns)
        wanted = similarity_map(table, row, column).values
        assert np.abs(field.at(row, column) - wanted).max() <= field.half_step(wanted).max()
        other = similarity_map(table, (row + 1) % rows, column).values
        assert np.abs(field.at(row, column) - other).max() > 10 * field.loss


def test_a_large_grid_goes_as_bytes() -> None:
    field = similarity_field(tokens(56, 56, 96))
    assert field.packing == "signed8"
    assert field.nbytes <= MOST_BYTES
    assert HALF_A_COLOUR < field.loss < 0.02


def test_what_does_not_fit_says_its_loss() -> None:
    table = tokens(32, 32, 768, seed=3)
    field = similarity_field(table)
    assert field.nbytes <= MOST_BYTES
    away = [
        np.abs(field.at(row, column) - similarity_map(table, row, column).values).max()
        for row, column in np.ndindex(32, 32)
    ]
    assert max(away) == pytest.approx(field.loss, rel=1e-6)
    assert field.loss > HALF_A_COLOUR  # noise has no axes that may be left out


def test_a_token_of_zeros_has_no_direction_and_a_broken_one_no_field() -> None:
    table = tokens(3, 3, 4)
    values = table.values.copy()
    values[4] = 0
    none = TokenTable(values=values, rows=3, columns=3, source="made")
    assert np.abs(similarity_field(none).at(1, 1)).max() == 0
    values = values.copy()
    values[0, 0] = np.nan
    with pytest.raises(ShapeError, match="not finite"):
        similarity_field(TokenTable(values=values, rows=3, columns=3, source="made"))
