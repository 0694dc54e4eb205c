"""The page Patch embedding: what it shows is the library's own, and follows the visitor."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.app.conftest import Ask, Bring, OnStage, Open, Seen
from views import frame
from views.patch_embedding.filters import filter_colours
from vislib.analysis import embedding, patches
from vislib.analysis.fields import MOST_BYTES, ReadingField
from vislib.analysis.signed_fields import SignedField
from vislib.figures import overlay, tiles
from vislib.figures import patches as pictures
from vislib.models import loading
from vislib.observe import capture
from vislib.pictures import gallery, geometry
from vislib.schema import LabelledArray

PAGE = "patch_embedding"
POINT = {"picture": "cat", "x": "430", "y": "520"}
MINIS = ("mixer_mini", "convmixer_mini", "davit_mini")
OTHERS = (
    "vit_mini",
    "resnet_mini",
    "swin_tiny_patch4_window7_224.ms_in1k",
    "resmlp_24_224.fb_in1k",
)
"""One model of each family whose tokens or stem are of another kind; see the fixture ``bring``."""
PICTURES = {"patches": 2, "filters": 1, "similarity": 1, "components": 1, "reconstruction": 2}
LEGENDS = {"filters": 1, "similarity": 1}


class Library:
    """One model and the cat, without the pages."""

    def __init__(self, key: str, x: int = 430, y: int = 520) -> None:
        self.picture, self.model = gallery.load("cat"), loading.load(key)
        self.point = x, y
        self.config, self.grid = self.model.config, self.model.grid
        self.box = geometry.view_box(
            self.picture.width, self.picture.height, size=self.config.size, crop=self.config.crop
        )
        self.prepared = loading.prepare(self.model, self.picture)
        self.pixels = loading.input_pixels(self.prepared)
        self.shades = patches.as_bytes(self.pixels, self.config.mean, self.config.std)

    def cell(self, rows: int, columns: int) -> tuple[int, int]:
        found = geometry.cell_at(
            self.box,
            picture=(self.picture.width, self.picture.height),
            x=self.point[0],
            y=self.point[1],
            rows=rows,
            columns=columns,
        )
        assert found is not None
        return found

    def last_tokens(self) -> patches.TokenTable:
        return self.tokens(len(self.model.sites) - 1)

    def tokens(self, block: int) -> patches.TokenTable:
        site = self.model.sites[block]
        cache = capture.run_with_cache(self.model, self.prepared, site.group)
        rows, columns = (-(-side // site.step) for side in (site.rows, site.columns))
        return patches.token_table(cache[f"{site.group}.out"], rows, columns)


def maps(seen: Seen) -> list[str]:
    """The pictures without the curve of a film, which is there when a model has one."""
    return [picture for picture in seen.pictures if not picture.startswith("svg")]


@pytest.mark.parametrize("view", PICTURES)
def test_each_view_draws_one_column_a_model(open_page: Open, ask: Ask, view: str) -> None:
    seen = ask(open_page(PAGE, view=view, **POINT))
    assert not seen.errors
    assert len(maps(seen)) == 3 * PICTURES[view] + LEGENDS.get(view, 0)
    for title in ("Mixer mini", "ConvMixer mini", "DaViT mini"):
        assert title in seen.text


@pytest.mark.parametrize("key", MINIS)
def test_the_grid_is_the_models_own(open_page: Open, ask: Ask, key: str) -> None:
    seen, own = ask(open_page(PAGE, models=[key], **POINT)), Library(key)
    cell = own.cell(own.grid.rows, own.grid.columns)
    assert seen.shows(pictures.grid_png(own.shades, own.grid, cell))
    assert not seen.shows(pictures.grid_png(own.shades, own.grid, (0, 0)))
    assert f"{own.grid.rows} × {own.grid.columns} = {own.grid.rows * own.grid.columns}" in seen.text
    assert f"{own.grid.patch} × {own.grid.patch} pixels" in seen.text


def is_similarity(field: ReadingField | SignedField | None, tokens: patches.TokenTable) -> bool:
    """Whether the stage's cosines are the library's at every place, to what packing costs."""
    assert isinstance(field, ReadingField)
    assert field.kind == "factors"
    assert field.nbytes <= MOST_BYTES
    furthest = max(
        float(np.abs(field.at(*place) - patches.similarity_map(tokens, *place).values).max())
        for place in np.ndindex(tokens.rows, tokens.columns)
    )
    return furthest <= field.loss < 0.02


@pytest.mark.parametrize("key", MINIS)
def test_the_similarity_is_the_librarys_at_every_place(
    open_page: Open, ask: Ask, stage: OnStage, key: str
) -> None:
    at = open_page(PAGE, view="similarity", token_depth="last", models=[key], **POINT)
    seen, own = ask(at), Library(key)
    tokens = own.last_tokens()
    cell = own.cell(tokens.rows, tokens.columns)
    (entry,) = stage.entries()
    assert is_similarity(entry.field, tokens)
    assert not is_similarity(entry.field, replace(tokens, values=tokens.values[::-1]))
    near, far = patches.similarity_means(patches.similarity_map(tokens, *cell), *cell)
    assert f"<td>{near:.2f}</td>" in seen.text
    assert f"<td>{far:.2f}</td>" in seen.text

    def alone(place: tuple[int, int]) -> bytes:
        return overlay.plain_map(
            patches.similarity_map(tokens, *place).values,
            picture_shape=(own.picture.height, own.picture.width),
            box=own.box,
            limits=(-1, 1),
            signed=True,
            cell=place,
            side=300,  # views/patch_embedding/tokens.py
        )

    assert seen.shows(alone(cell))
    assert not seen.shows(alone((0, 0)))


def test_the_depths_are_stepped_through_on_the_stage(
    open_page: Open, ask: Ask, stage: OnStage
) -> None:
    ask(open_page(PAGE, models=["vit_mini"], token_depth="middle", **POINT))
    own = Library("vit_mini")
    middle = (len(own.model.sites) - 1) // 2
    assert set(stage.blocks) == {"first", "middle", "last"}
    for depth, block in {"first": 0, "middle": middle, "last": -1}.items():
        block %= len(own.model.sites)
        (entry,) = stage.blocks[depth]
        assert is_similarity(entry.field, own.tokens(block))
        assert str(block + 1) in entry.sub


@pytest.mark.parametrize("key", OTHERS)
def test_other_stems_are_shown_as_they_are(
    open_page: Open, ask: Ask, bring: Bring, key: str
) -> None:
    bring(key)
    seen, own = ask(open_page(PAGE, models=[key], **POINT)), Library(key)
    assert not seen.errors
    cell = own.cell(own.grid.rows, own.grid.columns)
    assert seen.shows(pictures.grid_png(own.shades, own.grid, cell))
    assert not seen.shows(pictures.grid_png(own.shades, own.grid, (0, 0)))
    first = own.model.sites[0].rows
    assert f"{first} × {first} = {first**2}" in seen.text
    pooled = key == "resnet_mini" and first < own.grid.rows
    assert ("left by pooling" in seen.text) == pooled
    assert ("without a position" in seen.text) == (key == "vit_mini")
    bound = re.search(r"less than 10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)", seen.text)
    assert bound is not None
    assert bound.group(1) in ("⁻⁵", "⁻⁶", "⁻⁷")


@pytest.mark.parametrize("view", ["filters", "components", "reconstruction"])
def test_every_view_works_for_every_family(
    open_page: Open, ask: Ask, bring: Bring, view: str
) -> None:
    bring(*OTHERS)
    at = open_page(PAGE, models=list(OTHERS), view=view, token_depth="middle", **POINT)
    seen = ask(at)
    assert not seen.errors
    assert len(maps(seen)) == len(OTHERS) * PICTURES[view] + LEGENDS.get(view, 0)
    if view == "reconstruction":  # only the convolution's squares overlap
        assert (seen.text.count("An estimate"), seen.text.count("Exact: each")) == (1, 3)


@pytest.mark.parametrize("depth", ["embedding", "middle"])
def test_tokens_of_any_shape_are_compared(
    open_page: Open, ask: Ask, bring: Bring, stage: OnStage, depth: str
) -> None:
    """ResNet's pooled stem and strided blocks, Swin's (row, column, channel), ViT's class token."""
    bring(*OTHERS)
    at = open_page(PAGE, view="similarity", token_depth=depth, models=list(OTHERS), **POINT)
    seen = ask(at)
    assert not seen.errors
    for key, entry in zip(OTHERS, stage.entries(), strict=True):
        own = Library(key)
        if depth == "embedding":
            cache = capture.run_with_cache(own.model, own.prepared, "stem")
            side = own.model.sites[0].rows
            tokens = patches.token_table(cache["stem.out"], side, side)
        else:
            tokens = own.tokens((len(own.model.sites) - 1) // 2)
        cell = own.cell(tokens.rows, tokens.columns)
        wanted = patches.similarity_map(tokens, *cell).values
        assert entry.field is not None
        shown = entry.field.at(*cell)
        assert np.abs(shown - wanted).max() <= entry.field.half_step(wanted).max()
        assert np.abs(shown - wanted.T).max() > entry.field.half_step(wanted).max()
        assert f"{tokens.rows} × {tokens.columns} tokens" in seen.text


def test_the_components_are_the_librarys(open_page: Open, ask: Ask) -> None:
    at = open_page(PAGE, view="components", token_depth="last", models=["davit_mini"], **POINT)
    seen, own = ask(at), Library("davit_mini")
    tokens = own.last_tokens()
    found = embedding.principal_colours(tokens.values, tokens.rows, tokens.columns)
    shape = (own.picture.height, own.picture.width)
    cell = own.cell(tokens.rows, tokens.columns)
    assert seen.shows(
        overlay.colour_map(found.colours, picture_shape=shape, box=own.box, cell=cell)
    )
    turned = found.colours[:, :, ::-1]
    assert not seen.shows(overlay.colour_map(turned, picture_shape=shape, box=own.box, cell=cell))


@pytest.mark.parametrize("key", MINIS)
def test_what_is_kept_is_the_librarys(open_page: Open, ask: Ask, key: str) -> None:
    seen, own = ask(open_page(PAGE, view="reconstruction", models=[key], **POINT)), Library(key)
    stem = own.model.weights("stem")
    linear = capture.run_with_cache(own.model, own.prepared, "stem")["stem.linear"]
    found = patches.kept(own.pixels, stem["stem.filters"], stem["stem.bias"], linear, own.grid)
    assert f"{100 * found.energy:.1f} %" in seen.text
    assert f"<td>{found.rank}</td>" in seen.text
    kept = patches.as_bytes(found.pixels, own.config.mean, own.config.std)
    assert seen.shows(pictures.picture_png(kept))
    assert seen.shows(pictures.picture_png(own.shades))
    assert not seen.shows(pictures.picture_png(255 - kept))
    assert ("estimate" in seen.text) == (key == "davit_mini")


def test_a_filter_is_chosen_and_sorted(open_page: Open, ask: Ask) -> None:
    at = open_page(PAGE, view="filters", models=["mixer_mini"], filter_1="5", **POINT)
    filters = Library("mixer_mini").model.weights("stem")["stem.filters"].values
    assert ask(at).shows(pictures.filter_png(filters[4]))
    at.number_input(key="filter_1").set_value(12).run()
    seen = ask(at)
    assert seen.shows(pictures.filter_png(filters[11]))
    assert not seen.shows(pictures.filter_png(filters[4]))
    assert f"{float(np.linalg.norm(filters[11])):.3g}" in seen.text
    at.segmented_control(key="filter_order").set_value("norm").run()
    assert ask(at).shows(pictures.filter_png(filters[11]))


def test_all_filters_are_shown_in_order(
    open_page: Open, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: dict[str, tuple[np.ndarray, np.ndarray | None, dict[str, Any]]] = {}

    def record(shown: np.ndarray, table: np.ndarray | None, **options: Any) -> None:
        sent[options["key"]] = shown, table, options

    monkeypatch.setattr(frame, "tile_canvas", record)
    at = open_page(PAGE, view="filters", models=["mixer_mini"], filter_1="5", **POINT)
    filters = Library("mixer_mini").model.weights("stem")["stem.filters"].values
    for by in ("frequency", "norm"):
        at.segmented_control(key="filter_order").set_value(by).run()
        assert not ask(at).errors
        order = embedding.filter_order(filters, by).tolist()
        shown, table, options = sent["filter-tiles-mixer_mini"]
        scaled = filters / np.abs(filters).max(axis=(1, 2, 3), keepdims=True)
        shades = scaled.transpose(0, 2, 3, 1) * 127 + 128
        assert table is None
        assert np.abs(shown - shades[order]).max() < 0.51
        assert np.abs(shown - shades[order[::-1]]).max() > 16
        assert options["selected"] == order.index(4)
        assert options["labels"][0].startswith(f"filter {order[0] + 1}:")


def test_many_filters_are_sent_in_255_colours() -> None:
    values = np.random.default_rng(6).standard_normal((500, 3, 8, 8))
    filters = LabelledArray(
        values=values,
        axes=("channel", "rgb", "ky", "kx"),
        role="patch_embedding",
        unit="weight",
        signed=True,
        provenance="parameter",
        source="here",
    )
    rows, table = filter_colours(filters, tuple(range(500))[::-1])
    assert table is not None
    assert (rows.shape, rows.dtype, table.shape) == ((500, 8, 8), np.uint8, (256, 3))
    exact = tiles.rgb_shades(embedding.as_rgb_tiles(filters)[::-1])[0].astype(float)
    error, control = (np.abs(table[rows] - other).mean() for other in (exact, exact[::-1]))
    assert error < 0.3 * control


def test_a_filter_that_a_model_does_not_have_is_replaced(open_page: Open, ask: Ask) -> None:
    at = open_page(PAGE, view="filters", models=["davit_mini"], filter_1="9999", **POINT)
    assert not ask(at).errors
    last = len(loading.load("davit_mini").weights("stem")["stem.filters"].values)
    assert at.number_input(key="filter_1").value == last  # the nearest, and the page says so
    assert any(f"Shown instead: {last}" in message.value for message in at.info)


def test_the_point_changes_the_maps_and_nothing_else(
    open_page: Open, ask: Ask, stage: OnStage
) -> None:
    at = open_page(PAGE, view="similarity", **POINT)
    before = ask(at)
    at.number_input(key="x").set_value(300).run()
    after = ask(at)
    assert len(after.pictures) == len(before.pictures)
    changed = [one != two for one, two in zip(before.pictures, after.pictures, strict=True)]
    assert changed == [True] * 3 + [False]  # each model's map alone; the legend stays
    assert stage.options["point"] == (300, 520)
    steady = re.compile(r"-?−?\d+(\.\d+)?")
    assert steady.sub("", after.text) == steady.sub("", before.text)


def test_a_place_outside_the_crop_is_said(open_page: Open, ask: Ask) -> None:
    seen = ask(open_page(PAGE, picture="cat", x="0", y="500"))
    assert sum("outside" in words for words in seen.infos) == 3
    assert not seen.errors


def test_unknown_choices_in_the_address_do_no_harm(open_page: Open, ask: Ask) -> None:
    at = open_page(PAGE, view="nonsense", token_depth="deep", filter_order="size", **POINT)
    assert not ask(at).errors
    assert at.session_state["view"] == "patches"
