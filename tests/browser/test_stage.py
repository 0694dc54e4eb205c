"""The stage, a figure of plain JavaScript: a page of ten lines shows it from a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import start

if TYPE_CHECKING:
    from playwright.sync_api import Page

READ = """(node, point) => {
  const stage = node.stage;
  stage.point = point;
  stage.paint();
  const tile = stage.tiles[0].find((one) => one.canvas);
  const { width, height } = tile.canvas;
  return { colours: [...tile.pen.getImageData(0, 0, width, height).data], cell: tile.cellShown };
}"""


def test_the_page_of_ten_lines_shows_a_map_from_disk(page: Page) -> None:
    path = start.ROOT / "assets" / "components" / "stage.html"
    page.goto(path.as_uri())
    seen = page.locator(".stage").first.evaluate(READ, {"x": 500, "y": 500})
    colours = np.array(seen["colours"]).reshape(8, 8, 4)
    assert seen["cell"] == {"row": 4, "column": 4}
    assert colours[4, 4, 0] == 254  # the middle tap is the largest
    assert colours[3, 3, 0] == round(254 * 0.25**0.5)  # on the square-root scale
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
