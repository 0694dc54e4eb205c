"""The page Compare: what goes to the stage, and what stands below it, are the library's own."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.app.conftest import Ask, Bring, OnStage, Open, Shown
from views import frame
from views.frame import stage_packets, staging, state
from vislib import attribution
from vislib.analysis.channel_groups import strongest_entry
from vislib.analysis.common_ground import statistics
from vislib.analysis.dual_attention import score_map
from vislib.analysis.fields import reading_field
from vislib.analysis.reading_at import reading_at, spatial_operator
from vislib.analysis.reading_parts import one_part
from vislib.analysis.receptive import field_reading, share_moved
from vislib.figures import colours, overlay
from vislib.models import loading
from vislib.models.loading import LoadedModel
from vislib.observe import capture
from vislib.pictures import decoding, gallery, geometry
from vislib.schema import LabelledArray, MixingSite, ModelError, ViewBox

POINT = {"picture": "cat", "x": "430", "y": "520"}
SIDE = 400  # views/compare/raw.py
FIVE = {  # one of each operator
    "mixer_mini": "token_mixing",
    "convmixer_mini": "depthwise",
    "davit_mini": "window_attention",
    "vit_mini": "global_attention",
    "resnet_mini": "convolution",
}


def spatial(model: LoadedModel) -> list[MixingSite]:
    return [site for site in model.sites if spatial_operator(site)]


def at_depth(model: LoadedModel, percent: float) -> MixingSite:
    """The block nearest to a relative depth; the earlier of two."""
    sites = spatial(model)
    away = [abs(i / max(1, len(sites) - 1) - percent / 100) for i in range(len(sites))]
    return sites[int(np.argmin(away))]


def arrays_on(model: LoadedModel, site: MixingSite, name: str = "cat") -> dict[str, LabelledArray]:
    """A block's weights and what it computes on a gallery picture."""
    cache = capture.run_with_cache(model, loading.prepare(model, gallery.load(name)), site.group)
    return {**model.weights(site.group), **cache}


def box_on(model: LoadedModel, name: str = "cat") -> ViewBox:
    picture, config = gallery.load(name), model.config
    return geometry.view_box(picture.width, picture.height, size=config.size, crop=config.crop)


def cell_of(model: LoadedModel, rows: int, columns: int, x: int = 430, y: int = 520) -> Any:
    picture = gallery.load("cat")
    return geometry.cell_at(
        box_on(model),
        picture=(picture.width, picture.height),
        x=x,
        y=y,
        rows=rows,
        columns=columns,
    )


def same(shown: frame.StageShown, model: LoadedModel, site: MixingSite, **how: Any) -> bool:
    """Whether an entry is just the library's field of that block."""
    wanted = reading_field(site, how.pop("arrays", None) or arrays_on(model, site), **how)
    assert shown.field is not None, shown.message
    return (
        np.array_equal(shown.field.values, wanted.values)
        and shown.field.scale == wanted.scale
        and shown.field.kind == wanted.kind
    )


def open_tab(at: AppTest, name: str) -> AppTest:
    """Choose a tab by its name in the address."""
    at.session_state["reads"] = name
    return at.run()


# ---------------------------------------------------------------- the stage


def test_the_stage_holds_each_models_field_in_its_view_box(
    open_page: Open, ask: Ask, bring: Bring, stage: OnStage
) -> None:
    bring(*FIVE)
    ask(open_page(models=list(FIVE), **POINT))
    depth = float(stage.options["block"])
    assert stage.options["point"] == (430, 520)
    assert [tile.label for tile in stage.rows[0].tiles] == [loading.spec(key).title for key in FIVE]
    for key, tile, shown in zip(FIVE, stage.rows[0].tiles, stage.entries(), strict=True):
        model = loading.load(key)
        site = at_depth(model, depth)
        assert spatial_operator(site) == FIVE[key]
        assert tile.box == box_on(model)
        assert same(shown, model, site)
        assert str(site.block + 1) in shown.sub


