"""The page Dual attention: what it sends is what the library computed."""

from __future__ import annotations

import base64
import dataclasses
import json
import struct
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.app.conftest import OnStage
from tests.unit import tiny
from views import frame
from views.dual_attention import tiles
from views.dual_attention.columns import SIDE
from views.frame import models, server, state
from vislib import registry
from vislib.analysis import attentions
from vislib.analysis.common_ground import statistics
from vislib.analysis.dual_attention import score_map
from vislib.analysis.fields import ReadingField, reading_field
from vislib.analysis.reading_at import reading_at
from vislib.analysis.reading_parts import one_part
from vislib.analysis.signed_fields import SignedField
from vislib.analysis.windows import window_piece
from vislib.figures import colours, overlay
from vislib.models import loading
from vislib.models.shelf import Shelf
from vislib.observe import capture
from vislib.pictures import gallery, geometry
from vislib.schema import ActivationCache, MixingSite, WeightsError

ADDRESS = {
    "models": "davit_mini",
    "block": "2.1",
    "head": "2",
    "group": "3",
    "group_channel": "5",
    "feeder": "2",
}
GROUP, CHANNEL = 2, 4
Open = Callable[..., AppTest]


@pytest.fixture(scope="module")
def computed() -> tuple[MixingSite, ActivationCache]:
    """Stage 2, block 1 of the bundled DaViT on the picture that the page shows first."""
    model = loading.load("davit_mini")
    site = next(s for s in model.sites if (s.stage, s.block) == (1, 0))
    picture = gallery.load(state.DEFAULT_PICTURE)
    return site, capture.run_with_cache(model, loading.prepare(model, picture), None)


def calm(at: AppTest) -> AppTest:
    """The page, if nothing went wrong on it."""
    assert not at.exception
    assert not at.error
    return at


def opened(open_page: Open, **more: str) -> AppTest:
    return calm(open_page("dual_attention", **{**ADDRESS, **more}))


def payloads(at: AppTest) -> dict[str, tuple[dict[str, Any], np.ndarray]]:
    """Key -> header and colour indices of each tile canvas that was sent."""
    found = {}
    for element in at.get("bidi_component"):
        data = element.proto.bytes
        if len(data) < 4:
            continue
        length = struct.unpack("<I", data[:4])[0]
        header = json.loads(data[4 : 4 + length])
        if "count" in header:
            shape = (header["count"], header["rows"], header["columns"])
            body = np.frombuffer(data[4 + length :], dtype=np.uint8)
            found[header["key"]] = (header, body[: int(np.prod(shape))].reshape(shape))
    return found


def heat(at: AppTest, which: int = 0) -> np.ndarray:
    """The numbers of a heatmap on the page."""
    z = json.loads(at.get("plotly_chart")[which].proto.spec)["data"][0]["z"]
    if isinstance(z, dict):
        shape = [int(n) for n in z["shape"].split(",")]
        return np.frombuffer(base64.b64decode(z["bdata"]), dtype=z["dtype"]).reshape(shape)
    return np.array(z)


def test_a_link_opens_the_same_view(open_page: Open) -> None:
    at = opened(open_page)
    assert [at.session_state[name] for name in ("block", "head", "group")] == ["2.1", "2", "3"]
    assert (at.session_state["group_channel"], at.session_state["feeder"]) == ("5", "2")


@pytest.mark.parametrize(
    ("link", "tab"),
    [
        ({}, "channels"),
        ({"closer": "table"}, "table"),
        ({"closer": "Where a score comes from"}, "score"),
        ({"beside": "maps"}, "beside"),
        ({"beside": "Reach over depth"}, "beside"),
        ({"beside": "closed"}, "channels"),
    ],
)
def test_a_link_of_the_time_before_the_tabs_opens_what_it_showed(
    open_page: Open, link: dict[str, str], tab: str
) -> None:
    at = opened(open_page, **link)
    assert at.session_state["closer"] == tab
    if tab == "beside":
        assert at.session_state["beside"] == ("maps" if link["beside"] == "maps" else "depth")
    assert not any("link" in note.value for note in at.info)


