"""One head or one channel: its own numbers, and the parts together give the whole."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from tests.unit.tiny import FAMILIES, noise, tiny_model
from vislib.analysis.reading_at import reading_at, spatial_operator
from vislib.analysis.reading_parts import count_parts, one_part, part_of
from vislib.models.loading import LoadedModel
from vislib.observe.capture import run_with_cache
from vislib.schema import LabelledArray, MixingSite, ShapeError

PARTS = {
    "mixer": "channel",
    "convmixer": "channel",
    "davit": "head",
    "resmlp": None,
    "vit": "head",
    "swin": "head",
    "resnet": "channel",
}


def block_of(family: str) -> tuple[LoadedModel, MixingSite, Mapping[str, LabelledArray]]:
    """The last block that mixes places, with all of its arrays."""
    model = tiny_model(family)
    site = [site for site in model.sites if spatial_operator(site)][-1]
    cache = run_with_cache(model, noise(model), site.group)
    return model, site, {**model.weights(site.group), **cache}


@pytest.mark.parametrize("family", FAMILIES)
def test_parts_together_are_the_whole(family: str) -> None:
    model, site, arrays = block_of(family)
    assert part_of(site) == PARTS[family]
    count = count_parts(site, model.weights(site.group))
    row, column = site.rows - 1, 0
    whole = reading_at(site, arrays, row=row, column=column)
    if part_of(site) is None:
        assert count == 0
        with pytest.raises(ShapeError, match="one map for all"):
            one_part(site, arrays, 0)
        return
    assert count > 1
    single = [
        reading_at(site, one_part(site, arrays, index), row=row, column=column)
        for index in range(count)
    ]
    mean = np.mean([one.raw for one in single], axis=0)
    scale = np.abs(whole.raw).max()
    assert np.abs(mean - whole.raw).max() < 1e-12 * max(scale, 1.0)
    # Negative control: without one of the parts the mean is another.
    assert np.abs(np.mean([one.raw for one in single[1:]], axis=0) - whole.raw).max() > 1e-6 * scale
    assert not np.allclose(single[0].share, single[1].share)
    for one in single:
        assert one.share.sum() + one.outside == pytest.approx(100.0)
    if whole.heads is not None:
        assert np.array_equal(single[1].raw, whole.heads[1])
    with pytest.raises(ShapeError, match=f"{count} came"):
        one_part(site, arrays, count)


def test_a_kernel_is_exact_for_its_channel() -> None:
    _, site, arrays = block_of("convmixer")
    found = reading_at(site, one_part(site, arrays, 5), row=2, column=2)
    kernel = arrays[f"{site.group}.depthwise.kernel"].values
    assert np.array_equal(found.raw[1:4, 1:4], kernel[5])
    assert not np.array_equal(found.raw[1:4, 1:4], kernel[4])


def test_what_was_not_captured_is_named() -> None:
    model, site, _ = block_of("mixer")
    with pytest.raises(ShapeError, match=r"token_mixing\.hidden is missing"):
        one_part(site, model.weights(site.group), 0)
