"""The page Compare: the maps it shows are the library's own."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from tests.app.conftest import Ask, Bring, Open, Shown
from views.compare import column
from vislib import attribution
from vislib.analysis.channel_groups import strongest_entry
from vislib.analysis.common_ground import Reading, statistics
from vislib.analysis.dual_attention import score_map
from vislib.analysis.reading_at import reading_at, spatial_operator
from vislib.analysis.reading_parts import one_part
from vislib.analysis.receptive import field_reading, share_moved
from vislib.figures import colours, overlay
from vislib.models import loading
from vislib.models.loading import LoadedModel
from vislib.observe import capture
from vislib.pictures import gallery, geometry
from vislib.schema import LabelledArray, MixingSite, ViewBox

POINT = {"picture": "cat", "x": "430", "y": "520"}

SIDE, SIDE_OF_FIVE = 400, 280  # pages/_compare_column.py: up to three columns, and five
FIVE = {  # one of each operator; see the fixture ``bring``
    "mixer_mini": "token_mixing",
    "convmixer_mini": "depthwise",
    "davit_mini": "window_attention",
    "vit_mini": "global_attention",
    "resnet_mini": "convolution",
}


def expected(
    key: str, place: int, point: tuple[int, int], side: int = SIDE
) -> tuple[bytes, bytes, str]:
    """The overlay, the raw map and the entropy of one model alone, from the library."""
    picture, model = gallery.load("cat"), loading.load(key)
    site = model.sites[place]
    box = geometry.view_box(
        picture.width, picture.height, size=model.config.size, crop=model.config.crop
    )
    cell = geometry.cell_at(
        box,
        picture=(picture.width, picture.height),
        x=point[0],
        y=point[1],
        rows=site.rows,
        columns=site.columns,
    )
    assert cell is not None
    cache = capture.run_with_cache(model, loading.prepare(model, picture), site.group)
    found = reading_at(site, {**model.weights(site.group), **cache}, row=cell[0], column=cell[1])
    limits = colours.limits(found.share, signed=False)
    over = overlay.share_overlay(
        picture.pixels, found.share, box=box, limits=limits, cell=cell, side=side
    )
    raw = overlay.plain_map(
        found.raw,
        picture_shape=(picture.height, picture.width),
        box=box,
        limits=colours.limits(found.raw, signed=found.raw_signed),
        signed=found.raw_signed,
        cell=cell,
        side=side,
    )
    numbers = statistics(found.share, row=cell[0], column=cell[1], cell_px=box.width / site.columns)
    return over, raw, f"{numbers.entropy_bits:.1f} bit"


@pytest.mark.parametrize("key", ["mixer_mini", "convmixer_mini", "davit_mini"])
def test_the_maps_are_the_librarys(open_page: Open, ask: Ask, key: str) -> None:
    seen = ask(open_page(models=[key], depth="first", **POINT))
    over, raw, entropy = expected(key, 0, (430, 520))
    assert seen.shows(over)
    assert seen.shows(raw)
    assert entropy in seen.text
    other, _, _ = expected(key, 0, (300, 300))
    assert not seen.shows(other)


@pytest.mark.parametrize("key", ["vit_mini", "resnet_mini"])
def test_attention_and_dense_kernels_are_the_librarys(
    open_page: Open, ask: Ask, bring: Bring, key: str
) -> None:
    bring(key)
    place = (len(loading.load(key).sites) - 1) // 2
    seen = ask(open_page(models=[key], depth="middle", **POINT))
    over, raw, entropy = expected(key, place, (430, 520))
    assert seen.shows(over)
    assert seen.shows(raw)
    assert entropy in seen.text
    assert not seen.shows(expected(key, place, (300, 300))[0])
    # What is read outside the picture has its own name in each family.
    assert ("goes to class token" in seen.text) == (key == "vit_mini")
    assert "goes to padding" not in seen.text


def test_five_families_stand_side_by_side(open_page: Open, ask: Ask, bring: Bring) -> None:
    bring(*FIVE)
    at = open_page(models=list(FIVE), depth="last", **POINT)
    seen = ask(at)
    assert not seen.errors
    for key, role in FIVE.items():
        model = loading.load(key)
        places = [i for i, site in enumerate(model.sites) if spatial_operator(site) == role]
        _, raw, entropy = expected(key, places[-1], (430, 520), side=SIDE_OF_FIVE)
        assert seen.shows(raw)
        assert entropy in seen.text
    # Of all five or of none: the rows below stay aligned.
    assert seen.text.count("goes to padding") + seen.text.count("goes to class token") == 5
    before = seen.pictures
    at.number_input(key="x").set_value(300).run()
    after = ask(at)
    assert len(after.pictures) == len(before)
    fixed = re.compile(r"[-\u2212]?\d[\d.,]*(e[-+\u2212]?\d+)?")
    assert fixed.sub("", after.text) == fixed.sub("", seen.text)


def test_depth_changes_the_maps(open_page: Open, ask: Ask) -> None:
    at = open_page(models=["mixer_mini"], depth="first", **POINT)
    first = ask(at)
    at.segmented_control(key="depth").set_value("last").run()
    last = ask(at)
    assert len(last.pictures) == len(first.pictures)
    assert last.shows(expected("mixer_mini", -1, (430, 520))[0])
    assert not first.shows(expected("mixer_mini", -1, (430, 520))[0])


def test_each_model_has_its_badge_and_its_answers(open_page: Open, ask: Ask) -> None:
    seen = ask(open_page(**POINT))
    for kind in ("fixed", "gated", "computed"):
        assert f'class="badge badge-{kind}"' in seen.text
    model = loading.load("davit_mini")
    cache = capture.run_with_cache(model, loading.prepare(model, gallery.load("cat")), "logits")
    name, share = cache.top(1)[0]
    assert name.split("'")[0] in seen.text
    assert f"{100 * share:.1f} %" in seen.text


def test_a_place_outside_the_crop_is_said(open_page: Open, ask: Ask) -> None:
    assert not any("outside" in words for words in ask(open_page(**POINT)).infos)
    words = ask(open_page(picture="cat", x="0", y="500")).infos
    assert sum("outside" in one for one in words) == 3


# ---------------------------------------------------------------- heads, channels, two pictures


def box_on(model: LoadedModel, name: str) -> ViewBox:
    """What a model sees of a gallery picture."""
    picture = gallery.load(name)
    config = model.config
    return geometry.view_box(picture.width, picture.height, size=config.size, crop=config.crop)


def cell_of(model: LoadedModel, rows: int, columns: int) -> tuple[int, int]:
    """The cell of POINT on a grid."""
    picture = gallery.load("cat")
    place = geometry.cell_at(
        box_on(model, "cat"),
        picture=(picture.width, picture.height),
        x=430,
        y=520,
        rows=rows,
        columns=columns,
    )
    assert place is not None
    return place


def middle(model: LoadedModel) -> MixingSite:
    """The block that the page begins with."""
    sites = [site for site in model.sites if spatial_operator(site)]
    return sites[(len(sites) - 1) // 2]


def arrays_on(model: LoadedModel, site: MixingSite, name: str) -> Mapping[str, LabelledArray]:
    """Weights and activations of a block on a gallery picture."""
    cache = capture.run_with_cache(model, loading.prepare(model, gallery.load(name)), site.group)
    return {**model.weights(site.group), **cache}


def raw_map(model: LoadedModel, reading: Reading, place: tuple[int, int]) -> bytes:
    """The raw map as the page must draw it for one model."""
    picture = gallery.load("cat")
    return overlay.plain_map(
        reading.raw,
        picture_shape=(picture.height, picture.width),
        box=box_on(model, "cat"),
        limits=colours.limits(reading.raw, signed=reading.raw_signed),
        signed=reading.raw_signed,
        cell=place,
        side=SIDE,
    )


@pytest.mark.parametrize(
    ("key", "part"),
    [("davit_mini", "head"), ("convmixer_mini", "channel"), ("mixer_mini", "channel")],
)
def test_one_head_or_channel_is_the_librarys(
    open_page: Open, ask: Ask, key: str, part: str
) -> None:
    at = open_page(models=[key], only=part, **{f"nth_{part}": "2"}, **POINT)
    seen = ask(at)
    model = loading.load(key)
    site = middle(model)
    place = cell_of(model, site.rows, site.columns)
    arrays = arrays_on(model, site, "cat")

    def drawn(index: int) -> bytes:
        single = one_part(site, arrays, index)
        return raw_map(model, reading_at(site, single, row=place[0], column=place[1]), place)

    assert seen.shows(drawn(1))
    assert not seen.shows(drawn(0))
    assert not seen.shows(expected(key, model.sites.index(site), (430, 520))[1])
    at.number_input(key=f"nth_{part}").set_value(1).run()
    assert ask(at).shows(drawn(0))


def test_a_part_that_is_not_there_is_said_and_the_nearest_shown(
    open_page: Open, ask: Ask, shown: Shown
) -> None:
    names = ["mixer_mini", "davit_mini"]
    at = open_page(models=names, only="head", nth_head="99", **POINT)
    seen = ask(at)
    heads = middle(loading.load("davit_mini")).heads
    assert f"There is no head 99: head {heads}, the last, is shown." in seen.text
    assert "No heads here: all channels together." in seen.text
    far = shown.pictures["raw-davit_mini"]
    at.number_input(key="nth_head").set_value(heads).run()
    assert "There is no head" not in ask(at).text
    assert shown.pictures["raw-davit_mini"] == far
    at.number_input(key="nth_head").set_value(1).run()
    assert shown.pictures["raw-davit_mini"] != far


def test_a_part_that_no_model_has_is_said_and_not_offered(open_page: Open, ask: Ask) -> None:
    offered = open_page(models=["mixer_mini"], **POINT).segmented_control(key="only").options
    assert offered == ["all", "one channel"]
    at = open_page(models=["mixer_mini"], only="head", **POINT)
    assert any("none of the chosen models has heads" in words for words in ask(at).infos)
    model = loading.load("mixer_mini")
    assert ask(at).shows(expected(model.spec.key, middle(model).block, (430, 520))[1])
    at.segmented_control(key="only").set_value("all").run()
    assert not ask(at).infos


def test_mixer_at_zero_is_half_of_both_weights(open_page: Open, ask: Ask) -> None:
    at = open_page(models=["mixer_mini"], **POINT)
    model = loading.load("mixer_mini")
    site = middle(model)
    place = cell_of(model, site.rows, site.columns)
    weights = model.weights(site.group)
    zero = reading_at(site, weights, row=place[0], column=place[1], at_zero=True)
    assert not ask(at).shows(raw_map(model, zero, place))
    at.toggle(key="zero").set_value(True).run()
    assert ask(at).shows(raw_map(model, zero, place))


def test_fixed_maps_do_not_move_and_computed_ones_do(open_page: Open, ask: Ask) -> None:
    names = ["convmixer_mini", "mixer_mini", "davit_mini"]
    at = open_page(models=names, second="coffee", **POINT)
    seen = ask(at)
    wanted: dict[str, float] = {}
    for key in names:
        model = loading.load(key)
        site = middle(model)
        row, column = cell_of(model, site.rows, site.columns)
        pair = [
            reading_at(site, arrays_on(model, site, name), row=row, column=column).share
            for name in ("cat", "coffee")
        ]
        wanted[key] = share_moved(*pair)
    assert wanted["convmixer_mini"] == 0.0
    assert wanted["mixer_mini"] > 0.1
    assert wanted["davit_mini"] > 1.0
    found = re.findall(r"<th>moved</th><td>([0-9.]+) %</td>", seen.text)
    assert found == [f"{wanted[key]:.1f}" for key in names]
    for words in ("cannot move", "decides which hidden units", "another picture, another map"):
        assert words in seen.text
    at.toggle(key="zero").set_value(True).run()
    moved = re.findall(r"<th>moved</th><td>([0-9.]+) %</td>", ask(at).text)
    assert moved == ["0.0", "0.0", f"{wanted['davit_mini']:.1f}"]
    at.selectbox(key="second").set_value("none").run()
    assert "<th>moved</th>" not in ask(at).text


def test_the_second_map_is_the_librarys(open_page: Open, shown: Shown) -> None:
    at = open_page(models=["davit_mini"], second="coffee", **POINT)
    assert not at.exception
    model, other = loading.load("davit_mini"), gallery.load("coffee")
    site = middle(model)
    place = cell_of(model, site.rows, site.columns)
    readings = [
        reading_at(site, arrays_on(model, site, name), row=place[0], column=place[1])
        for name in ("cat", "coffee")
    ]
    limits = colours.limits(*(one.share for one in readings), signed=False)
    here, there = (
        overlay.share_overlay(
            other.pixels,
            one.share,
            box=box_on(model, "coffee"),
            limits=limits,
            cell=place,
            side=200,
        )
        for one in readings
    )
    assert shown.pictures["second-davit_mini"] == there
    assert shown.pictures["second-davit_mini"] != here


# ---------------------------------------------------------------- depth, and channel attention


def test_any_block_can_be_reached(open_page: Open, ask: Ask) -> None:
    at = open_page(models=["convmixer_mini"], depth="finer", at="0", **POINT)
    count = len(loading.load("convmixer_mini").sites)
    told = set()
    for percent in range(0, 101, 5):
        at.slider(key="at").set_value(percent).run()
        told |= set(re.findall(r"Block (\d+) ", ask(at).text))
    assert told == {str(number + 1) for number in range(count)}


def test_the_estimate_is_the_librarys_and_says_so(open_page: Open, ask: Ask, shown: Shown) -> None:
    at = open_page(models=["davit_mini"], reads="depth", **POINT)
    seen = ask(at)
    model = loading.load("davit_mini")
    site = middle(model)
    token, place = cell_of(model, site.rows, site.columns), cell_of(model, 16, 16)

    def drawn(row: int, column: int) -> bytes:
        inputs = loading.prepare(model, gallery.load("cat"))
        field = attribution.receptive_field(model, inputs, site, row=row, column=column)
        return raw_map(model, field_reading(field, rows=16, columns=16), place)

    assert seen.shows(drawn(*token))
    assert not seen.shows(drawn(token[0] - 1, token[1]))
    assert "**Estimate: effective receptive field**" in seen.text
    assert 'class="strip">estimate' in seen.text
    assert 'class="badge badge-' not in seen.text
    assert "channel-davit_mini" not in shown.pictures
    before = shown.pictures["raw-davit_mini"]
    at.segmented_control(key="reads").set_value("block").run()
    assert shown.pictures["raw-davit_mini"] != before
    assert "Estimate:" not in ask(at).text


def test_an_entry_of_channel_attention(open_page: Open, ask: Ask, shown: Shown) -> None:
    at = open_page(models=["davit_mini"], **POINT)
    model, picture = loading.load("davit_mini"), gallery.load("cat")
    site = middle(model)
    arrays = arrays_on(model, site, "cat")
    pattern = arrays[f"{site.group}.channel.pattern"]
    scores = arrays[f"{site.group}.channel.scores"].values

    def drawn(group: int, i: int, j: int) -> bytes:
        places = score_map(arrays, site, group=group, out=i, read=j).values
        assert places.sum() == pytest.approx(float(scores[group, i, j]), rel=1e-4, abs=1e-4)
        return overlay.plain_map(
            places,
            picture_shape=(picture.height, picture.width),
            box=box_on(model, "cat"),
            limits=colours.limits(places, signed=True),
            signed=True,
            cell=cell_of(model, site.rows, site.columns),
            side=SIDE,
        )

    best = strongest_entry(pattern)
    assert shown.pictures["channel-davit_mini"] == drawn(*best)
    assert f"{float(scores[best]):.3f}" in ask(at).text
    assert "values mix only at the same place" in ask(at).text
    at.number_input(key="entry_i").set_value(2).run()
    at.number_input(key="entry_j").set_value(3).run()
    at.number_input(key="entry_group").set_value(99).run()
    last = pattern.values.shape[0] - 1
    assert shown.pictures["channel-davit_mini"] == drawn(last, 1, 2)
    assert shown.pictures["channel-davit_mini"] != drawn(last, 2, 1)
    assert "There is no such entry; the nearest is shown." in ask(at).text


def test_published_sizes_answer_all_questions(open_page: Open, ask: Ask, bring: Bring) -> None:
    names = ["resmlp_24_224.fb_in1k", "deit_small_patch16_224.fb_in1k"]
    bring(*names)
    at = open_page(models=names, second="coffee", only="channel", **POINT)
    seen = ask(at)
    assert not seen.errors
    assert "One map for all channels." in seen.text
    assert "The channels of a head share its map" in seen.text
    moved = re.findall(r"<th>moved</th><td>([0-9.]+) %</td>", seen.text)
    assert moved[0] == "0.0"
    assert float(moved[1]) > 0.0


def test_a_link_of_nonsense_opens_the_page(open_page: Open, ask: Ask) -> None:
    nonsense = {"only": "tail", "nth_head": "-3", "at": "7000", "second": "nobody", "entry_i": "x"}
    seen = ask(open_page(models=["davit_mini"], depth="finer", **nonsense, **POINT))
    assert not seen.errors
    last = len(loading.load("davit_mini").sites) - 1
    assert seen.shows(expected("davit_mini", last, (430, 520))[1])  # 100 % is nearest to 7000


def test_untrained_weights_say_so_and_have_maps_of_their_own(
    open_page: Open, ask: Ask, shown: Shown
) -> None:
    pictures = {}
    for switch in ("true", "false"):
        at = open_page(models=["davit_mini"], reads="depth", untrained=switch, **POINT)
        seen = ask(at)
        assert not seen.errors
        assert ("(untrained)" in seen.text) == (switch == "true")
        pictures[switch] = next(png for key, png in shown.pictures.items() if "raw-" in key)
        shown.clear()
    assert pictures["true"] != pictures["false"]


@pytest.mark.parametrize("model", ["davit_mini", "vit_mini", "convmixer_mini", "mixer_mini"])
def test_the_words_name_the_reduction_that_is_drawn(
    open_page: Open, ask: Ask, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = {"davit_mini": "heads", "vit_mini": "heads"}.get(model, "channels")
    assert f"root mean square over {words}" in ask(open_page(models=[model])).text
    monkeypatch.setattr(column, "OF_SHARE", "mean")  # another name of the code's, other words
    assert f", mean over {words}" in ask(open_page(models=[model])).text


def test_a_convolution_s_sentence_names_all_that_is_left_out(open_page: Open, ask: Ask) -> None:
    for address in ({}, {"only": "channel"}):
        seen = ask(open_page(models=["convmixer_mini"], **address)).text
        assert "activation, BatchNorm and the residual are left out" in seen
