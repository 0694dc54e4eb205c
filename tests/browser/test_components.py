"""The tile canvas in a real browser.

The page under test is ``component_app.py``, with a server of its own. Set ``MIXSCOPE_SHOTS`` to a
folder to keep screenshots for a person to look at.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from views.frame.tile_canvas import tile_canvas
from vislib.schema import ShapeError

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Locator, Page

pytestmark = pytest.mark.browser

APP = Path(__file__).with_name("component_app.py")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The demo page, served on a free port of this machine alone."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = {
        "server.port": port,
        "server.address": "127.0.0.1",
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "server.showEmailPrompt": "false",
        "browser.gatherUsageStats": "false",
        "runner.postScriptGC": "false",
        "theme.baseFontSize": 18,
        "theme.light.primaryColor": "#0b57d0",
        "theme.dark.primaryColor": "#8ab4f8",
    }
    command = [sys.executable, "-m", "streamlit", "run", str(APP)]
    command += [f"--{name}={value}" for name, value in options.items()]
    log = tmp_path_factory.mktemp("server") / "log.txt"
    with log.open("w") as output:
        server = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=log.parent)
        try:
            wait_for(lambda: healthy(port) or server.poll() is not None, 60)
            assert server.poll() is None, log.read_text()
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(20)


class Visit:
    """One visitor: a page, what its console said and what the server sent."""

    def __init__(self, page: Page, address: str, query: str) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.received = 0
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on(
            "console",
            lambda said: self.complaints.append(said.text) if said.type == "error" else None,
        )
        self.page.on("websocket", lambda wire: wire.on("framereceived", self.count))
        self.page.goto(f"{address}/{query}")
        self.page.get_by_text("runs=").wait_for(timeout=60_000)
        self.stage.locator(".mark").wait_for(timeout=20_000)
        self.settle()

    def count(self, payload: str | bytes) -> None:
        """Add up the bytes that came over the websocket."""
        self.received += len(payload)

    @property
    def stage(self) -> Locator:
        """The tiles."""
        return self.page.locator(".tiles .stage")

    def read(self, name: str) -> str:
        """One value of the page's last line: runs or tile."""
        text = self.page.get_by_text("runs=").inner_text()
        found = re.search(rf"{name}=(\S+)", text)
        assert found, text
        return found[1]

    def settle(self) -> None:
        """Wait until no run is going and no answer is under way."""
        time.sleep(0.35)
        self.page.wait_for_selector(
            "[data-testid=stApp][data-test-script-state=notRunning]", timeout=20_000
        )
        time.sleep(0.15)

    def shoot(self, name: str) -> None:
        """Keep a screenshot if somebody wants to look."""
        folder = os.environ.get("MIXSCOPE_SHOTS")
        if folder:
            self.page.screenshot(path=str(Path(folder) / f"{name}.png"))


@pytest.fixture
def visit(
    chromium: Browser, fetched: BrowserContext, address: str
) -> Iterator[Callable[..., Visit]]:
    """Open the page; complaints of the console fail the test."""
    opened: list[Visit] = []

    def open_page(query: str = "", width: int = 1400, scheme: Any = "light") -> Visit:
        if width < 640:
            page = chromium.new_page(device_scale_factor=3)
        else:
            page = fetched.new_page()
        page.set_viewport_size({"width": width, "height": 1000})
        page.emulate_media(color_scheme=scheme)
        opened.append(Visit(page, address, query))
        return opened[-1]

    yield open_page
    complaints = [text for one in opened for text in one.complaints]
    for one in opened:
        one.page.close()
    assert not complaints


