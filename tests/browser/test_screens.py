"""Every page on one screen: a sample of the command's table, and what paper shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

import start
from tests.browser import screens
from tests.browser.conftest import Server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

Settle = Callable[..., None]
FINISHED = ("estimates", "disagreement", "papers", "experiments", "costs", "glossary")
PRINTED_ONCE = (*FINISHED[:-1], "token_mixing")
PRINTED = """() => {
    const shown = node => node.getClientRects().length > 0;
    const count = selector => [...document.querySelectorAll(selector)].filter(shown).length;
    const words = [...document.querySelectorAll('.st-key-page_body p, .st-key-page_body th')];
    const main = document.querySelector('[data-testid="stMain"]');
    return {
        controls: count('button:not([role="tab"]), input, [role="radio"], [role="combobox"]'),
        maps: count('.st-key-page_body :is(img, canvas, .js-plotly-plot)'),
        titles: count('h1'),
        words: words.filter(shown).length,
        cut: getComputedStyle(main).overflowY !== 'visible',
    };
}"""


@pytest.mark.walk(10)
@pytest.mark.parametrize("screen", list(screens.FIRST), ids=["projector", "tablet", "phone"])
@pytest.mark.parametrize("name", FINISHED)
def test_the_first_map_is_on_the_first_screen(
    name: str, screen: tuple[int, int], server: Server, chromium: Browser
) -> None:
    page = screens.tab(chromium, screen)
    found = screens.measure(page, screens.address(server.url, name))
    page.context.close()
    # How much moved while it was drawn depends on the machine: the command measures it.
    assert [fault for fault in found.faults(screen, name) if fault != "shift"] == [], found


def test_a_page_beyond_the_limits_is_marked() -> None:
    good: dict[str, Any] = {
        "first": 190, "height": 1500, "wide": 0, "shift": 0.0, "text": 16.0,
        "smallest": "", "words": 100,
    }  # fmt: skip
    assert screens.Measured(**good).faults(screens.PROJECTOR) == []
    for name, value in {
        "first": 201,
        "height": 1601,
        "wide": 1,
        "shift": 0.1,
        "text": 15.9,
    }.items():
        assert screens.Measured(**good | {name: value}).faults(screens.PROJECTOR) == [name]
    nothing = screens.Measured(**good | {"first": None})
    assert nothing.faults(screens.PHONE) == ["first"]
    assert nothing.faults(screens.PHONE, "glossary") == []
    assert screens.Measured(**good | {"height": 9000, "text": 12.0}).faults(screens.PHONE) == []


def test_what_follows_something_still_to_come_waits_for_it(page: Page) -> None:
    """Unless a person is at work on the page: a hidden control would lose the focus."""
    style = (start.ROOT / "assets" / "style.css").read_text(encoding="utf-8")
    page.set_content(
        f'<style>{style}</style><div class="st-key-page_body"><div><button>first</button></div>'
        '<div><div data-testid="stSkeleton"></div></div><div id="next"><p>next</p></div></div>'
    )
    seen = "() => document.querySelector('#next p').checkVisibility({visibilityProperty: true})"
    assert not page.evaluate(seen)
    page.get_by_role("button").focus()
    assert page.evaluate(seen)
    page.get_by_role("button").blur()
    page.evaluate("document.querySelector('[data-testid]').remove()")
    assert page.evaluate(seen)


@pytest.mark.walk(4)
@pytest.mark.parametrize("name", PRINTED_ONCE)
def test_paper_shows_figures_and_words_and_nothing_to_press(
    name: str, server: Server, page: Page, settle: Settle
) -> None:
    page.goto(screens.address(server.url, name))
    settle(page)
    on_screen = page.evaluate(PRINTED)
    page.emulate_media(media="print")
    found = page.evaluate(PRINTED)
    assert on_screen["controls"] > 0
    assert found["controls"] == 0
    assert found["maps"] == on_screen["maps"] > 0
    assert found["titles"] == 1
    assert found["words"] > 0
    assert not found["cut"]  # all of it goes onto the paper
