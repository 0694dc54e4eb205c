"""What a stage shows besides readings: maps that stay, a window's frame, a picture in the place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import start
from vislib.analysis.signed_fields import still_field
from vislib.analysis.windows import window_piece
from vislib.figures import colours

if TYPE_CHECKING:
    from playwright.sync_api import Page

SIGNED = (start.ROOT / "assets" / "components" / "signed_field.js").read_text(encoding="utf-8")
SHOW = """({ table, values, rows, columns, largest }) => {
  stage.signedTable = Uint8Array.from(table);
  Object.assign(stage.texts, { here: "{here} of ±{full}", scale_signed: "with a sign" });
  const bytes = new Uint8Array(Float32Array.from(values).buffer);
  const meta = { kind: "still", rows, columns, largest, signed: true, unit: "score" };
  const where = { type: "float32", offset: 0, length: bytes.length };
  stage.fields("1", [{ field: new SignedField({ ...meta, values: where }, bytes) }]);
  const tile = stage.tiles[0][1];
  return {
    colours: [...tile.pen.getImageData(0, 0, columns, rows).data],
    word: tile.word.textContent,
    legend: stage.legend.textContent,
  };
}"""
PIECES = """(sizes) => {
  const field = Object.assign(Object.create(Field.prototype), sizes);
  const found = [];
  for (let row = 0; row < sizes.rows; row += 1) {
    for (let column = 0; column < sizes.columns; column += 1) found.push(field.piece(row, column));
  }
  return found.map(({ row, column, down, across }) => [row, column, down, across]);
}"""
PICTURE = """(address) => {
  stage.fields("1", [{ field: null, image: address, word: "shuffled" }]);
  const { instead, canvas, word } = stage.tiles[0][1];
  return [instead.hidden, canvas.hidden, word.textContent];
}"""


@pytest.fixture
def alone(page: Page) -> Page:
    """The stage without a server."""
    page.goto((start.ROOT / "assets" / "components" / "stage.html").as_uri())
    return page


def test_a_signed_map_has_its_own_scale_and_the_place_s_number(alone: Page) -> None:
    alone.add_script_tag(content=SIGNED)
    values = np.random.default_rng(3).normal(size=(4, 6)).astype(np.float32)
    field = still_field(values)
    table = colours.table(True)[: colours.LEVELS]
    found = alone.evaluate(
        SHOW,
        {
            "table": table.reshape(-1).tolist(),
            "values": field.values.reshape(-1).tolist(),
            "rows": field.rows,
            "columns": field.columns,
            "largest": field.largest,
        },
    )
    seen = np.array(found["colours"]).reshape(4, 6, 4)[:, :, :3]
    wanted = table[colours.to_indices(values, colours.limits(values, signed=True))].astype(int)
    assert np.abs(seen - wanted).max() <= 4  # a rounding of one colour step
    assert np.abs(seen - wanted[::-1]).max() > 4
    own, most = found["word"].split(" of ±")
    assert float(own.replace("\u2212", "-")) == pytest.approx(float(values[2, 3]), rel=0.01)
    assert float(most) == pytest.approx(float(np.abs(values).max()), rel=0.01)
    assert "with a sign" in found["legend"]
    assert "share of reading" not in found["legend"]


@pytest.mark.parametrize(
    ("rows", "columns", "side", "shift"), [(8, 8, 4, 0), (8, 8, 4, 2), (7, 10, 4, 0), (10, 7, 4, 1)]
)
def test_the_frame_is_what_a_place_in_a_window_can_read(
    alone: Page, rows: int, columns: int, side: int, shift: int
) -> None:
    sizes = {"rows": rows, "columns": columns, "window": side, "shift": shift}
    found = alone.evaluate(PIECES, sizes)
    places = [(row, column) for row in range(rows) for column in range(columns)]
    wanted = [list(window_piece(row, column, **sizes)) for row, column in places]
    assert found == wanted
    other = [list(window_piece(row, column, **{**sizes, "shift": 3})) for row, column in places]
    assert found != other


def test_a_picture_stands_in_the_map_s_place(alone: Page) -> None:
    grey = "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'/>"
    assert alone.evaluate(PICTURE, grey) == [False, True, "shuffled"]
    assert alone.evaluate(PICTURE, "") == [True, False, "shuffled"]


def test_a_cosine_below_zero_has_a_minus_and_no_hyphen(alone: Page) -> None:
    found = alone.evaluate(
        "() => Tile.prototype.farAndNear.call({ field: { shares: [1, -0.262, 0.5] } }, 0)"
    )
    assert found == {"far": "\N{MINUS SIGN}0.26", "near": "0.50"}
