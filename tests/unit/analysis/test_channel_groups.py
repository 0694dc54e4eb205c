"""Channel attention against timm's module in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from timm.models import davit

from vislib.analysis import channel_groups
from vislib.schema import ShapeError

ROWS, COLUMNS, GROUPS, CHANNELS = 3, 4, 2, 5


def module_and_operands() -> tuple[davit.ChannelAttention, np.ndarray, np.ndarray, torch.Tensor]:
    """timm's module, its q, k, v (3, group, token, channel), the input of proj, and the input."""
    torch.manual_seed(0)
    attn = davit.ChannelAttention(GROUPS * CHANNELS, num_heads=GROUPS).double().eval()
    seen: dict[str, torch.Tensor] = {}
    attn.qkv.register_forward_hook(lambda module, args, out: seen.update(qkv=out))
    attn.proj.register_forward_pre_hook(lambda module, args: seen.update(mixed=args[0]))
    tokens = 3 * torch.randn(1, ROWS * COLUMNS, GROUPS * CHANNELS, dtype=torch.float64)
    with torch.no_grad():
        attn(tokens)
    qkv = seen["qkv"].reshape(-1, 3, GROUPS, CHANNELS).permute(1, 2, 0, 3).numpy()
    return attn, qkv, seen["mixed"][0].numpy(), tokens


def scores(first: np.ndarray, second: np.ndarray, scale: float) -> np.ndarray:
    """All entries from score_at_places, axes (group, channel_out, channel_in)."""
    table = np.zeros((GROUPS, CHANNELS, CHANNELS))
    for group, i, j in np.ndindex(table.shape):
        where = {"group": group, "channel_out": i, "channel_in": j}
        places = channel_groups.score_at_places(
            first, second, **where, scale=scale, rows=ROWS, columns=COLUMNS
        )
        table[group, i, j] = places.sum()
    return table


def softmax(table: np.ndarray) -> np.ndarray:
    powers = np.exp(table - table.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def test_the_places_sum_to_timms_scores() -> None:
    attn, (q, k, v), mixed, _ = module_and_operands()

    def out(first: np.ndarray, second: np.ndarray, third: np.ndarray) -> np.ndarray:
        pattern = softmax(scores(first, second, attn.scale))
        return np.einsum("gij,gpj->pgi", pattern, third).reshape(mixed.shape)

    np.testing.assert_allclose(out(k, v, q), mixed, atol=1e-12)
    # Negative controls: k and v exchanged, and the textbook order, rebuild something else.
    assert np.abs(out(v, k, q) - mixed).max() > 0.1
    assert np.abs(out(q, k, v) - mixed).max() > 0.1


def test_a_score_shows_the_place_it_comes_from() -> None:
    k, v = np.zeros((2, 1, 12, 5))
    k[0, 6, 1], v[0, 6, 3] = 2.0, -3.0
    where = {"group": 0, "channel_out": 1, "channel_in": 3, "rows": 3, "columns": 4}
    places = channel_groups.score_at_places(k, v, **where, scale=0.5)
    assert places[1, 2] == -3.0
    assert np.count_nonzero(places) == 1
    turned = {**where, "channel_out": 3, "channel_in": 1}
    assert not channel_groups.score_at_places(k, v, **turned, scale=0.5).any()


def test_strongest_inputs_read_a_row() -> None:
    pattern = softmax(np.random.default_rng(0).standard_normal((2, 5, 5)))
    named = channel_groups.feeding_channels(pattern, 1, 2, count=3)
    row = pattern[1, 2]
    assert [p for _, p in named] == sorted(row, reverse=True)[:3]
    assert [row[j] for j, _ in named] == [p for _, p in named]
    assert named != channel_groups.feeding_channels(pattern.swapaxes(1, 2), 1, 2, count=3)
    assert len(channel_groups.feeding_channels(pattern, 1, 2)) == 5
    even = channel_groups.feeding_channels(np.full((1, 4, 4), 0.25), 0, 0, count=2)
    assert [j for j, _ in even] == [0, 1]
    with pytest.raises(ShapeError, match="channel 5 came"):
        channel_groups.feeding_channels(pattern, 1, 5)


def test_entropy_in_bits() -> None:
    pattern = np.array([[[1.0, 0.0], [0.5, 0.5]]])
    np.testing.assert_array_equal(channel_groups.channel_entropy(pattern), [[0.0, 1.0]])
    np.testing.assert_array_equal(channel_groups.effective_inputs(pattern), [[1.0, 2.0]])
    over_rows = channel_groups.entropy(pattern, axis=1)
    np.testing.assert_allclose(over_rows, [[0.5, 0.5]])  # another axis, another number
    with pytest.raises(ShapeError, match="not the scores"):
        channel_groups.entropy(np.array([-0.5, 1.5]))


def test_what_does_not_fit_is_refused() -> None:
    k = np.zeros((2, 12, 5))
    where = {"group": 0, "channel_out": 0, "channel_in": 0, "scale": 1.0}
    with pytest.raises(ShapeError, match="token has 12 entries, 9"):
        channel_groups.score_at_places(k, k, **where, rows=3, columns=3)
    with pytest.raises(ShapeError, match="group 2 came"):
        channel_groups.score_at_places(k, k, **{**where, "group": 2}, rows=3, columns=4)


def test_the_strongest_entry_of_what_is_left() -> None:
    pattern = np.random.default_rng(3).random((2, 4, 5))
    best = channel_groups.strongest_entry(pattern)
    assert pattern[best] == pattern.max()
    left = channel_groups.strongest_entry(pattern, group=0, read=3)
    assert (left[0], left[2]) == (0, 3)
    assert pattern[left] == pattern[0, :, 3].max()
    assert channel_groups.strongest_entry(pattern, group=1, out=2, read=4) == (1, 2, 4)
    assert channel_groups.strongest_entry(np.ones((2, 3, 3))) == (0, 0, 0)
    with pytest.raises(ShapeError, match="channel_in 5 came"):
        channel_groups.strongest_entry(pattern, read=5)
