"""The page on token mixing: what it shows is what the library computed."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from pages import _panel, _state, _ui
from vislib import capture, gallery, models
from vislib.analysis import reading_at, token_units, unit_steps
from vislib.figures import colours

MODEL = "mixer_mini"
Open = Callable[..., AppTest]


class Shown:
    """What the page handed to the browser since ``clear``."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tiles: dict[str, tuple[np.ndarray, dict[str, Any]]] = {}
        self.pictures: dict[str, bytes] = {}
        real_tiles, real_image = _ui.tile_canvas, _ui.image

        def tiles(indices: np.ndarray, table: np.ndarray, **options: Any) -> int | None:
            self.tiles[options["key"]] = (indices, options)
            return real_tiles(indices, table, **options)

        def image(png: bytes, **options: Any) -> None:
            self.pictures[options["key"]] = png
            real_image(png, **options)

        monkeypatch.setattr(_ui, "tile_canvas", tiles)
        monkeypatch.setattr(_ui, "image", image)

    def clear(self) -> None:
        self.tiles, self.pictures = {}, {}


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Shown:
    return Shown(monkeypatch)


@pytest.fixture
def go(open_page: Open) -> Open:
    def opened(**address: str) -> AppTest:
        app = open_page("token_mixing", **{"picture": "cat", "x": "400", "y": "400", **address})
        check(app)
        return app

    return opened


@pytest.fixture(scope="module")
def arrays() -> tuple[Any, dict[str, Any]]:
    model = models.load(MODEL)
    cache = capture.run_with_cache(
        model, models.prepare(model, gallery.load("cat")), "stage0.block1"
    )
    return model, {**model.weights("stage0.block1"), **cache}


def check(app: AppTest) -> None:
    assert not app.exception
    assert not app.error


def facts(app: AppTest) -> str:
    """All tables and strips of the page as text."""
    return " ".join(re.sub(r"<[^>]+>", " ", element.proto.body) for element in app.get("html"))


def test_tiles_are_the_units_in_pairs(go: Open, shown: Shown, arrays: Any) -> None:
    go(mixer_block="1.2")
    model, found = arrays
    fc1 = found["stage0.block1.token_mixing.fc1"].values.astype(np.float64)
    pairs = token_units.pair_units(fc1, 8, 8)
    twos = [pair for pair in pairs if pair.second is not None]
    order = [unit for pair in twos for unit in (pair.first, pair.second)]
    order += [pair.first for pair in pairs if pair.second is None]
    assert sorted(order) == list(range(model.sites[1].units))
    sent = [shown.tiles[key] for key in ("unit_pairs", "unit_singles") if key in shown.tiles]
    indices = np.concatenate([entry[0] for entry in sent])
    ends = colours.limits(fc1, signed=True)
    expected = colours.to_indices(fc1.reshape(-1, 8, 8), ends)
    np.testing.assert_array_equal(indices, expected[order])
    assert not np.array_equal(indices, expected)  # negative control: not the stored order
    assert all(options["limits"] == ends for _, options in sent)
    assert [options["group"] for _, options in sent] == [2, 1][-len(sent) :]


def test_unit_comes_from_the_address_and_moves_the_maps(go: Open, shown: Shown) -> None:
    app = go(mixer_block="1.2", unit="5")
    assert app.number_input(key="unit").value == 5
    before = dict(shown.pictures)
    tiles = {key: entry[0].tobytes() for key, entry in shown.tiles.items()}
    app.number_input(key="unit").set_value(6).run()
    check(app)
    assert shown.pictures["pixel-unit-reads"] != before["pixel-unit-reads"]
    assert tiles == {key: entry[0].tobytes() for key, entry in shown.tiles.items()}
    selected = [entry[1]["selected"] for entry in shown.tiles.values()]
    assert sum(place is not None for place in selected) == 1
    app.segmented_control(key="unit_scale").set_value("own").run()
    check(app)
    assert all(entry[1]["limits"] == (-1.0, 1.0) for entry in shown.tiles.values())


