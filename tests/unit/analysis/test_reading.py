"""What a token reads, against torch's Jacobians and timm's own modules."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from timm.models import davit

from vislib import texts
from vislib.analysis import reading, windows
from vislib.analysis.common_ground import OF_RAW, OF_SHARE, REDUCTIONS
from vislib.schema import ShapeError


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def test_share_is_percent_of_magnitude() -> None:
    np.testing.assert_allclose(reading.share(np.array([1.0, -3.0, 0.0])), [25.0, 75.0, 0.0])
    np.testing.assert_array_equal(reading.share(np.zeros((2, 3))), np.zeros((2, 3)))
    np.testing.assert_array_equal(reading.share(np.zeros((2, 3)), 0), np.zeros(3))


def test_share_takes_the_root_mean_square_over_channels_first() -> None:
    weights = np.array([[3.0, 1.0], [-4.0, 1.0]])  # (channel, place)
    rms = np.array([np.sqrt(12.5), 1.0])
    np.testing.assert_allclose(reading.share(weights, 0), 100 * rms / rms.sum())
    # Negative controls: the mean (signs cancel) and the mean magnitude are other numbers.
    for other in (np.abs(weights.mean(0)), np.abs(weights).mean(0)):
        assert not np.allclose(reading.share(weights, 0), 100 * other / other.sum())


def test_share_survives_tiny_weights() -> None:
    tiny = np.array([[1e-200, 3e-200]])
    np.testing.assert_allclose(reading.share(tiny, 0), [25.0, 75.0])


def test_linear_reading_is_a_row_and_not_a_column() -> None:
    weights = random(6, 6)
    read = reading.linear_reading(weights, token=2, rows=2, columns=3)
    np.testing.assert_array_equal(read.raw, weights[2].reshape(2, 3))
    assert not np.allclose(read.raw, weights[:, 2].reshape(2, 3))
    assert read.share.sum() == pytest.approx(100)
    assert not read.share.flags.writeable


def token_mlp_jacobian(
    fc1: np.ndarray, bias: np.ndarray, fc2: np.ndarray, tokens: np.ndarray, token: int
) -> np.ndarray:
    """d output[channel, token] / d input[channel, :], axes (channel, token_in), by autograd."""
    x = torch.from_numpy(tokens).requires_grad_()
    hidden = torch.nn.functional.gelu(x @ torch.from_numpy(fc1).T + torch.from_numpy(bias))
    (hidden @ torch.from_numpy(fc2).T)[:, token].sum().backward()
    return x.grad.numpy()


def test_mixer_reading_is_the_jacobian_at_the_picture() -> None:
    rows, columns, units, channels, token = 3, 4, 7, 5, 8
    fc1, fc2, bias = random(units, 12), random(12, units, seed=1), random(units, seed=2)
    tokens = random(channels, 12, seed=3)
    exact = token_mlp_jacobian(fc1, bias, fc2, tokens, token).reshape(channels, rows, columns)
    where = {"token": token, "rows": rows, "columns": columns}
    read = reading.mixer_reading(fc1, fc2, tokens @ fc1.T + bias, **where)
    np.testing.assert_allclose(read.raw, exact.mean(0), atol=1e-12)
    np.testing.assert_allclose(read.share, reading.share(exact, 0), atol=1e-10)
    assert read.provenance == "linearised"
    # Negative controls: without the bias, and at zero, it is another map.
    for hidden in (tokens @ fc1.T, None):
        other = reading.mixer_reading(fc1, fc2, hidden, **where)
        assert np.abs(other.raw - exact.mean(0)).max() > 1e-2


def test_mixer_reading_at_zero_is_half_the_product() -> None:
    fc1, fc2 = random(7, 6), random(6, 7, seed=1)
    read = reading.mixer_reading(fc1, fc2, None, token=4, rows=2, columns=3)
    half = 0.5 * fc2 @ fc1
    np.testing.assert_allclose(read.raw.ravel(), half[4], atol=1e-14)
    exact = token_mlp_jacobian(fc1, np.zeros(7), fc2, np.zeros((1, 6)), 4)
    np.testing.assert_allclose(read.raw.ravel(), exact[0], atol=1e-14)
    assert not np.allclose(read.raw.ravel(), half[:, 4])
    assert read.note == "mixer_at_zero"


def test_mixer_reading_refuses_what_does_not_fit() -> None:
    fc1, fc2 = random(7, 6), random(6, 7)
    with pytest.raises(ShapeError, match="unit of hidden"):
        reading.mixer_reading(fc1, fc2, random(3, 6), token=0, rows=2, columns=3)
    with pytest.raises(ShapeError, match="token 6 came"):
        reading.mixer_reading(fc1, fc2, None, token=6, rows=2, columns=3)
    with pytest.raises(ShapeError, match="token has 6 entries"):
        reading.mixer_reading(fc1, fc2, None, token=0, rows=3, columns=3)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize("side", [3, 4, 5, 9])
@pytest.mark.parametrize("place", [(0, 0), (2, 3), (5, 6), (0, 6)])
def test_depthwise_reading_is_the_jacobian_of_the_convolution(
    side: int, place: tuple[int, int]
) -> None:
    rows, columns, channels = 6, 7, 3
    kernels = random(channels, side, side)
    x = torch.zeros(1, channels, rows, columns, dtype=torch.float64, requires_grad=True)
    weight = torch.from_numpy(kernels)[:, None]
    out = torch.nn.functional.conv2d(x, weight, padding="same", groups=channels)
    out[0, :, place[0], place[1]].sum().backward()
    exact = x.grad[0].numpy()
    where = {"row": place[0], "column": place[1], "rows": rows, "columns": columns}
    read = reading.depthwise_reading(kernels, **where)
    np.testing.assert_allclose(read.raw, exact.mean(0), atol=1e-14)
    np.testing.assert_allclose(read.share, reading.share(exact, 0), atol=1e-12)
    # Negative control: a true (flipped) convolution and a turned kernel do not match.
    for wrong in (kernels[:, ::-1, ::-1], kernels.swapaxes(1, 2)):
        assert not np.allclose(reading.depthwise_reading(wrong, **where).raw, exact.mean(0))


def convolution_jacobian(
    kernels: np.ndarray, place: tuple[int, int], rows: int, columns: int, step: int
) -> np.ndarray:
    """d output[o, place] / d input[i, row, column] by autograd, axes (o, i, row, column).

    ``place`` is on the grid that is written.
    """
    weight = torch.from_numpy(kernels)
    x = torch.zeros(1, kernels.shape[1], rows, columns, dtype=torch.float64)

    def written(incoming: torch.Tensor) -> torch.Tensor:
        padding = (kernels.shape[-1] - 1) // 2
        out = torch.nn.functional.conv2d(incoming, weight, stride=step, padding=padding)
        return out[0, :, place[0], place[1]]

    return torch.autograd.functional.jacobian(written, x)[:, 0].numpy()


@pytest.mark.parametrize("step", [1, 2, 3])
@pytest.mark.parametrize("side", [3, 5])
@pytest.mark.parametrize("place", [(0, 0), (2, 3), (5, 8), (6, 0)])
def test_convolution_reading_is_the_jacobian_of_the_convolution(
    side: int, step: int, place: tuple[int, int]
) -> None:
    rows, columns = 7, 9
    kernels = random(4, 3, side, side)
    exact = convolution_jacobian(kernels, (place[0] // step, place[1] // step), rows, columns, step)
    where = {"row": place[0], "column": place[1], "rows": rows, "columns": columns}
    read = reading.convolution_reading(kernels, **where, step=step)
    np.testing.assert_array_equal(read.share > 0, np.abs(exact).max((0, 1)) > 0)
    pairs = exact.reshape(12, rows, columns)
    np.testing.assert_allclose(read.share, reading.share(pairs, 0), atol=1e-12)
    np.testing.assert_allclose(read.raw, pairs.mean(0), atol=1e-14)
    assert read.note == "convolution"
    assert read.share.sum() == pytest.approx(100)
    # Negative controls: a turned kernel, a flipped one, another step.
    for wrong in (kernels.swapaxes(2, 3), kernels[:, :, ::-1, ::-1]):
        other = reading.convolution_reading(wrong, **where, step=step)
        assert not np.allclose(other.raw, pairs.mean(0))
    if place[0] % 2 and step == 2:
        other = reading.convolution_reading(kernels, **where)
        assert not np.allclose(other.raw, pairs.mean(0))


def test_convolution_reading_at_an_edge_drops_what_meets_the_padding() -> None:
    kernels = np.abs(random(2, 2, 3, 3))
    corner = reading.convolution_reading(kernels, row=0, column=0, rows=5, columns=5)
    assert np.count_nonzero(corner.share) == 4
    inner = reading.convolution_reading(kernels, row=2, column=2, rows=5, columns=5)
    assert np.count_nonzero(inner.share) == 9
    # An output of stride 2 at the last row of an odd grid stands on it, of an even one before it.
    for rows, middle in ((5, 4), (6, 4)):
        last = reading.convolution_reading(
            kernels, row=rows - 1, column=2, rows=rows, columns=5, step=2
        )
        read = np.flatnonzero(last.share.any(axis=1))
        assert read.tolist() == [row for row in (middle - 1, middle, middle + 1) if row < rows]


def test_convolution_reading_refuses_what_does_not_fit() -> None:
    with pytest.raises(ShapeError, match="row 5 came"):
        reading.convolution_reading(random(2, 2, 3, 3), row=5, column=0, rows=5, columns=5)
    with pytest.raises(ShapeError, match="channel_out"):
        reading.convolution_reading(random(2, 3, 3), row=0, column=0, rows=5, columns=5)


def window_attention(rows: int, columns: int, window: int) -> tuple[np.ndarray, np.ndarray]:
    """timm's module on a padded grid: pattern (window, head, query, key) and v of each token."""
    torch.manual_seed(0)
    attn = davit.WindowAttention(8, (window, window), num_heads=2).double().eval()
    attn.fused_attn = False
    patterns: list[torch.Tensor] = []
    attn.softmax.register_forward_hook(lambda module, args, out: patterns.append(out))
    cut = windows.partition(random(rows, columns, 8), window)
    with torch.no_grad():
        attn(torch.from_numpy(cut))
    return patterns[0].numpy(), cut


