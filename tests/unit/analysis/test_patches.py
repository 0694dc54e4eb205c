"""Patches and tokens: the square that a token reads, and what is made of it."""

from __future__ import annotations

import numpy as np
import pytest

from vislib.analysis import embedding, patches
from vislib.schema import LabelledArray, ShapeError, TokenGrid


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def grid(size: int, patch: int, stride: int, offset: int) -> TokenGrid:
    side = (size - 2 * offset - patch) // stride + 1
    return TokenGrid(
        rows=side,
        columns=side,
        patch=patch,
        stride=stride,
        offset=offset,
        input_size=size,
        position="none",
    )


def labelled(values: np.ndarray, *axes: str, role: str = "tokens") -> LabelledArray:
    return LabelledArray(
        values=values,
        axes=axes,
        role=role,
        unit="activation",
        signed=True,
        provenance="activation",
        source="here",
    )


APART, OVERLAPPING = grid(12, 4, 4, 0), grid(12, 5, 3, -2)


def convolve(
    picture: np.ndarray, filters: np.ndarray, bias: np.ndarray, own: TokenGrid
) -> np.ndarray:
    """The convolution as loops: axes (channel, row, column)."""
    room = -own.offset
    padded = np.pad(picture, ((room, room + own.patch), (room, room + own.patch), (0, 0)))
    out = np.zeros((len(filters), own.rows, own.columns))
    for row in range(own.rows):
        for column in range(own.columns):
            top, left = row * own.stride, column * own.stride
            cut = padded[top : top + own.patch, left : left + own.patch].transpose(2, 0, 1)
            out[:, row, column] = (filters * cut).sum(axis=(1, 2, 3)) + bias
    return out


@pytest.mark.parametrize("own", [APART, OVERLAPPING], ids=["apart", "overlapping"])
def test_a_patch_becomes_its_token(own: TokenGrid) -> None:
    picture, filters, bias = (
        random(12, 12, 3),
        random(6, 3, own.patch, own.patch, seed=1),
        random(6),
    )
    out = convolve(picture, filters, bias, own)
    for row, column in ((0, 0), (1, 2), (own.rows - 1, own.columns - 1)):
        cut, inside = patches.cut_patch(picture, patches.patch_square(own, row, column))
        assert (cut[~inside] == 0).all()
        token = patches.embed_patch(cut, filters, bias)
        np.testing.assert_allclose(token, out[:, row, column], atol=1e-12)
        assert not np.allclose(token, out[:, row, column - 1])
        assert not np.allclose(patches.embed_patch(cut, filters, None), out[:, row, column])


def test_a_square_lies_where_the_stride_puts_it() -> None:
    square = patches.patch_square(OVERLAPPING, 1, 2)
    assert (square.top, square.left, square.side) == (1, 4, 5)
    _, inside = patches.cut_patch(random(12, 12, 3), patches.patch_square(OVERLAPPING, 0, 1))
    assert inside.sum(axis=1).tolist() == [0, 0, 5, 5, 5]
    with pytest.raises(ShapeError, match="row 5 came"):
        patches.patch_square(OVERLAPPING, 5, 0)
    with pytest.raises(ShapeError, match="filters read"):
        patches.embed_patch(random(4, 4, 3), random(6, 3, 5, 5), None)


def test_tokens_of_all_families_come_one_way_round() -> None:
    values = random(7, 3, 4)
    one = patches.token_table(labelled(values, "channel", "row", "column"), 3, 4)
    rows = values.reshape(7, 12).T
    other = patches.token_table(labelled(rows, "token", "channel"), 3, 4)
    np.testing.assert_array_equal(one.values, other.values)
    assert one.values[1 * 4 + 2, 5] == values[5, 1, 2]
    with_class = np.concatenate([random(1, 7), rows])
    without = patches.token_table(labelled(with_class, "token", "channel"), 3, 4)
    np.testing.assert_array_equal(without.values, other.values)
    with pytest.raises(ShapeError, match="grid of 4 x 4"):
        patches.token_table(labelled(rows, "token", "channel"), 4, 4)
    with pytest.raises(ShapeError, match="tokens have"):
        patches.token_table(labelled(values, "channel", "ky", "kx"), 3, 4)


def test_similarity_lies_on_the_grid() -> None:
    tokens = patches.token_table(labelled(random(7, 3, 4), "channel", "row", "column"), 3, 4)
    found = patches.similarity_map(tokens, 1, 2)
    assert found.axes == ("row", "column")
    assert found.values[1, 2] == pytest.approx(1.0)
    expected = embedding.cosine_similarity(tokens.values, 6)
    np.testing.assert_array_equal(found.values.reshape(-1), expected)
    assert not np.allclose(found.values, patches.similarity_map(tokens, 2, 1).values)
    with pytest.raises(ShapeError, match="column 4 came"):
        patches.similarity_map(tokens, 0, 4)