def test_reading_equals_the_library_and_follows_the_point(
    go: Open, shown: Shown, arrays: Any
) -> None:
    app = go(mixer_block="1.2", mixing_view="reads", slopes="true")
    model, found = arrays
    readings = {
        name: reading_at.reading_at(model.sites[1], found, row=3, column=2, at_zero=zero)
        for name, zero in (("at_picture", False), ("at_zero", True))
    }
    words = {name: f"{entry.share[3, 2]:.1f}\u00a0%" for name, entry in readings.items()}
    assert words["at_picture"] != words["at_zero"]
    assert all(word in facts(app) for word in words.values())
    ends = colours.limits(*(entry.raw for entry in readings.values()), signed=True)
    for name, entry in readings.items():
        drawn = middle_colours(shown.pictures[f"pixel-slope-{name}"])
        expected = colours.table(True)[colours.to_indices(entry.raw, ends)]
        np.testing.assert_array_equal(drawn, expected)
        assert not np.array_equal(drawn, expected[::-1])  # negative control: upside down
    before = dict(shown.pictures)
    app.number_input(key="x").set_value(600).run()
    check(app)
    assert shown.pictures["reading-at_picture"] != before["reading-at_picture"]
    assert app.segmented_control(key="mixing_view").value == "reads"
    app.number_input(key="x").set_value(0).run()
    check(app)
    assert any("outside" in element.value for element in app.info)


def middle_colours(png: bytes) -> np.ndarray:
    """The colour at the middle of each of 8 x 8 cells of the picture's middle square."""
    image = gallery.load("cat")
    drawn = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    factor, side = drawn.shape[1] / image.width, min(image.width, image.height)
    left, top = (image.width - side) / 2, (image.height - side) / 2
    middles = (np.arange(8) + 0.5) * side / 8
    rows, columns = ((start + middles) * factor for start in (top, left))
    return np.asarray(drawn[np.ix_(rows.astype(int), columns.astype(int))])


def test_one_unit_shows_the_hooked_numbers(go: Open, shown: Shown, arrays: Any) -> None:
    app = go(mixer_block="1.2", mixing_view="unit", unit="3", unit_channel="8")
    model, found = arrays
    steps = unit_steps.unit_steps(model.sites[1], found, unit=2, channel=7)
    hooked = float(found["stage0.block1.token_mixing.hidden"].values[7, 2])
    words = next(element.value for element in app.markdown if "GELU(h) =" in element.value)
    numbers = words.replace("\N{MINUS SIGN}", "-").replace(" ", "")
    assert f"={hooked:.3f}→" in numbers
    assert f"GELU(h)={steps.activity.after:.3f}" in numbers
    indices, options = shown.tiles["unit_channels"]
    best = [
        entry.channel
        for entry in unit_steps.activity(found["stage0.block1.token_mixing.hidden"], 2)
    ]
    incoming = found["stage0.block1.token_mixing.in"].values.reshape(-1, 8, 8)[best[:12]]
    np.testing.assert_array_equal(indices, colours.to_indices(incoming, options["limits"]))
    sees = shown.pictures["pixel-step-sees"]
    app.number_input(key="unit_channel").set_value(0).run()
    check(app)
    assert shown.tiles["unit_channels"][1]["selected"] == 0
    assert shown.pictures["pixel-step-sees"] != sees
    app.toggle(key="unit_raw").set_value(True).run()
    check(app)
    chart = app.get("plotly_chart")[0].proto.spec
    assert '"heatmap"' in chart


def test_first_blocks_stand_side_by_side(go: Open, shown: Shown) -> None:
    app = go()
    shown.clear()
    app.segmented_control(key="mixing_view").set_value("blocks").run()
    check(app)
    kept = {key.split("-")[1] for key in shown.tiles}
    assert kept == {"1.1", "1.2", "1.3"}
    app.selectbox(key="mixer_block").set_value("1.3").run()
    check(app)
    chosen = [key for key, entry in shown.tiles.items() if entry[1]["selected"] is not None]
    assert all("1.3" in key for key in chosen)


def test_full_size_model_is_drawn(go: Open, shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    key = "mixer_b16_224.goog_in21k_ft_in1k"
    model = models.load(key, untrained=True)
    monkeypatch.setattr(_panel, "available", lambda: (key,))
    monkeypatch.setattr(_state, "_loaded", lambda *_: model)
    app = go(models=key)
    indices, options = shown.tiles["unit_singles"]
    assert indices.shape == (384, 14, 14)  # random weights make no pairs
    assert "unit_pairs" not in shown.tiles
    assert len(options["captions"]) == 384
    assert len(app.info) == 1
    for name in ("reads", "unit", "blocks"):
        app.segmented_control(key="mixing_view").set_value(name).run()
        check(app)