def healthy(port: int) -> bool:
    """Whether the server answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def wait_for(is_true: Callable[[], bool], seconds: float) -> None:
    """Poll until a statement holds."""
    end = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.1)


def test_an_answer_to_an_older_action_chooses_nothing(visit: Callable[..., Visit]) -> None:
    one = visit()
    mark = one.stage.locator(".mark")
    one.stage.click(position={"x": 5 * 58 + 20, "y": 20})
    one.settle()
    assert one.read("tile") == "5"
    chosen = mark.bounding_box()
    answer = "n => mixscopeRelay.get('tiles').listener({ selected: 2, ack: n })"
    one.page.evaluate(answer, 1)
    assert mark.bounding_box() == chosen
    one.page.evaluate(answer, 9_000_000_000_000)
    assert mark.bounding_box() != chosen


def test_a_click_sends_few_bytes(visit: Callable[..., Visit]) -> None:
    one = visit("?long=1")
    assert one.received > 30_000  # the tiles came, so the counter works
    before = one.received
    one.stage.click(position={"x": 200, "y": 20})
    one.settle()
    assert 0 < one.received - before < 10_000


def tile_cell(one: Visit, tile: int, row: int, column: int) -> tuple[float, float]:
    """Page coordinates of the middle of one number (4 CSS pixels) of a tile in the first row."""
    area = one.stage.locator("canvas").bounding_box()
    assert area is not None
    return area["x"] + tile * 58 + column * 4 + 2, area["y"] + row * 4 + 2


def test_hover_tells_the_value_of_that_place(visit: Callable[..., Visit]) -> None:
    one = visit()
    tip = one.stage.locator(".tip")
    # Tile 0 holds 16 * row + column. Row 3, column 5 (from 0) is index 53: -1.5 + 3 * 53 / 254.
    one.page.mouse.move(*tile_cell(one, 0, 3, 5))
    assert tip.inner_text().split("\n") == ["unit 1", "row 4, column 6", "≈ \u22120.87 weight"]
    # Swapped, it would be index 83: another text.
    one.page.mouse.move(*tile_cell(one, 0, 5, 3))
    assert tip.inner_text().split("\n") == ["unit 1", "row 6, column 4", "≈ \u22120.52 weight"]
    # Column 13 exists and row 13 does not: tiles are wider than high.
    one.page.mouse.move(*tile_cell(one, 2, 9, 13))
    assert tip.inner_text().split("\n")[:2] == ["unit 3", "row 10, column 14"]
    one.page.mouse.move(5, 5)
    assert not tip.is_visible()


def test_the_canvas_shows_the_tables_colours(visit: Callable[..., Visit]) -> None:
    one = visit()
    script = (
        "(c, [x, y]) => Array.from(c.getContext('2d').getImageData(x, y, 1, 1).data).slice(0, 3)"
    )
    canvas = one.stage.locator("canvas")
    # Index 53 of the demo's table, computed by hand from blue (33, 102, 172) and white.
    part = 1 - 53 * 2 / 255
    wanted = [round(255 + (low - 255) * part) for low in (33, 102, 172)]
    assert canvas.evaluate(script, [5 * 4 + 1, 3 * 4 + 1]) == wanted
    assert canvas.evaluate(script, [3 * 4 + 1, 5 * 4 + 1]) != wanted


def test_a_value_that_is_missing_is_left_out(visit: Callable[..., Visit]) -> None:
    one = visit("?gap=1")
    script = "(c, [x, y]) => c.getContext('2d').getImageData(x, y, 1, 1).data[3]"
    canvas = one.stage.locator("canvas")
    assert canvas.evaluate(script, [58 + 3 * 4 + 1, 2 * 4 + 1]) == 0
    assert canvas.evaluate(script, [58 + 4 * 4 + 1, 2 * 4 + 1]) == 255
    one.page.mouse.move(*tile_cell(one, 1, 2, 3))
    tip = one.stage.locator(".tip")
    assert tip.inner_text().split("\n") == ["unit 2", "row 3, column 4"]
    one.page.mouse.move(*tile_cell(one, 1, 2, 4))
    assert len(tip.inner_text().split("\n")) == 3


def test_colours_without_a_table_look_the_same(visit: Callable[..., Visit]) -> None:
    pictures = []
    for query in ("", "?rgb=1"):
        one = visit(query)
        canvas = one.stage.locator("canvas")
        pictures.append(canvas.evaluate("c => c.toDataURL()"))
    assert pictures[0] == pictures[1]
    one.page.mouse.move(*tile_cell(one, 0, 3, 5))
    assert one.stage.locator(".tip").inner_text().split("\n") == ["unit 1", "row 4, column 6"]


def test_tiles_are_chosen_by_click_and_key(visit: Callable[..., Visit]) -> None:
    one = visit("?captions=1")
    mark = one.stage.locator(".mark")
    before = mark.bounding_box()
    one.page.mouse.click(*tile_cell(one, 7, 4, 4))
    one.settle()
    assert one.read("tile") == "7"
    after = mark.bounding_box()
    assert before is not None
    assert after is not None
    assert round(after["x"] - before["x"]) == 4 * 58
    one.page.keyboard.press("ArrowRight")
    one.page.keyboard.press("ArrowRight")
    one.page.keyboard.press("ArrowLeft")
    one.settle()
    assert one.read("tile") == "7"  # moving chooses nothing yet
    one.page.keyboard.press("Enter")
    one.settle()
    assert one.read("tile") == "8"
    one.page.keyboard.press("End")
    one.page.keyboard.press(" ")
    one.settle()
    assert one.read("tile") == "23"
    one.page.keyboard.press("Home")
    one.page.keyboard.press("Enter")
    one.settle()
    assert one.read("tile") == "0"
    assert one.stage.get_attribute("aria-label") is not None
    one.shoot("captions")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_everything_without_scrolling_sideways(
    visit: Callable[..., Visit], scheme: str
) -> None:
    one = visit("?long=1", width=390, scheme=scheme)
    area = one.stage.locator("canvas").bounding_box()
    assert area is not None
    assert area["width"] > 200
    assert area["x"] >= 0
    assert area["x"] + area["width"] <= 390
    assert one.page.evaluate("document.documentElement.scrollWidth") <= 390
    one.stage.click(position={"x": 20, "y": 20})
    one.settle()
    assert one.read("tile") == "0"
    assert (
        one.page.evaluate("getComputedStyle(document.querySelector('.stApp')).colorScheme")
    ) == (scheme)
    one.shoot(f"phone_{scheme}")


def test_a_state_from_a_test_is_returned_once() -> None:
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    assert not app.exception
    assert "new=None" in app.markdown[-1].value
    app.session_state["tiles"] = {"tile": {"index": 5}}
    app.run()
    assert "new=5" in app.markdown[-1].value
    app.run()
    assert "new=None" in app.markdown[-1].value
    # The browser may send anything: what is no tile is dropped.
    app.session_state["tiles"] = {"tile": {"index": 24}}
    app.run()
    assert "new=None" in app.markdown[-1].value
    app.session_state["tiles"] = {"tile": [3]}
    app.run()
    assert not app.exception
    assert "new=None" in app.markdown[-1].value


def test_arrays_that_do_not_fit_are_refused() -> None:
    indices = np.zeros((2, 3, 4), dtype=np.uint8)
    colours = np.zeros((256, 3), dtype=np.uint8)
    words = {"limits": (0.0, 1.0), "unit": "", "selected": None, "key": "k", "alt": ""}
    for arrays, labels, captions in [
        ((indices.astype(np.float32), colours), ["a", "b"], ()),
        ((indices, None), ["a", "b"], ()),
        ((indices[..., None], None), ["a", "b"], ()),
        ((indices, colours[:255]), ["a", "b"], ()),
        ((indices, colours), ["a"], ()),
        ((indices, colours), ["a", "b"], ["a"]),
    ]:
        with pytest.raises(ShapeError):
            tile_canvas(*arrays, labels=labels, captions=captions, **words)
