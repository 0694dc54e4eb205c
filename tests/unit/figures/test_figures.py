"""Figures show their numbers unchanged, the right way up, in the same colours everywhere."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vislib.figures import (
    charts,
    colours,
    export,
    heatmap,
    legend,
    overlay,
    tiles,
)
from vislib.figures import (
    strip as strips,
)
from vislib.schema import LabelledArray, ShapeError, ViewBox

BOX = ViewBox(left=40.0, top=10.0, width=80.0, height=80.0)
PICTURE_SHAPE = (100, 200)


def labelled(values: np.ndarray, *axes: str, **changes: Any) -> LabelledArray:
    words: dict[str, Any] = {
        "role": "token_mixing",
        "unit": "weight",
        "signed": True,
        "provenance": "parameter",
        "source": "blocks.3",
    }
    return LabelledArray(values=values, axes=axes, **{**words, **changes})


def one_bright(row: int = 1, column: int = 4, shape: tuple[int, int] = (4, 5)) -> np.ndarray:
    values = np.zeros(shape, dtype=np.float32)
    values[row, column] = 1.0
    return values


def decoded(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(7).normal(size=shape).astype(np.float32)


def contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        share = np.array(colours.rgb(colour)) / 255.0
        linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
        return float(linear @ np.array([0.2126, 0.7152, 0.0722]))

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


# ---------------------------------------------------------------- colours


def test_family_colours_are_readable_on_light_and_dark() -> None:
    for family, colour in colours.FAMILY_COLOURS.items():
        assert contrast(colour, "#ffffff") >= 3.0, family
        assert contrast(colour, colours.DARK_PAGE) >= 3.0, family
    assert len(set(colours.FAMILY_COLOURS.values())) == len(colours.FAMILY_COLOURS)
    # Control: Okabe and Ito's yellow, which is left out, would fail on white.
    assert contrast("#F0E442", "#ffffff") < 3.0


def test_diverging_table_is_white_at_zero_and_equally_strong_on_both_sides() -> None:
    table = colours.diverging_table()
    assert table.shape == (256, 3)
    assert table.dtype == np.uint8
    assert table[colours.MIDDLE].tolist() == [255, 255, 255]
    assert [i for i in range(colours.LEVELS) if table[i].tolist() == [255, 255, 255]] == [127]
    light = colours.to_oklab(table[: colours.LEVELS])[:, 0]
    assert np.abs(light[:127] - light[:127:-1]).max() < 0.03
    assert table[0, 2] > table[0, 0]
    assert table[254, 0] > table[254, 2]
    # Control: the sequential table is not symmetric.
    other = colours.to_oklab(colours.sequential_table()[: colours.LEVELS])[:, 0]
    assert np.abs(other[:127] - other[:127:-1]).max() > 0.3


def test_sequential_table_has_equal_steps() -> None:
    def unevenness(table: np.ndarray) -> float:
        # Every tenth row: single rows are rounded to whole numbers.
        points = colours.to_oklab(table[: colours.LEVELS : 10])
        steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
        return float(steps.max() / steps.min())

    light = colours.to_oklab(colours.sequential_table()[: colours.LEVELS])[:, 0]
    assert np.all(np.diff(light[::10]) > 0)
    assert unevenness(colours.sequential_table()) < 1.25
    # Control: a straight line between two sRGB colours is not even to the eye.
    line = np.linspace([0, 0, 80], [255, 255, 0], 255).round().astype(np.uint8)
    assert unevenness(line) > 1.25


@pytest.mark.parametrize("signed", [True, False])
def test_plotly_has_the_same_colours_as_the_pngs(signed: bool) -> None:
    scale = colours.plotly_scale(signed)
    assert scale[0][0] == 0.0
    assert scale[-1][0] == 1.0
    read = np.array([[int(n) for n in text[4:-1].split(",")] for _, text in scale])
    assert np.array_equal(read, colours.table(signed)[: colours.LEVELS])
    assert not np.array_equal(read, colours.table(not signed)[: colours.LEVELS])


def test_limits() -> None:
    assert colours.limits(np.array([-3.0, 1.0]), np.array([2.0]), signed=True) == (-3.0, 3.0)
    assert colours.limits(np.array([0.2, 0.7]), np.array([np.nan, np.inf]), signed=False) == (
        0.0,
        0.7,
    )
    assert colours.limits(np.zeros(3), signed=True) == (-1.0, 1.0)
    assert colours.limits(np.zeros(3), signed=False) == (0.0, 1.0)
    for pair in ((1.0, 1.0), (0.0, np.nan), (2.0, -2.0)):
        with pytest.raises(ShapeError, match="limits"):
            colours.check_limits(pair)


def test_indices_put_zero_in_the_middle_and_mark_what_is_not_finite() -> None:
    values = np.array([-2.0, -1.0, 0.0, 1.0, 2.0, np.nan, np.inf])
    assert colours.to_indices(values, (-1.0, 1.0)).tolist() == [0, 0, 127, 254, 254, 255, 255]
    assert colours.count_clipped(values, (-1.0, 1.0)) == 2
    assert colours.to_indices(np.zeros(1), (0.0, 1.0)).tolist() == [0]
    # The nearest colour, the same distance on both sides of zero.
    near = np.array([-0.006, -0.002, 0.002, 0.006])
    assert colours.to_indices(near, (-1.0, 1.0)).tolist() == [126, 127, 127, 128]


# ---------------------------------------------------------------- tiles


def test_sheet_decodes_back_to_the_indices() -> None:
    values = noise(7, 3, 5)
    sheet = tiles.tile_sheet(values, signed=True, columns=3)
    image = Image.open(io.BytesIO(sheet.png))
    assert image.mode == "P"
    assert image.size == (sheet.width, sheet.height)
    read = np.asarray(image)
    rows = tiles.to_indices(values, sheet.limits)
    for tile in range(7):
        x, y = sheet.corner(tile)
        block = read[y : y + 3 * sheet.scale, x : x + 5 * sheet.scale]
        assert np.array_equal(block, np.kron(rows[tile], np.ones((sheet.scale,) * 2, np.uint8)))
        assert sheet.tile_at(x + 1, y + 1) == tile
    assert not np.array_equal(rows[0], rows[1])
    assert (sheet.columns, sheet.rows, sheet.limits[0]) == (3, 3, -sheet.limits[1])
    assert sheet.tile_at(sheet.width - 1, sheet.height - 1) is None
    # The palette is the table; gaps and empty places are transparent, tiles are not.
    rgba = decoded(sheet.png)
    assert np.array_equal(rgba[..., :3][read < 255], colours.diverging_table()[read[read < 255]])
    assert np.array_equal(rgba[..., 3] == 0, read == colours.GAP)
    assert (read == colours.GAP).any()


def test_one_bright_number_lights_its_square_of_the_sheet() -> None:
    values = np.zeros((6, 4, 5), dtype=np.float32)
    values[4, 1, 3] = 2.0
    sheet = tiles.tile_sheet(values, signed=False, columns=4)
    lit = np.argwhere(np.asarray(Image.open(io.BytesIO(sheet.png))) == 254)
    x, y = sheet.corner(4)
    top_left = [y + 1 * sheet.scale, x + 3 * sheet.scale]
    assert lit.min(axis=0).tolist() == top_left
    assert lit.max(axis=0).tolist() == [n + sheet.scale - 1 for n in top_left]
    assert len(lit) == sheet.scale**2
    # Control: upside down it would be two rows lower.
    assert lit.min(axis=0)[0] != y + 2 * sheet.scale


@pytest.mark.parametrize(
    ("count", "side"),
    [(1, 14), (3, 7), (64, 14), (384, 14), (768, 7), (1536, 9), (768, 16), (2, 300)],
)
def test_sheets_fit_the_page(count: int, side: int) -> None:
    sheet = tiles.tile_sheet(np.zeros((count, side, side), np.float32), signed=True, width_px=9999)
    assert sheet.width <= tiles.MAX_WIDTH
    assert sheet.scale >= 1
    assert sheet.columns * sheet.rows >= count > sheet.columns * (sheet.rows - 1)


def test_large_sheet_is_small_on_the_wire() -> None:
    sheet = tiles.tile_sheet(noise(384, 14, 14), signed=True)
    assert len(sheet.png) < 150_000
    # Noise over 255 colours cannot be much smaller than a byte a number: it was not thrown away.
    assert len(sheet.png) > 384 * 14 * 14 * 0.8
    assert sheet.png == tiles.tile_sheet(noise(384, 14, 14), signed=True).png


def test_per_tile_scaling_is_recorded() -> None:
    values = np.stack([one_bright() * 0.001, one_bright() * 10.0, one_bright() * 0.0])
    each = tiles.tile_sheet(values, signed=True, per_tile=True)
    together = tiles.tile_sheet(values, signed=True)
    assert each.normalised == "each tile by its own largest |value|"
    assert together.normalised != each.normalised
    assert each.limits == (-1.0, 1.0)
    assert together.limits == (-10.0, 10.0)
    brightest = []
    for sheet in (each, together):
        read = np.asarray(Image.open(io.BytesIO(sheet.png)))
        x, y = sheet.corner(0)
        brightest.append(
            int(read[y : y + sheet.tile_height - 1, x : x + sheet.tile_width - 1].max())
        )
    assert brightest == [254, 127]


def test_clipped_numbers_are_counted() -> None:
    values = np.array([[[-5.0, 0.0, 0.5, 5.0]]])
    assert tiles.tile_sheet(values, signed=True, limits=(-1.0, 1.0)).clipped == 2
    assert tiles.tile_sheet(values, signed=True).clipped == 0


def test_sheets_refuse_what_they_cannot_draw() -> None:
    with pytest.raises(ShapeError, match="axes"):
        tiles.tile_sheet(np.zeros((3, 3)), signed=True)
    with pytest.raises(ShapeError, match="fewer columns"):
        tiles.tile_sheet(np.zeros((200, 9, 9)), signed=True, columns=200)
    with pytest.raises(ShapeError, match="axes"):
        tiles.rgb_tile_sheet(np.zeros((2, 3, 3, 4)))


def test_background_fills_the_gaps() -> None:
    sheet = tiles.tile_sheet(np.zeros((3, 2, 2)), signed=True, columns=2, background=(1, 2, 3))
    assert decoded(sheet.png)[-1, -1].tolist() == [1, 2, 3, 255]


def test_colour_filters_stand_around_mid_grey() -> None:
    values = np.zeros((2, 3, 3, 3), dtype=np.float32)
    values[0, 0, 2] = (0.5, 0.0, -0.5)
    values[1, 2, 1] = (0.0, 0.25, 0.0)
    sheet = tiles.rgb_tile_sheet(values)
    rgba = decoded(sheet.png)

    def shade(tile: int, row: int, column: int) -> list[int]:
        x, y = sheet.corner(tile)
        pixel = rgba[y + row * sheet.scale, x + column * sheet.scale]
        return [int(n) for n in pixel]

    assert shade(0, 0, 2) == [255, 128, 1, 255]
    assert shade(1, 2, 1) == [128, 255, 128, 255]
    assert shade(0, 2, 0) == [128, 128, 128, 255]
    assert sheet.normalised == "each filter by its own largest |value|, around mid-grey"
    together = tiles.rgb_tile_sheet(values, per_tile=False)
    x, y = together.corner(1)
    scaled = decoded(together.png)[y + 2 * together.scale, x + together.scale]
    assert scaled[1] == 192
    assert together.limits == (-0.5, 0.5)
    many = tiles.rgb_tile_sheet(noise(32, 8, 8, 3))
    assert "rounded to 255 colours" in many.normalised


# ---------------------------------------------------------------- overlays


def place_of(row: int, column: int, side: int = 400) -> tuple[slice, slice]:
    """Output pixels of a cell, worked out by hand: side 400 shows 2 pixels a picture pixel."""
    factor = side / PICTURE_SHAPE[1]
    top, left = (BOX.top + 20 * row) * factor, (BOX.left + 16 * column) * factor
    return slice(int(top), int(top + 20 * factor)), slice(int(left), int(left + 16 * factor))


def test_plain_map_is_exact_and_in_its_place() -> None:
    values = noise(4, 5)
    pair = colours.limits(values, signed=True)
    png = overlay.plain_map(
        values, picture_shape=PICTURE_SHAPE, box=BOX, limits=pair, signed=True, side=400
    )
    read = decoded(png)
    assert read.shape == (200, 400, 4)
    expected = np.zeros_like(read)
    for row in range(4):
        for column in range(5):
            colour = colours.diverging_table()[colours.to_indices(values, pair)[row, column]]
            expected[place_of(row, column)] = (*colour, 255)
    assert np.array_equal(read, expected)
    upside_down = overlay.plain_map(
        values[::-1], picture_shape=PICTURE_SHAPE, box=BOX, limits=pair, signed=True, side=400
    )
    assert not np.array_equal(decoded(upside_down), expected)


def test_overlay_lights_the_cell_of_the_picture() -> None:
    picture = np.full((*PICTURE_SHAPE, 3), 128, dtype=np.uint8)
    read = decoded(
        overlay.share_overlay(picture, one_bright(1, 4), box=BOX, limits=(0.0, 1.0), side=400)
    )[..., :3].astype(int)
    lit = read[..., 0] - read[..., 2] > 40
    expected = np.zeros(lit.shape, dtype=bool)
    expected[place_of(1, 4)] = True
    assert np.array_equal(lit, expected)
    wrong = np.zeros(lit.shape, dtype=bool)
    wrong[place_of(2, 4)] = True
    assert not np.array_equal(lit, wrong)


def test_overlay_shows_the_picture_too_and_dims_what_the_model_did_not_see() -> None:
    picture = np.zeros((*PICTURE_SHAPE, 3), dtype=np.uint8)
    picture[:, ::2] = 255
    share = np.full((4, 5), 20.0)
    read = decoded(overlay.share_overlay(picture, share, box=BOX, limits=(0.0, 20.0), side=200))[
        ..., :3
    ].astype(int)
    inside, outside = read[20:80, 50:110], read[20:80, 150:190]
    # Stripes of the picture stay visible inside the box, where the map is flat.
    assert np.ptp(inside.sum(axis=2)) > 150
    assert inside.mean() > 1.5 * outside.mean()
    # Outside there is no colour at all.
    assert np.ptp(outside, axis=2).max() == 0
    assert np.ptp(inside, axis=2).max() > 20
    flat = np.full((*PICTURE_SHAPE, 3), 128, dtype=np.uint8)
    plain = decoded(overlay.share_overlay(flat, share, box=BOX, limits=(0.0, 20.0), side=200))
    assert np.ptp(plain[20:80, 50:110, :3].astype(int).sum(axis=2)) == 0


def test_overlays_of_one_picture_have_one_size() -> None:
    picture = np.zeros((90, 61, 3), dtype=np.uint8)
    sizes = set()
    for cells, box in (
        ((14, 14), BOX),
        ((7, 7), ViewBox(left=-0.4, top=0, width=61.8, height=90.2)),
    ):
        png = overlay.share_overlay(picture, np.ones(cells), box=box, limits=(0.0, 1.0), side=300)
        plain = overlay.plain_map(
            np.ones(cells),
            picture_shape=(90, 61),
            box=box,
            limits=(0.0, 1.0),
            signed=False,
            side=300,
        )
        sizes |= {decoded(png).shape[:2], decoded(plain).shape[:2]}
    assert sizes == {overlay.frame_size((90, 61), 300)} == {(300, 203)}


def test_selected_cell_is_outlined_and_stays_visible() -> None:
    values = one_bright(2, 2)
    options: dict[str, Any] = {
        "picture_shape": PICTURE_SHAPE,
        "box": BOX,
        "limits": (0.0, 1.0),
        "signed": False,
        "side": 400,
    }
    with_cell = decoded(overlay.plain_map(values, cell=(2, 2), outline_rgb=(9, 250, 3), **options))
    without = decoded(overlay.plain_map(values, **options))
    inner = place_of(2, 2)
    assert np.array_equal(with_cell[inner], without[inner])
    line = np.argwhere(np.all(with_cell == (9, 250, 3, 255), axis=2))
    assert line.min(axis=0)[0] < inner[0].start
    assert line.max(axis=0)[0] >= inner[0].stop
    assert line.min(axis=0)[1] < inner[1].start
    assert line.max(axis=0)[1] >= inner[1].stop
    assert np.abs(line.mean(axis=0) - [(s.start + s.stop - 1) / 2 for s in inner]).max() < 0.6
    assert not np.all(without == (9, 250, 3, 255), axis=2).any()
    with pytest.raises(ShapeError, match="Cell"):
        overlay.plain_map(values, cell=(4, 0), **options)


def test_overlay_of_a_photograph_stays_small() -> None:
    ramp = np.linspace(0, 255, 640)[np.newaxis, :, np.newaxis] * np.ones((480, 1, 3))
    picture = np.clip(ramp + 12 * noise(480, 640, 3), 0, 255).astype(np.uint8)
    box = ViewBox(left=80, top=0, width=480, height=480)
    png = overlay.share_overlay(picture, np.abs(noise(14, 14)), box=box, limits=(0.0, 3.0))
    assert len(png) < 150_000


# ---------------------------------------------------------------- heatmaps


def test_heatmap_shows_the_array_unchanged_and_right_way_up() -> None:
    array = labelled(one_bright(1, 4), "row", "column")
    figure = heatmap.heatmap(array, quantity="share of reading", cell=(1, 4))
    trace = figure.data[0]
    assert np.array_equal(np.asarray(trace.z), array.values)
    assert np.asarray(trace.z).dtype == array.values.dtype
    low_end, high_end = figure.layout.yaxis.range
    assert low_end > high_end, "row 1 must be at the top"
    assert list(trace.y) == [1, 2, 3, 4]
    assert list(trace.x) == [1, 2, 3, 4, 5]
    assert (trace.zmin, trace.zmax) == (-1.0, 1.0)
    assert trace.colorbar.title.text == "share of reading (weight)"
    assert trace.colorscale[127][1] == "rgb(255,255,255)"
    assert figure.layout.yaxis.scaleanchor == "x"
    outline = figure.layout.shapes[-1]
    assert (outline.x0, outline.x1, outline.y0, outline.y1) == (4.5, 5.5, 1.5, 2.5)
    assert figure.layout.font.size >= 18
    assert figure.layout.height == 560
    assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == "rgba(0,0,0,0)"
    assert "%{z" in trace.hovertemplate
    assert "row %{y}" in trace.hovertemplate
    other = heatmap.heatmap(labelled(one_bright(2, 4), "row", "column"))
    assert not np.array_equal(np.asarray(other.data[0].z), array.values)


def test_heatmap_says_what_it_clipped() -> None:
    array = labelled(np.array([[0.5, 3.0], [-3.0, 0.0]], np.float32), "query", "key")
    clipped = heatmap.heatmap(array, title="Scores", limits=(-1.0, 1.0))
    assert "2 of 4 values lie outside" in clipped.layout.title.subtitle.text
    assert np.array_equal(np.asarray(clipped.data[0].z), array.values)
    assert heatmap.heatmap(array, title="Scores").layout.title.subtitle.text is None
    assert clipped.layout.margin.t > heatmap.heatmap(array).layout.margin.t


def test_panels_that_share_a_unit_share_limits() -> None:
    small = labelled(one_bright() * 2, "row", "column")
    large = labelled(-one_bright() * 7, "row", "column")
    other = labelled(one_bright(), "row", "column", unit="probability", signed=False)
    shared = heatmap.heatmaps([small, large, other], titles=["a", "b", "c"])
    ends = [(figure.data[0].zmin, figure.data[0].zmax) for figure in shared]
    assert ends == [(-7.0, 7.0), (-7.0, 7.0), (0.0, 1.0)]
    apart = heatmap.heatmaps([small, large, other], shared=False)
    assert [figure.data[0].zmax for figure in apart] == [2.0, 7.0, 1.0]
    with pytest.raises(ShapeError, match="titles"):
        heatmap.heatmaps([small], titles=[])


def test_heatmap_refuses_other_axes() -> None:
    with pytest.raises(ShapeError, match="takes two"):
        heatmap.heatmap(labelled(noise(2, 3, 3), "head", "query", "key"))
    with pytest.raises(ShapeError, match="count from 0"):
        heatmap.heatmap(labelled(one_bright(), "row", "column"), cell=(4, 0))


# ---------------------------------------------------------------- charts


def test_top5_bars_keep_order_and_values() -> None:
    entries = [
        ("Egyptian cat", 0.71),
        ("a label that is far too long to show", 0.2),
        ("lynx", 0.00001),
    ]
    figure = charts.top5_bars(entries, "#0072B2")
    assert list(figure.data[0].x) == [0.71, 0.2, 0.00001]
    assert list(figure.data[0].customdata) == [label for label, _ in entries]
    low_end, high_end = figure.layout.yaxis.range
    assert low_end > high_end
    assert list(figure.data[0].y) == [1, 2, 3]
    assert list(figure.layout.xaxis.range) == [0, 1]
    texts = [note.text for note in figure.layout.annotations]
    assert "Egyptian cat" in texts
    assert "71.0 %" in texts
    assert "&lt;0.1 %" in texts
    assert "0.0 %" not in texts
    assert max(len(text) for text in texts) <= 26


def test_lines_differ_by_more_than_colour() -> None:
    x = np.arange(1, 4)
    series = {"mixer": (x, x * 0.5), "davit": (x, x * 2.0)}
    figure = charts.line_over_depth(
        series, x_title="block", y_title="reach", colours=colours.FAMILY_COLOURS, marker=2
    )
    assert np.array_equal(figure.data[1].y, x * 2.0)
    assert figure.data[0].line.color == colours.FAMILY_COLOURS["mixer"]
    assert figure.data[0].line.dash != figure.data[1].line.dash
    assert figure.data[0].marker.symbol != figure.data[1].marker.symbol
    assert figure.layout.shapes[0].x0 == 2
    with pytest.raises(ShapeError, match="mixer"):
        charts.line_over_depth({"mixer": (x, x[:2])}, x_title="block", y_title="reach", colours={})


def test_spectrum_and_bars() -> None:
    x = np.arange(3) / 3
    wave = charts.spectrum(
        {"a": (x, x + 1)}, x_title="f", y_title="energy", colours={}, logarithmic=True
    )
    assert wave.layout.yaxis.type == "log"
    assert np.array_equal(wave.data[0].y, x + 1)
    chart = charts.bars(
        ["a", "b"], np.array([1.0, -2.0]), x_title="", y_title="change", colour="#000000"
    )
    assert list(chart.data[0].y) == [1.0, -2.0]
    assert chart.layout.yaxis.rangemode == "tozero"
    with pytest.raises(ShapeError, match="different"):
        charts.bars(["a", "a"], np.array([1.0, 2.0]), x_title="", y_title="", colour="#000000")


# ---------------------------------------------------------------- legend and strip


@pytest.mark.parametrize("signed", [True, False])
def test_legend_shows_the_table_from_left_to_right(signed: bool) -> None:
    pair = (-2.0, 2.0) if signed else (0.0, 2.0)
    read = decoded(legend.colour_bar_png(signed, pair, "weight", 400))
    assert read.shape[1] == 400
    assert read[0, -1, 3] == 0
    bar = read[legend.TEXT_PX + 6 + 10, 2:-2, :3]
    table = colours.table(signed)
    assert np.array_equal(bar[0], table[0])
    assert np.array_equal(bar[-1], table[254])
    assert np.abs(bar[len(bar) // 2].astype(int) - table[127]).max() <= 3
    assert not np.array_equal(bar[0], colours.table(not signed)[0])


def test_legend_text_suits_the_page() -> None:
    def inks(dark: bool) -> np.ndarray:
        read = decoded(legend.colour_bar_png(True, (-1.0, 1.0), "weight", 400, dark=dark))
        text = read[: legend.TEXT_PX + 4]
        return text[text[..., 3] > 200][:, :3]

    assert inks(dark=True).mean() > 200 > 80 > inks(dark=False).mean()
    taller = decoded(legend.colour_bar_png(True, (-1.0, 1.0), "weight", 400, note="2 clipped"))
    assert len(taller) > len(decoded(legend.colour_bar_png(True, (-1.0, 1.0), "weight", 400)))


@pytest.mark.parametrize(("top", "shown"), [(1.0, True), (0.000938, False)])
def test_the_middle_number_keeps_clear_of_the_ends(top: float, shown: bool) -> None:
    read = decoded(legend.colour_bar_png(False, (0.0, top), "weight", 250))
    below = read[-legend.TEXT_PX :, :, 3]  # the numbers alone
    assert bool((below[:, 115:135] > 200).any()) is shown
    assert (below[:, -40:] > 200).any()


def test_strip_gives_the_facts() -> None:
    values = np.array([[-0.123456, np.nan], [2.0, 1234.5]], dtype=np.float32)
    facts = strips.strip(
        labelled(values, "token_out", "token_in", provenance="linearised"), "a note"
    )
    assert (facts.low_text, facts.high_text) == ("\N{MINUS SIGN}0.123", "1.23e+03")
    assert facts.axes == (("token_out", 2), ("token_in", 2))
    assert (facts.source, facts.unit, facts.note) == ("blocks.3", "weight", "a note")
    assert facts.estimate
    assert facts.not_finite == 1
    assert facts.high == 1234.5
    assert not strips.strip(labelled(values, "token_out", "token_in")).estimate
    empty = strips.strip(labelled(np.full((1, 1), np.nan, np.float32), "row", "column"))
    assert empty.low is None
    assert empty.low_text == ""


# ---------------------------------------------------------------- exports


def test_print_figure_has_the_array_right_way_up() -> None:
    array = labelled(one_bright(1, 4), "row", "column")
    figure = export.draw(
        array, words=export.Words(title="A $ map", quantity="reading"), cell=(1, 4)
    )
    axes, bar = figure.axes
    image = axes.images[0]
    assert np.array_equal(np.asarray(image.get_array()), array.values)
    assert image.get_clim() == (-1.0, 1.0)
    bottom, top = axes.get_ylim()
    assert bottom > top
    assert bottom == 4.5
    assert bar.get_ylabel() == "reading (weight)"
    assert axes.get_title() == "A $ map"
    white = image.cmap(image.norm(0.0))[:3]
    assert np.allclose(white, 1.0)
    assert not np.allclose(image.cmap(image.norm(0.5))[:3], 1.0)
    # What is on the paper: red at row 2, column 5, white at the same place counted from below.
    figure.set_dpi(40)
    figure.canvas.draw()
    paper = np.asarray(figure.canvas.buffer_rgba())
    colour = {}
    for row in (2, 3):
        x, y = axes.transData.transform((5, row))
        colour[row] = paper[len(paper) - 1 - round(y), round(x), :3].tolist()
    assert colour == {2: colours.diverging_table()[254].tolist(), 3: [255, 255, 255]}
    clipped = export.draw(array, limits=(-0.5, 0.5))
    assert "1 of 20 values lie outside" in clipped.axes[0].get_xlabel()


def test_print_sheet_is_one_image() -> None:
    values = noise(5, 2, 3)
    figure = export.draw(labelled(values, "channel", "ky", "kx", role="depthwise"), columns=2)
    axes = figure.axes[0]
    assert len(figure.axes) == 2
    assert len(axes.images) == 1
    sheet = np.ma.filled(axes.images[0].get_array(), np.nan)
    assert sheet.shape == (3 * 3 - 1, 2 * 4 - 1)
    assert np.array_equal(sheet[3:5, 4:7], values[3])
    assert np.isnan(sheet[2]).all()
    assert not np.array_equal(sheet[3:5, 0:3], values[3])


def test_printed_files_are_what_they_say_and_repeat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "_DPI", 40)
    array = labelled(noise(3, 3), "row", "column")
    for write, start in (
        (export.to_png, b"\x89PNG"),
        (export.to_svg, b"<?xml"),
        (export.to_pdf, b"%PDF"),
    ):
        first = write(array, words=export.Words(title="Map"))
        assert first.startswith(start)
        assert first == write(array, words=export.Words(title="Map"))
    changed = labelled(noise(3, 3) * np.eye(3, dtype=np.float32), "row", "column")
    assert export.to_png(array) != export.to_png(changed)
    with pytest.raises(ShapeError, match="can be drawn"):
        export.to_png(labelled(noise(3), "class"))


def test_npz_reloads_with_its_meaning() -> None:
    arrays = {
        "stage0.block1.kernel": labelled(noise(4, 3, 3), "channel", "ky", "kx", role="depthwise"),
        "logits": labelled(noise(5), "class", role="logits", unit="logit"),
    }
    data = export.to_npz(arrays)
    assert data == export.to_npz(arrays)
    with np.load(io.BytesIO(data), allow_pickle=False) as loaded:
        for name, array in arrays.items():
            assert np.array_equal(loaded[name], array.values)
            assert loaded[name].dtype == np.float32
        assert not np.array_equal(loaded["logits"], arrays["logits"].values + np.float32(1e-7))
        about = json.loads(loaded["metadata"].item())
    assert about["stage0.block1.kernel"]["axes"] == ["channel", "ky", "kx"]
    assert about["logits"]["unit"] == "logit"
    with pytest.raises(ShapeError, match="metadata"):
        export.to_npz({"metadata": arrays["logits"]})


def test_csv_reloads_equal() -> None:
    flat = labelled(noise(3, 4) * 1e-7, "row", "column")
    rows = list(csv.reader(io.StringIO(export.to_csv(flat).decode())))
    assert rows[0] == ["row \\ column: weight", "1", "2", "3", "4"]
    assert [row[0] for row in rows[1:]] == ["1", "2", "3"]
    read = np.array([row[1:] for row in rows[1:]], dtype=np.float32)
    assert np.array_equal(read, flat.values)
    deep = labelled(noise(2, 3, 4), "head", "query", "key")
    rows = list(csv.reader(io.StringIO(export.to_csv(deep).decode())))
    assert rows[0] == ["head", "query", "key", "weight"]
    assert len(rows) == 1 + 24
    rebuilt = np.full((2, 3, 4), np.nan, dtype=np.float32)
    for *place, number in rows[1:]:
        rebuilt[tuple(int(n) - 1 for n in place)] = np.float32(number)
    assert np.array_equal(rebuilt, deep.values)
    # Control: three digits would not read back.
    assert not np.array_equal(np.round(deep.values, 3), deep.values)


# ---------------------------------------------------------------- the house


def test_png_modules_import_neither_plotly_nor_matplotlib() -> None:
    code = (
        "import sys; from vislib import figures;"
        "figures.tiles, figures.overlay, figures.legend, figures.strip;"
        "figures.legend.colour_bar_png(True, (-1, 1), 'weight');"
        "heavy = {'plotly', 'matplotlib', 'torch', 'streamlit'} & set(sys.modules);"
        "print(sorted(heavy));"
        "figures.heatmap; print('plotly' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[]", "True"], done.stdout


def test_unknown_submodule_is_an_attribute_error() -> None:
    from vislib import figures

    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = figures.nonsense