def test_the_stage_shows_the_window_and_the_chosen_channels(
    open_page: Open, computed: tuple[MixingSite, ActivationCache], stage: OnStage
) -> None:
    site, cache = computed
    opened(open_page, x="500", y="500")
    heads, head, product, feeder = (entry.field for entry in stage.entries())
    assert isinstance(heads, ReadingField)
    assert isinstance(head, ReadingField)
    wanted = reading_field(site, cache)
    single = reading_field(site, one_part(site, cache, 1))
    np.testing.assert_array_equal(heads.values, wanted.values)
    np.testing.assert_array_equal(head.values, single.values)
    assert not np.array_equal(head.values, reading_field(site, one_part(site, cache, 0)).values)
    assert (heads.kind, heads.window) == ("window", site.window)
    pattern = cache[f"{site.group}.channel.pattern"].values[GROUP]
    read = int(np.argsort(-pattern[CHANNEL], kind="stable")[1])
    places = score_map(cache, site, group=GROUP, out=CHANNEL, read=read)
    assert isinstance(product, SignedField)
    np.testing.assert_array_equal(product.values, places.values.astype(np.float32))
    turned = score_map(cache, site, group=GROUP, out=read, read=CHANNEL)
    assert np.abs(product.values - turned.values).max() > 1e-3
    score = float(cache[f"{site.group}.channel.scores"].values[GROUP, CHANNEL, read])
    assert float(product.values.sum()) == pytest.approx(score, rel=1e-4)
    queries = cache[f"{site.group}.channel.queries"].values[GROUP][:, read]
    assert isinstance(feeder, SignedField)
    np.testing.assert_array_equal(feeder.values.reshape(-1), queries.astype(np.float32))
    subs = [entry.sub for entry in stage.entries()]
    assert subs[1] == f"head 2 of {site.heads}"
    assert subs[2] == f"k of {CHANNEL + 1} · v of {read + 1}"
    assert subs[3] == f"{read + 1} feeds {CHANNEL + 1}: {100 * pattern[CHANNEL, read]:.1f} %"
    assert stage.options["point"] == (500, 500)
    assert len(stage.blocks) == 3  # the blocks before and after come ahead


def test_blocks_with_fewer_heads_show_the_nearest(open_page: Open, stage: OnStage) -> None:
    opened(open_page, block="3.1", head="4", group="4", group_channel="60")
    sites = {frame.block_name(s): s for s in loading.load("davit_mini").sites}
    for block, entries in stage.blocks.items():
        heads = sites[block].heads
        assert heads is not None
        assert entries[1].sub == f"head {min(4, heads)} of {heads}"


def test_the_channel_tiles_are_the_model_s(
    open_page: Open, computed: tuple[MixingSite, ActivationCache]
) -> None:
    site, cache = computed
    sent = payloads(opened(open_page))
    header, tiles = sent["dual-feeders"]
    pattern = cache[f"{site.group}.channel.pattern"].values[GROUP]
    strongest = np.argsort(-pattern[CHANNEL], kind="stable")[:7]
    queries = cache[f"{site.group}.channel.queries"].values[GROUP]
    size = site.channels // site.heads
    written = cache[f"{site.group}.channel.mixed"].values[:, GROUP * size + CHANNEL]
    wanted = np.stack([written, *queries[:, strongest].T]).reshape(8, site.rows, site.columns)
    np.testing.assert_array_equal(tiles, colours.to_indices(wanted, tuple(header["limits"])))
    turned = colours.to_indices(wanted.swapaxes(1, 2), tuple(header["limits"]))
    assert not np.array_equal(tiles, turned)
    assert [label.split(":")[0] for label in header["labels"][1:]] == [
        str(j + 1) for j in strongest
    ]
    assert sent["dual-channels"][1].shape == (size, site.rows, site.columns)


