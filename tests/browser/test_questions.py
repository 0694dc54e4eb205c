"""The ten questions of a seminar, each from home in at most three clicks, as a new user goes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import pytest

from tests.browser import screens
from tests.browser.conftest import Server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

MOST_CLICKS = 3
MORE = re.compile(r"^\d+ more$")
"""What opens the rest of the navigation on a projector."""
QUESTIONS: dict[str, tuple[Sequence[str | re.Pattern[str]], str]] = {
    "what a place reads, and whether that changes with the picture": (
        ("Compare",),
        "fixed weights, gated by the picture",
    ),
    "which units are stripes, and where the opposite is": (
        ("Token mixing",),
        "pairs of opposite phase",
    ),
    "how far kernels reach at first and last": (
        ("Depthwise kernels", "list 2", "Depth"),
        "Last block reads",
    ),
    "what a window cannot see": ((MORE, "Dual attention"), "One head"),
    "which channels feed one, and what they show": (
        (MORE, "Dual attention"),
        "7 input channels with the largest weight",
    ),
    "which model survives shuffling": ((MORE, "What if", "Weights follow"), "The same answer"),
    "counts against the papers": ((MORE, "Papers", "DaViT"), "difference"),
    "where bigger is worse, and why": ((MORE, "Papers", "Why L/16 < B/16"), "it overfits"),
    "who wins with equal data": ((MORE, "Papers", "Equal data: who wins?"), "It may be concluded"),
    "what cropping kernels does to an answer that was right": (
        ("Depthwise kernels", "What if they were cropped?"),
        "The answer moved by",
    ),
}
"""Question -> the words that are clicked ("list 2": the second list), and words of the answer."""


def control(page: Page, words: str | re.Pattern[str]) -> Locator:
    """What a person clicks who reads these words."""
    if isinstance(words, re.Pattern):
        return page.get_by_text(words).first
    if words.startswith("list "):
        place = int(words.removeprefix("list ")) - 1
        return page.get_by_role("combobox").locator("visible=true").nth(place)
    found = page.get_by_role("menuitem", name=words, exact=True)
    for role in ("link", "radio", "option", "button"):
        found = found.or_(page.get_by_role(role, name=words, exact=True))  # type: ignore[arg-type]
    return (
        found.or_(page.get_by_test_id("stCheckbox").get_by_text(words)).locator("visible=true").last
    )


@pytest.mark.walk(4)
@pytest.mark.parametrize("question", list(QUESTIONS))
def test_a_question_is_answered_in_three_clicks(
    question: str, server: Server, chromium: Browser, settle: Callable[..., None]
) -> None:
    clicks, answer = QUESTIONS[question]
    assert len(clicks) <= MOST_CLICKS
    page = screens.tab(chromium, screens.PROJECTOR)
    page.goto(screens.address(server.url, "overview"))
    settle(page)
    for words in clicks:
        control(page, words).click()
        settle(page)
    shown = page.get_by_text(answer).locator("visible=true").first
    shown.wait_for(timeout=60_000)
    shown.scroll_into_view_if_needed()
    box = shown.bounding_box()
    page.context.close()
    assert box is not None
    assert 0 <= box["y"] <= screens.PROJECTOR[1]