@pytest.mark.parametrize("place", [(0, 0), (3, 4), (4, 5), (4, 0)])
def test_window_reading_lays_the_row_where_its_window_lies(place: tuple[int, int]) -> None:
    rows, columns, window = 5, 6, 4
    pattern, _ = window_attention(rows, columns, window)
    where = {"row": place[0], "column": place[1], "rows": rows, "columns": columns}
    read = reading.window_reading(pattern, **where, window=window)
    index, query = windows.window_of(*place, rows=rows, columns=columns, window=window)
    assert read.heads is not None
    for head in range(2):
        # Cut the map the way the grid is cut: the row comes back where it was, zero elsewhere,
        # but for the keys that are padding.
        cut = windows.partition(read.heads[head], window)
        inside = windows.partition(np.ones((rows, columns)), window)[index] == 1
        np.testing.assert_array_equal(cut[index][inside], pattern[index, head, query][inside])
        assert np.delete(cut, index, axis=0).sum() == 0
        # Negative control: a column of the table is another map.
        assert not np.allclose(cut[index][inside], pattern[index, head, :, query][inside])
    np.testing.assert_allclose(read.raw, read.heads.mean(0), atol=1e-15)
    assert read.share.sum() + read.outside == pytest.approx(100)


def test_window_reading_tells_the_padding_apart() -> None:
    pattern, _ = window_attention(5, 6, 4)
    inner = reading.window_reading(pattern, row=0, column=0, rows=5, columns=6, window=4)
    assert inner.outside == 0
    corner = reading.window_reading(pattern, row=4, column=5, rows=5, columns=6, window=4)
    index, query = windows.window_of(4, 5, rows=5, columns=6, window=4)
    inside = windows.partition(np.ones((5, 6)), 4)[index] == 1
    shares = reading.share(pattern[index, :, query], 0)
    assert corner.outside == pytest.approx(shares[~inside].sum())
    assert corner.outside > 50  # 14 of the 16 keys are padding


