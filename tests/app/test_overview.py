"""The home page: what the models are made of, and the way down to an operator's page."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.app.conftest import ROOT, SECONDS, Ask, Open
from views import frame
from views.frame import diagram as component
from views.frame import diagram_models as described_models
from views.frame import links, server
from views.frame.diagram import Gone
from views.frame.diagram_models import Shown
from views.overview import descent
from vislib import registry, texts
from vislib.analysis.fields import reading_field
from vislib.models import diagram, loading
from vislib.observe.capture import run_with_cache
from vislib.pictures import gallery
from vislib.schema import WeightsError

Home = Callable[..., AppTest]
MINIS = ("mixer_mini", "convmixer_mini", "davit_mini")
AWAY = "davit_tiny.msft_in1k"


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the page last handed to its figure."""
    seen: dict[str, Any] = {}
    real = component.draw

    def draw(picture: bytes, models: list[dict[str, Any]], kinds: Any, **options: Any) -> Any:
        seen.clear()
        seen.update(picture=picture, models=models, kinds=kinds, **options)
        return real(picture, models, kinds, **options)

    monkeypatch.setattr(component, "draw", draw)
    return seen


@pytest.fixture
def home(minis: tuple[str, ...], drawn: dict[str, Any]) -> Home:
    """Opens / with what stands in its address."""

    def opened(**address: str) -> AppTest:
        at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=SECONDS)
        for name, value in address.items():
            at.query_params[name] = value
        return at.run()

    return opened


def written(at: AppTest) -> dict[str, str]:
    memory: links.Memory = at.session_state["_address"]
    return memory.written


def test_home_draws_each_models_own_blocks_and_answer(
    home: Home, ask: Ask, drawn: dict[str, Any]
) -> None:
    at = home()
    assert not ask(at).errors
    assert written(at) == {}
    assert [model["key"] for model in drawn["models"]] == list(MINIS)
    picture = gallery.load("coffee")
    for shown in drawn["models"]:
        model = loading.load(shown["key"])
        assert shown["parameters"] == model.parameters
        assert shown["adds"] == loading.multiply_adds(model)
        names = [f"{site.stage + 1}.{site.block + 1}" for site in model.sites]
        assert [block["name"] for block in shown["blocks"]] == names
        cache = run_with_cache(model, loading.prepare(model, picture), "logits")
        names, shares = zip(*cache.top(5), strict=True)
        assert [one["name"] for one in shown["answers"]] == list(names)
        assert [one["share"] for one in shown["answers"]] == pytest.approx(shares)
        assert shown["verdict"].startswith("\N{CHECK MARK}")
    assert [len(model["stages"]) for model in drawn["models"]] == [1, 1, 3]
    assert drawn["models"][2]["stages"][1]["runs"] == [{"first": 3, "period": 1, "count": 2}]
    assert set(drawn["kinds"]) >= {"token_mixing", "depthwise", "channel_attention"}


def test_a_stage_has_the_grid_that_it_writes(home: Home, drawn: dict[str, Any]) -> None:
    """The last block of ResNet mini reads 8 x 8 cells and writes 4 x 4."""
    home(models="resnet_mini")
    (shown,) = drawn["models"]
    assert [(one["rows"], one["channels"]) for one in shown["stages"]] == [
        (32, 128),
        (16, 256),
        (8, 384),
        (4, 384),
    ]
    assert shown["blocks"][-1]["rows"] == 8


def test_two_ways_in_and_no_lecture_before_there_is_one(home: Home) -> None:
    at = home()
    keys = {button.key for button in at.button}
    assert {"way_explore", "way_compare"} <= keys
    assert ("way_lecture" in keys) == ("lecture" in frame.PAGES)
    at.button(key="way_explore").click().run()
    assert written(at) == {"into": "mixer_mini"}
    at.button(key="way_compare").click().run()
    assert at.session_state["_address"].page == "compare"


def test_a_model_that_is_not_here_is_drawn_and_marked(
    home: Home, ask: Ask, drawn: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "present", lambda: MINIS)
    at = home(models=f"mixer_mini,{AWAY}")
    assert not ask(at).errors
    here, away = drawn["models"]
    assert (here["here"], here["message"]) == (True, "")
    assert (away["key"], away["here"], away["answers"]) == (AWAY, False, [])
    assert "Not on this machine" in away["message"]
    assert away["parameters"] == diagram.of_row(AWAY).parameters
    assert len(away["stages"]) == 4
    assert len(away["blocks"]) == 6
    assert away["box"] is not None  # its crop is known without weights


def test_a_link_into_a_model_that_is_not_chosen_opens_it(
    home: Home, ask: Ask, drawn: dict[str, Any]
) -> None:
    at = home(into=f"{AWAY},3.2")
    assert not ask(at).errors
    assert not ask(at).infos
    assert written(at) == {"into": f"{AWAY},3.2"}
    assert drawn["models"][-1]["key"] == AWAY
    assert drawn["shown"].field is None
    assert "no map" in drawn["shown"].message


