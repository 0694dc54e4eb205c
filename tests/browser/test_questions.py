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
QUESTIONS: dict[str, tuple[Sequence[str | re.Pattern[str]], Sequence[str]]] = {
    "what a position reads, and whether that changes with the picture": (
        ("Compare",),
        (
            r"text=/^Most 1\.4\s%, itself 1\.3\s%/",
            "text=fixed weights, gated by the picture",
            "text=fixed map",
            "text=computed from the picture",
        ),
    ),
    "which units are stripes, and where the opposite is": (
        ("Token mixing",),
        ("text=/^4 pairs of opposite phase/", "text=Unit 1 reads"),
    ),
    "how far kernels reach at first and last": (
        ("Depthwise kernels", "list 2", "Depth"),
        ("text=First block reads", "text=Last block reads", "text=Equal taps would have 2.00"),
    ),
    "what a window cannot see": (
        (MORE, "Dual attention", "Numbers"),
        ("text=/the window, 4 × 4 tokens. Nothing outside it can be read here/",),
    ),
    "which channels feed one, and what they show": (
        (MORE, "Dual attention"),
        (
            "text=/^20 feeds 1: 49\\.0 %/",
            "text=Channel 1 and the 7 input channels with the largest weight",
        ),
    ),
    "which model survives shuffling, and why": (
        (MORE, "What if", "Weights follow"),
        (
            r"text=/^The same, exact up to rounding: \d.*10⁻/",
            "text=The columns of fc1, the rows of fc2",
            r"text=/^Not the same answer: 1\.1/",
            "text=a kernel reads neighbours, and the neighbours are others now",
        ),
    ),
    "counts against the papers": (
        (MORE, "Papers", "DaViT"),
        (
            'tr:has(th:text-is("DaViT-Tiny")):has(td:text-is("28.3") + td:text-is("28.36") + '
            'td:text-is("+0.2 %"))',
        ),
    ),
    "where bigger is worse, and why": (
        (MORE, "Papers", "Why L/16 < B/16"),
        (
            "text=L/16 71.76 %, B/16 76.44 %, 4.68 percentage points less",
            "text=it overfits",
        ),
    ),
    "who wins with equal data": (
        (MORE, "Papers", "Equal data: who wins?"),
        ("text=Best first: ConvMixer mini; ResNet mini", "text=It may be concluded"),
    ),
    "what cropping kernels does to an answer that was right": (
        ("Depthwise kernels", "What if they were cropped?"),
        (
            r"text=/^Best class before: espresso, [−+]\d[\d.]* percentage points/",
            r"text=/^[1-9][\d.]*\s%$/ >> visible=true",
        ),
    ),
}
"""Question -> the words that are clicked ("list 2": the second list), and what answers it: the
numbers that were computed, and the views that show it (selectors)."""


def control(page: Page, words: str | re.Pattern[str]) -> Locator:
    """What a person clicks who reads these words."""
    if isinstance(words, re.Pattern):
        return page.get_by_text(words).first
    if words.startswith("list "):
        place = int(words.removeprefix("list ")) - 1
        return page.get_by_role("combobox").locator("visible=true").nth(place)
    found = page.get_by_role("menuitem", name=words, exact=True)
    for role in ("link", "radio", "option", "button", "tab"):
        found = found.or_(page.get_by_role(role, name=words, exact=True))  # type: ignore[arg-type]
    return (
        found.or_(page.get_by_test_id("stCheckbox").get_by_text(words)).locator("visible=true").last
    )


def seen(page: Page) -> Callable[[str], bool]:
    """Whether an answer is on the page."""
    return lambda answer: page.locator(answer).locator("visible=true").count() > 0


@pytest.mark.walk(4)
@pytest.mark.parametrize("question", list(QUESTIONS))
def test_a_question_is_answered_in_three_clicks(
    question: str, server: Server, chromium: Browser, settle: Callable[..., None]
) -> None:
    clicks, answers = QUESTIONS[question]
    assert len(clicks) <= MOST_CLICKS
    page = screens.tab(chromium, screens.PROJECTOR)
    page.goto(screens.address(server.url, "overview"))
    settle(page)
    for words in clicks:
        assert not all(map(seen(page), answers)), f"{words!r} is not needed"
        control(page, words).click()
        settle(page)
    for answer in answers:
        shown = page.locator(answer).locator("visible=true").first
        shown.wait_for(timeout=60_000)
        shown.scroll_into_view_if_needed()
        box = shown.bounding_box()
        assert box is not None
        assert 0 <= box["y"] <= screens.PROJECTOR[1]
    page.context.close()
