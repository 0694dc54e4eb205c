"""Which cell a point falls into: one rule in Python and in the picker's JavaScript."""

from __future__ import annotations

import json
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest

from vislib.pictures import gallery, geometry

PICKER = Path(__file__).resolve().parents[3] / "assets" / "components" / "patch_picker.js"
GRIDS = (1, 3, 4, 7, 8, 14, 16, 24, 28, 32, 49, 56, 64)
SIZES = sorted({gallery.load(key).pixels.shape[1::-1] for key in gallery.GALLERY} | {(640, 427)})
CROPS = ((64, 1.0), (224, 0.875), (224, 0.95))


def test_both_languages_find_the_same_cell_at_every_place_of_every_grid() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node on this machine; the browser tests run the picker itself")
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
    source = PICKER.read_text(encoding="utf-8")
    rule = source[source.index("function placeOf") : source.index("function cellCentre")]
    script = f"""{rule}
const out = [];
for (const [across, down, count] of {json.dumps(cases)})
  for (let place = 0; place <= 1000; place += 1) {{
    const box = {{ across, down, rows: count, columns: count }};
    const cell = cellAt(box, {{ x: place, y: place }});
    out.push(cell && [cell.row, cell.column]);
  }}
process.stdout.write(JSON.stringify(out));
"""
    ran = subprocess.run([node, "-"], input=script, capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout) == wanted


@pytest.mark.parametrize("count", GRIDS)
def test_a_border_belongs_to_the_cell_behind_it(count: int) -> None:
    whole = geometry.view_box(1000, 1000, size=64, crop=1.0)
    for place in range(1001):
        found = geometry.cell_at(
            whole, picture=(1000, 1000), x=place, y=0, rows=count, columns=count
        )
        assert found == (0, min(int(Fraction(place * count, 1000)), count - 1))
