"""The address: keys on every page, the same view from a link, and a word where it asks too much."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.app.conftest import Ask, Open, Seen
from tests.browser import addresses
from tests.browser.addresses import SHARED_VIEW as SHARED
from tests.browser.addresses import VIEWS
from views import frame
from views.frame import asked, hiding, links, state

ROOT = Path(__file__).resolve().parents[2]
TEXT = tomllib.loads((ROOT / "assets" / "text" / "en.toml").read_text(encoding="utf-8"))
OLD = tomllib.loads((ROOT / "assets" / "old_links.toml").read_text(encoding="utf-8"))


def address(at: AppTest) -> dict[str, str]:
    """What the app has made of the address."""
    memory: links.Memory = at.session_state["_address"]
    return memory.written


def shown(at: AppTest) -> tuple[object, ...]:
    """All that stands on the page."""
    seen, charts = Seen(at), [chart.proto.spec for chart in at.get("plotly_chart")]
    return seen.pictures, seen.text, seen.infos, charts


@pytest.mark.walk(3)
@pytest.mark.parametrize("page", frame.PAGES)
def test_a_link_opens_its_view_and_the_view_has_its_link(
    open_page: Open, ask: Ask, page: str
) -> None:
    link = {**SHARED, **VIEWS[page]}
    at = open_page(page, **link)
    seen = ask(at)
    assert address(at) == link
    first = shown(at)
    assert not [info for info in seen.infos if "The link" in info]
    at.run()
    assert address(at) == link
    assert shown(open_page(page, **address(at))) == first
    assert shown(open_page(page, **SHARED)) != first


@pytest.mark.walk(3)
@pytest.mark.parametrize("page", frame.PAGES)
def test_defaults_are_left_out(open_page: Open, page: str) -> None:
    assert address(open_page(page)) == {}


@pytest.mark.parametrize("page", ["compare", "what_if", "experiments"])
def test_another_language_opens_the_same_view(
    open_page: Open, ask: Ask, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    link = {**SHARED, **VIEWS[page]}
    english = open_page(page, **link)
    real = state._text
    monkeypatch.setattr(state, "_text", lambda _lang, key, **v: f"«{real('en', key, **v)}»")
    at = open_page(page, **link)
    assert len(ask(at).pictures) == len(ask(english).pictures)  # some have words in them
    assert address(at) == link
    for name in link:
        assert at.session_state[name] == english.session_state[name]


def test_a_choice_is_written_and_comes_back_with_its_page(open_page: Open) -> None:
    at = open_page(picture="rocket")
    at.session_state["depth"] = "100"
    at.run()
    assert address(at) == {"picture": "rocket", "depth": "100"}
    assert at.query_params == {"picture": "rocket", "depth": "100"}
    at.query_params.clear()  # as the navigation does
    at.switch_page("pages/papers.py").run()
    assert address(at) == {"picture": "rocket"}
    at.query_params.clear()
    at.switch_page("pages/compare.py").run()
    assert address(at) == {"picture": "rocket", "depth": "100"}


def test_a_step_back_is_the_whole_view(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    at = open_page()
    at.session_state["depth"] = "100"
    at.selectbox(key="picture").set_value("rocket").run()
    assert address(at) == {"depth": "100", "picture": "rocket"}
    monkeypatch.setattr(links, "is_step_in_history", lambda: True)
    at.query_params.clear()
    at.query_params["depth"] = "0"
    at.run()
    assert address(at) == {"depth": "0"}
    assert at.session_state["picture"] == state.DEFAULT_PICTURE


def test_what_the_browser_brought_is_newer_than_the_address(open_page: Open) -> None:
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=600)
    at.query_params["picture"] = "rocket"
    at.session_state["picture"] = "cat"
    at.run()
    assert address(at) == {"picture": "cat"}


OLD_LINKS = [
    ("compare", {"models": ["MLP-Mixer mini", "Mixer mini", "DaViT mini"], "untrained": "true"}),
    ("compare", {"picture": "Brick wall", "depth": "any", "at": "30", "reads": "all up to it"}),
    ("what_if", {"what_if": "Surgery", "cut_block": "Block 3", "cut": "The whole block off"}),
    ("papers", {"paper": "DaViT", "davit_group": "ImageNet-22k"}),
]


@pytest.mark.walk(3)
@pytest.mark.parametrize(("page", "link"), OLD_LINKS, ids=str)
def test_links_with_words_still_open(
    open_page: Open, ask: Ask, page: str, link: dict[str, str | list[str]]
) -> None:
    at = open_page(page, **link)
    assert not ask(at).errors
    held = address(at)
    assert all(name in held for name in link if name != "at"), held  # depth itself is in percent
    assert all(" " not in value for value in held.values()), held


@pytest.mark.parametrize("name", OLD)
def test_every_old_word_has_its_key(name: str) -> None:
    keys = list(OLD[name].values())
    for word, key in OLD[name].items():
        assert asked.key_of(name, word, keys, {}) == key
        assert asked.key_of(name, f"{word}!", keys, {}) is None


@pytest.mark.walk(3)
@pytest.mark.parametrize(
    "link", addresses.hostile(24, seed=18), ids=lambda one: f"{one.page}-{one.kind}"
)
def test_a_hostile_address_opens_the_page_with_a_word(
    open_page: Open, ask: Ask, link: addresses.Hostile
) -> None:
    page = link.page or "overview"
    at = open_page(page, **addresses.parsed(link.query))
    seen = ask(at)
    assert seen.title == TEXT[page]["title"]
    assert not seen.errors
    assert addresses.WORD.search("\n".join([*seen.infos, seen.text]))


def test_only_a_link_asks_for_what_is_not_there(open_page: Open, ask: Ask) -> None:
    word = "an option that this model or block does not have"
    link = {"what_if": "surgery", "models": "mixer_mini,davit_mini", "cut_block": "1.7"}
    at = open_page("what_if", cut="unit.token_mixing", **link)
    assert word not in " ".join(ask(at).infos)
    at.session_state["cut_model"] = "davit_mini"  # it has no block 1.7, and no such unit
    at.run()
    assert word not in " ".join(ask(at).infos)
    assert address(at)["cut_model"] == "davit_mini"
    asks = open_page("what_if", cut_model="davit_mini", cut="unit.token_mixing", **link)
    assert " ".join(ask(asks).infos).count(word) == 2
    asks.session_state["cut_block"] = "2.1"
    asks.run()
    assert " ".join(ask(asks).infos).count(word) < 2


def test_a_choice_on_another_page_is_opened(open_page: Open) -> None:
    at = open_page("what_if", picture="rocket", shuffled="paper")
    at.button(key="to_experiments").click().run()
    assert Seen(at).title == TEXT["experiments"]["title"]
    assert address(at) == {"picture": "rocket"}  # the order is the default there
    assert at.session_state["experiment"] == "order"


def test_a_choice_made_after_a_step_back_is_newer_than_its_link(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = open_page("what_if")
    with monkeypatch.context() as patch:
        patch.setattr(links, "is_step_in_history", lambda: True)
        at.query_params["cut_block"] = "1.2"  # not drawn in this view
        at.run()
    at.session_state["cut"] = "block"  # as a button of the ranking does
    at.session_state["cut_block"] = "1.4"
    at.session_state["what_if"] = "surgery"
    at.run()
    assert address(at) == {"what_if": "surgery", "cut": "block", "cut_block": "1.4"}


@pytest.mark.parametrize(
    ("text", "value", "exact"),
    [
        ("7", 7, True),
        ("007", 7, True),
        ("0", 1, False),
        ("11", 10, False),
        ("3.7", 4, False),
        ("-inf", 1, False),
        ("1e400", 10, False),
        ("nan", 5, False),
        ("", 5, False),
        ("left", 5, False),
        ("9" * 5000, 10, False),
        ("٣", 3, False),
    ],
)
def test_a_number_of_an_address_is_finite_and_in_range(text: str, value: int, exact: bool) -> None:
    found = asked.whole_number([text], least=1, most=10, default=5)
    assert found == (value, exact)
    assert math.isfinite(found.value)


def test_what_an_address_says_is_quoted_as_text() -> None:
    assert asked.quoted(["a`b` **c**\n\n# d"]) == r"“a\`b\` \*\*c\*\*��\# d”"
    assert asked.quoted(["x" * 5000]) == f"“{'x' * 40}…”"
    assert asked.quoted([""]) == "“”"
    assert "\u202e" not in asked.quoted(["\u202egnp"])
    assert asked.quoted(["vit_mini"]) == "“ViT mini”"


# ------------------------------------------------------------ controls that a link hides


def hidden_by(seen: Seen) -> str:
    """The style that hides."""
    return "".join(line for line in seen.text.splitlines() if "display: none" in line)


@pytest.mark.walk(3)
@pytest.mark.parametrize("page", frame.PAGES)
def test_a_link_hides_controls_and_restores_the_view(open_page: Open, ask: Ask, page: str) -> None:
    link = {**SHARED, **VIEWS[page], "hide": "picture,choices"}
    at = open_page(page, **link)
    seen = ask(at)
    assert address(at) == link
    style = hidden_by(seen)
    assert ".st-key-picture_choice" in style
    assert "stHeader" not in style  # negative control: what the link does not name
    assert not [info for info in seen.infos if "hides" in info]


@pytest.mark.parametrize("asked_for", ["everything", "picture,<b>x</b>", "picture,picture,none"])
def test_what_cannot_be_hidden_gets_a_word(open_page: Open, ask: Ask, asked_for: str) -> None:
    at = open_page("papers", hide=asked_for)
    (said,) = [info for info in ask(at).infos if "hides" in info]
    for name in hiding.CONTROLS:
        assert name in said
    assert "<b>" not in said
    assert address(at) == ({"hide": "picture"} if "picture" in asked_for else {})


def test_nothing_hidden_needs_no_word(open_page: Open, ask: Ask) -> None:
    at = open_page("papers", hide="")
    assert ask(at).infos == []
    assert hidden_by(ask(at)) == ""
    assert address(at) == {}


def test_the_manual_names_all_that_can_be_hidden() -> None:
    manual = (ROOT / "docs" / "lecture.md").read_text(encoding="utf-8")
    for name in hiding.CONTROLS:
        assert f"| `{name}` |" in manual
