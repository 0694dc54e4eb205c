"""A real server and a real Chromium: what only a browser can show.

Playwright is imported when the first browser is asked for, so the other tiers run without it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

import start
from tests.browser import chromium as chromium_program

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

LAPTOP = (1400, 900)
PHONE = (390, 844)
VIEWPORTS = [pytest.param(LAPTOP, id="laptop"), pytest.param(PHONE, id="phone")]
ARTEFACTS = start.ROOT / ".artefacts"
"""Where a failing test leaves its screenshot, for a person to look at."""
ELSEWHERE = "mixscope.test"
"""This machine under a name that no browser calls secure."""
OFF = (
    # What Playwright switches off itself: only the last flag of this name counts.
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable",
    "LensOverlay",
    "MediaRouter",
    "PaintHolding",
    "ThirdPartyStoragePartitioning",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "OptimizationHints",
    "NetworkTimeServiceQuerying",
    "AimEnabled",
    "PreconnectToSearch",
    # Pages of the address bar's own, one set a tab: they cost a second of the processor each time.
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
)
"""Chromium's features that no test needs."""
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    f"--disable-features={','.join(OFF)}",
    f"--host-resolver-rules=MAP {ELSEWHERE} 127.0.0.1",
)
SERVER_SECONDS = 120.0
SETTLE_SECONDS = 120.0
QUIET_SECONDS = 0.3
"""How long a page must stay finished: a click reaches the server after an 80 ms debounce."""
IS_QUIET = """() => {
    const app = document.querySelector('[data-testid="stApp"]');
    return app !== null
        && app.dataset.testConnectionState === 'CONNECTED'
        && app.dataset.testScriptState === 'notRunning'
        && document.querySelector('[data-stale="true"], [data-testid="stSkeleton"]') === null;
}"""
LOCAL_HOSTS = (None, "", "127.0.0.1", "localhost")


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running app: its address without a final slash, and the file of its output."""

    url: str
    log_path: Path

    def log(self) -> str:
        """What the server has written so far."""
        return self.log_path.read_text(encoding="utf-8", errors="replace")


def answers(url: str) -> bool:
    """Whether the server says that it is healthy."""
    try:
        with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def wait_until_healthy(process: subprocess.Popen[bytes], server: Server) -> None:
    """Return when the server answers; fail with its log when it ends or does not answer."""
    end = time.monotonic() + SERVER_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            pytest.fail(f"The server ended with {process.returncode}:\n{server.log()}")
        if answers(server.url):
            return
        time.sleep(0.1)
    pytest.fail(f"The server did not answer in {SERVER_SECONDS:.0f} s:\n{server.log()}")


def run_server(folder: Path, entry: str = "app.py", port: int | None = None) -> Iterator[Server]:
    """Start the app on a port of this machine (a free one if None), and end it afterwards."""
    port = port or start.find_port(20000 + os.getpid() % 20000)  # each process its own
    command = [sys.executable, "-m", "streamlit", "run", entry]
    command += ["--server.port", str(port), "--server.address", "127.0.0.1"]
    server = Server(url=f"http://127.0.0.1:{port}", log_path=folder / "server.log")
    environ = {**os.environ, "PYTHONUNBUFFERED": "1", "MIXSCOPE_ROOM": str(folder)}
    with server.log_path.open("wb") as log:
        process = subprocess.Popen(
            command, cwd=start.ROOT, env=environ, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            wait_until_healthy(process, server)
            yield server
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all browser tests, with what it has cached."""
    yield from run_server(tmp_path_factory.mktemp("server"))


@pytest.fixture
def cold_server(tmp_path: Path) -> Iterator[Server]:
    """A server that nobody has visited: for deep links and first paints."""
    yield from run_server(tmp_path)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One Chromium for all browser tests."""
    reason = os.environ.get(chromium_program.NO_BROWSER)
    if reason:
        pytest.skip(reason)
    place = chromium_program.find()
    if place is None:
        pytest.skip(f"no Chromium found; set {chromium_program.NAMED} or run start.py test")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(place), args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def fetched(chromium: Browser) -> Iterator[BrowserContext]:
    """Where the tests' tabs are opened: what one has fetched and compiled, the next one has."""
    context = chromium.new_context()
    yield context
    context.close()


@pytest.fixture
def viewport(request: pytest.FixtureRequest) -> tuple[int, int]:
    """Width and height in CSS pixels; parametrise it (indirect=True) for other screens."""
    return tuple(getattr(request, "param", LAPTOP))


class Complaints:
    """What went wrong in a page: console errors, exceptions, requests that leave the machine."""

    def __init__(self, page: Page) -> None:
        self.found: list[str] = []
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.found.append(f"exception: {error}"))
        page.on("request", self._on_request)

    def _on_console(self, message: Any) -> None:
        # Below an address with a path Streamlit's own page looks for its server there first, and
        # finds it one level up: two 404s that nothing can prevent.
        own = "/_stcore/" in str(message.location.get("url", ""))
        if message.type == "error" and not (own and "404" in message.text):
            self.found.append(f"console: {message.text}")

    def _on_request(self, request: Any) -> None:
        if urlsplit(request.url).hostname not in LOCAL_HOSTS:
            self.found.append(f"left the machine: {request.url}")

    def forgive(self, pattern: str) -> None:
        """Drop the complaints that a test provoked on purpose."""
        self.found = [text for text in self.found if not re.search(pattern, text)]


@pytest.fixture
def page(
    fetched: BrowserContext, viewport: tuple[int, int], request: pytest.FixtureRequest
) -> Iterator[Page]:
    """An empty tab of a new visitor; the test fails on any complaint (``page.complaints``).

    Of a visitor MixScope keeps nothing beyond the tab; cookies go all the same.
    """
    if "cold_server" in request.fixturenames:
        # The server must outlive the tab, or the tab complains that it is gone.
        request.getfixturevalue("cold_server")
    width, height = viewport
    tab = fetched.new_page()
    tab.set_viewport_size({"width": width, "height": height})
    complaints = Complaints(tab)
    tab.complaints = complaints  # type: ignore[attr-defined]
    yield tab
    report = request.node.stash.get(CALL_REPORT, None)
    if (report is not None and report.failed) or complaints.found:
        ARTEFACTS.mkdir(exist_ok=True)
        name = re.sub(r"[^\w.-]+", "_", request.node.name)
        tab.screenshot(path=ARTEFACTS / f"{name}.png", full_page=True)
    tab.close()
    fetched.clear_cookies()
    if complaints.found:
        pytest.fail("The page complained:\n" + "\n".join(complaints.found))


def settle_page(page: Page, seconds: float = SETTLE_SECONDS) -> None:
    """Wait until Streamlit has finished its run and stays so; fail after ``seconds``."""
    end = time.monotonic() + seconds
    quiet_since: float | None = None
    while time.monotonic() < end:
        if not page.evaluate(IS_QUIET):
            quiet_since = None
        elif quiet_since is None:
            quiet_since = time.monotonic()
        elif time.monotonic() - quiet_since >= QUIET_SECONDS:
            return
        page.wait_for_timeout(40)
    pytest.fail(f"The page at {page.url} did not settle in {seconds:.0f} s.")


@pytest.fixture(scope="session")
def settle() -> Callable[..., None]:
    """``settle(page)``: wait until Streamlit has finished; call it after each action."""
    return settle_page


CALL_REPORT = pytest.StashKey[pytest.TestReport]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Keep the test's own report, so that fixtures know how it went."""
    report = yield
    if report.when == "call":
        item.stash[CALL_REPORT] = report
    return report