def test_window_reading_refuses_another_grid() -> None:
    pattern, _ = window_attention(5, 6, 4)
    with pytest.raises(ShapeError, match="window has 4 entries, 6"):
        reading.window_reading(pattern, row=0, column=0, rows=5, columns=9, window=4)
    with pytest.raises(ShapeError, match="row 5 came"):
        reading.window_reading(pattern, row=5, column=0, rows=5, columns=6, window=4)


def test_attention_reading_leaves_the_class_token_out_of_the_map() -> None:
    pattern = softmax(random(3, 13, 13))
    read = reading.attention_reading(pattern, row=2, column=1, rows=3, columns=4, prefix_tokens=1)
    query = 1 + 2 * 4 + 1
    np.testing.assert_allclose(read.raw.ravel(), pattern[:, query, 1:].mean(0), atol=1e-15)
    shares = reading.share(pattern[:, query], 0)
    assert read.outside == pytest.approx(shares[0])
    np.testing.assert_allclose(read.share.ravel(), shares[1:])
    # Negative control: forgetting the prefix does not fit, or reads another row.
    with pytest.raises(ShapeError, match="query has 13 entries, 12"):
        reading.attention_reading(pattern, row=2, column=1, rows=3, columns=4)
    assert not np.allclose(read.raw.ravel(), pattern[:, query - 1, 1:].mean(0))