def test_the_heads_are_the_window_s_rows_and_follow_the_point(
    open_page: Open, computed: tuple[MixingSite, ActivationCache]
) -> None:
    site, cache = computed
    pattern = cache[f"{site.group}.window.pattern"].values
    at = opened(open_page, x="500", y="500", closer="head")
    first = payloads(at)
    # The middle of the picture is the first cell of the last of 2 x 2 windows.
    header, tiles = first["dual-heads"]
    wanted = pattern[3, :, 0].reshape(tiles.shape)
    np.testing.assert_array_equal(tiles, colours.to_indices(wanted, tuple(header["limits"])))
    assert not np.array_equal(
        tiles, colours.to_indices(pattern[0, :, 0].reshape(tiles.shape), tuple(header["limits"]))
    )
    at.session_state["x"] = 300
    moved = payloads(calm(at.run()))
    assert moved["dual-heads"][0]["stamp"] != header["stamp"]
    assert at.session_state["group_channel"] == "5"


def test_a_moved_point_leaves_the_channels_as_they_are(open_page: Open) -> None:
    at = opened(open_page, x="500", y="500")
    first = payloads(at)
    at.session_state["x"] = 300
    moved = payloads(calm(at.run()))
    for same in ("dual-feeders", "dual-channels"):
        assert moved[same][0]["stamp"] == first[same][0]["stamp"]


def test_outside_the_crop_is_said_and_the_channels_stay(open_page: Open) -> None:
    at = opened(open_page, x="0", y="500")
    assert "dual-feeders" in payloads(at)
    for tab in ("head", "numbers", "source"):
        at.session_state["closer"] = tab
        said = [note.value for note in calm(at.run()).info]
        assert sum("outside this model's crop" in words for words in said) == 1
        assert "dual-heads" not in payloads(at)


def test_every_view_draws_the_raw_numbers(
    open_page: Open, computed: tuple[MixingSite, ActivationCache]
) -> None:
    site, cache = computed
    at = opened(open_page, x="500", y="500", closer="table")
    pattern = cache[f"{site.group}.channel.pattern"].values[GROUP]
    np.testing.assert_array_equal(heat(at), pattern)
    assert not np.array_equal(heat(at), pattern.T)
    at.session_state["closer"] = "head"
    rows = cache[f"{site.group}.window.pattern"].values[3, :, 0]
    np.testing.assert_array_equal(heat(calm(at.run())).reshape(-1), rows[1])
    np.testing.assert_array_equal(heat(at, 1).reshape(-1), rows.mean(axis=0))
    at.session_state["closer"] = "score"
    calm(at.run())
    read = int(np.argsort(-pattern[CHANNEL], kind="stable")[1])
    score = float(cache[f"{site.group}.channel.scores"].values[GROUP, CHANNEL, read])
    said = next(m.value for m in at.markdown if "is a sum over all positions" in m.value)
    # Both numbers: the sum over the map and the score of the forward pass.
    assert said.count(f"{score:.4f}") == 2
    assert not at.get("plotly_chart")
    at.session_state["closer"] = "depth"
    lines = json.loads(calm(at.run()).get("plotly_chart")[0].proto.spec)["data"]
    assert len(lines) == 2


def test_each_widget_moves_its_own_part(open_page: Open) -> None:
    at = opened(open_page)
    before = payloads(at)
    at.session_state["group_channel"] = "9"
    after = payloads(calm(at.run()))
    assert after["dual-feeders"][0]["labels"][0].startswith("9")
    assert after["dual-channels"][0]["stamp"] == before["dual-channels"][0]["stamp"]
    at.session_state["group"] = "1"
    after = payloads(calm(at.run()))
    assert after["dual-channels"][0]["stamp"] != before["dual-channels"][0]["stamp"]
    at.session_state["feeder"] = "12"
    at.session_state["block"] = "3.1"
    at.session_state["closer"] = "numbers"
    calm(at.run())
    assert any("is the whole map" in c.value for c in at.caption)


