"""The page Inside: early answers, mixing distance and similar layers, against the library."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.app.conftest import Ask, Bring, OnStage, Open
from views import frame
from views.inside import answers
from vislib import registry, schema
from vislib.analysis.fields import reading_field
from vislib.analysis.mixing_distance import mixing_distance
from vislib.models import loading
from vislib.observe import capture, probing
from vislib.pictures import gallery
from vislib.tables import similarity


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The plotly figures that a page shows, by their keys."""
    shown: dict[str, Any] = {}
    real = frame.plot

    def plot(figure: Any, **options: Any) -> None:
        shown[options["key"]] = json.loads(figure.to_json())
        shown[options["key"], "raw"] = figure
        real(figure, **options)

    monkeypatch.setattr(frame, "plot", plot)
    return shown


def line(figures: dict[str, Any], key: str, name: str) -> tuple[np.ndarray, np.ndarray]:
    """A trace of a chart."""
    trace = next(t for t in figures[key, "raw"].data if t.name == name)
    return np.asarray(trace.x, dtype=float), np.asarray(trace.y, dtype=float)


def choose(at: AppTest, key: str, option: str) -> AppTest:
    """Press one of a group of buttons."""
    at.session_state[key] = option
    return at.run()


def early(key: str, picture: str) -> tuple[np.ndarray, loading.LoadedModel]:
    """Early answers as the library gives them: probabilities, axes (depth, class)."""
    model = loading.load(key)
    found = probing.answers_by_depth(
        model, loading.prepare(model, gallery.load(picture)), model.sites
    )
    rows = [*([] if found.start is None else [found.start]), *found.logits]
    return schema.softmax(np.stack(rows)), model


