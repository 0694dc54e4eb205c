"""The patch picker and the tile canvas in a real browser.

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

from views.frame.patch_picker import patch_picker
from views.frame.tile_canvas import tile_canvas
from vislib.schema import ImageError, ShapeError

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
        self.frame.locator(".line").first.wait_for(state="attached", timeout=20_000)
        self.stage.locator(".mark").wait_for(timeout=20_000)
        self.settle()

    def count(self, payload: str | bytes) -> None:
        """Add up the bytes that came over the websocket."""
        self.received += len(payload)

    @property
    def frame(self) -> Locator:
        """The picture with its boxes: where clicks and keys go."""
        return self.page.locator(".picker .frame")

    @property
    def stage(self) -> Locator:
        """The tiles."""
        return self.page.locator(".tiles .stage")

    def read(self, name: str) -> str:
        """One value of the page's last line: runs, point or tile."""
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

    def marker(self) -> tuple[int, int]:
        """Where the marker stands, thousandths of the picture, measured on the screen."""
        area = self.frame.bounding_box()
        ring = self.page.locator(".picker .marker").bounding_box()
        assert area is not None
        assert ring is not None
        return (
            round(1000 * (ring["x"] - area["x"]) / area["width"]),
            round(1000 * (ring["y"] - area["y"]) / area["height"]),
        )

    def click_picture(self, x: int, y: int) -> None:
        """Click at a place given in thousandths of the picture."""
        area = self.frame.bounding_box()
        assert area is not None
        self.frame.click(position={"x": area["width"] * x / 1000, "y": area["height"] * y / 1000})

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


def near(found: tuple[int, int], wanted: tuple[int, int], within: int = 3) -> bool:
    """Equal up to the screen's pixels (a pixel is 2 to 3 thousandths)."""
    return abs(found[0] - wanted[0]) <= within and abs(found[1] - wanted[1]) <= within


def as_point(text: str) -> tuple[int, int]:
    """ "430,512" -> (430, 512)."""
    x, y = text.split(",")
    return int(x), int(y)


def test_click_sets_the_point_and_python_moves_it(visit: Callable[..., Visit]) -> None:
    one = visit()
    assert near(one.marker(), (430, 512))
    one.click_picture(300, 720)
    assert near(one.marker(), (300, 720))
    one.settle()
    assert near(as_point(one.read("point")), (300, 720))
    assert not near(as_point(one.read("point")), (720, 300))
    # The input moves the marker, and the old click does not come back.
    one.page.get_by_label("x", exact=True).fill("650")
    one.page.get_by_label("x", exact=True).press("Enter")
    one.settle()
    assert as_point(one.read("point"))[0] == 650
    assert near(one.marker(), (650, 720))
    # The same place again is a new action.
    one.click_picture(300, 720)
    one.settle()
    assert near(as_point(one.read("point")), (300, 720))
    one.shoot("light")


def test_keys_move_by_cells_and_the_words_follow(visit: Callable[..., Visit]) -> None:
    one = visit()
    place = one.page.locator(".picker .place")
    # Box of the first model: left 208, width 583, 8 columns; top 62, height 875, 8 rows.
    assert place.inner_text() == "x 430, y 512: row 5, column 4"
    one.frame.focus()
    one.page.keyboard.press("ArrowRight")
    assert place.inner_text() == "x 536, y 512: row 5, column 5"
    one.page.keyboard.press("ArrowUp")
    assert place.inner_text() == "x 536, y 445: row 4, column 5"
    one.page.keyboard.press("Shift+ArrowDown")
    assert place.inner_text() == "x 536, y 455: row 4, column 5"
    one.page.keyboard.press("Home")
    assert place.inner_text() == "x 244, y 455: row 4, column 1"
    one.page.keyboard.press("End")
    one.page.keyboard.press("PageDown")
    assert place.inner_text() == "x 755, y 882: row 8, column 8"
    one.page.keyboard.press("ArrowRight")
    one.page.keyboard.press("ArrowRight")
    assert place.inner_text() == "x 795, y 882: outside the view"
    one.settle()
    assert one.read("point") == "795,882"


def test_quick_presses_become_few_runs_and_keep_the_focus(visit: Callable[..., Visit]) -> None:
    one = visit()
    one.frame.focus()
    runs = int(one.read("runs"))
    for _ in range(20):
        one.page.keyboard.press("Shift+ArrowRight")
        time.sleep(0.03)
    one.settle()
    assert one.read("point") == "630,512"
    assert near(one.marker(), (630, 512))
    assert 1 <= int(one.read("runs")) - runs <= 4
    one.page.keyboard.press("Shift+ArrowLeft")
    one.settle()
    assert one.read("point") == "620,512"


def test_an_answer_to_an_older_action_moves_nothing(visit: Callable[..., Visit]) -> None:
    one = visit()
    one.click_picture(300, 720)
    one.settle()
    answer = "n => mixscopeRelay.get('picker').listener({ x: 100, y: 100, cells: [], ack: n })"
    one.page.evaluate(answer, 1)
    assert near(one.marker(), (300, 720))
    one.page.evaluate(answer, 9_000_000_000_000)
    assert near(one.marker(), (100, 100))


def test_a_click_sends_few_bytes(visit: Callable[..., Visit]) -> None:
    one = visit("?long=1")
    assert one.received > 100_000  # picture and tiles came, so the counter works
    for act in (
        lambda: one.click_picture(600, 300),
        lambda: one.stage.click(position={"x": 200, "y": 20}),
    ):
        before = one.received
        act()
        one.settle()
        assert 0 < one.received - before < 10_000
        print(f"bytes: {one.received - before}")


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
    for part in (one.frame, one.stage.locator("canvas")):
        area = part.bounding_box()
        assert area is not None
        assert area["width"] > 200
        assert area["x"] >= 0
        assert area["x"] + area["width"] <= 390
    assert one.page.evaluate("document.documentElement.scrollWidth") <= 390
    one.click_picture(250, 250)
    one.settle()
    assert near(as_point(one.read("point")), (250, 250), within=4)
    assert (
        one.page.evaluate("getComputedStyle(document.querySelector('.stApp')).colorScheme")
    ) == (scheme)
    one.shoot(f"phone_{scheme}")


def test_a_state_from_a_test_is_returned_once() -> None:
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    assert not app.exception
    assert "new=None None" in app.markdown[-1].value
    app.session_state["picker"] = {"point": {"x": 300, "y": 720}}
    app.session_state["tiles"] = {"tile": {"index": 5}}
    app.run()
    assert "new=(300, 720) 5" in app.markdown[-1].value
    app.run()
    assert "new=None None" in app.markdown[-1].value
    # The browser may send anything: places are kept inside the picture, the rest is dropped.
    app.session_state["picker"] = {"point": {"x": -50, "y": 4000}}
    app.session_state["tiles"] = {"tile": {"index": 24}}
    app.run()
    assert "new=(0, 1000) None" in app.markdown[-1].value
    app.session_state["picker"] = {"point": {"x": "1", "y": None}}
    app.session_state["tiles"] = {"tile": [3]}
    app.run()
    assert not app.exception
    assert "new=None None" in app.markdown[-1].value


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
    with pytest.raises(ImageError):
        patch_picker(b"GIF89a", size=(1, 1), point=(0, 0), boxes=[], label="", key="k")
