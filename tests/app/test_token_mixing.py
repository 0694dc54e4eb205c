"""The page on token mixing: what it shows is what the library computed."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from tests.app.conftest import OnStage, Shown
from views import frame
from views.frame import server, state
from vislib.analysis import linear_mixing, reading_at, token_units, unit_steps
from vislib.analysis.arrays import by_own_largest
from vislib.analysis.fields import reading_field
from vislib.analysis.receptive import share_moved
from vislib.figures import colours
from vislib.models import loading
from vislib.observe import capture
from vislib.pictures import gallery, geometry
from vislib.registry import spec
from vislib.weights import files

MODEL, LINEAR = "mixer_mini", "resmlp_24_224.fb_in1k"
Open = Callable[..., AppTest]


@pytest.fixture(scope="session")
def minis() -> tuple[str, ...]:
    """This page needs no more than the models that the app begins with."""
    missing = [k for k in state.DEFAULT_MODELS if not files.status(spec(k)).present]
    if missing:
        pytest.skip(f"the bundled weights of {', '.join(missing)} are not in assets/weights")
    return state.DEFAULT_MODELS


@pytest.fixture
def go(open_page: Open) -> Open:
    def opened(**address: str) -> AppTest:
        app = open_page("token_mixing", **{"picture": "cat", "x": "400", "y": "400", **address})
        check(app)
        return app

    return opened


@pytest.fixture(scope="module")
def arrays() -> tuple[Any, dict[str, Any]]:
    model = loading.load(MODEL)
    cache = capture.run_with_cache(
        model, loading.prepare(model, gallery.load("cat")), "stage0.block1"
    )
    return model, {**model.weights("stage0.block1"), **cache}


@pytest.fixture(scope="module")
def linear_model() -> loading.LoadedModel:
    """ResMLP at full size; random weights, for there is no small trained one."""
    return loading.load(LINEAR, untrained=True)


@pytest.fixture
def with_linear(
    go: Open, linear_model: loading.LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> Open:
    """Opens the page where ResMLP is on the machine beside the bundled models."""
    real = loading.load

    def load(key: str, **how: Any) -> loading.LoadedModel:
        return linear_model if key == LINEAR else real(key, **how)

    monkeypatch.setattr(server, "present", lambda: (*state.DEFAULT_MODELS, LINEAR))
    monkeypatch.setattr(loading, "load", load)

    def opened(**address: str) -> AppTest:
        return go(models=LINEAR, **address)

    return opened


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
    rows, columns = model.sites[1].rows, model.sites[1].columns
    pairs = token_units.pair_units(fc1, rows, columns)
    twos = [pair for pair in pairs if pair.second is not None]
    order = [unit for pair in twos for unit in (pair.first, pair.second)]
    order += [pair.first for pair in pairs if pair.second is None]
    assert sorted(order) == list(range(model.sites[1].units))
    sent = [shown.tiles[key] for key in ("unit_pairs", "unit_singles") if key in shown.tiles]
    indices = np.concatenate([entry[0] for entry in sent])
    ends = colours.limits(fc1, signed=True)
    expected = colours.to_indices(fc1.reshape(-1, rows, columns), ends)
    np.testing.assert_array_equal(indices, expected[order])
    assert not np.array_equal(indices, expected)  # negative control: not the stored order
    assert all(options["limits"] == ends for _, options in sent)
    assert [options["group"] for _, options in sent] == [2, 1][-len(sent) :]


def still(stage: OnStage, index: int) -> np.ndarray:
    """A map on the stage that is the same for every place."""
    field = stage.entries()[index].field
    assert field is not None
    assert field.kind == "still"
    return field.values


def test_unit_comes_from_the_address_and_its_two_maps_lie_on_the_stage(
    go: Open, shown: Shown, stage: OnStage, arrays: Any
) -> None:
    app = go(mixer_block="1.2", unit="5")
    assert app.number_input(key="unit").value == 5
    model, found = arrays
    size = model.sites[1].rows, model.sites[1].columns
    fc1, fc2 = (found[f"stage0.block1.token_mixing.{name}"].values for name in ("fc1", "fc2"))
    np.testing.assert_array_equal(still(stage, 1), fc1[4].reshape(size))
    np.testing.assert_array_equal(still(stage, 2), fc2[:, 4].reshape(size))
    assert not np.array_equal(fc1[4], fc2[:, 4])  # negative control: not one map twice
    reads = stage.entries()[0].field
    assert reads is not None
    np.testing.assert_array_equal(reads.values, reading_field(model.sites[1], found).values)
    tiles = {key: entry[0].tobytes() for key, entry in shown.tiles.items()}
    app.number_input(key="unit").set_value(6).run()
    check(app)
    np.testing.assert_array_equal(still(stage, 1), fc1[5].reshape(size))
    assert tiles == {key: entry[0].tobytes() for key, entry in shown.tiles.items()}
    selected = [entry[1]["selected"] for entry in shown.tiles.values()]
    assert sum(place is not None for place in selected) == 1
    app.segmented_control(key="unit_scale").set_value("own").run()
    check(app)
    assert all(entry[1]["limits"] == (-1.0, 1.0) for entry in shown.tiles.values())
    pairs = shown.tiles["unit_pairs"][1]
    shown.click("unit_pairs", 1, app, "unit")
    chosen = app.session_state["unit"]
    assert pairs["labels"][1] == f"unit {chosen}"
    np.testing.assert_array_equal(still(stage, 1), fc1[chosen - 1].reshape(size))


def test_reading_equals_the_library_and_follows_the_point(
    go: Open, shown: Shown, stage: OnStage, arrays: Any
) -> None:
    app = go(mixer_block="1.2", mixing_view="reads", slopes="true")
    model, found = arrays
    site, picture = model.sites[1], gallery.load("cat")
    box = geometry.view_box(picture.width, picture.height, size=model.config.size, crop=1.0)
    size = (picture.width, picture.height)
    cell = geometry.cell_at(box, picture=size, x=400, y=400, rows=site.rows, columns=site.columns)
    assert cell is not None
    readings = {
        name: reading_at.reading_at(site, found, row=cell[0], column=cell[1], at_zero=zero)
        for name, zero in (("at_picture", False), ("at_zero", True))
    }
    for entry, reading in zip(stage.entries(), readings.values(), strict=True):
        assert entry.field is not None
        away = np.abs(entry.field.at(*cell) - reading.share)
        assert (away <= entry.field.half_step(reading.share) + 1e-9).all()
    words = {name: f"{entry.share[cell]:.1f}\u00a0%" for name, entry in readings.items()}
    assert not np.allclose(readings["at_picture"].share, readings["at_zero"].share)
    assert all(word in facts(app) for word in words.values())
    ends = colours.limits(*(entry.raw for entry in readings.values()), signed=True)
    for name, entry in readings.items():
        drawn = middle_colours(shown.pictures[f"pixel-slope-{name}"], cells=site.rows)
        expected = colours.table(True)[colours.to_indices(entry.raw, ends)]
        np.testing.assert_array_equal(drawn, expected)
        assert not np.array_equal(drawn, expected[::-1])  # negative control: upside down
    numbers = facts(app)
    app.number_input(key="x").set_value(600).run()
    check(app)
    assert facts(app) != numbers
    assert stage.options["point"] == (600, 400)
    assert app.selectbox(key="mixing_view").value == "reads"
    app.number_input(key="x").set_value(0).run()
    check(app)
    assert any("outside" in element.value for element in app.info)


def middle_colours(png: bytes, *, cells: int, crop: float = 1.0) -> np.ndarray:
    """The colour at the middle of each cell of the picture's middle square, cropped."""
    image = gallery.load("cat")
    drawn = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    factor, side = drawn.shape[1] / image.width, crop * min(image.width, image.height)
    left, top = (image.width - side) / 2, (image.height - side) / 2
    middles = (np.arange(cells) + 0.5) * side / cells
    rows, columns = ((start + middles) * factor for start in (top, left))
    return np.asarray(drawn[np.ix_(rows.astype(int), columns.astype(int))])


