"""DaViT's two attentions as maps, against what the model itself computed."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tests.unit import tiny
from vislib.analysis import attentions, dual_attention
from vislib.analysis.reading_at import reading_at
from vislib.models import loading
from vislib.models.loading import LoadedModel
from vislib.observe import capture
from vislib.pictures import decoding
from vislib.schema import ActivationCache, LabelledArray, MixingSite, ShapeError


@pytest.fixture(scope="module")
def davit_model() -> LoadedModel:
    return loading.load("davit_mini", untrained=True)


@pytest.fixture(scope="module")
def cache(davit_model: LoadedModel, picture_png: bytes) -> ActivationCache:
    picture = decoding.decode(picture_png, name="picture.png")
    return capture.run_with_cache(davit_model, loading.prepare(davit_model, picture))


def test_group_channels_are_the_weighted_queries(
    davit_model: LoadedModel, cache: ActivationCache
) -> None:
    site = davit_model.sites[1]
    grid = {"rows": site.rows, "columns": site.columns}
    pattern = cache[f"{site.group}.channel.pattern"].values
    for group in range(site.heads):
        queries = dual_attention.group_maps(cache[f"{site.group}.channel.queries"], group, **grid)
        mixed = dual_attention.mixed_maps(
            cache[f"{site.group}.channel.mixed"], group, groups=site.heads, **grid
        )
        rebuilt = np.einsum("ij,jrc->irc", pattern[group], queries.values)
        scale = float(np.abs(mixed.values).max())
        np.testing.assert_allclose(rebuilt, mixed.values, atol=1e-5 * scale)
        # Negative control: another group's table writes something else.
        other = np.einsum("ij,jrc->irc", pattern[group - 1], queries.values)
        assert np.abs(other - mixed.values).max() > 1e-3 * scale


def test_score_map_sums_to_the_score(davit_model: LoadedModel, cache: ActivationCache) -> None:
    site = next(site for site in davit_model.sites if site.stage == 2)
    scores = cache[f"{site.group}.channel.scores"].values
    size = float(np.abs(scores).max())
    for group, out, read in ((0, 0, 3), (len(scores) - 1, 7, 2)):
        where = {"group": group, "out": out, "read": read}
        places = dual_attention.score_map(cache.arrays, site, **where)
        assert places.values.shape == (site.rows, site.columns)
        assert abs(places.values.sum() - scores[group, out, read]) < 1e-5 * size
        turned = dual_attention.score_map(cache.arrays, site, group=group, out=read, read=out)
        assert abs(turned.values.sum() - scores[group, out, read]) > 1e-3 * size


def test_window_rows_are_the_patterns_rows(
    davit_model: LoadedModel, cache: ActivationCache
) -> None:
    site = davit_model.sites[0]
    pattern = cache[f"{site.group}.window.pattern"]
    rows = dual_attention.window_rows(pattern, site, row=5, column=14)
    assert rows.corner == (4, 12)
    assert rows.place == (1, 2)
    assert (rows.number, rows.count) == (7, 16)
    np.testing.assert_array_equal(rows.maps.values[1].reshape(-1), pattern.values[7, 1, 6])
    assert not np.array_equal(rows.maps.values[1].reshape(-1), pattern.values[7, 1, 9])
    np.testing.assert_allclose(rows.mean.values.sum(), 1.0, atol=1e-5)
    with pytest.raises(ShapeError, match="row 16 came"):
        dual_attention.window_rows(pattern, site, row=16, column=0)


def test_window_rows_of_a_shifted_block_are_those_of_its_reading() -> None:
    model = tiny.tiny_model("swin")
    _, cache = tiny.shared_run(model)
    site = model.sites[1]
    pattern = cache[f"{site.group}.window.pattern"]
    rows = dual_attention.window_rows(pattern, site, row=4, column=2)
    # Shifted by 1, windows of 3 begin at 1, 4 and, round the edge, 0.
    assert (rows.corner, rows.place, rows.number) == ((4, 1), (0, 1), 3)
    heads = reading_at(site, cache.arrays, row=4, column=2).heads
    assert heads is not None
    np.testing.assert_allclose(heads[:, 4:7, 1:4], rows.maps.values, rtol=1e-6)
    plain = dual_attention.window_rows(pattern, dataclasses.replace(site, shift=0), row=4, column=2)
    assert not np.allclose(plain.maps.values, rows.maps.values, atol=1e-3)


def test_share_map_of_one_head_is_its_row(davit_model: LoadedModel, cache: ActivationCache) -> None:
    site = davit_model.sites[0]
    found = reading_at(site, cache.arrays, row=5, column=14)
    rows = dual_attention.window_rows(cache[f"{site.group}.window.pattern"], site, row=5, column=14)
    share = attentions.share_of(found, site, 1).values
    np.testing.assert_allclose(share[4:8, 12:16], 100 * rows.maps.values[1], rtol=1e-6)
    assert share.sum() == pytest.approx(100, abs=1e-3)
    assert not np.allclose(share, attentions.share_of(found, site, 0).values)
    assert attentions.share_of(found, site, None).values is found.share
    with pytest.raises(ShapeError, match="head 2 came"):
        attentions.share_of(found, site, 2)


def test_head_statistics_count_distance_in_pixels() -> None:
    heads = np.zeros((2, 4, 4))
    heads[0, 1, 1] = 1.0
    heads[1, 1, 3] = heads[1, 1, 1] = 0.5
    own, far = dual_attention.head_statistics(heads, row=1, column=1, cell_px=10.0)
    assert (own.reach_px, own.entropy_bits, own.local_percent) == (0.0, 0.0, 100.0)
    assert (far.reach_px, far.entropy_bits, far.local_percent) == (10.0, 1.0, 50.0)


def labelled(values: np.ndarray, axes: tuple[str, ...], role: str) -> LabelledArray:
    return LabelledArray(
        values=values,
        axes=axes,
        role=role,
        unit="probability",
        signed=False,
        provenance="recomputed",
        source="test",
    )


def test_entropy_over_depth_leaves_padding_out() -> None:
    site = MixingSite(
        stage=0,
        block=0,
        group="g",
        operators=("window_attention", "channel_attention"),
        rows=3,
        columns=3,
        stride=1,
        channels=4,
        mixing="computed",
        window=2,
        heads=1,
    )
    # Real places read one place (0 bits), padding reads all four alike (2 bits).
    real = np.zeros((4, 4), dtype=bool)
    real[:3, :3] = True
    real = real.reshape(2, 2, 2, 2).swapaxes(1, 2).reshape(4, 1, 4, 1)
    pattern = np.where(real, np.array([1.0, 0, 0, 0]), 0.25)
    arrays = {
        "g.window.pattern": labelled(
            pattern, ("window", "head", "query", "key"), "window_attention"
        ),
        "g.channel.pattern": labelled(
            np.full((1, 4, 4), 0.25), ("group", "channel_out", "channel_in"), "channel_attention"
        ),
    }
    found = dual_attention.entropy_over_depth([site], arrays)
    assert (found.window[0], found.window_most[0]) == (0.0, 2.0)
    assert (found.channel[0], found.channel_most[0]) == (2.0, 2.0)
    assert found.blocks.tolist() == [1]
    # Negative control: with the padding counted the mean would not be 0.
    arrays["g.window.pattern"] = labelled(
        np.full_like(pattern, 0.25), ("window", "head", "query", "key"), "window_attention"
    )
    assert dual_attention.entropy_over_depth([site], arrays).window[0] == 2.0
