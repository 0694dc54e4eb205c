"""Shuffles of squares: the same for all models where it can be, and exact as shuffles of tokens."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vislib.analysis import shuffling
from vislib.observe import intervention
from vislib.schema import ShapeError, TokenGrid


def grid(rows: int, patch: int, *, stride: int = 0, offset: int = 0, size: int = 0) -> TokenGrid:
    """A square token grid."""
    return TokenGrid(
        rows=rows,
        columns=rows,
        patch=patch,
        stride=stride or patch,
        offset=offset,
        input_size=size or rows * patch,
        position="none",
    )


def test_an_order_is_a_permutation_that_the_seed_decides() -> None:
    order = shuffling.seeded_order(49, 3)
    assert np.array_equal(np.sort(order), np.arange(49))
    assert np.array_equal(order, shuffling.seeded_order(49, 3))
    assert not np.array_equal(order, shuffling.seeded_order(49, 4))
    assert not np.array_equal(order, np.arange(49))
    with pytest.raises(ShapeError, match="seed"):
        shuffling.seeded_order(49, -1)


def test_squares_keep_tokens_whole_where_they_do_not_overlap() -> None:
    assert shuffling.possible_squares(grid(14, 16)) == (2, 7, 14)
    assert shuffling.possible_squares(grid(8, 8)) == (2, 4, 8)
    overlapping = grid(56, 7, stride=4, offset=-3, size=224)
    assert 7 in shuffling.possible_squares(overlapping)
    assert all(224 % count == 0 for count in shuffling.possible_squares(overlapping))
    with_a_rest = grid(4, 7, size=30)  # 28 of 30 pixels are read
    assert shuffling.possible_squares(with_a_rest) == (2, 3, 5, 6, 10, 15, 30)


@pytest.mark.parametrize(
    ("possible", "wanted", "expected"),
    [
        ([(2, 4, 8), (2, 4, 8, 16)], 8, (8, 8)),
        ([(2, 7, 14), (2, 4, 7, 8, 14)], 8, (7, 7)),
        ([(2, 7, 14), (2, 4, 8, 16, 32)], 8, (7, 8)),  # only 2 is common, and that is too few
        ([(2, 7, 14), (2, 4, 8, 16, 32)], 4, (2, 2)),
        ([(2, 4, 8)], 16, (8,)),
        ([(2, 4, 8, 16), (2, 7, 14), (2, 4, 7, 8, 14), (2, 7, 14)], 8, (8, 7, 7, 7)),
        ([(3,)], 16, (3,)),
    ],
)
def test_models_side_by_side_are_cut_alike_where_they_can(
    possible: list[tuple[int, ...]], wanted: int, expected: tuple[int, ...]
) -> None:
    assert shuffling.choose_squares(possible, wanted) == expected
    with pytest.raises(ShapeError):
        shuffling.choose_squares([*possible, ()], wanted)


@pytest.mark.parametrize(("squares", "tokens"), [(2, 4), (3, 6), (4, 4), (1, 3)])
def test_squares_and_tokens_shuffle_alike(squares: int, tokens: int) -> None:
    patch = 3
    side = tokens * patch
    pixels = torch.arange(float(side * side)).reshape(1, 1, side, side)
    order = np.roll(shuffling.seeded_order(squares**2, 5), 1)
    by_squares = intervention.shuffle_patches(pixels, order, side // squares)
    by_tokens = shuffling.token_order(order, squares, tokens)
    assert torch.equal(intervention.shuffle_patches(pixels, by_tokens, patch), by_squares)
    if squares > 1:
        wrong = shuffling.token_order(np.argsort(order), squares, tokens)  # the way back
        assert not torch.equal(intervention.shuffle_patches(pixels, wrong, patch), by_squares)


def test_squares_that_cut_tokens_are_refused() -> None:
    with pytest.raises(ShapeError, match="whole blocks"):
        shuffling.token_order(np.arange(9), 3, 8)
    with pytest.raises(ShapeError, match="whole blocks"):
        shuffling.token_order(np.arange(8), 3, 9)