def test_the_next_block_and_the_one_before_come_ahead(
    open_page: Open, ask: Ask, stage: OnStage
) -> None:
    ask(open_page(models=["mixer_mini"], depth="50", **POINT))
    model = loading.load("mixer_mini")
    count = len(spatial(model))
    depths = [str(round(100 * i / (count - 1))) for i in range(count)]
    middle = depths.index("50")
    assert set(stage.blocks) == set(depths[middle - 1 : middle + 2])
    for depth, (shown,) in stage.blocks.items():
        assert same(shown, model, at_depth(model, float(depth)))


@pytest.mark.parametrize(
    ("asked", "index"), [("first", 0), ("last", -1), ("0", 0), ("100", -1), ("98", -1)]
)
def test_depth_chooses_the_block(
    open_page: Open, ask: Ask, stage: OnStage, asked: str, index: int
) -> None:
    ask(open_page(models=["davit_mini"], depth=asked, **POINT))
    model = loading.load("davit_mini")
    assert same(stage.entries()[0], model, spatial(model)[index])


def test_what_is_pinned_or_stepped_to_on_the_stage_is_chosen(
    open_page: Open, ask: Ask, stage: OnStage
) -> None:
    at = open_page(models=["mixer_mini"], depth="50", **POINT)
    ask(at)
    moved = stage.options["on_change"]
    chosen = sorted(map(int, stage.blocks))
    at.session_state["x"], at.session_state["y"] = 700, 200
    at.session_state["depth"] = str(chosen[-1])
    assert callable(moved)
    ask(at.run())
    assert stage.options["point"] == (700, 200)
    assert stage.options["block"] == str(chosen[-1])


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ({"x": 10, "y": 20, "block": "50"}, ((10, 20), "50")),
        ({"x": -5, "y": 2000, "block": "50"}, ((0, 1000), "50")),
        ({"x": 1.5, "y": 2, "block": "50"}, None),
        ({"x": 1, "y": 2, "block": "7"}, None),
        ("nonsense", None),
    ],
)
def test_what_the_browser_sends_is_checked(value: Any, wanted: Any) -> None:
    found = stage_packets.read(value, ["0", "50"])
    assert (None if found is None else (found.point, found.block)) == wanted