def test_one_unit_shows_the_hooked_numbers(
    go: Open, shown: Shown, stage: OnStage, arrays: Any
) -> None:
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
    maps = found["stage0.block1.token_mixing.in"].values
    incoming = maps.reshape(-1, model.sites[1].rows, model.sites[1].columns)[best[:12]]
    np.testing.assert_array_equal(indices, colours.to_indices(incoming, options["limits"]))
    for index, name in enumerate(("reads", "sees", "product", "writes")):
        wanted = getattr(steps, name).values.astype(np.float32)
        np.testing.assert_array_equal(still(stage, index), wanted)
    assert len(stage.entries()) == 4
    app.number_input(key="unit_channel").set_value(0).run()
    check(app)
    assert shown.tiles["unit_channels"][1]["selected"] == 0
    np.testing.assert_array_equal(still(stage, 1), incoming[0].astype(np.float32))
    assert best[0] != 7
    app.toggle(key="unit_raw").set_value(True).run()
    check(app)
    chart = app.get("plotly_chart")[0].proto.spec
    assert '"heatmap"' in chart


def test_first_blocks_stand_side_by_side(go: Open, shown: Shown) -> None:
    app = go()
    shown.clear()
    app.selectbox(key="mixing_view").set_value("blocks").run()
    check(app)
    kept = {key.split("-")[1] for key in shown.tiles}
    assert kept == {"1.1", "1.2", "1.3"}
    app.selectbox(key="mixer_block").set_value("1.3").run()
    check(app)
    chosen = [key for key, entry in shown.tiles.items() if entry[1]["selected"] is not None]
    assert all("1.3" in key for key in chosen)


