"""The page Compare: the maps it shows are the library's own."""

from __future__ import annotations

import re

import pytest

from tests.app.conftest import Ask, Bring, Open
from vislib import capture, gallery, images, models
from vislib.analysis.common_ground import statistics
from vislib.analysis.reading_at import reading_at, spatial_operator
from vislib.figures import colours, overlay

POINT = {"picture": "cat", "x": "430", "y": "520"}

SIDE = 400  # pages/compare.py, up to three columns
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
    picture, model = gallery.load("cat"), models.load(key)
    site = model.sites[place]
    box = images.view_box(
        picture.width, picture.height, size=model.config.size, crop=model.config.crop
    )
    cell = images.cell_at(
        box,
        picture=(picture.width, picture.height),
        x=point[0],
        y=point[1],
        rows=site.rows,
        columns=site.columns,
    )
    assert cell is not None
    cache = capture.run_with_cache(model, models.prepare(model, picture), site.group)
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
    place = {"vit_mini": 1, "resnet_mini": 3}[key]
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
        model = models.load(key)
        places = [i for i, site in enumerate(model.sites) if spatial_operator(site) == role]
        _, raw, entropy = expected(key, places[-1], (430, 520), side=300)
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
        assert f"badge-{kind}" in seen.text
    model = models.load("davit_mini")
    cache = capture.run_with_cache(model, models.prepare(model, gallery.load("cat")), "logits")
    name, share = cache.top(1)[0]
    assert name.split("'")[0] in seen.text
    assert f"{100 * share:.1f} %" in seen.text


def test_a_place_outside_the_crop_is_said(open_page: Open, ask: Ask) -> None:
    assert not any("outside" in words for words in ask(open_page(**POINT)).infos)
    words = ask(open_page(picture="cat", x="0", y="500")).infos
    assert sum("outside" in one for one in words) == 3
