"""Attentions side by side: blocks of one depth, heads, reach, against readings place by place."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tests.unit import tiny
from vislib.analysis import attentions
from vislib.analysis.common_ground import statistics
from vislib.analysis.depth import depth_of
from vislib.analysis.reading_at import reading_at
from vislib.schema import LabelledArray, MixingSite, ShapeError

WITH_ATTENTION = ("davit", "swin", "vit")


def site(stage: int, block: int, shift: int = 0) -> MixingSite:
    """A block with window attention."""
    return MixingSite(
        stage=stage,
        block=block,
        group=f"stage{stage}.block{block}",
        operators=("window_attention",),
        rows=8,
        columns=8,
        stride=4,
        channels=8,
        mixing="computed",
        window=4,
        heads=2,
        shift=shift,
    )


SWIN = [site(i, j, 2 * (j % 2)) for i, depth in enumerate((2, 2, 6, 2)) for j in range(depth)]


def test_pairs_are_successive_blocks_of_one_stage() -> None:
    seen = []
    for index, block in enumerate(SWIN):
        first, second = attentions.pair_at_depth(SWIN, depth_of(index, len(SWIN)))
        assert SWIN.index(second) == SWIN.index(first) + 1
        assert first.stage == second.stage == block.stage
        assert (first.shift, second.shift) == (0, 2)
        assert SWIN[index] in (first, second)
        seen.append(first.group)
    assert len(set(seen)) == 6
    with pytest.raises(ShapeError, match="no stage has two"):
        attentions.pair_at_depth([site(0, 0), site(1, 0)], 0.5)


def test_heads_that_a_block_does_not_have_become_its_last() -> None:
    assert [attentions.nearest_head(SWIN[0], h) for h in (None, 0, 1, 7)] == [None, 0, 1, 1]


@pytest.mark.parametrize("family", WITH_ATTENTION)
def test_share_of_a_head_and_what_is_outside_sum_to_all(family: str) -> None:
    model = tiny.tiny_model(family)
    _, cache = tiny.shared_run(model)
    block = model.sites[-1]
    # A place whose window is partly padding: rolled round the edge where windows are shifted.
    row, column = (0, 0) if block.shift else (block.rows - 1, block.columns - 1)
    found = reading_at(block, cache.arrays, row=row, column=column)
    assert found.heads is not None
    assert attentions.outside_of(found, None) == found.outside > 0.0
    for head in (None, 0, 1):
        share = attentions.share_of(found, block, head)
        total = share.values.sum() + attentions.outside_of(found, head)
        assert total == pytest.approx(100.0, abs=1e-4)
        assert attentions.PATTERNS[share.role] in share.source
    # Negative control: one head's map does not fit another head's rest.
    wrong = attentions.share_of(found, block, 0).values.sum() + attentions.outside_of(found, 1)
    assert abs(wrong - 100.0) > 1e-3
    for call in (
        lambda: attentions.share_of(found, block, block.heads),
        lambda: attentions.outside_of(found, block.heads),
    ):
        with pytest.raises(ShapeError, match="head"):
            call()


@pytest.mark.parametrize("family", WITH_ATTENTION)
def test_mean_reach_is_the_mean_over_readings(family: str) -> None:
    """Every place's reading, laid out one by one, its distances averaged."""
    model = tiny.tiny_model(family)
    _, cache = tiny.shared_run(model)
    over = attentions.reach_over_depth(model.sites, cache.arrays)
    assert len(over.reach) == len(model.sites)
    assert (over.depth[0], over.depth[-1]) == (0.0, 1.0)
    for index, block in enumerate(model.sites):
        distances = []
        for row in range(block.rows):
            for column in range(block.columns):
                found = reading_at(block, cache.arrays, row=row, column=column)
                numbers = statistics(100 * found.raw, row=row, column=column, cell_px=1.0)
                distances.append(numbers.reach_px)
        wanted = float(np.mean(distances)) / block.columns
        assert over.reach[index] == pytest.approx(wanted, rel=1e-6)
        # Negative control: read the other way round it is another number.
        pattern = cache[attentions.pattern_name(block)]
        turned = dataclasses.replace(pattern, values=pattern.values.swapaxes(-1, -2))
        assert abs(attentions.mean_reach(turned, block) / block.columns / wanted - 1.0) > 1e-4


def test_reach_of_known_patterns() -> None:
    block = dataclasses.replace(SWIN[0], rows=4, columns=4, window=2)
    own = np.zeros((4, 2, 4, 4), dtype=np.float32) + np.eye(4, dtype=np.float32)
    right = np.roll(own, 1, axis=-1)  # 0 -> 1, 1 -> 2, 2 -> 3, 3 -> 0: sides and diagonals
    model = tiny.tiny_model("swin")
    like = tiny.shared_run(model)[1]["stage0.block0.window.pattern"]
    assert attentions.mean_reach(dataclasses.replace(like, values=own), block) == 0.0
    found = attentions.mean_reach(dataclasses.replace(like, values=right), block)
    assert found == pytest.approx((2 + 2 * np.sqrt(2)) / 4)
    # Shifted by one, windows without a mask would read round the edges: 3 cells instead of 1.
    shifted = dataclasses.replace(block, shift=1)
    round_edges = attentions.mean_reach(dataclasses.replace(like, values=right), shifted)
    assert round_edges > found + 0.5


def test_a_block_without_attention_between_places_is_refused() -> None:
    mixer = tiny.tiny_model("mixer").sites[0]
    with pytest.raises(ShapeError, match="attention between positions"):
        attentions.pattern_name(mixer)
    assert len(attentions.reach_over_depth([mixer], {}).reach) == 0


def test_without_a_head_the_others_stay() -> None:
    random = np.random.default_rng(7)
    pattern = LabelledArray(
        values=random.random((2, 3, 4, 4)),
        axes=("window", "head", "query", "key"),
        role="window_attention",
        unit="probability",
        signed=False,
        provenance="recomputed",
        source="test",
    )
    left = attentions.without_head(pattern, 1)
    assert np.array_equal(left.values, pattern.values[:, [0, 2]])
    assert not np.array_equal(left.values, pattern.values[:, [0, 1]])
    with pytest.raises(ShapeError):
        attentions.without_head(pattern, 3)
    with pytest.raises(ShapeError, match="one head"):
        attentions.without_head(attentions.without_head(left, 0), 0)