def test_a_model_that_fails_says_so_in_its_place(
    open_page: Open, stage: OnStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = frame.capture

    def failing(key: str, group: str | None, **more: Any) -> Any:
        if key == "davit_mini":
            raise ModelError("No memory is left for it.")
        return real(key, group, **more)

    monkeypatch.setattr(frame, "capture", failing)
    at = open_page(picture="two_dots")  # no other test has asked for it
    assert not at.exception
    mixer, convmixer, davit = stage.entries()
    assert mixer.field is not None
    assert convmixer.field is not None
    assert davit.field is None
    assert "No memory is left" in davit.message


def test_a_model_that_cannot_be_loaded_says_so_in_its_place(
    open_page: Open, stage: OnStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, known, told = staging.model, staging.is_known, []

    def failing(key: str) -> Any:
        if key == "davit_mini":
            raise ModelError("Its file is broken.")
        return real(key)

    monkeypatch.setattr(staging, "model", failing)
    monkeypatch.setattr(staging, "is_known", lambda key: key == "mixer_mini" and known(key))
    monkeypatch.setattr(staging, "waiting", lambda keys: told.append(list(keys)) or "…")
    at = open_page(**POINT)
    assert not at.exception
    assert told == [["mixer_mini", "convmixer_mini", "davit_mini"]]  # while they were on their way
    mixer, convmixer, davit = stage.entries()
    assert mixer.field is not None
    assert convmixer.field is not None
    assert davit.field is None
    assert "Its file is broken" in davit.message
    assert stage.rows[0].tiles[2].box is None


def test_weights_that_are_not_finite_say_so_in_their_place(
    open_page: Open, stage: OnStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = frame.weights

    def broken(key: str, group: str) -> Any:
        found = real(key, group)
        if key != "convmixer_mini":
            return found
        name = f"{group}.depthwise.kernel"
        values = found[name].values.copy()
        values[0, 0, 0] = np.nan
        return {**found, name: dataclasses.replace(found[name], values=values)}

    monkeypatch.setattr(frame, "weights", broken)
    monkeypatch.setattr(frame, "remember", lambda _key, make, busy="": make())
    open_page(**POINT)
    mixer, convmixer, davit = stage.entries()
    assert mixer.field is not None
    assert davit.field is not None
    assert convmixer.field is None
    assert "not finite" in convmixer.message


def test_a_picture_of_one_by_four_thousand_has_its_maps(
    open_page: Open, ask: Ask, stage: OnStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = np.repeat(np.arange(4000, dtype=np.uint8)[:, None, None], 3, axis=2)
    thin = dataclasses.replace(gallery.load("cat"), pixels=pixels, sha256="thin")
    monkeypatch.setattr(state, "_decoded", lambda _key: thin)
    ask(open_page(picture="cat"))
    (row,) = stage.rows
    assert row.size == (1, 4000)
    assert (row.region.width, row.region.height) == (1.0, 1.0)
    assert all(entry.field is not None for entry in stage.entries())
    assert decoding.decode(row.picture, name="stage").pixels.shape == (640, 640, 3)


# ---------------------------------------------------------------- heads, channels, two pictures


@pytest.mark.parametrize(
    ("key", "part", "number"),
    [("davit_mini", "head", 2), ("vit_mini", "head", 2), ("convmixer_mini", "channel", 5)],
)
def test_one_head_or_channel_is_the_librarys(
    open_page: Open, ask: Ask, stage: OnStage, key: str, part: str, number: int
) -> None:
    ask(open_page(models=[key], only=part, **{f"nth_{part}": str(number)}, **POINT))
    model = loading.load(key)
    site = at_depth(model, float(stage.options["block"]))
    arrays = arrays_on(model, site)
    assert same(stage.entries()[0], model, site, arrays=one_part(site, arrays, number - 1))
    assert not same(stage.entries()[0], model, site, arrays=one_part(site, arrays, number - 2))


def test_a_part_that_is_not_there_is_said(open_page: Open, ask: Ask, stage: OnStage) -> None:
    seen = ask(open_page(models=["mixer_mini", "vit_mini"], only="head", nth_head="1", **POINT))
    assert "No heads here" in seen.text
    alone = ask(open_page(models=["mixer_mini"], only="head", **POINT))
    assert any("none of the chosen models has heads" in words for words in alone.infos)


def test_mixer_at_zero_is_half_of_both_weights(open_page: Open, ask: Ask, stage: OnStage) -> None:
    ask(open_page(models=["mixer_mini"], zero="true", **POINT))
    model = loading.load("mixer_mini")
    site = at_depth(model, float(stage.options["block"]))
    assert same(stage.entries()[0], model, site, at_zero=True)
    assert not same(stage.entries()[0], model, site)


def test_a_second_picture_has_a_row_of_its_own_and_what_moved(
    open_page: Open, ask: Ask, stage: OnStage
) -> None:
    seen = ask(open_page(second="coffee", **POINT))
    assert len(stage.rows) == 2
    entries = stage.entries()
    first, second = entries[:3], entries[3:]
    models = [loading.load(tile) for tile in ("mixer_mini", "convmixer_mini", "davit_mini")]
    depth = float(stage.options["block"])
    moved = []
    for model, one, two in zip(models, first, second, strict=True):
        site = at_depth(model, depth)
        assert same(one, model, site)
        assert same(two, model, site, arrays=arrays_on(model, site, "coffee"))
        row, column = cell_of(model, site.rows, site.columns)
        shares = [
            reading_at(site, arrays_on(model, site, name), row=row, column=column).share
            for name in ("cat", "coffee")
        ]
        moved.append(share_moved(*shares))
        assert f"<td>{moved[-1]:.1f} %</td>" in seen.text
    assert moved[1] == 0.0 < moved[0] < moved[2]


# ---------------------------------------------------------------- below the stage


def test_numbers_are_the_librarys_and_each_model_has_its_badge(open_page: Open, ask: Ask) -> None:
    at = open_page(**POINT)
    seen = ask(at)
    for kind in ("fixed", "gated", "computed"):
        assert f'class="badge badge-{kind}"' in seen.text
    for key in ("mixer_mini", "convmixer_mini", "davit_mini"):
        model = loading.load(key)
        site = at_depth(model, float(at.session_state["depth"]))
        row, column = cell_of(model, site.rows, site.columns)
        found = reading_at(site, arrays_on(model, site), row=row, column=column)
        cell_px = box_on(model).width / site.columns
        numbers = statistics(found.share, row=row, column=column, cell_px=cell_px)
        assert f"<td>{numbers.entropy_bits:.1f} bit</td>" in seen.text
        assert f"<td>{numbers.reach_px:.0f} px</td>" in seen.text


def test_a_place_outside_the_crop_is_said(open_page: Open, ask: Ask) -> None:
    said = "place lies outside this model"
    assert ask(open_page(**POINT)).text.count(said) == 0
    assert ask(open_page(picture="cat", x="0", y="500")).text.count(said) == 3


def test_the_raw_map_is_the_librarys(open_page: Open, ask: Ask) -> None:
    at = open_page(models=["davit_mini"], depth="0", **POINT)
    seen = ask(open_tab(at, "raw"))
    picture, model = gallery.load("cat"), loading.load("davit_mini")
    site = spatial(model)[0]
    cell = cell_of(model, site.rows, site.columns)
    found = reading_at(site, arrays_on(model, site), row=cell[0], column=cell[1])

    def drawn(place: tuple[int, int]) -> bytes:
        return overlay.plain_map(
            found.raw,
            picture_shape=(picture.height, picture.width),
            box=box_on(model),
            limits=colours.limits(found.raw, signed=found.raw_signed),
            signed=found.raw_signed,
            cell=place,
            side=SIDE,
        )

    assert seen.shows(drawn(cell))
    assert not seen.shows(drawn((cell[1], cell[0])))


def test_the_answer_is_the_models(open_page: Open, ask: Ask) -> None:
    at = open_page(models=["davit_mini"], **POINT)
    seen = ask(open_tab(at, "answer"))
    model = loading.load("davit_mini")
    cache = capture.run_with_cache(model, loading.prepare(model, gallery.load("cat")), "logits")
    name, share = cache.top(1)[0]
    assert name.split("'")[0] in seen.text
    assert f"{100 * share:.1f} %" in seen.text


def test_a_link_of_nonsense_opens_the_page(open_page: Open, ask: Ask, stage: OnStage) -> None:
    nonsense = {"only": "tail", "nth_head": "-3", "at": "7000", "second": "nobody", "entry_i": "x"}
    seen = ask(open_page(models=["davit_mini"], depth="finer", **nonsense, **POINT))
    assert not seen.errors
    assert stage.options["block"] == "100"  # the nearest to 7000
    assert "“7000”" in " ".join(seen.infos)


def test_only_the_open_tab_is_built(open_page: Open, ask: Ask) -> None:
    at = open_page(models=["davit_mini"], **POINT)
    assert not ask(at).pictures
    assert 'class="strip"' not in ask(at).text
    assert 'class="strip"' in ask(open_tab(at, "source")).text
    assert "softmax" in ask(open_tab(at, "maths")).text


def test_the_estimate_is_the_librarys_and_says_so(open_page: Open, ask: Ask, shown: Shown) -> None:
    at = open_page(models=["convmixer_mini"], depth="0", **POINT)
    seen = ask(open_tab(at, "depth"))
    assert "estimate, all blocks up to here" in seen.text
    model = loading.load("convmixer_mini")
    site = spatial(model)[0]
    row, column = cell_of(model, site.rows, site.columns)
    inputs = loading.prepare(model, gallery.load("cat"))
    field = attribution.receptive_field(model, inputs, site, row=row, column=column)
    share = field_reading(field, rows=16, columns=16).share
    picture = gallery.load("cat")
    wanted = overlay.share_overlay(
        picture.pixels,
        share,
        box=box_on(model),
        limits=colours.limits(share, signed=False),
        cell=cell_of(model, 16, 16),
        side=SIDE,
    )
    assert shown.pictures["share-convmixer_mini"] == wanted


def test_an_entry_of_channel_attention_follows_choice_and_place(
    open_page: Open, ask: Ask, shown: Shown
) -> None:
    at = open_page(models=["davit_mini"], depth="0", **POINT)
    ask(open_tab(at, "channels"))
    picture, model = gallery.load("cat"), loading.load("davit_mini")
    site = spatial(model)[0]
    arrays: Mapping[str, LabelledArray] = arrays_on(model, site)
    pattern = arrays[f"{site.group}.channel.pattern"]

    def drawn(group: int, i: int, j: int, cell: Any) -> bytes:
        places = score_map(arrays, site, group=group, out=i, read=j)
        return overlay.plain_map(
            places.values,
            picture_shape=(picture.height, picture.width),
            box=box_on(model),
            limits=colours.limits(places.values, signed=True),
            signed=True,
            cell=cell,
            side=SIDE,
        )

    strongest = strongest_entry(pattern, group=None, out=None, read=None)
    here = cell_of(model, site.rows, site.columns)
    assert shown.pictures["channel-davit_mini"] == drawn(*strongest, here)
    at.session_state["x"], at.session_state["y"] = 600, 300  # the marker moves with the place
    ask(at.run())
    there = cell_of(model, site.rows, site.columns, 600, 300)
    assert there != here
    assert shown.pictures["channel-davit_mini"] == drawn(*strongest, there)
    for name, number in (("group", 1), ("i", 2), ("j", 3)):
        at.number_input(key=f"entry_{name}").set_value(number)
    ask(at.run())
    assert shown.pictures["channel-davit_mini"] == drawn(0, 1, 2, there)


# ---------------------------------------------------------------- other models, links


PUBLISHED = (
    "mixer_b16_224.goog_in21k_ft_in1k",
    "davit_tiny.msft_in1k",
    pytest.param("convmixer_768_32.in1k", marks=pytest.mark.walk(2)),
)


@pytest.mark.parametrize("key", PUBLISHED)
def test_a_published_size_is_on_the_stage(
    open_page: Open, ask: Ask, bring: Bring, stage: OnStage, key: str
) -> None:
    bring(key)
    ask(open_page(models=[key, "mixer_mini"], **POINT))
    assert len(stage.entries()) == 2
    for shown in stage.entries():
        assert shown.field is not None
        assert shown.field.nbytes <= 310_000


def test_a_link_of_other_nonsense_opens_the_page(open_page: Open, ask: Ask, stage: OnStage) -> None:
    ask(open_page(depth="deep", only="tail", second="nobody", scale="log", x="-3", y="1e9"))
    assert all(shown.field is not None for shown in stage.entries())


def test_untrained_weights_have_maps_of_their_own(
    open_page: Open, ask: Ask, stage: OnStage
) -> None:
    ask(open_page(models=["mixer_mini"], untrained="true", **POINT))
    model = loading.load("mixer_mini", untrained=True)
    site = at_depth(model, float(stage.options["block"]))
    assert same(stage.entries()[0], model, site)
    trained = loading.load("mixer_mini")
    assert not same(stage.entries()[0], trained, at_depth(trained, 50))
    assert "untrained" in stage.rows[0].tiles[0].label