def test_a_click_on_a_tile_chooses_it(open_page: Open) -> None:
    for pick, name in (
        (tiles.pick_head, "head"),
        (tiles.pick_feeder, "feeder"),
        (tiles.pick_channel, "group_channel"),
    ):
        pick(3)  # outside a run it sets a state of its own
        assert st.session_state[name] == ("3" if name == "feeder" else "4")
    at = opened(open_page, feeder="4", group_channel="4")
    header, _ = payloads(at)["dual-feeders"]
    assert header["labels"][0].startswith("4")


def test_the_numbers_are_the_library_s(
    open_page: Open, computed: tuple[MixingSite, ActivationCache]
) -> None:
    site, cache = computed
    said = words_of(opened(open_page, x="500", y="500", closer="numbers"))
    pattern = cache[f"{site.group}.channel.pattern"].values[GROUP]
    read = int(np.argsort(-pattern[CHANNEL], kind="stable")[1])
    score = float(cache[f"{site.group}.channel.scores"].values[GROUP, CHANNEL, read])
    assert f">{100 * pattern[CHANNEL, read]:.2f} %<" in said
    assert f">{score:.3f}<" in said
    assert "window</th><td>4 / 4<" in said
    reading = reading_at(site, cache, row=site.rows // 2, column=site.columns // 2)
    picture = gallery.load(state.DEFAULT_PICTURE)
    box = loading.prepare(loading.load("davit_mini"), picture).view_box
    for head, who in ((None, "all heads"), (1, "head 2")):
        share = attentions.share_of(reading, site, head).values
        place = {"row": site.rows // 2, "column": site.columns // 2}
        numbers = statistics(share, **place, cell_px=box.width / site.columns)
        assert f"{who}</th><td>{numbers.reach_px:.0f} px<" in said


@pytest.fixture
def sent_pictures(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Key -> PNG of each picture that the page shows."""
    found: dict[str, bytes] = {}
    real = frame.image

    def image(png: bytes, *, alt: str, key: str, width: int | str = "stretch") -> None:
        found[key] = png
        real(png, alt=alt, key=key, width=width)

    monkeypatch.setattr(frame, "image", image)
    return found


# Beside it: other attentions

SWIN, VIT = "swin_tiny_patch4_window7_224.ms_in1k", "vit_mini"
BESIDE = {"beside": "maps", "block": "1.1", "picture": "cat"}
KINDS = ("davit", "vit", "swin", "swin_shifted")


@pytest.fixture(scope="module")
def attentive() -> dict[str, loading.LoadedModel]:
    """The three models: DaViT as it is bundled, a tiny Swin and a ViT with random weights."""
    swin = dataclasses.replace(tiny.tiny_model("swin"), spec=registry.spec(SWIN))
    vit = loading.load(VIT, untrained=True)
    tiny.draw_weights(vit.module, seed=0)
    return {"davit_mini": loading.load("davit_mini"), SWIN: swin, VIT: vit}


@pytest.fixture
def together(
    open_page: Open, attentive: dict[str, loading.LoadedModel], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Open]:
    """Opens the page where Swin and ViT are on this machine beside the bundled models."""
    real, there = loading.load, (*state.DEFAULT_MODELS, VIT, SWIN)
    monkeypatch.setattr(server, "present", lambda: there)
    monkeypatch.setattr(models, "_known", {})
    monkeypatch.setattr(loading, "load", lambda key, **how: attentive.get(key) or real(key, **how))
    monkeypatch.setitem(server._made, "shelf", Shelf(collect=server.settle_memory))
    state._store.clear()  # the models are not those that their keys name
    yield lambda **more: opened(open_page, **{**BESIDE, **more})
    state._store.clear()


def beside_share(
    model: loading.LoadedModel, block: int, x: int, y: int, head: int | None = None
) -> tuple[Any, MixingSite, tuple[int, int], Any]:
    """Share, block, cell and view box of one column, computed without the page."""
    picture, site = gallery.load("cat"), model.sites[block]
    inputs = loading.prepare(model, picture)
    place = geometry.cell_at(
        inputs.view_box,
        picture=(picture.width, picture.height),
        x=x,
        y=y,
        rows=site.rows,
        columns=site.columns,
    )
    assert place is not None
    cache = capture.run_with_cache(model, inputs, site.group)
    found = reading_at(site, cache, row=place[0], column=place[1])
    return attentions.share_of(found, site, head), site, place, inputs.view_box


def test_beside_is_closed_and_loads_nothing(
    together: Open, sent_pictures: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    real = loading.load
    monkeypatch.setattr(loading, "load", lambda key, **how: asked.append(key) or real(key, **how))
    together(beside="closed")
    assert set(asked) == {"davit_mini"}
    assert not [key for key in sent_pictures if key.startswith("beside")]
    together()
    assert {SWIN, VIT} <= set(asked)


def test_beside_draws_each_model_s_reading_on_one_scale(
    together: Open,
    attentive: dict[str, loading.LoadedModel],
    sent_pictures: dict[str, bytes],
) -> None:
    together(x="480", y="520")
    columns = dict(zip(KINDS, (("davit_mini", 0), (VIT, 0), (SWIN, 0), (SWIN, 1)), strict=True))
    found = {
        kind: beside_share(attentive[key], block, 480, 520)
        for kind, (key, block) in columns.items()
    }
    limits = colours.limits(*(share.values for share, *_ in found.values()), signed=False)
    picture = gallery.load("cat").pixels

    def drawn(kind: str, **changes: Any) -> bytes:
        share, site, place, box = found[kind]
        region = None
        if site.window:
            sizes = {"rows": site.rows, "columns": site.columns, "window": site.window}
            region = window_piece(*place, **sizes, shift=site.shift)
        options: dict[str, Any] = {"box": box, "limits": limits, "cell": place, "region": region}
        return overlay.share_overlay(picture, share.values, side=SIDE, **(options | changes))

    for kind in KINDS:
        assert sent_pictures[f"beside-{kind}"] == drawn(kind)
    # Negative control: a scale of its own, or the windows in place, is another picture.
    own = colours.limits(found["vit"][0].values, signed=False)
    assert sent_pictures["beside-vit"] != drawn("vit", limits=own)
    assert sent_pictures["beside-swin"] != sent_pictures["beside-swin_shifted"]
    assert sum(len(sent_pictures[f"beside-{kind}"]) for kind in KINDS) < 200_000


def words_of(at: AppTest) -> str:
    """All words in HTML parts and captions."""
    return "\n".join(
        [*(c.value for c in at.caption), *(element.proto.body for element in at.get("html"))]
    )


def test_beside_prints_the_class_token_s_share_and_the_nearest_head(
    together: Open, attentive: dict[str, loading.LoadedModel]
) -> None:
    heads = attentive[VIT].sites[0].heads  # 2 or 4, by the bundled set
    assert heads is not None
    at = together(x="480", y="520", beside_head=str(heads))
    share, site, *_ = beside_share(attentive[VIT], 0, 480, 520, head=heads - 1)
    outside = 100.0 - float(share.values.sum())
    assert f"goes to the class token</th><td>{outside:.1f} %" in words_of(at)
    every, *_ = beside_share(attentive[VIT], 0, 480, 520)
    assert abs(outside - (100.0 - float(every.values.sum()))) > 0.1
    assert site.heads == heads
    # DaViT's first block and the tiny Swin have two heads: the nearest is shown, and said.
    assert words_of(at).count("head 2 of 2") == 3 + (heads == 2)
    assert words_of(at).count("head 4 of 4") == (heads == 4)
    at.session_state["beside_head"] = "all"
    assert f"head {heads} of {heads}" not in words_of(calm(at.run()))


def test_beside_keeps_the_relative_depth(together: Open) -> None:
    at = together(beside_depth="last")
    assert at.session_state["beside_depth"] == "last"
    said = words_of(at)
    last, vit = loading.load("davit_mini").sites[-1], loading.load(VIT, untrained=True).sites
    tokens = f"{vit[0].rows} × {vit[0].columns} tokens"
    assert f"Stage 3, block {last.block + 1} · 4 × 4 tokens" in said
    assert f"Block {len(vit)} · {tokens}" in said
    assert "Stage 2, block 2" in said
    at.session_state["beside_depth"] = "same"
    said = words_of(calm(at.run()))
    assert f"Block 1 · {tokens}" in said
    assert "Stage 2, block 2" not in said
    at.session_state["block"] = f"3.{last.block + 1}"
    assert f"Block {len(vit)} · {tokens}" in words_of(calm(at.run()))


def test_beside_follows_the_point_and_says_when_it_is_outside(
    together: Open, sent_pictures: dict[str, bytes]
) -> None:
    at = together(x="480", y="520")
    first = {k: v for k, v in sent_pictures.items() if k.startswith("beside")}
    at.session_state["x"] = 300
    calm(at.run())
    assert first.keys() == {f"beside-{kind}" for kind in KINDS}
    assert all(sent_pictures[key] != png for key, png in first.items())
    sent_pictures.clear()
    at.session_state["x"] = 0
    calm(at.run())
    assert not [key for key in sent_pictures if key.startswith("beside")]
    assert any("outside this model's crop" in note.value for note in at.info)


def test_beside_reach_over_depth_is_the_library_s(
    together: Open, attentive: dict[str, loading.LoadedModel]
) -> None:
    at = together(beside="depth")
    lines = json.loads(at.get("plotly_chart")[-1].proto.spec)["data"]
    assert [line["name"] for line in lines] == [registry.spec(k).title for k in attentive]
    for line, model in zip(lines, attentive.values(), strict=True):
        inputs = loading.prepare(model, gallery.load("cat"))
        cache = capture.run_with_cache(model, inputs)
        wanted = attentions.reach_over_depth(model.sites, cache)
        np.testing.assert_allclose(numbers(line["x"]), wanted.depth)
        np.testing.assert_allclose(numbers(line["y"]), wanted.reach * inputs.view_box.width)
        assert line["line"]["color"] == colours.family_colour(model.spec.family)
        assert numbers(line["y"]).std() > 0


def numbers(sent: Any) -> np.ndarray:
    """An axis of a chart as it is sent."""
    if isinstance(sent, dict):
        return np.frombuffer(base64.b64decode(sent["bdata"]), dtype=sent["dtype"])
    return np.array(sent)


def test_beside_offers_what_is_not_there(
    together: Open, sent_pictures: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    offered: list[str] = []
    monkeypatch.setattr(server, "present", lambda: state.DEFAULT_MODELS)
    monkeypatch.setattr(frame, "offer", lambda key, why: offered.append(key))
    together()
    assert offered == [SWIN, "deit_small_patch16_224.fb_in1k"]
    assert {k for k in sent_pictures if k.startswith("beside")} == {"beside-davit"}


def test_a_model_that_does_not_load_leaves_the_others(
    together: Open, sent_pictures: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = loading.load

    def load(key: str, **how: Any) -> loading.LoadedModel:
        if key == SWIN:
            raise WeightsError("The file is damaged. Pull it again.")
        return real(key, **how)

    monkeypatch.setattr(loading, "load", load)
    with pytest.raises(AssertionError):
        together()  # says so
    assert {k for k in sent_pictures if k.startswith("beside")} == {"beside-davit", "beside-vit"}
