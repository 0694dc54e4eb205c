"""Which cell a point falls into: the stage's JavaScript and Python have one rule."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import start
from tests.unit.pictures.test_geometry import GRIDS
from vislib.pictures import gallery, geometry

if TYPE_CHECKING:
    from playwright.sync_api import Page

STAGE = start.ROOT / "assets" / "components" / "stage.js"
SIZES = sorted({gallery.load(key).pixels.shape[1::-1] for key in gallery.GALLERY} | {(640, 427)})
CROPS = ((64, 1.0), (224, 0.875), (224, 0.95))


def test_both_languages_find_the_same_cell_at_every_place_of_every_grid(page: Page) -> None:
    cases, wanted = [], []
    for width, height in SIZES:
        for size, crop in CROPS:
            box = geometry.view_box(width, height, size=size, crop=crop)
            across = geometry.edges(box.left, box.width, width)
            down = geometry.edges(box.top, box.height, height)
            for count in GRIDS:
                cases.append([across, down, count])
                for place in range(1001):
                    found = geometry.cell_at(
                        box, picture=(width, height), x=place, y=place, rows=count, columns=count
                    )
                    wanted.append(None if found is None else list(found))
    source = STAGE.read_text(encoding="utf-8")
    rule = source[source.index("function stageCell") : source.index("function stageNode")]
    script = f"""cases => {{
{rule}
const out = [];
for (const [across, down, count] of cases)
  for (let place = 0; place <= 1000; place += 1) {{
    const cell = stageCell({{ across, down }}, count, count, {{ x: place, y: place }});
    out.push(cell && [cell.row, cell.column]);
  }}
return JSON.stringify(out);
}}"""
    page.goto("about:blank")
    assert json.loads(page.evaluate(script, cases)) == wanted