def test_early_answers_are_those_of_the_library(
    open_page: Open, ask: Ask, figures: dict[str, Any]
) -> None:
    at = open_page("inside", picture="coffee")
    page = ask(at)
    assert page.errors == []
    for key in ("mixer_mini", "convmixer_mini", "davit_mini"):
        table, model = early(key, "coffee")
        wide = [site for site in model.sites if site.channels == model.sites[-1].channels]
        rows = len(wide) + (key != "davit_mini")  # whose first tokens are not as wide
        x, y = line(figures, "early-answers", registry.spec(key).title)
        assert len(table) == len(x) == rows
        np.testing.assert_allclose(y, 100 * table[:, table[-1].argmax()], rtol=1e-4)
        assert x[-1] == 1.0
        step = -(-(rows - 1) // (answers.MOST_ROWS - 1)) or 1  # a long table is thinned
        for row in table[::-step]:
            assert model.labels[int(row.argmax())].split(",")[0] in page.text
    narrow = sum(site.channels != wide[0].channels for site in model.sites)
    assert f"{narrow} earlier blocks have other widths" in page.text
    assert "before the first block" in page.text
    first = line(figures, "early-answers", "Mixer mini")[1]
    choose(at, "picture", "rocket")
    assert np.abs(line(figures, "early-answers", "Mixer mini")[1] - first).max() > 0.1


@pytest.mark.parametrize("depth", ["0", "100"])
def test_the_stage_shows_what_a_depth_reads(
    open_page: Open, ask: Ask, stage: OnStage, figures: dict[str, Any], depth: str
) -> None:
    at = open_page("inside", picture="coffee", inside="distance", inside_depth=depth)
    assert ask(at).errors == []
    keys = ("mixer_mini", "convmixer_mini", "davit_mini")
    assert [tile.label for tile in stage.rows[0].tiles] == [registry.spec(k).title for k in keys]
    for key, shown in zip(keys, stage.entries(), strict=True):
        model = loading.load(key)
        first, last = model.sites[0], model.sites[-1]
        site, other = (first, last) if depth == "0" else (last, first)
        inputs = loading.prepare(model, gallery.load("coffee"))

        def field(site: schema.MixingSite, model: Any = model, inputs: Any = inputs) -> Any:
            run = capture.run_with_cache(model, inputs, site.group)
            return reading_field(site, {**model.weights(site.group), **run})

        assert shown.field is not None
        np.testing.assert_array_equal(shown.field.values, field(site).values)
        assert not np.array_equal(shown.field.values, field(other).values)
    marked = figures["mixing-distance", "raw"].layout.shapes
    assert [shape.x0 for shape in marked if shape.x0 == shape.x1] == [float(depth) / 100]


def test_a_scale_that_is_chosen_on_the_stage_stays(
    open_page: Open, ask: Ask, stage: OnStage
) -> None:
    at = open_page("inside", inside="distance", scale="own")
    assert ask(at).errors == []
    assert stage.options["scale"] == "own"


def test_mixing_distance_is_that_of_the_library(
    open_page: Open, ask: Ask, figures: dict[str, Any]
) -> None:
    at = open_page("inside", picture="coffee", inside="distance")
    page = ask(at)
    assert page.errors == []
    picture = gallery.load("coffee")
    for key in ("mixer_mini", "convmixer_mini", "davit_mini"):
        model = loading.load(key)
        inputs, wanted = loading.prepare(model, picture), []
        for site in model.sites:
            run = capture.run_with_cache(model, inputs, site.group)
            reach = mixing_distance(site, {**model.weights(site.group), **run})
            wanted.append(reach * inputs.view_box.width / site.columns)
        x, y = line(figures, "mixing-distance", registry.spec(key).title)
        np.testing.assert_allclose(y, wanted, rtol=1e-6)
        assert (x[0], x[-1]) == (0.0, 1.0)
    assert "channel attention" in page.text
    numbers = ask(choose(at, "mixing", "numbers"))
    for badge in ("fixed map", "gated by the picture", "computed from the picture"):
        assert badge in numbers.text
    choose(at, "mixing", "distance")
    before = {n: line(figures, "mixing-distance", n)[1] for n in ("Mixer mini", "ConvMixer mini")}
    choose(at, "picture", "rocket")
    model = loading.load("mixer_mini")  # the minis see the same part of a picture
    boxes = [loading.prepare(model, gallery.load(n)).view_box for n in ("coffee", "rocket")]
    sides = [box.width for box in boxes]
    scaled = {n: y * sides[1] / sides[0] for n, y in before.items()}
    after = {n: line(figures, "mixing-distance", n)[1] for n in before}
    np.testing.assert_allclose(after["ConvMixer mini"], scaled["ConvMixer mini"], rtol=1e-6)
    assert np.abs(after["Mixer mini"] - scaled["Mixer mini"]).max() > 1e-3  # gated by the picture


def test_similar_layers_come_from_the_stored_table(
    open_page: Open, ask: Ask, figures: dict[str, Any]
) -> None:
    stored = similarity.read()
    assert stored is not None
    if not stored.fits("mixer_mini") or not stored.fits("davit_mini"):
        pytest.skip("the stored table is of other weights")
    at = open_page("inside", inside="similarity", layers="mixer_mini", layers_of="davit_mini")
    page = ask(at)
    shown = np.asarray(figures["similarity", "raw"].data[0].z)
    np.testing.assert_allclose(shown, stored.pair("mixer_mini", "davit_mini").clip(0, 1))
    assert "Computed beforehand on 128 pictures" in page.text
    choose(at, "layers_of", "mixer_mini")
    within = np.asarray(figures["similarity", "raw"].data[0].z)
    np.testing.assert_allclose(np.diag(within), 1.0, atol=1e-5)
    assert "Mixer mini, Block" in ask(at).text


def test_untrained_layers_are_computed_here(
    open_page: Open, ask: Ask, figures: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = similarity.samples
    monkeypatch.setattr(similarity, "samples", lambda: real(views=1))
    at = open_page("inside", inside="similarity", untrained="true")
    at.session_state["untrained"] = True
    at.run()
    for button in at.button:
        if button.key == "similarity_now":  # on a slow machine it asks first
            button.click().run()
            break
    page = ask(at)
    assert "Computed here" in page.text
    table = np.asarray(figures["similarity", "raw"].data[0].z)
    depths = [len(loading.load(key).sites) for key in ("mixer_mini", "convmixer_mini")]
    assert table.shape == (depths[0] + 1, depths[1] + 1)  # the stem besides
    stored = similarity.read()
    assert stored is not None
    assert np.abs(table - stored.pair("mixer_mini", "convmixer_mini")).max() > 0.05


def test_a_link_to_a_model_that_is_not_compared_says_so(open_page: Open, ask: Ask) -> None:
    at = open_page("inside", inside="similarity", layers="vit_mini")
    page = ask(at)
    assert any("ViT mini" in info for info in page.infos)
    assert page.errors == []


def test_published_models(open_page: Open, ask: Ask, bring: Bring, figures: dict[str, Any]) -> None:
    bring("deit_small_patch16_224.fb_in1k", "resnet50.tv_in1k")
    at = open_page("inside", models=["deit_small_patch16_224.fb_in1k", "resnet50.tv_in1k"])
    assert ask(at).errors == []
    assert len(line(figures, "early-answers", "DeiT-S/16")[0]) == 13
    assert len(line(figures, "early-answers", "ResNet-50")[0]) == 3
    choose(at, "inside", "distance")
    assert ask(at).errors == []
    assert len(line(figures, "mixing-distance", "DeiT-S/16")[0]) == 12
    choose(at, "inside", "similarity")
    assert any("128 pictures have to be run first" in info for info in ask(at).infos)
