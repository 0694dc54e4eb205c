"""One question to every architecture: the operator's role decides, and nothing is guessed."""

from __future__ import annotations

import numpy as np
import pytest

from vislib.analysis import reading
from vislib.analysis.reading_at import reading_at, spatial_operator
from vislib.schema import LabelledArray, MixingSite, ShapeError


def site(operators: tuple[str, ...], **more: int) -> MixingSite:
    return MixingSite(
        stage=0,
        block=1,
        group="stage0.block1",
        operators=operators,
        rows=4,
        columns=4,
        stride=8,
        channels=3,
        mixing="fixed",
        **more,
    )


def labelled(values: np.ndarray, axes: tuple[str, ...], role: str) -> LabelledArray:
    return LabelledArray(
        values=values,
        axes=axes,
        role=role,
        unit="weight",
        signed=True,
        provenance="parameter",
        source="test",
    )


def test_a_depthwise_block_reads_through_its_kernel() -> None:
    kernels = np.random.default_rng(0).normal(size=(3, 3, 3))
    arrays = {
        "stage0.block1.depthwise.kernel": labelled(kernels, ("channel", "ky", "kx"), "depthwise")
    }
    found = reading_at(site(("depthwise", "channel_mixing")), arrays, row=1, column=2)
    wanted = reading.depthwise_reading(kernels, row=1, column=2, rows=4, columns=4)
    assert np.array_equal(found.share, wanted.share)
    swapped = reading.depthwise_reading(kernels, row=2, column=1, rows=4, columns=4)
    assert not np.array_equal(found.share, swapped.share)


def test_a_token_mlp_is_linearised_at_the_picture_or_at_zero() -> None:
    draw = np.random.default_rng(1)
    fc1, fc2 = draw.normal(size=(5, 16)), draw.normal(size=(16, 5))
    hidden = draw.normal(size=(3, 5))
    name = "stage0.block1.token_mixing"
    arrays = {
        f"{name}.fc1": labelled(fc1, ("unit", "token_in"), "token_mixing"),
        f"{name}.fc2": labelled(fc2, ("token_out", "unit"), "token_mixing"),
        f"{name}.hidden": labelled(hidden, ("channel", "unit"), "token_mixing"),
    }
    block = site(("token_mixing", "channel_mixing"), units=5)
    at_zero = reading_at(block, arrays, row=2, column=3, at_zero=True)
    assert np.allclose(at_zero.raw.ravel(), 0.5 * fc2[2 * 4 + 3] @ fc1)
    at_picture = reading_at(block, arrays, row=2, column=3)
    assert not np.allclose(at_picture.raw, at_zero.raw)
    assert at_picture.provenance == at_zero.provenance == "linearised"


def test_channel_attention_is_no_spatial_operator() -> None:
    alone = site(("channel_attention",))
    assert spatial_operator(alone) is None
    with pytest.raises(ShapeError, match="none of them mixes positions"):
        reading_at(alone, {}, row=0, column=0)
    assert spatial_operator(site(("window_attention", "channel_attention"))) == "window_attention"


def test_a_missing_array_is_named() -> None:
    with pytest.raises(ShapeError, match=r"depthwise\.kernel.*capture the group"):
        reading_at(site(("depthwise",)), {}, row=0, column=0)
