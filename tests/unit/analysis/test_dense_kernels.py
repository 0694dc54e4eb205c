"""Dense kernels beside depthwise ones: counts, and where the energy lies."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.unit import tiny
from vislib.analysis import dense_kernels
from vislib.schema import LabelledArray, ShapeError


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def test_counts_are_those_of_torch_s_own_parameters() -> None:
    dense = torch.nn.Conv2d(6, 4, 3, bias=False).weight.detach().numpy()
    found = dense_kernels.count(dense)
    assert (found.side, found.outputs, found.reads, found.tables) == (3, 4, 6, 24)
    assert found.weights == dense.size == 216
    # The other kind for its four outputs: one table each.
    assert found.other_kind == torch.nn.Conv2d(4, 4, 3, groups=4, bias=False).weight.numel()
    depthwise = torch.nn.Conv2d(5, 5, 7, groups=5, bias=False).weight.detach().numpy()[:, 0]
    found = dense_kernels.count(depthwise)
    assert (found.side, found.outputs, found.reads, found.tables) == (7, 5, 1, 5)
    assert found.weights == 245
    assert found.other_kind == torch.nn.Conv2d(5, 5, 7, bias=False).weight.numel()


def test_one_output_is_a_row_of_tables_and_not_a_column() -> None:
    kernels = random(4, 4, 3, 3)
    np.testing.assert_array_equal(dense_kernels.one_output(kernels, 2), kernels[2])
    assert not np.array_equal(dense_kernels.one_output(kernels, 2), kernels[:, 2])
    with pytest.raises(ShapeError, match="channel_out 4 came"):
        dense_kernels.one_output(kernels, 4)
    with pytest.raises(ShapeError, match="channel_in"):
        dense_kernels.one_output(random(4, 3, 3), 0)


def test_energy_of_known_kernels() -> None:
    centre, even, corner = np.zeros((2, 3, 3)), np.ones((2, 3, 3)), np.zeros((2, 3, 3))
    centre[:, 1, 1], corner[:, 0, 2] = -4.0, 2.0
    found = dense_kernels.energy_over_depth([centre, even, corner])
    np.testing.assert_allclose(found.centre, [100.0, 100 / 9, 0.0])
    np.testing.assert_allclose(found.radius, [0.0, np.sqrt((4 * 1 + 4 * 2) / 9), np.sqrt(2)])
    np.testing.assert_array_equal(found.depth, [0.0, 50.0, 100.0])
    assert (found.side, found.even) == (3, pytest.approx(100 / 9))


def test_energy_is_over_all_pairs_of_channels() -> None:
    kernels = random(3, 4, 5, 5)
    found = dense_kernels.energy_over_depth([kernels])
    energy = kernels**2
    assert found.centre[0] == pytest.approx(100 * energy[:, :, 2, 2].sum() / energy.sum())
    # Negative controls: the mean of each table's own share, and the share of magnitude.
    own = (energy[:, :, 2, 2] / energy.sum((2, 3))).mean()
    size = np.abs(kernels)
    for other in (own, size[:, :, 2, 2].sum() / size.sum()):
        assert found.centre[0] != pytest.approx(100 * other, rel=1e-3)
    np.testing.assert_allclose(found.taps[0], 100 * energy.sum((0, 1)) / energy.sum())
    assert not np.allclose(found.taps[0].T, 100 * energy.sum((0, 1)) / energy.sum())
    down, across = np.mgrid[-2:3, -2:3]
    moment = (energy * (down**2 + across**2)).sum() / energy.sum()
    assert found.radius[0] == pytest.approx(np.sqrt(moment))


def test_both_kinds_of_a_model_s_own_kernels_are_taken() -> None:
    sides = {}
    for family, name in (("convmixer", "depthwise"), ("resnet", "convolution")):
        model = tiny.tiny_model(family)
        blocks = (model.weights(site.group)[f"{site.group}.{name}.kernel"] for site in model.sites)
        found = dense_kernels.energy_over_depth(blocks)
        assert len(found.centre) == len(model.sites)
        assert np.all((found.centre > 0) & (found.centre < 100))
        sides[family] = found.side
    assert sides == {"convmixer": 3, "resnet": 3}


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ShapeError, match="one or more blocks of one side"):
        dense_kernels.energy_over_depth([random(2, 3, 3), random(2, 5, 5)])
    with pytest.raises(ShapeError, match="one or more blocks"):
        dense_kernels.energy_over_depth([])
    with pytest.raises(ShapeError, match="channel_in"):
        dense_kernels.taps_of(random(3, 3))
    turned = LabelledArray(
        values=random(2, 2, 3, 3),
        axes=("channel_in", "channel_out", "ky", "kx"),
        role="convolution",
        unit="weight",
        signed=True,
        provenance="parameter",
        source="here",
    )
    with pytest.raises(ShapeError, match="channel_out"):
        dense_kernels.count(turned)
