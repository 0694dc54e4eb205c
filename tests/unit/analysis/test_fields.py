"""Every place of every family: the packed field is what ``reading_at`` says, to half a step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.unit import tiny
from vislib.analysis import fields
from vislib.analysis.fields import ReadingField, reading_field
from vislib.analysis.reading_at import reading_at, spatial_operator
from vislib.analysis.reading_parts import count_parts, one_part, part_of
from vislib.models.loading import LoadedModel
from vislib.observe.capture import run_with_cache
from vislib.schema import LabelledArray, MixingSite, ShapeError

Arrays = dict[str, LabelledArray]


def worst(field: ReadingField, site: MixingSite, arrays: Arrays, *, at_zero: bool = False) -> float:
    """Largest distance from ``reading_at`` over all places, in half steps."""
    furthest = 0.0
    for row, column in np.ndindex(site.rows, site.columns):
        wanted = reading_at(site, arrays, row=row, column=column, at_zero=at_zero).share
        away = np.abs(field.at(row, column) - wanted) / (field.half_step(wanted) + 1e-9)
        furthest = max(furthest, float(away.max()))
    return furthest


def blocks(model: LoadedModel) -> list[tuple[MixingSite, Arrays]]:
    """The blocks that mix places, with their arrays on one noisy input."""
    cache = run_with_cache(model, tiny.noise(model))
    return [
        (site, {**model.weights(site.group), **cache})
        for site in model.sites
        if spatial_operator(site) is not None
    ]


def test_every_place_of_every_family(tiny_loaded: LoadedModel) -> None:
    found = blocks(tiny_loaded)
    assert found
    for site, arrays in found:
        assert worst(reading_field(site, arrays), site, arrays) <= 1.0
        if site.units:
            at_zero = reading_field(site, arrays, at_zero=True)
            assert worst(at_zero, site, arrays, at_zero=True) <= 1.0


def test_what_has_no_place_in_the_picture_is_counted_beside_it(tiny_loaded: LoadedModel) -> None:
    for site, arrays in blocks(tiny_loaded):
        field = reading_field(site, arrays)
        for place, (row, column) in enumerate(np.ndindex(site.rows, site.columns)):
            wanted = reading_at(site, arrays, row=row, column=column)
            outside = 0.0 if field.outside is None else field.outside[place]
            assert outside == pytest.approx(wanted.outside, abs=1e-4)
            assert (field.note, field.provenance) == (wanted.note, wanted.provenance)


def test_one_head_or_channel_is_a_field_of_its_own(tiny_loaded: LoadedModel) -> None:
    for site, arrays in blocks(tiny_loaded)[:2]:
        if part_of(site) is None:
            continue
        last = count_parts(site, arrays) - 1
        single = one_part(site, arrays, last)
        assert worst(reading_field(site, single), site, single) <= 1.0
        assert worst(reading_field(site, arrays), site, single) > 1.0 or last == 0


def test_another_places_reading_is_not_taken_for_it(tiny_loaded: LoadedModel) -> None:
    for site, arrays in blocks(tiny_loaded):
        field = reading_field(site, arrays)
        if field.kind == "kernel":
            wrong = replace(field, values=field.values[::-1, ::-1])
        elif field.kind == "window":
            wrong = replace(field, values=np.swapaxes(field.values, 1, 2))
        else:
            wrong = replace(field, values=field.values.T)
        if field.values.size > 1:
            assert worst(wrong, site, arrays) > 1.0, site.group


def test_above_the_limit_a_field_has_one_byte_a_share_and_says_its_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fields, "MOST_BYTES", 100)
    for site, arrays in blocks(tiny.tiny_model("mixer")):
        field = reading_field(site, arrays)
        assert (field.packing, field.values.dtype) == ("root8", np.uint8)
        assert worst(field, site, arrays) <= 1.0
        assert worst(replace(field, scale=1.02 * field.scale), site, arrays) > 1.0


def test_the_largest_share_is_that_of_some_place(tiny_loaded: LoadedModel) -> None:
    for site, arrays in blocks(tiny_loaded):
        field = reading_field(site, arrays)
        seen = max(
            field.at(row, column).max()
            for row in range(site.rows)
            for column in range(site.columns)
        )
        inside = field.largest if field.outside is None else seen
        assert field.largest >= seen - 1e-4
        assert inside == pytest.approx(seen, rel=1e-4)


def test_what_is_not_finite_and_what_mixes_no_places_is_refused() -> None:
    site, arrays = blocks(tiny.tiny_model("convmixer"))[0]
    name = f"{site.group}.depthwise.kernel"
    broken = arrays[name].values.copy()
    broken[0, 0, 0] = np.nan
    with pytest.raises(ShapeError, match="not finite"):
        reading_field(site, {**arrays, name: replace(arrays[name], values=broken)})
    with pytest.raises(ShapeError, match="missing"):
        reading_field(site, {})
    with pytest.raises(ShapeError, match="none of them mixes positions"):
        reading_field(replace(site, operators=("channel_attention",)), arrays)
    with pytest.raises(ShapeError, match="row"):
        reading_field(site, arrays).at(site.rows, 0)
