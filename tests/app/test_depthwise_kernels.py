"""The page on depthwise kernels: what it shows is what the library computed."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from tests.app.conftest import Bring, OnStage, Shown
from views.frame import server
from vislib.analysis import dense_kernels, kernel_depth, kernels
from vislib.analysis.arrays import by_own_largest
from vislib.analysis.depth import same_depth
from vislib.analysis.fields import reading_field
from vislib.analysis.one_channel import follow_place
from vislib.figures import colours
from vislib.models import loading
from vislib.observe import capture
from vislib.pictures import gallery

ROOT = Path(__file__).resolve().parents[2]
MODEL = "convmixer_mini"
pytestmark = pytest.mark.skipif(
    not (ROOT / "assets" / "weights" / f"{MODEL}.safetensors").is_file(),
    reason="the bundled weights of ConvMixer mini are not here",
)


@pytest.fixture(scope="module")
def model() -> loading.LoadedModel:
    return loading.load(MODEL)


def opened(**address: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=600)
    app.session_state["models"] = [MODEL]
    for name, value in {"picture": "cat", "x": "400", "y": "400", **address}.items():
        app.query_params[name] = value
    app.switch_page("pages/depthwise_kernels.py").run()
    assert not app.exception
    assert not app.error
    return app


def table(app: AppTest) -> list[str]:
    """Values of the sums' table: products, bias, both, the model's own, difference."""
    bodies = [element.proto.body for element in app.get("html")]
    found = next(body for body in bodies if 'class="facts"' in body)
    cells = re.findall(r"<td>(.*?)</td>", found)
    return [cell.replace("\N{MINUS SIGN}", "-") for cell in cells]


def open_tab(app: AppTest, name: str) -> AppTest:
    """Choose a tab by its name in the address."""
    app.session_state["kernel_tab"] = name
    app.run()
    assert not app.exception
    assert not app.error
    return app


def middle_colours(png: bytes, rows: int, columns: int) -> np.ndarray:
    """The colour at the middle of each cell of a map."""
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    down = (np.arange(rows) + 0.5) * pixels.shape[0] / rows
    across = (np.arange(columns) + 0.5) * pixels.shape[1] / columns
    return pixels[np.ix_(down.astype(int), across.astype(int))]


def test_one_block_shows_the_models_numbers(
    shown: Shown, stage: OnStage, model: loading.LoadedModel
) -> None:
    app = opened(kernel_block="1.3", channel="7", kernel_order="norm", kernel_scale="one")
    assert app.number_input(key="channel").value == 7
    group = "stage0.block2"
    array = model.weights(group)[f"{group}.depthwise.kernel"]
    indices, options = shown.tiles["kernel_tiles"]
    order = kernels.kernel_order(array, "norm")
    pair = colours.limits(array.values, signed=True)
    np.testing.assert_array_equal(indices, colours.to_indices(array.values[order], pair))
    assert options["limits"] == pair
    assert order[options["selected"]] == 6
    # Negative control: unsorted, the tiles are others.
    assert not np.array_equal(indices, colours.to_indices(array.values, pair))

    cache = capture.run_with_cache(model, loading.prepare(model, gallery.load("cat")), group)
    incoming = cache[f"{group}.depthwise.in"].values[6]
    outgoing = cache[f"{group}.depthwise.out"].values[6]
    common = colours.limits(incoming, outgoing, signed=True)
    footprint, before, products, after = (entry.field for entry in stage.entries())
    wanted = reading_field(model.sites[2], {array_name(group): array})
    np.testing.assert_array_equal(footprint.values, wanted.values)
    for field, values in ((before, incoming), (after, outgoing)):
        np.testing.assert_array_equal(field.values, values)
        assert field.largest == common[1]
        assert not np.array_equal(field.values[::-1], values)
    row, column = _cell(model)
    total = follow_place(incoming, array.values[6], products.bias, outgoing, row=row, column=column)
    laid = products.at(row, column)
    assert np.nansum(laid) == pytest.approx(total.total, rel=1e-9)
    assert np.nansum(laid) + products.bias == pytest.approx(outgoing[row, column], abs=1e-5)
    assert np.nansum(products.at(row, column + 1)) != pytest.approx(total.total, rel=1e-3)

    open_tab(app, "channel")
    assert float(table(app)[3]) == pytest.approx(float(outgoing[row, column]), abs=6e-6)
    assert abs(float(table(app)[4])) < 1e-5
    ends = colours.limits(array.values[6], signed=True)
    seen = middle_colours(shown.pictures["pixel-kernel"], *array.values[6].shape)
    expected = colours.table(True)[colours.to_indices(array.values[6], ends)]
    np.testing.assert_array_equal(seen, expected)
    assert not np.array_equal(seen[::-1], expected)
    seen = middle_colours(shown.pictures["pixel-products"], *total.terms.shape)
    ends = colours.limits(total.terms, signed=True)
    np.testing.assert_array_equal(seen, colours.table(True)[colours.to_indices(total.terms, ends)])


def array_name(group: str) -> str:
    return f"{group}.depthwise.kernel"


def _cell(model: loading.LoadedModel) -> tuple[int, int]:
    """The cell of (400, 400) thousandths on the model's grid, by its own reckoning."""
    picture = gallery.load("cat")
    side = min(picture.width, picture.height)
    x = 0.4 * picture.width - (picture.width - side) / 2
    y = 0.4 * picture.height - (picture.height - side) / 2
    return int(y / side * model.grid.rows), int(x / side * model.grid.columns)


