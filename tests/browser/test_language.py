"""Korean in a real browser: chosen by its language, by the switch and by a link; whole letters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser.conftest import VIEWPORTS, Server, settle_page
from vislib import texts

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

Settle = Callable[..., None]
SWITCH = ".st-key-language_choice"
SIDEWAYS = "document.querySelector('[data-testid=\"stMain\"]').scrollWidth - innerWidth"


COVERED = f"""() => {{
    const bar = document.querySelector('[data-testid="stHeader"]').getBoundingClientRect();
    const choice = document.querySelector('{SWITCH}').getBoundingClientRect();
    const links = [...document.querySelectorAll('[data-testid="stHeader"] a')];
    const first = document.querySelector('h1').getBoundingClientRect();
    const apart = links.map(a => a.getBoundingClientRect()).filter(r => r.width > 0)
        .every(r => r.right <= choice.left || r.left >= choice.right);
    return [first.top >= bar.bottom - 1, apart];
}}"""


@pytest.fixture(scope="module")
def hangul(chromium: Browser) -> Iterator[BrowserContext]:
    """A browser in Korean."""
    context = chromium.new_context(locale="ko-KR")
    yield context
    context.close()


@pytest.fixture
def korean(hangul: BrowserContext, viewport: tuple[int, int]) -> Iterator[Page]:
    """A tab of a visitor whose browser is Korean."""
    width, height = viewport
    tab = hangul.new_page()
    tab.set_viewport_size({"width": width, "height": height})
    yield tab
    tab.close()


def title(page: Page) -> str:
    settle_page(page)
    return page.locator("h1").inner_text()


def said(language: str, page: str = "token_mixing") -> str:
    return texts.text(language, f"{page}.title")


def language_of(page: Page) -> tuple[str, list[str]]:
    """What the page says it is in, and what its address says."""
    link = parse_qs(urlsplit(page.url).query)
    return page.evaluate("document.documentElement.lang"), link.get("lang", [])


def test_the_language_is_the_browsers_until_the_switch_and_stays(
    server: Server, korean: Page
) -> None:
    page, question = korean, "token_mixing.question"
    page.goto(f"{server.url}/token_mixing")
    title(page)
    assert texts.text("ko", question) in page.locator("body").inner_text()
    assert language_of(page) == ("ko", [])  # a default is left out
    page.locator(SWITCH).get_by_text("English").click()
    page.get_by_text(texts.text("en", question)).wait_for()
    settle_page(page)
    assert language_of(page) == ("en", ["en"])
    page.reload()
    title(page)
    assert texts.text("en", question) in page.locator("body").inner_text()
    assert language_of(page) == ("en", ["en"])
    page.get_by_role("link", name="Patch embedding").first.click()
    page.get_by_text(texts.text("en", "patch_embedding.question")).wait_for()
    settle_page(page)
    assert language_of(page) == ("en", ["en"])


def test_a_link_in_korean_is_korean_in_an_english_browser(server: Server, page: Page) -> None:
    page.goto(f"{server.url}/costs?lang=ko")
    assert title(page) == said("ko", "costs")
    assert language_of(page) == ("ko", ["ko"])
    assert page.get_by_role("link", name=texts.text("ko", "nav.compare")).count() >= 1
    page.reload()
    assert title(page) == said("ko", "costs")
    page.go_back()
    page.go_forward()
    assert title(page) == said("ko", "costs")
    assert language_of(page) == ("ko", ["ko"])


@pytest.mark.parametrize("viewport", VIEWPORTS, indirect=True)
def test_hangul_comes_from_the_projects_own_font(server: Server, korean: Page) -> None:
    korean.goto(f"{server.url}/costs")
    assert title(korean) == "비용"
    client = korean.context.new_cdp_session(korean)
    client.send("DOM.enable")
    client.send("CSS.enable")
    root = client.send("DOM.getDocument")["root"]["nodeId"]
    node = client.send("DOM.querySelector", {"nodeId": root, "selector": "h1"})["nodeId"]
    fonts = client.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]
    assert [(font["familyName"], font["isCustomFont"]) for font in fonts] == [
        ("MixScope Sans", True)
    ]
    assert korean.evaluate(SIDEWAYS) <= 0
    assert korean.locator(SWITCH).is_visible()
    assert korean.evaluate(COVERED) == [True, True]


def test_a_term_leads_to_the_glossary(server: Server, page: Page) -> None:
    page.goto(f"{server.url}/token_mixing?lang=ko")
    title(page)
    link = page.locator(".st-key-terms a", has_text="hidden unit")
    address = str(link.get_attribute("href"))
    page.goto(f"{server.url}/{address}")
    assert title(page) == said("ko", "glossary")
    term = page.locator("#hidden_unit")
    assert term.inner_text() == texts.glossary()["hidden_unit"].words("ko")[0]


@pytest.mark.parametrize("viewport", VIEWPORTS, indirect=True)
@pytest.mark.parametrize("name", ["", "patch_embedding"])
def test_the_bar_on_top_covers_nothing(server: Server, korean: Page, name: str) -> None:
    korean.goto(f"{server.url}/{name}")
    title(korean)
    assert korean.evaluate(COVERED) == [True, True]
