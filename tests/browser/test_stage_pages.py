"""Pages on the stage in Chromium: the first map or chart is on the first screen, and readable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.test_stage import SHIFTS, least_shift

if TYPE_CHECKING:
    from playwright.sync_api import Page

PROJECTOR, TABLET, PHONE = (1280, 720), (1024, 768), (390, 844)
PAGES = (
    "dual_attention",
    "what_if",
    "what_if?what_if=surgery",
    "inside",
    "inside?inside=distance",
    "inside?inside=similarity",
)
FIGURE = ".stage .ground, .js-plotly-plot"
MOST_HEIGHT = 1600
SMALLEST = """() => {
  const body = document.querySelector('.st-key-page_body');
  const texts = document.createTreeWalker(body, NodeFilter.SHOW_TEXT);
  let least = 99;
  while (texts.nextNode()) {
    const { parentElement: node, textContent } = texts.currentNode;
    if (!textContent.trim() || node.closest('style, script, svg')) continue;
    const size = parseFloat(getComputedStyle(node).fontSize);
    if (node.checkVisibility()) least = Math.min(least, size);
  }
  return least;
}"""
HEIGHT = "document.querySelector('[data-testid=\"stMainBlockContainer\"]').scrollHeight"


@pytest.mark.walk(8)
@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(
    ("viewport", "most"),
    [(PROJECTOR, 200), (TABLET, 200), (PHONE, 500)],
    indirect=["viewport"],
    ids=["projector", "tablet", "phone"],
)
def test_the_first_map_is_on_the_first_screen(
    page: Page, server: Any, settle: Any, name: str, most: int
) -> None:
    page.add_init_script(f"({SHIFTS})()")
    page.goto(f"{server.url}/{name}")
    page.locator(FIGURE).first.wait_for(state="attached", timeout=180_000)
    settle(page)
    areas = [place.bounding_box() for place in page.locator(FIGURE).all()]
    first = areas[min(1, len(areas) - 1)]
    assert first["y"] < most
    assert first["width"] > 150
    if most == 200:
        assert least_shift(page, settle) < 0.1
    if most == 200 and page.viewport_size["width"] == PROJECTOR[0]:
        assert page.evaluate(HEIGHT) <= MOST_HEIGHT
        assert page.evaluate(SMALLEST) >= 16
