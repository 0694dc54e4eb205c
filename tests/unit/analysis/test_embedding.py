"""Patch embedding: filters, similarity, colours, and the picture that comes back."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vislib.analysis import embedding
from vislib.schema import ShapeError


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def embed(
    picture: np.ndarray, filters: np.ndarray, bias: np.ndarray, stride: int, padding: int
) -> tuple[np.ndarray, int, int]:
    """torch's convolution: tokens (token, channel) and the grid."""
    out = torch.nn.functional.conv2d(
        torch.from_numpy(picture.transpose(2, 0, 1).copy())[None],
        torch.from_numpy(filters),
        torch.from_numpy(bias),
        stride=stride,
        padding=padding,
    )[0]
    return out.flatten(1).T.numpy(), out.shape[1], out.shape[2]


def test_filters_are_ordered_by_frequency_and_norm() -> None:
    filters = np.zeros((3, 3, 4, 4))
    filters[0, 0] = np.tile([1.0, -1.0, 1.0, -1.0], (4, 1))
    filters[1, 1] = 0.5
    filters[2, 2] = 2 * np.cos(2 * np.pi * np.arange(4) / 4)[:, None]
    np.testing.assert_allclose(embedding.filter_frequency(filters), [2.0, 0.0, 1.0], atol=1e-12)
    assert embedding.filter_order(filters).tolist() == [1, 2, 0]
    assert embedding.filter_order(filters, by="norm").tolist() == [2, 0, 1]
    with pytest.raises(ShapeError, match="'frequency' and 'norm'"):
        embedding.filter_order(filters, by="size")  # type: ignore[arg-type]


def test_rgb_tiles_put_the_colour_last_and_change_no_number() -> None:
    filters = random(2, 3, 4, 5)
    tiles = embedding.as_rgb_tiles(filters)
    assert tiles.shape == (2, 4, 5, 3)
    assert tiles[1, 2, 3, 0] == filters[1, 0, 2, 3]


