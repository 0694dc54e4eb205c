"""axe-core finds nothing on any page, light and dark; each page is worked with the keyboard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.browser import screens
from views import frame

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.browser.conftest import Server

PAGES = (*frame.PAGES, "compare?second=cat&reads=answer", "compare?lang=ko")
"""Page and query, as they stand in the address."""


def violations(page: Page) -> list[str]:
    """What axe-core finds wrong: rule and element."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    found = axe.run(page).response
    return [
        f"{one['id']}: {node['html'][:160]}" for one in found["violations"] for node in one["nodes"]
    ]


@pytest.mark.walk(18)
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("address", PAGES)
def test_axe_finds_nothing(
    chromium: Browser, server: Server, settle: Any, address: str, theme: Any
) -> None:
    context = chromium.new_context(color_scheme=theme, viewport={"width": 1280, "height": 720})
    page = context.new_page()
    page.goto(screens.address(server.url, *address.split("?")))
    settle(page)
    found = violations(page)
    context.close()
    assert found == []


FOCUSED = """() => {
  let node = document.activeElement;
  while (node?.shadowRoot?.activeElement) node = node.shadowRoot.activeElement;
  if (!node || node === document.body) return null;
  const area = node.getBoundingClientRect();
  const path = [];
  for (let one = node; one; one = one.parentElement ?? one.getRootNode().host)
    path.push(one.tagName, [...(one.parentNode?.children ?? [])].indexOf(one));
  return {
    name: path.join(' '),
    words: (node.getAttribute('aria-label') || node.innerText || node.title || '').slice(0, 40),
    seen: area.width > 0 && area.height > 0 && area.bottom > 0 && area.top < innerHeight,
  };
}"""
"""The element that has the focus, through shadow roots."""


@pytest.mark.walk(10)
@pytest.mark.parametrize("name", frame.PAGES)
def test_the_keyboard_reaches_what_can_be_used_and_is_never_caught(
    page: Page, server: Server, settle: Any, name: str
) -> None:
    page.goto(screens.address(server.url, name))
    settle(page)
    stops = []
    for _ in range(30):
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUSED)
        if stop is not None:
            stops.append(stop)
    assert all(stop["seen"] for stop in stops), [stop for stop in stops if not stop["seen"]]
    assert len({stop["name"] for stop in stops}) >= min(len(stops), 12)
    language = page.get_by_role("radio", name="한국어")
    assert language.count() == 1
    language.focus()
    page.keyboard.press("Space")
    settle(page)
    assert "lang=ko" in page.url


def test_axe_is_at_work(page: Page) -> None:
    page.set_content('<html lang="en"><title>x</title><main><h1>x</h1><img src="x"></main></html>')
    assert any(words.startswith("image-alt") for words in violations(page))
    page.complaints.forgive("x")  # type: ignore[attr-defined]
