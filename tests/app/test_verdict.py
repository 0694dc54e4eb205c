"""Right, wrong or not to be judged: what stands beside an answer, on each page with one."""

from __future__ import annotations

import re

import pytest

from tests.app.conftest import Ask, Bring, Open, Seen
from views.frame.state import DEFAULT_PICTURE
from vislib.models import loading
from vislib.observe import capture
from vislib.pictures import gallery

KEYS = ("mixer_mini", "convmixer_mini", "davit_mini")


def beside(seen: Seen) -> list[str]:
    """The verdicts of a page, in order."""
    return re.findall(r'<div class="judged">([^<]+)</div>', seen.text)


def said(key: str, name: str) -> str:
    """What has to stand beside a model's answer to a picture of a class that it knows, by name."""
    model, row = loading.load(key), gallery.GALLERY[name]
    inputs = loading.prepare(model, gallery.load(name))
    best = capture.run_with_cache(model, inputs, "logits").top(1)[0][0]
    return (
        f"✓ Right: {row.shows}" if best == row.shows else f"✗ Wrong: the picture shows {row.shows}"
    )


def test_compare_says_it_of_each_model(open_page: Open, ask: Ask) -> None:
    assert next(iter(gallery.GALLERY)) == DEFAULT_PICTURE
    first = beside(ask(open_page(reads="answer")))
    assert first == ["✓ Right: espresso"] * 3
    at = open_page(picture="bison", reads="answer")
    found = beside(ask(at))
    assert found == [said(key, "bison") for key in KEYS]
    assert len(set(found)) == 2  # the models part over it
    assert str(gallery.GALLERY["bison"].why) in ask(at).text
    at.selectbox(key="picture").set_value("galaxies").run()
    assert beside(ask(at)) == ["The picture shows none of these 100 classes."] * 3


def test_a_visitors_own_picture_is_not_judged(
    open_page: Open, ask: Ask, picture_png: bytes
) -> None:
    at = open_page(models=["mixer_mini"], reads="answer")
    assert len(beside(ask(at))) == 1
    at.file_uploader(key="upload").set_value(("mine.png", picture_png, "image/png")).run()
    assert beside(ask(at)) == []


@pytest.mark.parametrize(
    ("page", "address", "times"),
    [
        ("what_if", {"what_if": "shuffle"}, 2),
        ("inside", {}, 1),
        ("estimates", {}, 1),
    ],
)
def test_other_pages_say_it_beside_their_answer(
    open_page: Open, ask: Ask, page: str, address: dict[str, str], times: int
) -> None:
    seen = ask(open_page(page, picture="citrus", models=["mixer_mini"], **address))
    assert len(beside(seen)) == times
    assert beside(seen)[0] == said("mixer_mini", "citrus") == "✗ Wrong: the picture shows orange"


def test_models_with_other_classes_are_judged_by_theirs(
    open_page: Open, ask: Ask, bring: Bring
) -> None:
    bring("deit_small_patch16_224.fb_in1k")
    at = open_page(
        models=["deit_small_patch16_224.fb_in1k"], reads="answer"
    )  # seeded random weights
    assert beside(ask(at))[0].partition(": ")[2] in ("espresso", "the picture shows espresso")
    at.selectbox(key="picture").set_value("camera").run()
    assert beside(ask(at)) == ["Neither right nor wrong: no class is named for this picture."]
