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


@pytest.mark.walk(9)
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


def test_axe_is_at_work(page: Page) -> None:
    page.set_content('<html lang="en"><title>x</title><main><h1>x</h1><img src="x"></main></html>')
    assert any(words.startswith("image-alt") for words in violations(page))
    page.complaints.forgive("x")  # type: ignore[attr-defined]