def test_cosine_similarity() -> None:
    tokens = np.array([[2.0, 0.0], [5.0, 0.0], [-1.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
    expected = [1.0, 1.0, -1.0, np.sqrt(0.5), 0.0]
    np.testing.assert_allclose(embedding.cosine_similarity(tokens, 0), expected)
    exact = torch.nn.functional.cosine_similarity(
        torch.from_numpy(random(6, 9)), torch.from_numpy(random(6, 9)[2])[None]
    ).numpy()
    np.testing.assert_allclose(embedding.cosine_similarity(random(6, 9), 2), exact, atol=1e-12)
    assert not np.allclose(embedding.cosine_similarity(random(6, 9), 3), exact)
    with pytest.raises(ShapeError, match="token 6 came"):
        embedding.cosine_similarity(random(6, 9), 6)


@pytest.mark.parametrize(("tokens", "channels"), [(12, 30), (30, 12)])
def test_principal_colours_are_the_singular_vectors(tokens: int, channels: int) -> None:
    values = random(tokens, channels) * np.linspace(3, 1, channels)
    rows = tokens // 6
    result = embedding.principal_colours(values, rows, 6)
    centred = values - values.mean(0)
    left, gains, right = np.linalg.svd(centred, full_matrices=False)
    scores = left[:, :3] * gains[:3]
    loadings = right[:3]
    scores = scores * np.sign(loadings[np.arange(3), np.abs(loadings).argmax(1)])
    expected = 0.5 + scores / (2 * np.abs(scores).max())
    np.testing.assert_allclose(result.colours.reshape(tokens, 3), expected, atol=1e-9)
    np.testing.assert_allclose(result.explained, gains[:3] ** 2 / (gains**2).sum())
    assert (result.colours.min() == 0) != (result.colours.max() == 1)
    # Negative control: without taking the mean off, the colours are others.
    off = embedding.principal_colours(values + random(tokens, channels, seed=5), rows, 6)
    assert not np.allclose(off.colours, result.colours)


def test_principal_colours_keep_their_sign_when_tokens_are_reordered() -> None:
    values = random(12, 30)
    order = np.random.default_rng(1).permutation(12)
    straight = embedding.principal_colours(values, 3, 4).colours.reshape(12, 3)
    shuffled = embedding.principal_colours(values[order], 3, 4).colours.reshape(12, 3)
    np.testing.assert_allclose(shuffled, straight[order], atol=1e-9)


def test_principal_colours_of_flat_and_thin_tokens() -> None:
    flat = embedding.principal_colours(np.ones((4, 5)), 2, 2)
    np.testing.assert_array_equal(flat.colours, np.full((2, 2, 3), 0.5))
    np.testing.assert_array_equal(flat.explained, np.zeros(3))
    line = np.outer(np.arange(4.0), np.ones(5))
    thin = embedding.principal_colours(line, 2, 2)
    np.testing.assert_allclose(thin.explained, [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(thin.colours[..., 0].ravel(), [0, 1 / 3, 2 / 3, 1])
    np.testing.assert_allclose(thin.colours[..., 1:], 0.5)


def test_enough_filters_give_the_picture_back() -> None:
    filters, bias, picture = random(60, 3, 4, 4), random(60, seed=1), random(8, 12, 3, seed=2)
    tokens, rows, columns = embed(picture, filters, bias, 4, 0)
    back = embedding.reconstruct(filters, bias, tokens, rows, columns, stride=4)
    np.testing.assert_allclose(back.pixels, picture, atol=1e-10)
    assert (back.rank, back.patch_numbers, back.is_exact) == (48, 48, True)
    assert embedding.kept_energy(picture, back) == pytest.approx(1.0)
    # Negative controls: a forgotten bias and turned tokens give another picture.
    no_bias = embedding.reconstruct(filters, None, tokens, rows, columns, stride=4)
    assert np.abs(no_bias.pixels - picture).max() > 0.1
    turned = tokens.reshape(rows, columns, -1).swapaxes(0, 1).reshape(tokens.shape)
    wrong = embedding.reconstruct(filters, bias, turned, rows, columns, stride=4)
    assert np.abs(wrong.pixels - picture).max() > 0.1


def test_few_filters_give_the_projection() -> None:
    filters, bias, picture = random(20, 3, 4, 4), random(20, seed=1), random(8, 8, 3, seed=2)
    tokens, rows, columns = embed(picture, filters, bias, 4, 0)
    back = embedding.reconstruct(filters, bias, tokens, rows, columns, stride=4)
    again, _, _ = embed(back.pixels, filters, bias, 4, 0)
    np.testing.assert_allclose(again, tokens, atol=1e-10)  # the filters see no difference
    assert back.rank == embedding.filter_rank(filters) == 20
    kept = embedding.kept_energy(picture, back)
    assert kept == pytest.approx((back.pixels**2).sum() / (picture**2).sum())
    assert 0.2 < kept < 0.6  # 20 of 48 numbers of noise


def test_an_overlapping_stem_gives_an_estimate() -> None:
    picture = np.cumsum(np.cumsum(random(32, 32, 3), 0), 1) / 16  # smooth
    filters, bias = random(160, 3, 7, 7, seed=1), random(160, seed=2)
    tokens, rows, columns = embed(picture, filters, bias, 4, 3)
    where = {"stride": 4, "padding": 3}
    back = embedding.reconstruct(filters, bias, tokens, rows, columns, **where)
    assert not back.is_exact
    assert back.pixels.shape == picture.shape
    np.testing.assert_allclose(back.pixels, picture, atol=1e-9)  # 160 filters see all 147 numbers
    few = random(60, 3, 7, 7, seed=1)
    tokens, _, _ = embed(picture, few, bias[:60], 4, 3)
    rough = embedding.reconstruct(few, bias[:60], tokens, rows, columns, **where)
    assert rough.rank == 60
    assert 0.1 < embedding.kept_energy(picture, rough) < 1
    shifted = embedding.reconstruct(
        filters, bias, tokens_of(picture, filters, bias), 8, 8, stride=4
    )
    assert np.abs(shifted.pixels - picture).max() > 0.1  # the padding counts


def tokens_of(picture: np.ndarray, filters: np.ndarray, bias: np.ndarray) -> np.ndarray:
    return embed(picture, filters, bias, 4, 3)[0]


def test_directions_that_float32_cannot_hold_are_lost() -> None:
    filters = random(48, 3, 4, 4)
    filters[0] = filters[1] * (1 + 1e-9)
    assert embedding.filter_rank(filters) == 47
    assert embedding.filter_rank(random(48, 3, 4, 4)) == 48


def test_unnormalise_cuts_to_colours() -> None:
    pixels = np.array([[[0.0, 1.0, 9.0]]])
    mean, std = np.array([0.5, 0.4, 0.3]), np.array([0.1, 0.2, 0.3])
    np.testing.assert_allclose(embedding.unnormalise(pixels, mean, std), [[[0.5, 0.6, 1.0]]])


def test_what_does_not_fit_is_refused() -> None:
    filters, tokens = random(5, 3, 4, 4), random(4, 5)
    with pytest.raises(ShapeError, match="token has 4 entries, 6"):
        embedding.reconstruct(filters, None, tokens, 2, 3, stride=4)
    with pytest.raises(ShapeError, match="channel of bias"):
        embedding.reconstruct(filters, random(4), tokens, 2, 2, stride=4)
    back = embedding.reconstruct(filters, None, tokens, 2, 2, stride=4)
    with pytest.raises(ShapeError, match="the reconstruction has"):
        embedding.kept_energy(np.zeros((8, 9, 3)), back)
