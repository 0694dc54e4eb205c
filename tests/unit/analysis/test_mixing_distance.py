"""The mean mixing distance, against the readings of all places one by one."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit import tiny
from vislib.analysis.common_ground import statistics
from vislib.analysis.mixing_distance import mixing_distance, mlp_sizes
from vislib.analysis.reading_at import reading_at, spatial_operator
from vislib.models.loading import LoadedModel
from vislib.observe import capture
from vislib.schema import LabelledArray, MixingSite, ShapeError


def arrays_of(model: LoadedModel, site: MixingSite) -> dict[str, LabelledArray]:
    """Weights and activations of a block."""
    run = capture.run_with_cache(model, tiny.noise(model), site.group)
    return {**model.weights(site.group), **run}


def one_by_one(site: MixingSite, arrays: dict[str, LabelledArray], *, at_zero: bool) -> float:
    """The mean of the reach of every reader's own reading."""
    found = []
    for row in range(0, site.rows, site.step):
        for column in range(0, site.columns, site.step):
            reading = reading_at(site, arrays, row=row, column=column, at_zero=at_zero)
            numbers = statistics(reading.share, row=row, column=column, cell_px=1.0)
            found.append(numbers.reach_px)
    return float(np.mean(found))


@pytest.mark.parametrize("at_zero", [False, True])
def test_it_is_the_mean_of_all_readings(tiny_loaded: LoadedModel, at_zero: bool) -> None:
    checked = 0
    for site in tiny_loaded.sites:
        if spatial_operator(site) is None or (at_zero and not site.units):
            continue
        arrays = arrays_of(tiny_loaded, site)
        got = mixing_distance(site, arrays, at_zero=at_zero)
        wanted = one_by_one(site, arrays, at_zero=at_zero)
        assert got == pytest.approx(wanted, rel=1e-9), site.group
        checked += 1
    assert checked or at_zero


def test_gates_matter() -> None:
    model = tiny.tiny_model("mixer")
    site = model.sites[0]
    arrays = arrays_of(model, site)
    at_picture, at_zero = (mixing_distance(site, arrays, at_zero=zero) for zero in (False, True))
    assert abs(at_picture - at_zero) > 1e-3


def test_mlp_sizes_by_hand() -> None:
    random = np.random.default_rng(0)
    first, second = random.normal(size=(11, 9)), random.normal(size=(9, 11))
    hidden = random.normal(size=(5, 11))
    slope = np.cos
    tables = np.stack([second @ np.diag(slope(h)) @ first for h in hidden])
    wanted = np.sqrt((tables**2).mean(axis=0))
    got = mlp_sizes(first, second, hidden, derivative=slope)
    np.testing.assert_allclose(got, wanted, rtol=1e-10)
    assert np.abs(got - np.abs(tables.mean(axis=0))).max() > 0.1  # not the size of the mean


def test_a_block_without_mixing_of_places_is_refused() -> None:
    site = MixingSite(
        stage=0,
        block=0,
        group="stage0.block0",
        operators=("channel_attention",),
        rows=2,
        columns=2,
        stride=1,
        channels=1,
        mixing="computed",
    )
    with pytest.raises(ShapeError, match="none of them mixes positions"):
        mixing_distance(site, {})


def test_a_missing_array_is_named() -> None:
    model = tiny.tiny_model("vit")
    with pytest.raises(ShapeError, match=r"attention\.pattern"):
        mixing_distance(model.sites[0], {})
