"""The page What it costs: the curves are the library's counts, the identities hold on the page."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.app.conftest import Ask, Bring, Open, Shown
from views.costs import curves, ends
from views.frame import state
from views.frame.numbers import number
from vislib import registry
from vislib.analysis import costs
from vislib.figures import colours, tiles
from vislib.models import loading
from vislib.observe import capture, identities
from vislib.pictures import gallery
from vislib.tables import counting

PAGE = "costs"
MINIS = ["mixer_mini", "convmixer_mini", "davit_mini", "vit_mini"]
KINDS = {kind: curves.words(f"kind_{kind}") for kind in ("depthwise", "token_mixing")}


def lines(at: AppTest) -> dict[str, tuple[list[float], list[float]]]:
    """Name -> x and y of the page's chart."""
    (chart,) = at.get("plotly_chart")
    traces = json.loads(chart.proto.spec)["data"]
    return {t["name"]: (decode(t["x"]), decode(t["y"])) for t in traces}


def decode(values: object) -> list[float]:
    """Plotly sends arrays as lists, or as base64."""
    if isinstance(values, dict):
        import base64

        import numpy as np

        return np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"]).tolist()
    assert isinstance(values, list)
    return values


def test_curves_are_the_library_s(open_page: Open, ask: Ask) -> None:
    at = open_page(PAGE, models=MINIS)
    found = lines(at)
    plan = counting.plan_of("convmixer_mini")
    x, y = found[f"ConvMixer mini: {KINDS['depthwise']}"]
    assert x == [64, *range(112, 449, 16)]
    wanted = [costs.multiply_adds_at(plan, int(size))["depthwise"] / 1e9 for size in x]
    assert y == pytest.approx(wanted, rel=1e-12)
    assert found[f"Mixer mini: {KINDS['token_mixing']}"][0] == [64]
    assert not any("channel mixing" in name for name in found)
    blocks = sum(costs.multiply_adds_at(plan, 64).values())
    assert f"{blocks / 1e9:.3g}" in ask(at).text


def test_each_choice_draws_another_chart(open_page: Open) -> None:
    at = open_page(PAGE, models=MINIS)
    first = lines(at)
    at.button_group(key="cost_which").set_value("all").run()
    assert not at.exception
    assert any("channel mixing" in name for name in lines(at))
    at.button_group(key="cost_shown").set_value("token").run()
    _, token = lines(at)[f"ConvMixer mini: {KINDS['depthwise']}"]
    assert token == pytest.approx([token[0]] * len(token))  # a kernel costs each token the same
    at.button_group(key="cost_shown").set_value("tokens").run()
    assert not at.exception
    sides, tokens = lines(at)["ViT mini"]
    patch = registry.spec("vit_mini").build["patch_size"]
    assert tokens[sides.index(448)] == (448 // patch) ** 2 + 1
    assert lines(at) != first


def test_published_models_are_counted_without_weights(open_page: Open, bring: Bring) -> None:
    bring("swin_tiny_patch4_window7_224.ms_in1k", "mixer_b16_224.goog_in21k")
    keys = ["swin_tiny_patch4_window7_224.ms_in1k", "mixer_b16_224.goog_in21k"]
    at = open_page(PAGE, models=keys)
    assert not at.exception
    assert {name.partition(":")[0] for name in lines(at)} == {"Swin-T", "Mixer-B/16 (21k)"}


@pytest.mark.parametrize("key", ["mixer_mini", "convmixer_mini"])
def test_identities_hold_on_the_page(key: str, open_page: Open, ask: Ask, shown: Shown) -> None:
    at = open_page(PAGE, cost_view="identities", mixer=key, identity_block="1.2", out_channel="3")
    seen = ask(at)
    assert not seen.errors
    model = loading.load(key)
    site = model.sites[1]
    picture = gallery.load(state.DEFAULT_PICTURE)
    arrays = capture.run_with_cache(model, loading.prepare(model, picture), site.group)
    found = identities.channel_mixing(arrays, model.weights(site.group), site)
    assert number(found.largest) in seen.text
    pair = [found.model[2], found.rebuilt[2]]
    limits = colours.limits(*pair, signed=True)
    png = tiles.tile_sheet(pair, signed=True, limits=limits, columns=2, width_px=620, gap=12).png
    assert seen.shows(png)
    assert ("pixel-token_mixing.hidden" in shown.pictures) == (key == "mixer_mini")
    before = dict(shown.pictures)
    at.number_input(key="out_channel").set_value(5).run()
    assert shown.pictures["pixel-channel_mixing.out"] != before["pixel-channel_mixing.out"]


def test_a_resmlp_s_layer_writes_tokens(open_page: Open, ask: Ask, bring: Bring) -> None:
    bring("resmlp_24_224.fb_in1k")
    at = open_page(PAGE, cost_view="identities", mixer="resmlp_24_224.fb_in1k", filter="7")
    seen = ask(at)
    assert not seen.errors
    assert "each filter writes one token" in seen.text
    assert "196 × 1 × 14 × 14" in seen.text


def test_a_link_that_asks_for_nothing_known_says_so(open_page: Open, ask: Ask) -> None:
    assert not ask(open_page(PAGE, cost_view="curves")).infos
    (info,) = ask(open_page(PAGE, cost_view="stairs")).infos
    assert "Growth" in info


def test_curves_on_each_other_are_told_apart(open_page: Open, ask: Ask) -> None:
    at = open_page(PAGE, models=MINIS, cost_shown="tokens")
    seen = ask(at)
    assert "Same curve:** ConvMixer mini = DaViT mini." in seen.text
    (chart,) = at.get("plotly_chart")
    widths = {t["name"]: t["line"]["width"] for t in json.loads(chart.proto.spec)["data"]}
    assert widths["ConvMixer mini"] > 2 * widths["DaViT mini"]
    assert widths["ViT mini"] == widths["DaViT mini"]  # one token more: a curve of its own
    assert "Same curve" not in ask(open_page(PAGE, models=MINIS)).text


def test_each_curve_has_a_number_of_its_own_place(open_page: Open, ask: Ask) -> None:
    at = open_page(PAGE, models=MINIS)
    (chart,) = at.get("plotly_chart")
    layout = json.loads(chart.proto.spec)["layout"]
    numbers = [note["text"] for note in layout["annotations"]]
    assert numbers == [f"<b>{n}</b>" for n in range(1, len(lines(at)) + 1)]
    listed = re.findall(r"<b style[^>]*>(\d+)</b> ([^<]+): <b>", ask(at).text)
    assert listed == [(str(n), name) for n, name in enumerate(lines(at), 1)]


def test_numbers_do_not_lie_on_each_other() -> None:
    found = ends.apart({"low": 300.0, "a": 100.0, "b": 101.0, "c": 102.0})
    places = sorted(found.values())
    assert min(np.diff(places)) >= ends.NUMBER_PX
    assert sorted(found, key=lambda name: found[name]) == ["a", "b", "c", "low"]
    assert ends.apart({"one": 50.0}) == {"one": 50.0}


def test_the_lone_point_is_explained_beside_it(open_page: Open, ask: Ask) -> None:
    assert "One point alone" in ask(open_page(PAGE, models=["mixer_mini"])).text
    assert "One point alone" not in ask(open_page(PAGE, models=["convmixer_mini"])).text
