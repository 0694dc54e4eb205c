"""The frozen records: axes that fit, indices that exist, values that nobody can change."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from vislib.schema import (
    AXES,
    ROLES,
    ActivationCache,
    CaptureError,
    DecodedImage,
    ImageError,
    LabelledArray,
    MixScopeError,
    ModelError,
    ShapeError,
    TokenGrid,
    ViewBox,
    WeightsError,
    freeze,
)


def labelled(values: np.ndarray, axes: tuple[str, ...], **changes: Any) -> LabelledArray:
    fields: dict[str, Any] = {
        "role": "tokens",
        "unit": "activation",
        "signed": True,
        "provenance": "activation",
        "source": "blocks.0 (output)",
    }
    return LabelledArray(values=values, axes=axes, **(fields | changes))


def cached(logits: np.ndarray, **arrays: LabelledArray) -> ActivationCache:
    return ActivationCache(
        arrays=arrays,
        logits=logits,
        labels=tuple(f"label {index}" for index in range(len(logits))),
        model_key="mixer_tiny",
        image_sha256="0" * 64,
        view_box=ViewBox(left=0.0, top=0.0, width=1.0, height=1.0),
        seconds=0.0,
    )


def test_labelled_array_takes_one_index_along_named_axes() -> None:
    values = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    array = labelled(values, ("head", "row", "column"))
    picked = array.select(row=1)
    assert picked.axes == ("head", "column")
    assert picked.shape == {"head": 2, "column": 4}
    np.testing.assert_array_equal(picked.values, values[:, 1])
    np.testing.assert_array_equal(array.select(column=3, head=1).values, values[1, :, 3])
    assert not np.array_equal(array.select(row=1).values, values[:, 2])
    assert dataclasses.replace(picked, values=array.values, axes=array.axes) is not array
    assert (picked.role, picked.unit, picked.source) == (array.role, array.unit, array.source)


@pytest.mark.parametrize(
    ("index", "words"),
    [
        ({"query": 0}, ["no axis 'query'", "row", "column"]),
        ({"row": 3}, ["row 3", "0 to 2"]),
        ({"row": -1}, ["row -1", "0 to 2"]),
    ],
)
def test_select_refuses_what_is_not_there(index: dict[str, int], words: list[str]) -> None:
    array = labelled(np.zeros((3, 4), dtype=np.float32), ("row", "column"))
    with pytest.raises(ShapeError) as caught:
        array.select(**index)
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize(
    ("axes", "changes"),
    [
        (("row",), {}),
        (("row", "column", "channel"), {}),
        (("row", "width"), {}),
        (("row", "column"), {"role": "attention map"}),
    ],
)
def test_labelled_array_refuses_unknown_words(
    axes: tuple[str, ...], changes: dict[str, str]
) -> None:
    with pytest.raises(ShapeError, match=r"blocks\.0"):
        labelled(np.zeros((3, 4), dtype=np.float32), axes, **changes)


def test_every_axis_and_role_has_a_meaning() -> None:
    assert all(meaning.strip() for meaning in [*AXES.values(), *ROLES.values()])


def test_arrays_refuse_writes_and_keep_their_own_values() -> None:
    values = np.ones((3, 4), dtype=np.float32)
    array = labelled(values, ("row", "column"))
    view = labelled(values.T[1:], ("column", "row"))
    values[:] = 5.0  # the owner's later change must not reach what visitors share
    assert array.values.max() == 1.0
    assert view.values.max() == 1.0
    for shared in (array.values, view.values, array.select(row=0).values):
        with pytest.raises(ValueError, match="read-only"):
            shared[...] = 2.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        array.values = values  # type: ignore[misc]


def test_freeze_copies_only_what_could_change() -> None:
    frozen = freeze(np.arange(6.0).reshape(2, 3)[:, ::-1])
    assert frozen.flags.c_contiguous
    assert not frozen.flags.writeable
    assert freeze(frozen) is frozen


def test_pixels_refuse_writes() -> None:
    pixels = np.zeros((2, 5, 3), dtype=np.uint8)
    picture = DecodedImage(pixels=pixels, sha256="0" * 64, name="a", source_format="PNG")
    pixels[:] = 9
    assert picture.pixels.max() == 0
    assert (picture.height, picture.width) == (2, 5)
    with pytest.raises(ValueError, match="read-only"):
        picture.pixels[0] = 1


def test_probabilities_are_the_softmax_of_the_logits() -> None:
    logits = np.array([1.0, -2.0, 3.5, 3.5, 0.0], dtype=np.float32)
    cache = cached(logits)
    expected = np.exp(logits.astype(np.float64)) / np.exp(logits.astype(np.float64)).sum()
    np.testing.assert_allclose(cache.probabilities(), expected, rtol=1e-14)
    assert cache.probabilities().dtype == np.float64
    assert abs(cache.probabilities().sum() - 1.0) < 1e-15
    shifted = cached(logits + np.float32(1000.0))  # a naive exp overflows here
    np.testing.assert_allclose(shifted.probabilities(), expected, rtol=1e-14)
    assert not np.allclose(cached(logits * 2).probabilities(), expected)


def test_top_is_sorted_and_keeps_ties_in_order() -> None:
    cache = cached(np.array([1.0, -2.0, 3.5, 3.5, 0.0], dtype=np.float32))
    assert [label for label, _ in cache.top(3)] == ["label 2", "label 3", "label 0"]
    everything = cache.top(99)
    assert len(everything) == 5
    assert abs(sum(share for _, share in everything) - 1.0) < 1e-15
    shares = [share for _, share in everything]
    assert shares == sorted(shares, reverse=True)


def test_cache_is_a_mapping_that_names_what_it_has() -> None:
    array = labelled(np.zeros((3, 4), dtype=np.float32), ("row", "column"))
    cache = cached(np.zeros(2, dtype=np.float32), first=array, second=array)
    assert list(cache) == ["first", "second"]
    assert len(cache) == 2
    assert cache["second"] is array
    assert cache.nbytes == 2 * array.values.nbytes + 8
    with pytest.raises(CaptureError, match=r"mixer_tiny recorded no 'third'.*first, second"):
        cache["third"]


def test_grid_says_whether_tokens_share_pixels() -> None:
    grid = TokenGrid(
        rows=4, columns=4, patch=7, stride=4, offset=-3, input_size=16, position="depthwise"
    )
    assert grid.overlaps
    assert not dataclasses.replace(grid, patch=4).overlaps


def test_every_error_is_meant_for_a_person() -> None:
    for kind in (ImageError, ModelError, WeightsError, CaptureError, ShapeError):
        assert issubclass(kind, MixScopeError)
    assert not issubclass(MixScopeError, (ValueError, KeyError))


def test_a_missing_name_is_no_error_where_one_only_asks() -> None:
    array = labelled(np.zeros((2, 2)), ("row", "column"))
    cache = cached(np.zeros(2), **{"stem.out": array})
    assert "stem.out" in cache
    assert "stem.in" not in cache
    assert cache.get("stem.in") is None
    assert cache.get("stem.out") is array


def test_one_number_stays_one_number() -> None:
    picked = labelled(np.array([[1.0, 2.0]]), ("row", "column")).select(row=0, column=1)
    assert picked.axes == ()
    assert picked.values.shape == ()
    assert picked.shape == {}
    assert float(picked.values) == 2.0
