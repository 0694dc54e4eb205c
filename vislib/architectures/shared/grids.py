"""How tokens lie on the picture, for the families whose patches do not overlap."""

from __future__ import annotations

from typing import Any

from vislib.schema import MixingSite, TokenGrid


def patch_grid(rows: int, columns: int, patch: int, *, input_size: int, position: Any) -> TokenGrid:
    """Patches side by side from the upper left corner; see ``schema.TokenGrid``."""
    return TokenGrid(
        rows=rows,
        columns=columns,
        patch=patch,
        stride=patch,
        offset=0,
        input_size=input_size,
        position=position,
    )


def on_first_grid(grid: TokenGrid, block: int, **facts: Any) -> MixingSite:
    """A block of a model of one stage, whose grid never changes.

    Args:
        grid: Of the first tokens.
        block: Counted from 0.
        facts: What else ``schema.MixingSite`` says about it.
    """
    return MixingSite(
        stage=0,
        block=block,
        group=f"stage0.block{block}",
        rows=grid.rows,
        columns=grid.columns,
        stride=grid.stride,
        **facts,
    )
