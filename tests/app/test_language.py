"""The visitor's language: by the browser, by the switch, by a link; and it stays."""

from __future__ import annotations

import contextvars
import importlib
import inspect
import re

import pytest
from streamlit.testing.v1 import AppTest

from tests.app.audit import audited
from tests.app.conftest import ROOT, SECONDS, Ask, Open, Seen
from views import frame
from views.frame import links, state
from views.frame.following import follows_place
from vislib import texts
from vislib.lecture import reading

spoken = importlib.import_module("views.frame.language")  # the package has a function of the name
SENTENCE = re.compile(r"(?:\b[a-z]{2,}[ ,]+){4,}")
"""Five small words of Latin letters in a row: a sentence that is not in Korean."""


NO_WORDS = re.compile(
    r"<style>.*?</style>|<div class=.strip.>.*?</div>|`[^`]*`|<[^>]*>|\$[^$]*\$", re.DOTALL
)
"""Not read: mathematics, and under a figure the tensor's own name and its formula."""


def opened(locale: str | None, page: str = "", **address: str) -> AppTest:
    """The app as a browser of a language opens it."""
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=SECONDS)
    if locale:
        at.context = {"locale": locale}
    for name, value in address.items():
        at.query_params[name] = value
    at.run()
    if page:
        at.switch_page(f"pages/{page}.py").run()
    return at


def title(at: AppTest) -> str:
    return Seen(at).title


def address(at: AppTest) -> dict[str, str]:
    memory: links.Memory = at.session_state["_address"]
    return memory.written


def titles(language: str, page: str = frame.PAGES[0]) -> str:
    if page == "lecture":  # its title is that of its first step
        return reading.read(reading.FOLDER / "seminar").steps[0].title[language]
    return texts.text(language, f"{page}.title")


@pytest.mark.usefixtures("minis")
@pytest.mark.parametrize(
    ("locale", "link", "language", "written"),
    [
        (None, {}, "en", {}),
        ("ko-KR", {}, "ko", {}),
        ("fr-FR", {}, "en", {}),
        ("en-GB", {"lang": "ko"}, "ko", {"lang": "ko"}),
        ("ko-KR", {"lang": "en"}, "en", {"lang": "en"}),
        ("ko-KR", {"lang": "ko"}, "ko", {}),
        ("ko-KR", {"lang": "xx"}, "ko", {}),
    ],
)
def test_the_language_is_the_links_else_the_browsers(
    locale: str | None, link: dict[str, str], language: str, written: dict[str, str]
) -> None:
    at = opened(locale, **link)
    assert title(at) == titles(language)
    assert address(at) == written
    at.run()
    assert title(at) == titles(language)


@pytest.mark.usefixtures("minis")
def test_the_switch_changes_all_words_and_stays_from_page_to_page() -> None:
    at = opened(None)
    at.session_state["lang"] = "ko"
    at.run()
    assert title(at) == titles("ko")
    assert address(at) == {"lang": "ko"}
    at.switch_page("pages/token_mixing.py").run()
    assert title(at) == titles("ko", "token_mixing")
    assert address(at)["lang"] == "ko"
    again = opened(None, **{name: value for name, value in address(at).items()})  # F5
    assert title(again) == titles("ko")
    at.session_state["lang"] = "en"
    at.run()
    assert title(at) == titles("en", "token_mixing")


@pytest.mark.walk(4)
@pytest.mark.usefixtures("minis")
@pytest.mark.parametrize("page", frame.PAGES)
def test_a_page_in_korean_has_no_sentence_of_english(page: str, ask: Ask) -> None:
    at = opened("ko-KR", "" if page == frame.PAGES[0] else page)
    seen = ask(at)
    words = "\n".join([seen.text, *seen.infos])
    shown = NO_WORDS.sub("\n", words)
    assert [found for found in SENTENCE.findall(shown)] == []
    assert title(at) == titles("ko", page)


@pytest.mark.usefixtures("minis")
def test_a_result_that_keeps_a_language_is_found(open_page: Open) -> None:
    def legend(language: str, *, faulty: bool) -> str:
        word = texts.text(language, "unit.weight")
        return frame.remember(("planted", faulty or word), lambda: word)

    for faulty in (True, False):
        with audited() as findings:
            for language in ("en", "ko", "en"):
                legend(language, faulty=faulty)
        assert bool(findings.stale) == faulty


def test_errors_and_notes_are_said_in_the_visitors_language(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from vislib.schema import ImageError

    error = ImageError("error.picture.empty_file", name="a.png")
    monkeypatch.setattr(state.st, "session_state", {"lang": "ko"})
    assert state.said(error) == "a.png: 빈 파일(0 byte)입니다. 다른 파일을 고르십시오."
    assert state.t("nav.papers") == "논문"
    assert str(error) == "a.png is empty (0 bytes). Choose another file."


def test_a_part_of_the_page_asks_for_the_language_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(spoken, "of_browser", lambda: asked.append("") or "ko")

    def begun_anew() -> None:  # as a run of the parts alone begins, on a thread of its own
        spoken._spoken.set("")
        part = inspect.unwrap(follows_place)  # what the part itself does: there is no page here
        part(lambda: said.extend(spoken.language() for _ in range(5)))

    said: list[str] = []
    contextvars.copy_context().run(begun_anew)
    assert said == ["ko"] * 5
    assert len(asked) == 1