def test_similarity_means_leave_the_place_itself_out() -> None:
    values = np.array([[1.0, 0.5, 0.0], [0.3, 0.1, 0.0]])
    near, far = patches.similarity_means(labelled(values, "row", "column"), 0, 0)
    assert near == pytest.approx((0.5 + 0.3 + 0.1) / 3)
    assert far == pytest.approx(0.9 / 5)
    alone = patches.similarity_means(labelled(np.ones((1, 1)), "row", "column"), 0, 0)
    assert alone == (0.0, 0.0)


def test_component_maps_are_the_colours_around_zero() -> None:
    tokens = patches.token_table(labelled(random(7, 3, 4), "channel", "row", "column"), 3, 4)
    found = embedding.principal_colours(tokens.values, 3, 4)
    maps = patches.component_maps(tokens, found)
    assert maps.values.shape == (3, 3, 4)
    assert np.abs(maps.values).max() == pytest.approx(1.0)
    np.testing.assert_allclose(maps.values.mean(axis=(1, 2)), 0.0, atol=1e-12)
    np.testing.assert_allclose(maps.values[2, 1, 3], 2 * found.colours[1, 3, 2] - 1)


def test_enough_filters_keep_everything_and_few_do_not() -> None:
    picture, bias = random(12, 12, 3), random(60)
    filters = random(60, 3, 4, 4, seed=2)
    linear = labelled(convolve(picture, filters, bias, APART), "channel", "row", "column")
    found = patches.kept(picture, filters, bias, linear, APART)
    np.testing.assert_allclose(found.pixels, picture, atol=1e-9)
    assert (found.rank, found.patch_numbers, found.is_exact) == (48, 48, True)
    assert found.energy == pytest.approx(1.0)
    few = labelled(linear.values[:10], "channel", "row", "column")
    part = patches.kept(picture, filters[:10], bias[:10], few, APART)
    assert part.rank == 10
    assert 0.05 < part.energy < 0.6
    array = patches.kept_array(part, "stem")
    assert array.provenance == "recomputed"
    np.testing.assert_allclose(array.values[1], part.pixels[:, :, 1], rtol=1e-6)


def test_overlapping_patches_give_an_estimate() -> None:
    picture, bias, filters = random(12, 12, 3), random(80), random(80, 3, 5, 5, seed=2)
    linear = labelled(convolve(picture, filters, bias, OVERLAPPING), "channel", "row", "column")
    found = patches.kept(picture, filters, bias, linear, OVERLAPPING)
    assert not found.is_exact
    assert found.seen.shape == found.pixels.shape
    assert patches.kept_array(found, "stem").provenance == "attribution"
    np.testing.assert_allclose(found.pixels, found.seen, atol=1e-9)  # 80 filters see all 75 numbers


def test_a_rest_that_no_patch_reads_is_left_out() -> None:
    picture, bias, filters = random(13, 13, 3), random(60), random(60, 3, 4, 4, seed=2)
    linear = labelled(convolve(picture, filters, bias, APART), "channel", "row", "column")
    found = patches.kept(picture, filters, bias, linear, APART)
    np.testing.assert_array_equal(found.seen, picture[:12, :12])


def test_colours_come_back_from_normalised_units() -> None:
    mean, std = (0.5, 0.4, 0.3), (0.25, 0.2, 0.1)
    shades = np.array([[[0, 128, 255]]], dtype=np.uint8)
    units = (shades / 255.0 - mean) / std
    np.testing.assert_array_equal(patches.as_bytes(units, mean, std), shades)
    assert patches.as_bytes(units + 99.0, mean, std).min() == 255


def test_norms_are_lengths() -> None:
    filters = np.zeros((2, 3, 2, 2))
    filters[1, 0, 0] = 3.0, 4.0
    assert patches.filter_norms(filters).tolist() == [0.0, 5.0]


def test_the_grid_of_tokens_is_their_own_where_it_is_named() -> None:
    """A stem that pools and a block with stride leave fewer tokens than the grid that was read."""
    named = labelled(random(8, 3, 4), "channel", "row", "column")
    last = labelled(random(3, 4, 8), "row", "column", "channel")
    listed = labelled(random(12, 8), "token", "channel")
    assert patches.grid_of(named, 6, 8) == patches.grid_of(last, 6, 8) == (3, 4)
    assert patches.grid_of(listed, 6, 2) == (6, 2)
    first = patches.token_table(named, 3, 4)
    turned = labelled(named.values.transpose(1, 2, 0).copy(), "row", "column", "channel")
    np.testing.assert_array_equal(patches.token_table(turned, 3, 4).values, first.values)
    assert not np.array_equal(patches.token_table(last, 3, 4).values, first.values)
    with pytest.raises(ShapeError, match="12 tokens"):
        patches.token_table(named, 6, 8)