def test_a_model_that_fails_is_drawn_and_says_why(
    home: Home, ask: Ask, drawn: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = frame.capture

    def capture(key: str, group: str | None, **more: Any) -> Any:
        if registry.base_key(key) == "convmixer_mini":
            raise WeightsError("error.weights.not_finite", model=key, tensor="head.weight")
        return real(key, group, **more)

    monkeypatch.setattr(frame, "capture", capture)
    at = home(into="convmixer_mini,1.2")
    seen = ask(at)
    assert len(seen.errors) == 1
    assert "head.weight" in seen.errors[0]
    works, fails, other = drawn["models"]
    assert len(fails["blocks"]) == 14
    assert "head.weight" in fails["message"]
    assert fails["answers"] == []
    assert works["answers"]
    assert other["answers"]


def test_a_depth_of_ones_own_is_drawn(
    home: Home, drawn: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    mini = registry.spec("mixer_mini")
    own = dataclasses.replace(
        mini, key="mixer_own", title="Own", build={**mini.build, "num_blocks": 11}
    )
    monkeypatch.setitem(registry.MODEL_REGISTRY, "mixer_own", own)
    home(into="mixer_own")
    (shown,) = (model for model in drawn["models"] if model["key"] == "mixer_own")
    assert [run["count"] for run in shown["stages"][0]["runs"]] == [11]


def test_at_a_block_comes_what_its_places_read(home: Home, ask: Ask, drawn: dict[str, Any]) -> None:
    at = home(into="davit_mini,1.2", x="300", y="640")
    assert written(at) == {"into": "davit_mini,1.2", "x": "300", "y": "640"}
    assert drawn["point"] == (300, 640)
    model = loading.load("davit_mini")
    site = model.sites[1]
    cache = run_with_cache(model, loading.prepare(model, gallery.load("coffee")), site.group)
    wanted = reading_field(site, {**model.weights(site.group), **cache})
    np.testing.assert_array_equal(drawn["shown"].field.values, wanted.values)
    assert drawn["shown"].sub == "davit_mini,1.2"
    before = drawn["shown"].field
    other = home(into="davit_mini,1.3")
    assert not ask(other).errors
    assert not np.array_equal(drawn["shown"].field.values, before.values)


@pytest.mark.parametrize(
    ("asked_for", "found"),
    [
        ("davit_mini,9.9", "davit_mini"),
        ("davit_mini,<b>", "davit_mini"),
        ("no_such_model", ""),
        ("mixer_mini,1.3,1.4", "mixer_mini"),
    ],
)
def test_what_is_not_there_becomes_the_nearest_with_a_word(
    home: Home, ask: Ask, asked_for: str, found: str
) -> None:
    at = home(into=asked_for)
    seen = ask(at)
    assert not seen.errors
    assert written(at) == ({"into": found} if found else {})
    assert [info for info in seen.infos if "The link asks for" in info]


@pytest.mark.parametrize(
    ("key", "block", "kind", "page", "choices"),
    [
        ("mixer_mini", "1.3", "token_mixing", "token_mixing", {"mixer_block": "1.3"}),
        ("convmixer_mini", "1.14", "depthwise", "depthwise_kernels", {"kernel_block": "1.14"}),
        ("davit_mini", "2.1", "channel_attention", "dual_attention", {"block": "2.1"}),
        ("vit_mini", "1.5", "global_attention", "compare", {"depth": "100"}),
        ("resnet_mini", "1.1", "convolution", "compare", {"depth": "0"}),
    ],
)
def test_an_operator_opens_its_page_with_model_and_block(
    open_page: Open,
    monkeypatch: pytest.MonkeyPatch,
    key: str,
    block: str,
    kind: str,
    page: str,
    choices: dict[str, str],
) -> None:
    gone: list[tuple[str, dict[str, str]]] = []
    monkeypatch.setattr(frame, "go", lambda name, **more: gone.append((name, more)))
    model = Shown(key, key, diagram.of_row(key), None, True)
    descent.open_page([model], f"{key},{block}", kind)
    ((name, chosen),) = gone
    assert name == page
    assert chosen.items() >= choices.items()
    at = open_page(page, models=key, **{n: v for n, v in chosen.items() if n != "models"})
    assert not at.exception
    for choice, value in choices.items():
        assert at.session_state[choice] == value
    descent.open_page([model], f"{key},{block}", "channel_mixing")
    descent.open_page([model], key, kind)
    assert len(gone) == 1


@pytest.mark.parametrize(
    ("address", "page"),
    [
        ({"depth": "last", "picture": "cat"}, "compare"),
        ({"second": "rocket"}, "compare"),
        ({"depth": "any", "at": "30", "reads": "all up to it"}, "compare"),
        ({"picture": "cat", "models": "davit_mini"}, ""),
        ({"into": "mixer_mini"}, ""),
        ({"foo": "1"}, ""),
    ],
    ids=str,
)
def test_a_link_from_when_compare_was_home_opens_compare(
    home: Home, address: dict[str, str], page: str
) -> None:
    at = home(**address)
    assert not at.exception
    assert at.session_state["_address"].page == page
    if "picture" in address:
        assert at.session_state["picture"] == address["picture"]


@pytest.mark.parametrize(
    "value",
    [None, 3, [], {}, {"x": 1}, {"x": "1", "y": 2, "into": ""}, {"x": 1, "y": 2, "into": 5}],
    ids=str,
)
def test_the_browser_may_send_anything(value: Any) -> None:
    assert component._read(value) is None
    most = component._read({"x": -5, "y": 10**9, "into": "a" * 900, "open": ["b"]})
    assert most == Gone("a" * 200, (0, 1000), "")


def test_every_kind_of_mixing_has_a_name_and_a_formula() -> None:
    kinds = {*described_models.MIX_PLACES, "channel_attention", "channel_mixing"}
    for kind in kinds:
        for part in ("kind", "formula"):
            key = f"overview.{part}_{kind}"
            assert texts.text("en", key) != key