def test_rows_stand_at_their_own_patch_and_a_click_moves_the_point(
    with_linear: Open, shown: Shown, stage: OnStage, linear_model: loading.LoadedModel
) -> None:
    app = with_linear(mixer_block="1.3", row_scale="shared")
    name = "stage0.block2.token_mixing.weight"
    matrix = linear_model.weights("stage0.block2")[name].values
    indices, options = shown.tiles["matrix_rows"]
    ends = colours.limits(matrix, signed=True)
    expected = colours.to_indices(matrix.reshape(196, 14, 14), ends)
    np.testing.assert_array_equal(indices, expected)
    turned = colours.to_indices(matrix.T.reshape(196, 14, 14), ends)
    assert not np.array_equal(indices, turned)  # negative control: columns
    assert options["per_row"] == 14
    place = cell(app, linear_model)
    assert options["selected"] == place[0] * 14 + place[1]
    own, by = (entry.field for entry in stage.entries())
    assert own is not None
    assert by is not None
    share = 100 * np.abs(matrix) / np.abs(matrix).sum(axis=1, keepdims=True)
    token = place[0] * 14 + place[1]
    np.testing.assert_allclose(own.at(*place).ravel(), share[token], atol=own.scale)
    np.testing.assert_allclose(by.at(*place).ravel(), share[:, token], atol=by.scale)
    assert np.abs(by.at(*place).ravel() - share[token]).max() > 10 * by.scale  # negative control
    before, tiles = dict(shown.pictures), indices.tobytes()
    # What the component calls after a click on the tile of the patch in row 10, column 4.
    shown.click("matrix_rows", 9 * 14 + 3, app, "x", "y")
    assert cell(app, linear_model) == (9, 3)
    assert shown.tiles["matrix_rows"][1]["selected"] == 9 * 14 + 3
    assert shown.tiles["matrix_rows"][0].tobytes() == tiles
    assert shown.pictures["pixel-row-raw"] != before["pixel-row-raw"]
    app.segmented_control(key="row_scale").set_value("own").run()
    check(app)
    assert shown.tiles["matrix_rows"][1]["limits"] == (-1.0, 1.0)


def cell(app: AppTest, model: loading.LoadedModel) -> tuple[int, int]:
    """The patch that the app's point lies in."""
    picture = gallery.load("cat")
    box = geometry.view_box(
        picture.width, picture.height, size=model.config.size, crop=model.config.crop
    )
    found = geometry.cell_at(
        box,
        picture=(picture.width, picture.height),
        x=app.session_state["x"],
        y=app.session_state["y"],
        rows=model.grid.rows,
        columns=model.grid.columns,
    )
    assert found is not None
    return found


def test_row_and_column_of_a_patch_are_the_matrix_s(
    with_linear: Open, shown: Shown, linear_model: loading.LoadedModel
) -> None:
    app = with_linear(mixer_block="1.2", mixing_view="reads", slopes="true")
    matrix = linear_model.weights("stage0.block1")["stage0.block1.token_mixing.weight"].values
    row, column = cell(app, linear_model)
    token = 14 * row + column
    raw = {"row": matrix[token], "read_by": matrix[:, token]}
    ends = colours.limits(*raw.values(), signed=True)
    side = linear_model.config.crop
    for name, values in raw.items():
        drawn = middle_colours(shown.pictures[f"pixel-slope-{name}"], cells=14, crop=side)
        expected = colours.table(True)[colours.to_indices(values.reshape(14, 14), ends)]
        free = np.ones((14, 14), dtype=bool)
        free[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2] = False  # the mark
        np.testing.assert_array_equal(drawn[free], expected[free])
        other = raw["read_by" if name == "row" else "row"].reshape(14, 14)
        wrong = colours.table(True)[colours.to_indices(other, ends)]
        assert not np.array_equal(drawn[free], wrong[free])  # negative control
    found = linear_mixing.read_by(matrix, token=token, rows=14, columns=14)
    assert f"{found.share[row, column]:.1f}\u00a0%" in facts(app)
    assert f"{matrix.size + 196:,}".replace(",", "\u202f") in facts(app)


