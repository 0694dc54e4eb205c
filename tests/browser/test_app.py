"""The app as a visitor sees it: a photograph, a click, every page, a link on a cold server."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from vislib.pictures import encoding, gallery

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from tests.browser.conftest import Server

Settle = Callable[..., None]
VIEWPORTS = [pytest.param((1400, 900), id="laptop"), pytest.param((390, 844), id="phone")]
PAGES = (
    "",
    "compare",
    "patch_embedding",
    "token_mixing",
    "depthwise_kernels",
    "dual_attention",
    "what_if",
    "inside",
    "estimates",
    "disagreement",
    "papers",
    "experiments",
    "costs",
)
FIGURE = "img, canvas, .js-plotly-plot, .overview svg"
SIDEWAYS = "document.querySelector('[data-testid=\"stMain\"]').scrollWidth - innerWidth"
BROKEN = "[...document.images].filter(i => i.complete && i.naturalWidth === 0).length"


def shown_maps(page: Page) -> list[str]:
    """Addresses of the pictures on the page; an address is made of the picture's content."""
    found: list[str] = page.evaluate(
        "[...document.querySelectorAll('.st-key-page_body img')].map(i => i.src)"
        ".filter(address => !address.startsWith('blob:'))"
    )
    return found


def query(page: Page) -> dict[str, list[str]]:
    """The query parameters of the address bar."""
    return parse_qs(urlsplit(page.url).query)


def open_picture(page: Page) -> None:
    """Open the popover with the choice of picture, its name and its credit."""
    page.get_by_role("button", name="Change picture").click()


def upload(page: Page, path: Path, settle: Settle) -> None:
    """Give a file to the uploader, which lives in a popover."""
    open_picture(page)
    page.locator('[data-testid="stFileUploader"] input[type="file"]').set_input_files(str(path))
    page.wait_for_timeout(300)
    settle(page)
    page.keyboard.press("Escape")


@pytest.mark.walk(8)
@pytest.mark.parametrize("viewport", VIEWPORTS, indirect=True)
@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_whole(name: str, server: Server, page: Page, settle: Settle) -> None:
    page.goto(f"{server.url}/{name}?picture=cat&x=400&y=450")
    settle(page, 120)
    assert page.locator("h1").count() == 1
    assert page.locator('[data-testid="stException"]').count() == 0
    assert page.locator('.st-key-page_body [data-testid="stAlertContentError"]').count() == 0
    body = page.locator(".st-key-page_body")
    # Where much is to be computed a page asks first; how much that is depends on the machine.
    asks = 'button:has-text("Compute")'
    shown = f"{FIGURE}, {asks}" if name in ("estimates", "disagreement") else FIGURE
    if name == "experiments":  # its figures appear after a prediction
        shown = ".st-key-experiment"
    assert body.locator(shown).count() >= 1
    assert page.evaluate(BROKEN) == 0
    assert page.evaluate(SIDEWAYS) <= 0


def test_a_photograph_a_click_and_a_link(
    server: Server, page: Page, settle: Settle, chromium: Browser, tmp_path: Path
) -> None:
    path = tmp_path / "my coffee.jpg"
    path.write_bytes(encoding.encode_jpeg(gallery.load("coffee").pixels))
    page.goto(f"{server.url}/compare?reads=raw")
    settle(page, 120)
    before = shown_maps(page)
    upload(page, path, settle)
    uploaded = shown_maps(page)
    assert uploaded != before
    open_picture(page)
    page.get_by_text("my coffee.jpg · ").wait_for()
    page.keyboard.press("Escape")

    area = page.locator(".stage .ground").first.bounding_box()
    assert area is not None
    page.mouse.click(area["x"] + 0.4 * area["width"], area["y"] + 80)
    page.wait_for_timeout(300)
    settle(page)
    assert shown_maps(page) != uploaded
    chosen = query(page)
    assert {"x", "y"} <= chosen.keys()

    # The link of an upload asks for the picture, and keeps the point.
    other = chromium.new_context(viewport={"width": 1400, "height": 900})
    tab = other.new_page()
    tab.goto(page.url)
    settle(tab, 120)
    assert "Upload it under Change picture" in tab.content()
    assert query(tab)["x"] == chosen["x"]
    assert query(tab)["y"] == chosen["y"]
    other.close()


def test_the_point_follows_from_page_to_page(server: Server, page: Page, settle: Settle) -> None:
    page.goto(f"{server.url}/compare?picture=cat&x=275&y=610")
    settle(page, 120)
    for name in ("Patch embedding", "Dual attention"):
        page.get_by_role("link", name=name).first.click()
        page.wait_for_timeout(300)
        settle(page, 120)
        assert query(page)["x"] == ["275"]
        assert query(page)["y"] == ["610"]


def test_what_is_no_picture_says_so_and_the_old_one_stays(
    server: Server, page: Page, settle: Settle, tmp_path: Path
) -> None:
    path = tmp_path / "page.png"
    path.write_text("<!doctype html><html><body>no picture</body></html>", encoding="utf-8")
    page.goto(f"{server.url}/compare?reads=raw")
    settle(page, 120)
    before = shown_maps(page)
    upload(page, path, settle)
    message = page.locator('.st-key-page_body [data-testid="stAlert"]').inner_text()
    assert "HTML" in message
    assert "stays" in message
    assert shown_maps(page) == before
    assert "Traceback" not in page.content()


@pytest.mark.slow
@pytest.mark.walk(4)
@pytest.mark.parametrize("name", ["dual_attention", "token_mixing"])
def test_a_deep_link_on_a_cold_server(
    name: str, cold_server: Server, page: Page, settle: Settle
) -> None:
    page.goto(f"{cold_server.url}/{name}?picture=Brick+wall&x=250&y=700")
    settle(page, 120)
    assert page.get_by_role("link", name="Compare").count() >= 1
    assert page.locator("h1").count() == 1
    assert page.locator('[data-testid="stException"]').count() == 0
    assert query(page)["x"] == ["250"]
    assert query(page)["picture"] == ["bricks"]
    open_picture(page)
    page.get_by_text("CC0Textures").wait_for()


def test_arrow_keys_move_the_point(server: Server, page: Page, settle: Settle) -> None:
    page.goto(f"{server.url}/patch_embedding?picture=cat&x=400&y=450")
    settle(page, 120)
    page.locator(".stage").first.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(400)
    settle(page)
    assert int(query(page)["x"][0]) > 400


def test_a_figure_comes_as_picture_and_as_numbers(
    server: Server, page: Page, settle: Settle
) -> None:
    page.goto(f"{server.url}/compare?reads=source")
    settle(page, 120)
    page.get_by_role("button", name="Source").first.click()
    files = {}
    for name in ("PNG", "SVG", "numbers (npz)", "numbers (csv)"):
        with page.expect_download(timeout=60_000) as coming:
            page.get_by_role("button", name=name, exact=True).first.click()
        path = coming.value.path()
        files[coming.value.suggested_filename.rsplit(".", 1)[1]] = path.read_bytes()
    assert files["png"].startswith(b"\x89PNG")
    assert b"<svg" in files["svg"]
    kept = np.load(io.BytesIO(files["npz"]))
    arrays = [kept[name] for name in kept.files if name != "metadata"]
    rows = [line.split(",")[1:] for line in files["csv"].decode().splitlines()[1:]]
    same = [a for a in arrays if np.array_equal(np.array(rows, dtype=a.dtype), a)]
    assert len(same) == 1  # the raw map; the share of reading comes with it
    assert not np.array_equal(np.array(rows, dtype=same[0].dtype).T, same[0])
