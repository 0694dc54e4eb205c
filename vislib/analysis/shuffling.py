"""Shuffles of a picture's squares, and what they are as shuffles of a model's tokens."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from vislib.schema import ShapeError, TokenGrid, freeze


def seeded_order(count: int, seed: int) -> np.ndarray:
    """A permutation: what ``order[i]`` names is put at place i.

    Args:
        count: Of squares, 1 or more.
        seed: 0 or more; the same seed gives the same order everywhere.

    Returns:
        int64, axes (square), each number from 0 once.

    Raises:
        ShapeError: The count or the seed is too small.
    """
    if count < 1 or seed < 0:
        raise ShapeError("error.shape.squares_and_seed", squares=count, seed=seed)
    return freeze(np.random.default_rng(seed).permutation(count))


def possible_squares(grid: TokenGrid) -> tuple[int, ...]:
    """Into how many squares a side a model's input can be cut without a rest.

    Tokens that do not overlap stay whole: a square is one token, or a block of them. Where they
    overlap no cut keeps them whole, and any square of whole model pixels will do.

    Args:
        grid: The model's first tokens.

    Returns:
        Ascending, from 2; empty where nothing fits.
    """
    whole = grid.patch == grid.stride and grid.offset == 0
    side = grid.rows if whole and grid.rows * grid.patch == grid.input_size else grid.input_size
    return tuple(n for n in range(2, side + 1) if side % n == 0)


def choose_squares(possible: Sequence[Sequence[int]], wanted: int) -> tuple[int, ...]:
    """Squares a side for models side by side: the same for all where that can be.

    Args:
        possible: One list a model, from ``possible_squares``.
        wanted: About how many.

    Returns:
        One a model: of the counts within half to twice of ``wanted`` the one that most models can
        be cut into, the nearest of several; a model that cannot gets its own nearest. Near is meant
        as a factor.

    Raises:
        ShapeError: A model can be cut into nothing, or the number is below 2.
    """
    if wanted < 2 or not all(possible):
        raise ShapeError("error.shape.squares", squares=wanted, possible=list(possible))

    def distance(count: int) -> tuple[float, int]:
        return abs(math.log(count / wanted)), count

    votes = Counter(n for counts in possible for n in set(counts) if wanted <= 2 * n <= 4 * wanted)
    most = max(votes.values(), default=0)
    shared = min((n for n in votes if votes[n] == most), key=distance, default=None)
    return tuple(
        shared if shared in counts else min(counts, key=distance)  # type: ignore[misc]
        for counts in possible
    )


def token_order(order: np.ndarray, squares: int, tokens: int) -> np.ndarray:
    """What a shuffle of squares is as a shuffle of the tokens inside them.

    Args:
        order: Axes (square), row-major: the square that is put at each place.
        squares: Squares a side.
        tokens: Tokens a side, a multiple of the squares.

    Returns:
        int64, axes (token), row-major: the token that is put at each place; a token keeps its
        place within its square.

    Raises:
        ShapeError: The numbers do not fit each other.

    Exactness:
        Shuffling a picture by squares is the same as shuffling it by tokens in this order
        (test_analysis_shuffling.py).
    """
    if squares < 1 or tokens % squares or len(order) != squares**2:
        raise ShapeError(
            "error.shape.blocks_of_tokens", count=len(order), squares=squares, tokens=tokens
        )
    block = tokens // squares
    row, column = np.divmod(np.arange(tokens**2), tokens)
    taken = np.asarray(order, dtype=np.int64)[row // block * squares + column // block]
    taken_row = taken // squares * block + row % block
    taken_column = taken % squares * block + column % block
    return freeze(taken_row * tokens + taken_column)