def test_a_moved_point_changes_the_place_and_not_the_kernels(shown: Shown, stage: OnStage) -> None:
    app = opened(channel="7", kernel_tab="channel")
    before, fields = dict(shown.pictures), [entry.field.values for entry in stage.entries()]
    sums = table(app)
    app.number_input(key="x").set_value(600).run()
    assert not app.exception
    assert stage.options["point"] == (600, 400)
    for entry, values in zip(stage.entries(), fields, strict=True):
        np.testing.assert_array_equal(entry.field.values, values)
    assert shown.pictures["pixel-kernel"] == before["pixel-kernel"]
    assert shown.pictures["pixel-products"] != before["pixel-products"]
    assert table(app)[1] == sums[1]  # the bias
    assert table(app)[3] != sums[3]
    app.number_input(key="x").set_value(0).run()  # the cat is wider than it is high
    assert any("outside" in info.value for info in app.info)
    assert not app.exception


def test_depth_shows_the_radius_of_every_block(
    shown: Shown, stage: OnStage, model: loading.LoadedModel
) -> None:
    app = opened(kernel_view="depth", kernel_block="1.2")
    blocks = [model.weights(site.group)[f"{site.group}.depthwise.kernel"] for site in model.sites]
    found = kernel_depth.radius_over_depth(blocks)
    for entry, number in zip(stage.entries(), (0, 1, len(blocks) - 1), strict=True):
        array = blocks[number]
        wanted = reading_field(model.sites[number], {array_name(f"stage0.block{number}"): array})
        np.testing.assert_array_equal(entry.field.values, wanted.values)
    spec = json.loads(app.get("plotly_chart")[0].proto.spec)
    np.testing.assert_array_equal(numbers(spec["data"][0]["y"]), found.median)
    np.testing.assert_array_equal(numbers(spec["data"][1]["y"]), found.upper)
    assert not np.array_equal(found.median, found.upper)
    assert spec["layout"]["shapes"][0]["x0"] == 2
    power, options = shown.tiles["kernel_spectra"]
    assert len(power) == len(model.sites)
    assert options["selected"] == 1
    samples, options = shown.tiles["kernel_samples"]
    assert len(samples) == 12 * min(12, len(model.sites))
    app.selectbox(key="kernel_block").set_value("1.8").run()
    assert not app.exception
    assert shown.tiles["kernel_spectra"][1]["selected"] == 7


def numbers(values: Any) -> np.ndarray:
    """A list of a plotly figure, which may be packed."""
    if isinstance(values, dict):
        return np.frombuffer(base64.b64decode(values["bdata"]), dtype=values["dtype"])
    return np.asarray(values)


def test_mixing_shows_the_strongest_inputs(
    shown: Shown, stage: OnStage, model: loading.LoadedModel
) -> None:
    app = opened(kernel_view="mixing", kernel_block="1.3", channel="7")
    group = "stage0.block2"
    weight = model.weights(group)[f"{group}.channel_mixing.weight"].values[6, :, 0, 0]
    strongest = np.argsort(-np.abs(weight), kind="stable")[:12]
    labels = shown.tiles["mixing_inputs"][1]["labels"]
    assert [int(re.findall(r"\d+", label)[0]) - 1 for label in labels] == strongest.tolist()
    assert f"{weight[strongest[0]]:+.3f}".replace("-", "\N{MINUS SIGN}") in labels[0]
    cache = capture.run_with_cache(model, loading.prepare(model, gallery.load("cat")), group)
    value = cache[f"{group}.channel_mixing.out"].values[(6, *_cell(model))]
    assert float(table(app)[3]) == pytest.approx(float(value), abs=6e-6)
    first, second, written = (entry.field.values for entry in stage.entries())
    incoming = cache[f"{group}.channel_mixing.in"].values
    np.testing.assert_array_equal(first, incoming[strongest[0]])
    np.testing.assert_array_equal(second, incoming[strongest[1]])
    np.testing.assert_array_equal(written, cache[f"{group}.channel_mixing.out"].values[6])
    app.number_input(key="channel").set_value(8).run()
    assert not app.exception
    assert shown.tiles["mixing_inputs"][1]["labels"] != labels


