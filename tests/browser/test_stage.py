"""The stage in Chromium: its colours are the field's, it follows pointer and keys by itself."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import start
from vislib.analysis.fields import ReadingField, reading_field
from vislib.analysis.reading_at import spatial_operator
from vislib.figures.colours import sequential_table
from vislib.models import loading
from vislib.observe.capture import run_with_cache
from vislib.pictures import gallery, geometry

if TYPE_CHECKING:
    from playwright.sync_api import Page

FIVE = ("mixer_mini", "convmixer_mini", "davit_mini", "vit_mini", "resnet_mini")
PLACES = 50
PROJECTOR, TABLET, PHONE = (1280, 720), (1024, 768), (390, 844)
READ = """(node, point) => {
  const stage = node.stage;
  stage.point = point;
  stage.paint();
  return stage.tiles[0].filter((tile) => tile.canvas).map((tile) => ({
    colours: [...tile.pen.getImageData(0, 0, tile.canvas.width, tile.canvas.height).data],
    cell: tile.cellShown,
    block: stage.block,
  }));
}"""
SHIFTS = """() => {
  window.__shift = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.__shift += entry.value;
  }).observe({ type: 'layout-shift', buffered: true });
}"""


def opened(page: Page, url: str, settle: Any, *models: str) -> Any:
    """The stage of Compare with these models."""
    listed = "".join(f"&models={key}" for key in models)
    page.goto(f"{url}/?picture=coffee&depth=50{listed}")
    page.locator(".stage .map").first.wait_for(state="attached", timeout=180_000)
    settle(page)
    return page.locator(".stage").first


def field_of(key: str, depth: float) -> ReadingField:
    """The field of the block at a relative depth on the cup of coffee."""
    model, picture = loading.load(key), gallery.load("coffee")
    sites = [site for site in model.sites if spatial_operator(site)]
    away = [abs(i / max(1, len(sites) - 1) - depth / 100) for i in range(len(sites))]
    site = sites[int(np.argmin(away))]
    cache = run_with_cache(model, loading.prepare(model, picture), site.group)
    return reading_field(site, {**model.weights(site.group), **cache})


def cell_at(key: str, point: dict[str, int], rows: int, columns: int) -> tuple[int, int] | None:
    picture, config = gallery.load("coffee"), loading.load(key).config
    box = geometry.view_box(picture.width, picture.height, size=config.size, crop=config.crop)
    size = picture.width, picture.height
    return geometry.cell_at(box, picture=size, **point, rows=rows, columns=columns)


def test_the_canvas_is_the_field_at_fifty_places_of_every_family(
    page: Page, server: Any, settle: Any
) -> None:
    stage = opened(page, server.url, settle, *FIVE)
    draw, table = random.Random(7), sequential_table()[:255].astype(int)
    fields: dict[str, ReadingField] = {}
    for _ in range(PLACES):
        point = {"x": draw.randrange(180, 820), "y": draw.randrange(1001)}
        tiles = stage.evaluate(READ, point)
        depth = float(tiles[0]["block"])
        fields = fields or {key: field_of(key, depth) for key in FIVE}
        shares = {}
        for key, tile in zip(FIVE, tiles, strict=True):
            cell = cell_at(key, point, fields[key].rows, fields[key].columns)
            assert cell == (tile["cell"]["row"], tile["cell"]["column"])
            shares[key] = fields[key].at(*cell)
        most = max(share.max() for share in shares.values())
        for key, tile in zip(FIVE, tiles, strict=True):
            seen = np.array(tile["colours"]).reshape(*shares[key].shape, 4)[:, :, :3]
            wanted = table[np.rint(254 * np.sqrt(shares[key] / most)).astype(int)]
            assert np.abs(seen - wanted).max() <= 4, key  # a rounding of one colour step
            turned = table[np.rint(254 * np.sqrt(shares[key].T / most)).astype(int)]
            assert key == "resnet_mini" or np.abs(seen - turned).max() > 4


def test_a_moved_pointer_changes_the_maps_and_sends_nothing(
    page: Page, server: Any, settle: Any
) -> None:
    sent: list[Any] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda data: sent.append(data)))
    stage = opened(page, server.url, settle, *FIVE[:3])
    sent.clear()
    words = page.locator(".stage .word").nth(1)
    before = words.inner_text()
    area = page.locator(".stage .ground").nth(2).bounding_box()
    assert area is not None
    for i in range(40):  # over a map, not over the picture
        x = area["x"] + area["width"] * (0.3 + i / 100)
        page.mouse.move(x, area["y"] + area["height"] / 4)
    page.wait_for_timeout(400)
    assert words.inner_text() != before
    assert sent == []
    page.mouse.click(area["x"] + area["width"] * 0.4, area["y"] + area["height"] * 0.75)
    settle(page)
    assert sent
    assert stage.evaluate("node => node.stage.pinned.y") in (749, 750, 751)
    assert "y=750" in page.url or "y=749" in page.url or "y=751" in page.url


def test_the_keyboard_alone_moves_the_place_and_steps_through_blocks(
    page: Page, server: Any, settle: Any
) -> None:
    stage = opened(page, server.url, settle, *FIVE[:3])
    stage.focus()
    before = stage.evaluate("node => ({ ...node.stage.tiles[0][1].cellShown })")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    after = stage.evaluate("node => ({ ...node.stage.tiles[0][1].cellShown })")
    assert after == {"row": before["row"] + 1, "column": before["column"] + 1}
    settle(page)
    block = stage.evaluate("node => node.stage.block")
    page.keyboard.press("PageDown")
    at_once = stage.evaluate("node => node.stage.block")  # its fields were here already
    assert int(at_once) > int(block)
    settle(page)
    assert stage.evaluate("node => node.stage.block") == at_once
    assert f"depth={at_once}" in page.url


@pytest.mark.parametrize(
    ("viewport", "most"),
    [(PROJECTOR, 200), (TABLET, 200), (PHONE, 500)],
    indirect=["viewport"],
    ids=["projector", "tablet", "phone"],
)
def test_the_first_map_is_on_the_first_screen_and_nothing_jumps(
    page: Page, server: Any, settle: Any, most: int
) -> None:
    opened(page, server.url, settle, *FIVE[:3])
    page.evaluate(SHIFTS)
    page.wait_for_timeout(200)
    areas = [place.bounding_box() for place in page.locator(".stage .ground").all()]
    assert len(areas) == 4
    assert areas[1]["y"] < most
    assert len({round(area["width"]) for area in areas}) == 1
    if most == 200 and page.viewport_size["width"] == PROJECTOR[0]:
        assert areas[1]["width"] >= 280
    assert page.evaluate("window.__shift") < 0.1


def test_the_page_of_ten_lines_shows_a_map_from_disk(page: Page) -> None:
    path = start.ROOT / "assets" / "components" / "stage.html"
    page.goto(path.as_uri())
    tiles = page.locator(".stage").first.evaluate(READ, {"x": 500, "y": 500})
    colours = np.array(tiles[0]["colours"]).reshape(8, 8, 4)
    assert tiles[0]["cell"] == {"row": 4, "column": 4}
    assert colours[4, 4, 0] == 254  # the middle tap is the largest
    assert colours[3, 3, 0] == round(254 * 0.25**0.5)
    assert colours[0, 0, 0] == 0


def test_a_moved_pointer_moves_the_place_in_the_next_frame(page: Page) -> None:
    path = start.ROOT / "assets" / "components" / "stage.html"
    page.goto(path.as_uri())
    area = page.locator(".stage .ground").nth(1).bounding_box()
    assert area is not None
    page.mouse.move(area["x"] + area["width"] * 0.3, area["y"] + area["height"] * 0.8)
    page.wait_for_timeout(200)
    stage = page.locator(".stage").first
    assert stage.evaluate("node => node.stage.tiles[0][1].cellShown") == {"row": 6, "column": 2}
    assert stage.evaluate("node => node.stage.frames.length") == 1
