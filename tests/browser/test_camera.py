"""The camera: its resolution on a page that the browser calls secure, a sentence on another."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.browser.conftest import ELSEWHERE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.browser.conftest import Server

Settle = Callable[..., None]
ROWS = 720


def test_a_photograph_has_the_rows_that_were_asked_for(
    server: Server, page: Page, settle: Settle
) -> None:
    page.goto(f"{server.url}/?models=Mixer+mini")
    settle(page)
    assert page.evaluate("window.isSecureContext")
    page.get_by_role("button", name="Change picture").click()
    page.get_by_text("Open the camera").click()
    settle(page)
    page.wait_for_function("[...document.querySelectorAll('video')].some(v => v.videoWidth > 0)")
    page.get_by_role("button", name="Take Photo").click()
    page.get_by_text(f" × {ROWS} pixels").wait_for(timeout=60_000)
    settle(page)
    assert page.get_by_test_id("stCameraInput").count() == 0  # it went off


def test_where_no_camera_works_the_page_says_so(
    server: Server, chromium: Browser, settle: Settle
) -> None:
    page = chromium.new_page()
    try:
        page.goto(server.url.replace("127.0.0.1", ELSEWHERE) + "/?models=Mixer+mini")
        settle(page)
        assert not page.evaluate("window.isSecureContext")
        page.get_by_role("button", name="Change picture").click()
        page.get_by_text("The camera needs an address with https").wait_for()
        assert page.get_by_text("Open the camera").count() == 0
    finally:
        page.close()
