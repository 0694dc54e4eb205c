"""What each kind of mixing costs as the input grows: multiply-adds by formula.

N tokens, C channels, windows of w x w tokens, kernels of k x k, g channel groups, U hidden units:

    global attention    4 N C^2 + 2 N^2 C          grows with the square of the tokens
    window attention    4 N C^2 + 2 N w^2 C        N padded to whole windows
    channel attention   4 N C^2 + 2 N C^2 / g
    token mixing        2 N U C, or N^2 C without hidden units: weights for one N alone
    depthwise kernel    k^2 N C
    channel mixing      weights x N

The weights of each layer are read off the model (``vislib.tables.counting.plan``); elementwise
work, norms and the softmax are left out, as in all counts of multiply-adds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from vislib.schema import ShapeError, TokenGrid

Growth = Literal["token", "window", "window_pair", "pair", "channel_pair", "fixed"]
"""What a term is multiplied with: each token; each token of padded windows; pairs of tokens inside
a window; pairs of tokens; pairs of channels at each token; nothing (it has one size alone)."""


@dataclass(frozen=True, kw_only=True)
class Term:
    """One layer's, or one product's, multiply-adds.

    Attributes:
        group: The block.
        kind: The operator's role.
        growth: What it grows with.
        factor: Multiply-adds for one token or one pair; for "fixed" all of them.
        ratio: Cells of the first grid that one cell of this grid covers, along a side.
        prefix: Tokens without a place beside the grid's.
        window: Side of the window in tokens, 0 where there is none.
        shrinks: Whether the window is made smaller where the grid is.
    """

    group: str
    kind: str
    growth: Growth
    factor: int
    ratio: int = 1
    prefix: int = 0
    window: int = 0
    shrinks: bool = False


@dataclass(frozen=True, kw_only=True)
class CostPlan:
    """Everything that is needed to count a model's blocks at any size of the input.

    Attributes:
        grid: How the first tokens lie on the input.
        own_size: The input's side that the model was made for, in model pixels.
        terms: All layers and products of all blocks.
        counted: Multiply-adds of a whole forward pass at the own size, by torch's counter.
        resizing: "free" as it is; "position" where something that knows the places must be
            resized or made anew; "never" where weights exist for one number of tokens alone.
    """

    grid: TokenGrid
    own_size: int
    terms: tuple[Term, ...]
    counted: int
    resizing: Literal["free", "position", "never"]

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of mixing, in the order in which they run first."""
        return tuple(dict.fromkeys(term.kind for term in self.terms))


def side_at(grid: TokenGrid, size: int, ratio: int = 1) -> int:
    """Tokens along a side for an input of ``size`` model pixels.

    Args:
        grid: How the first tokens lie.
        size: Side of the input.
        ratio: How many times coarser this depth's grid is; what is left over counts as a cell.

    Raises:
        ShapeError: The input is smaller than a patch.
    """
    if size < grid.patch + 2 * grid.offset:
        raise ShapeError("error.shape.input_below_patch", size=size, patch=grid.patch)
    first = (size - 2 * grid.offset - grid.patch) // grid.stride + 1
    return -(-first // ratio)


def tokens_at(plan: CostPlan, size: int) -> int:
    """Tokens after the patch embedding, those without a place too, for an input of ``size``."""
    return side_at(plan.grid, size) ** 2 + max((term.prefix for term in plan.terms), default=0)


def term_at(term: Term, grid: TokenGrid, size: int) -> int:
    """A term's multiply-adds for an input of ``size`` model pixels a side."""
    if term.growth == "fixed":
        return term.factor
    side = side_at(grid, size, term.ratio)
    if term.growth in ("window", "window_pair"):
        window = min(term.window, side) if term.shrinks else term.window
        padded = (-(-side // window) * window) ** 2
        return term.factor * padded * (window**2 if term.growth == "window_pair" else 1)
    count = side**2 + term.prefix
    return term.factor * (count**2 if term.growth == "pair" else count)


def multiply_adds_at(plan: CostPlan, size: int) -> dict[str, int]:
    """Multiply-adds of all blocks by kind, for an input of ``size`` model pixels a side.

    Args:
        plan: From ``vislib.tables.counting.plan``.
        size: Side of the input; only the own one where the weights fit no other.

    Raises:
        ShapeError: The model's weights fit one size alone, and this is another.

    Exactness:
        Equal to torch's counter, block by block and at several sizes (test_counting.py).
    """
    if plan.resizing == "never" and size != plan.own_size:
        raise ShapeError("error.shape.fixed_input", own=plan.own_size, size=size)
    found = dict.fromkeys(plan.kinds, 0)
    for term in plan.terms:
        found[term.kind] += term_at(term, plan.grid, size)
    return found


def curves(plan: CostPlan, sizes: Iterable[int]) -> dict[str, list[tuple[int, int]]]:
    """Kind -> (size, multiply-adds); one point where the model cannot change its size.

    Args:
        plan: From ``vislib.tables.counting.plan``.
        sizes: Sides of the input, in model pixels.
    """
    shown = [plan.own_size] if plan.resizing == "never" else sorted({*sizes, plan.own_size})
    found: dict[str, list[tuple[int, int]]] = {kind: [] for kind in plan.kinds}
    for size in shown:
        for kind, adds in multiply_adds_at(plan, size).items():
            found[kind].append((size, adds))
    return found
