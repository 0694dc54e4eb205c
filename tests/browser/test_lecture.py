"""The lecture in Chromium: a clicker's keys, a window that leads and one that follows."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser import steps
from tests.browser.screens import tab
from tests.conftest import WHOLE
from vislib.lecture import reading

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.browser.conftest import Server

Settle = Callable[..., None]
STEPS = reading.read(reading.FOLDER / "seminar").steps
KEYS = [step.key for step in STEPS]


def at(page: Page) -> str:
    """The step in the address."""
    return parse_qs(urlsplit(page.url).query).get("step", [KEYS[0]])[0]


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)
        page.wait_for_timeout(30)


def until(page: Page, what: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until something is so."""
    for _ in range(int(seconds * 10)):
        if what():
            return
        page.wait_for_timeout(100)
    pytest.fail(f"it did not come to that; the page is at {page.url}")


def test_a_clickers_keys_are_none_lost(server: Server, page: Page, settle: Settle) -> None:
    page.goto(f"{server.url}/lecture")
    settle(page)
    for y, seen in ((400, 0), (4, 1), (400, 0)):  # the navigation waits on the upper edge
        page.mouse.move(400, y)
        page.wait_for_function(
            "(seen) => getComputedStyle(document.querySelector('.stAppHeader')).opacity == seen",
            arg=seen,
        )
    there_and_back = ("PageDown", "PageUp", "ArrowRight", "ArrowLeft", "PageDown", "PageUp")
    rounds = 28 if os.environ.get(WHOLE) else 6
    press(page, *(*there_and_back, "ArrowRight") * rounds, *("PageDown", "PageUp") * 2)
    settle(page)
    until(page, lambda: at(page) == KEYS[rounds])
    (title,) = page.locator(".lecture h1:visible").all()
    assert title.inner_text() == STEPS[rounds].title["en"]
    press(page, "Home")
    until(page, lambda: at(page) == KEYS[0])
    press(page, "End")
    until(page, lambda: at(page) == KEYS[-1])
    page.reload()
    settle(page)
    assert at(page) == KEYS[-1]
    page.get_by_role("timer").filter(has_text=":").wait_for()  # what hears the keys is there
    page.keyboard.press("b")
    assert page.locator(".dark").is_visible()
    settle(page)
    page.keyboard.press("b")
    assert not page.locator(".dark").is_visible()
    settle(page)


@pytest.mark.slow
def test_one_window_leads_and_the_other_follows(
    server: Server, chromium: Browser, settle: Settle
) -> None:
    context = chromium.new_context(viewport={"width": 1280, "height": 720})
    leader, screen = context.new_page(), context.new_page()
    leader.goto(f"{server.url}/lecture?role=notes&step={KEYS[4]}")
    settle(leader)
    leader.locator(".st-key-lecture_lead button").click()
    leader.locator(".st-key-lecture_end").wait_for()
    screen.goto(f"{server.url}/lecture")
    until(screen, lambda: at(screen) == KEYS[4])
    press(leader, "PageDown")
    until(screen, lambda: at(screen) == KEYS[5])
    press(leader, "f")
    leader.get_by_text("Frozen").wait_for()
    press(leader, "PageDown", "PageDown")
    until(leader, lambda: at(leader) == KEYS[7])
    screen.wait_for_timeout(2500)
    assert at(screen) == KEYS[5]
    press(leader, "f")
    until(screen, lambda: at(screen) == KEYS[7])
    leader.reload()  # the window keeps its name, and goes on leading
    settle(leader)
    leader.locator(".st-key-lecture_end").wait_for()
    press(screen, "PageUp")  # moves alone, and moves nobody else
    until(screen, lambda: at(screen) == KEYS[6])
    leader.wait_for_timeout(2500)
    assert at(leader) == KEYS[7]
    screen.locator(".st-key-lecture_lead button").click()  # handed over
    screen.locator(".st-key-lecture_end").wait_for()
    until(leader, lambda: at(leader) == KEYS[6])
    screen.locator(".st-key-lecture_end button").click()  # it is one for the whole server
    screen.locator(".st-key-lecture_end_now button").click()  # asked once more
    screen.locator(".st-key-lecture_lead").wait_for()
    context.close()


@pytest.mark.walk(40)
@pytest.mark.parametrize("screen", steps.SCREENS, ids=lambda size: str(size[0]))
@pytest.mark.parametrize("key", KEYS)
def test_a_step_is_whole_on_every_screen(
    server: Server, chromium: Browser, key: str, screen: tuple[int, int]
) -> None:
    page = tab(chromium, screen)
    try:
        for language in ("en", "ko"):
            assert steps.look(page, server.url, key, language) == []
    finally:
        page.context.close()