def test_choices_change_what_is_drawn_and_bad_links_do_no_harm(shown: Shown) -> None:
    app = opened(channel="9999", kernel_block="7.7", kernel_order="none")
    assert app.number_input(key="channel").value == 256
    assert any("Shown instead: 256" in message.value for message in app.info)
    assert app.selectbox(key="kernel_block").value == "1.7"  # the nearest, and the page says so
    assert any("Block 7" in message.value for message in app.info)
    radius = shown.tiles["kernel_tiles"][0].copy()
    for key, value in (("kernel_order", "frequency"), ("kernel_scale", "one")):
        before = shown.tiles["kernel_tiles"][0].copy()
        app.segmented_control(key=key).set_value(value).run()
        assert not app.exception
        assert not np.array_equal(shown.tiles["kernel_tiles"][0], before)
    assert not np.array_equal(shown.tiles["kernel_tiles"][0], radius)


def facts(app: AppTest) -> list[dict[str, str]]:
    """The tables of facts of the page: name -> value."""
    bodies = [element.proto.body for element in app.get("html")]
    rows = [re.findall(r"<th>(.*?)</th><td>(.*?)</td>", b) for b in bodies if "facts" in b]
    return [dict(row) for row in rows if row]


BESIDE = "resnet_mini"


def beside(bring: Bring, **address: str) -> AppTest:
    bring(BESIDE)
    return opened(kernel_view="beside", **address)


def test_beside_counts_both_convolutions(
    bring: Bring, shown: Shown, model: loading.LoadedModel
) -> None:
    bring(BESIDE)
    resnet = loading.load(BESIDE)  # brought: with seeded random weights where there are no others
    depths = (len(model.sites), len(resnet.sites))
    same = [resnet.sites[same_depth(j, *depths)] for j in range(depths[0])]
    number = next(j for j, other in enumerate(same) if other.step == 2)
    app, site = beside(bring, kernel_block=f"1.{number + 1}", written="5"), same[number]
    dense = resnet.weights(site.group)[f"{site.group}.convolution.kernel"]
    group = f"stage0.block{number}"
    own = model.weights(group)[f"{group}.depthwise.kernel"].values
    left, right = (
        {name: value.replace("\N{NARROW NO-BREAK SPACE}", "") for name, value in one.items()}
        for one in facts(app)
    )
    assert left["kernels, one a channel"] == str(len(own))
    assert left["weights, all kernels"] == str(own.size)
    outputs, reads = dense.values.shape[:2]
    assert right["kernels, one a pair"] == f"{outputs * reads} ({outputs} × {reads})"
    assert right["weights, all kernels"] == str(dense.values.size)
    assert right["if depthwise"] == str(9 * outputs)
    assert right["positions"] == f"{site.rows} × {site.rows} → {site.rows // 2} × {site.rows // 2}"
    assert (left["writes"], right["writes"]) == ("every position", "one of 2 × 2")

    open_tab(app, "kernels")
    taps = dense.values[4]
    order = kernels.kernel_order(taps, "radius")
    indices, options = shown.tiles["dense_tiles"]
    expected = colours.to_indices(by_own_largest(taps[order]), (-1.0, 1.0))
    np.testing.assert_array_equal(indices, expected)
    assert f"reads channel {order[0] + 1}, writes channel 5" in options["labels"][0]
    # Negative control: the tables that read channel 5 are others.
    assert not np.array_equal(
        indices, colours.to_indices(by_own_largest(dense.values[:, 4][order]), (-1.0, 1.0))
    )
    app.number_input(key="written").set_value(6).run()
    assert not app.exception
    assert not np.array_equal(shown.tiles["dense_tiles"][0], expected)


def test_beside_draws_the_energy_of_both(bring: Bring, model: loading.LoadedModel) -> None:
    app = beside(bring, kernel_block="1.8", kernel_tab="energy")
    resnet = loading.load(BESIDE)
    lines = json.loads(app.get("plotly_chart")[0].proto.spec)["data"]
    for number, (one, name) in enumerate(((model, "depthwise"), (resnet, "convolution"))):
        blocks = [one.weights(site.group)[f"{site.group}.{name}.kernel"] for site in one.sites]
        found = dense_kernels.energy_over_depth(blocks)
        np.testing.assert_allclose(numbers(lines[2 * number]["y"]), found.centre)
        np.testing.assert_allclose(numbers(lines[2 * number + 1]["y"]), found.even)
        assert not np.allclose(numbers(lines[2 * number]["y"]), found.centre[::-1])
    strided = [f"Stage {s.stage + 1}, block {s.block + 1}" for s in resnet.sites if s.step == 2]
    assert len(strided) == 3
    said = " ".join(caption.value for caption in app.caption)
    assert all(words in said for words in strided)


def test_beside_is_offered_where_a_resnet_is_there(
    bring: Bring, shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "present", lambda: (MODEL,))
    app = opened(kernel_view="beside")
    assert app.selectbox(key="kernel_view").value == "block"
    assert "dense_tiles" not in shown.tiles
    app = beside(bring, written="9999", kernel_tab="kernels")
    assert app.selectbox(key="kernel_view").value == "beside"
    site = loading.load(BESIDE).sites[0]
    kernel = loading.load(BESIDE).weights(site.group)[f"{site.group}.convolution.kernel"]
    last = len(kernel.values)
    assert app.number_input(key="written").value == last  # the nearest
    assert any(str(last) in message.value for message in app.info)
    assert "dense_tiles" in shown.tiles
