"""One hidden unit followed through the token MLP: the steps make up what the model computed."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.unit import tiny
from vislib.analysis import unit_steps as steps
from vislib.observe.capture import run_with_cache
from vislib.schema import LabelledArray, MixingSite, ShapeError

GROUP = "stage0.block1"


@pytest.fixture(scope="module")
def block() -> tuple[MixingSite, dict[str, LabelledArray]]:
    model = tiny.tiny_model("mixer")
    cache = run_with_cache(model, tiny.noise(model))
    return model.sites[1], {**model.weights(GROUP), **cache}


def test_gelu_equals_torch() -> None:
    points = np.linspace(-8, 8, 401)
    exact = torch.nn.functional.gelu(torch.from_numpy(points)).numpy()
    assert np.abs(steps.gelu(points) - exact).max() < 1e-12
    # Negative control: the tanh approximation is another function.
    rough = torch.nn.functional.gelu(torch.from_numpy(points), approximate="tanh").numpy()
    assert np.abs(rough - exact).max() > 1e-4


def test_product_and_bias_make_the_hooked_number(
    block: tuple[MixingSite, dict[str, LabelledArray]],
) -> None:
    site, arrays = block
    hidden = arrays[f"{GROUP}.token_mixing.hidden"].values
    largest = float(np.abs(hidden).max())
    for unit, channel in ((0, 0), (3, 7), (site.units - 1, site.channels - 1)):
        found = steps.unit_steps(site, arrays, unit=unit, channel=channel)
        total = float(found.product.values.sum()) + found.bias
        assert found.activity.before == float(hidden[channel, unit])
        assert total == pytest.approx(found.activity.before, abs=1e-5 * largest)
        # Negative control: another unit's row does not give this number.
        other = steps.unit_steps(site, arrays, unit=(unit + 1) % site.units, channel=channel)
        wrong = float(other.product.values.sum()) + other.bias
        assert abs(wrong - found.activity.before) > 1e-3 * largest


def test_what_all_units_write_is_the_output(
    block: tuple[MixingSite, dict[str, LabelledArray]],
) -> None:
    site, arrays = block
    out = arrays[f"{GROUP}.token_mixing.out"].values[5].reshape(site.rows, site.columns)
    bias = arrays[f"{GROUP}.token_mixing.fc2_bias"].values.reshape(site.rows, site.columns)
    every = [steps.unit_steps(site, arrays, unit=u, channel=5).writes for u in range(site.units)]
    total = np.sum([entry.values for entry in every], axis=0) + bias
    assert np.abs(total - out).max() < 1e-5 * np.abs(out).max()
    # Negative control: without the last unit the sum is another.
    assert np.abs(total - every[-1].values - out).max() > 1e-3 * np.abs(out).max()
    assert every[0].provenance == "recomputed"


def test_activity_is_sorted_and_keeps_its_channel(
    block: tuple[MixingSite, dict[str, LabelledArray]],
) -> None:
    site, arrays = block
    hidden = arrays[f"{GROUP}.token_mixing.hidden"]
    found = steps.activity(hidden, 2)
    assert sorted(entry.channel for entry in found) == list(range(site.channels))
    sizes = [abs(entry.after) for entry in found]
    assert sizes == sorted(sizes, reverse=True)
    assert found[0].before == float(hidden.values[found[0].channel, 2])
    # Negative control: in the table's own order the sizes are not sorted.
    plain = np.abs(steps.gelu(hidden.values[:, 2]))
    assert not (np.diff(plain) <= 0).all()
    with pytest.raises(ShapeError, match="unit"):
        steps.activity(hidden, site.units)


def test_grid_keeps_row_major_order(block: tuple[MixingSite, dict[str, LabelledArray]]) -> None:
    site, arrays = block
    fc1 = arrays[f"{GROUP}.token_mixing.fc1"]
    laid = steps.on_grid(fc1, site.rows, site.columns)
    assert laid.axes == ("unit", "row", "column")
    assert laid.values[3, 1, 2] == fc1.values[3, site.columns + 2]
    assert laid.values[3, 1, 2] != fc1.values[3, 2 * site.columns + 1]
    with pytest.raises(ShapeError, match="last must be tokens"):
        steps.on_grid(arrays[f"{GROUP}.token_mixing.fc2"], site.rows, site.columns)


def test_own_place_and_count(
    block: tuple[MixingSite, dict[str, LabelledArray]],
) -> None:
    site, arrays = block
    share = steps.own_place(1, 2, site.rows, site.columns).share
    assert share[1, 2] == 100.0
    assert share.sum() == 100.0
    with pytest.raises(ShapeError, match="row"):
        steps.own_place(site.rows, 0, site.rows, site.columns)
    tokens, units = site.rows * site.columns, site.units
    expected_count = 2 * tokens * units + tokens + units
    assert steps.count_weights(arrays, GROUP, "token_mixing") == expected_count
    assert steps.count_weights(arrays, GROUP, "channel_mixing") != expected_count
