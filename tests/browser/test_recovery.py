"""The connection lost and found again: the server's restart, and a device without a network."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.browser.conftest import ELSEWHERE, run_server
from vislib.texts import text

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.browser.conftest import Server

Settle = Callable[..., None]
BANNER = "#mixscope_lost"
LOSSES = "ERR_CONNECTION|ERR_INTERNET|not responding|reaching server|[Ww]eb[Ss]ocket|disconnected"
WINDOWS = """new MutationObserver(() => {
    if (document.querySelector('[role=dialog]')) window.asked = true;
}).observe(document, { childList: true, subtree: true })"""
WATCH = """() => {
    window.ran = [];
    const app = document.querySelector('[data-test-connection-state]');
    const note = () => window.ran.push(app.dataset.testScriptState);
    new MutationObserver(note).observe(app, { attributes: true });
}"""


def test_an_open_page_says_that_the_server_is_lost_and_goes_on_with_it(
    page: Page, settle: Settle, tmp_path: Path
) -> None:
    running = contextlib.contextmanager(run_server)
    page.add_init_script(WINDOWS)
    with running(tmp_path) as server:
        page.goto(f"{server.url}/lecture?step=mixer_result&lang=ko")
        settle(page)
        title = page.locator(".lecture h1").locator("visible=true").inner_text()
        assert page.locator(BANNER).count() == 0
    page.locator(BANNER).get_by_text(text("ko", "recovery.server")).wait_for()
    # Streamlit's own window comes after some seconds, asks about the internet, and is closed.
    page.wait_for_function("window.asked", timeout=90_000)
    page.get_by_role("dialog").wait_for(state="hidden")
    shown = page.locator(".lecture h1").locator("visible=true")
    assert shown.inner_text() == title  # what was there is still there
    address, loaded = page.url, page.evaluate("performance.timeOrigin")
    page.evaluate(WATCH)
    with running(tmp_path, port=urlsplit(server.url).port):
        page.wait_for_function("window.ran.includes('running')")  # nobody has touched it
        settle(page)
        assert page.locator(BANNER).is_hidden()
        assert (page.url, page.evaluate("performance.timeOrigin")) == (address, loaded)
        assert page.locator(".lecture h1").locator("visible=true").inner_text() == title
        page.goto("about:blank")
    page.complaints.forgive(LOSSES)  # type: ignore[attr-defined]


def test_a_device_without_a_network_says_so(server: Server, page: Page, settle: Settle) -> None:
    page.goto(f"{server.url.replace('127.0.0.1', ELSEWHERE)}/papers")
    settle(page)
    page.context.set_offline(True)
    page.locator(BANNER).get_by_text(text("en", "recovery.own")).wait_for()
    page.context.set_offline(False)
    page.locator(BANNER).wait_for(state="hidden")
    page.complaints.forgive(LOSSES)  # type: ignore[attr-defined]
    page.complaints.forgive("left the machine")  # type: ignore[attr-defined]