def test_statistics_of_known_maps() -> None:
    spread = np.full((4, 4), 100 / 16)
    numbers = reading.statistics(spread, row=0, column=0, cell_px=10.0)
    assert numbers.entropy_bits == pytest.approx(4)
    assert numbers.places == pytest.approx(16)
    assert numbers.local_percent == pytest.approx(100 / 16)
    distance = np.hypot(*np.mgrid[:4, :4]).mean() * 10
    assert numbers.reach_px == pytest.approx(distance)
    middle = reading.statistics(spread, row=2, column=2, cell_px=10.0)
    assert middle.reach_px < distance  # the reader's place counts


def test_statistics_know_rows_from_columns() -> None:
    one = np.zeros((4, 6))
    one[1, 5] = 80.0  # the rest lies outside the grid
    numbers = reading.statistics(one, row=1, column=2, cell_px=16.0)
    assert numbers.reach_px == pytest.approx(48)
    assert (numbers.entropy_bits, numbers.places, numbers.local_percent) == (0.0, 1.0, 0.0)
    assert reading.statistics(one, row=1, column=5, cell_px=16.0).local_percent == 80.0


def test_statistics_of_nothing() -> None:
    numbers = reading.statistics(np.zeros((2, 2)), row=0, column=0, cell_px=8.0)
    assert (numbers.reach_px, numbers.entropy_bits, numbers.places) == (0.0, 0.0, 0.0)


def test_a_reading_names_what_it_was_reduced_by() -> None:
    rng = np.random.default_rng(3)
    pattern = softmax(rng.normal(size=(3, 10, 10)))
    kernels = rng.normal(size=(5, 3, 3))
    dense = rng.normal(size=(4, 5, 3, 3))
    place = {"row": 1, "column": 1, "rows": 3, "columns": 3}
    heads = pattern[:, 5, 1:].reshape(3, 3, 3)
    scale = pattern[:, 5]
    one = dense[:1]
    cases = [
        (reading.attention_reading(pattern, **place, prefix_tokens=1), "heads", heads, 0, scale),
        (reading.depthwise_reading(kernels, **place), "channels", kernels, 0, kernels),
        (reading.convolution_reading(dense, **place), "channel_pairs", dense, (0, 1), dense),
        (
            reading.convolution_reading(one, **place),
            "channels_read",
            one,
            (0, 1),
            dense[:1],
        ),
    ]
    for found, over, maps, axis, everything in cases:
        assert found.over == over
        assert np.allclose(found.raw, REDUCTIONS[OF_RAW](maps, axis=axis))
        size = REDUCTIONS[OF_SHARE](maps, axis=axis)
        whole = REDUCTIONS[OF_SHARE](everything, axis=axis).sum()
        assert np.allclose(found.share, 100 * size / whole)
    assert reading.depthwise_reading(kernels[:1], **place).over == ""
    assert OF_SHARE != OF_RAW


def test_every_reduction_has_its_words() -> None:
    for name in REDUCTIONS:
        for over in ("channels", "heads", "channel_pairs", "channels_read"):
            words = texts.text("en", f"reduction.{name}", over=texts.text("en", f"over.{over}"))
            assert words.startswith(name.replace("_", " "))