def test_depth_shows_every_block_and_goes_there(
    with_linear: Open, shown: Shown, linear_model: loading.LoadedModel
) -> None:
    app = with_linear(mixing_view="depth")
    indices, options = shown.tiles["row_blocks"]
    assert indices.shape == (24, 14, 14)
    assert options["selected"] == 0
    row, column = cell(app, linear_model)
    matrix = linear_model.weights("stage0.block7")["stage0.block7.token_mixing.weight"].values
    own = by_own_largest(matrix[None, 14 * row + column].reshape(1, 14, 14))
    np.testing.assert_array_equal(indices[7], colours.to_indices(own, (-1.0, 1.0))[0])
    assert not np.array_equal(indices[6], indices[7])
    shown.click("row_blocks", 7, app, "mixer_block")
    assert app.selectbox(key="mixer_block").value == "1.8"
    assert shown.tiles["row_blocks"][1]["selected"] == 7
    charts = [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]
    depth = linear_mixing.over_depth(
        [
            linear_model.weights(site.group)[f"{site.group}.token_mixing.weight"]
            for site in linear_model.sites
        ],
        rows=14,
        columns=14,
    )
    for chart, values in zip(charts, (depth.reach, depth.local), strict=True):
        drawn = numbers_of(chart["data"][0]["y"])
        np.testing.assert_allclose(drawn, np.median(values, axis=1))


def numbers_of(entry: Any) -> np.ndarray:
    """A plotly array, plain or as base64."""
    if isinstance(entry, dict):
        return np.frombuffer(base64.b64decode(entry["bdata"]), dtype=entry["dtype"])
    return np.asarray(entry)


def test_resmlp_beside_mixer_moves_nothing_where_mixer_does(
    with_linear: Open, stage: OnStage, linear_model: loading.LoadedModel
) -> None:
    app = with_linear(mixing_view="beside", other_picture="coffee")
    moved = re.findall(r"of the reading has moved\s+(\d+\.\d)", facts(app))
    assert len(moved) == 2
    assert moved[0] == "0.0"
    assert float(moved[1]) > 0.5
    assert [[tile.label for tile in row.tiles] for row in stage.rows] == [
        [spec(LINEAR).title, spec(MODEL).title]
    ] * 2
    here, mixer_here, there, mixer_there = (entry.field for entry in stage.entries())
    assert here is not None
    assert there is not None
    assert mixer_here is not None
    assert mixer_there is not None
    np.testing.assert_array_equal(here.values, there.values)
    place = cell(app, loading.load(MODEL))
    away = share_moved(mixer_here.at(*place), mixer_there.at(*place))
    assert away == pytest.approx(float(moved[1]), abs=0.06)
    app.selectbox(key="mixer").set_value(MODEL).run()
    check(app)
    assert app.selectbox(key="mixing_view").value == "beside"
    app.selectbox(key="mixing_view").set_value("units").run()
    check(app)
    app.selectbox(key="mixer").set_value(LINEAR).run()
    check(app)  # a view that this family has not: the first one it has
    assert app.selectbox(key="mixing_view").value == "rows"


def test_without_resmlp_it_is_offered_and_mixer_goes_on(
    go: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered: list[str] = []
    monkeypatch.setattr(server, "present", lambda: state.DEFAULT_MODELS)
    monkeypatch.setattr(frame, "offer", lambda key, why: offered.append(key))
    app = go(mixing_view="beside")
    assert offered == [LINEAR]
    app.selectbox(key="mixing_view").set_value("units").run()
    check(app)
    assert offered[1:] == ["mixer_b16_224.goog_in21k"]


def test_full_size_model_is_drawn(go: Open, shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    key = "mixer_b16_224.goog_in21k_ft_in1k"
    model = loading.load(key, untrained=True)
    monkeypatch.setattr(server, "present", lambda: (key,))
    monkeypatch.setattr(loading, "load", lambda *_, **__: model)
    app = go(models=key)
    indices, options = shown.tiles["unit_singles"]
    assert indices.shape == (384, 14, 14)  # random weights make no pairs
    assert "unit_pairs" not in shown.tiles
    assert len(options["captions"]) == 384
    assert len(app.info) == 1
    for name in ("reads", "unit", "blocks"):
        app.selectbox(key="mixing_view").set_value(name).run()
        check(app)
