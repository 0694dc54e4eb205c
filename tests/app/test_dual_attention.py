"""The page Dual attention: what it sends is what the library computed."""

from __future__ import annotations

import base64
import io
import json
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from pages import _ui
from vislib import capture, gallery, models
from vislib.figures import colours, overlay
from vislib.schema import ActivationCache, MixingSite

ADDRESS = {
    "models": "davit_mini",
    "block": "2.1",
    "head": "2",
    "group": "3",
    "channel": "5",
    "feeder": "2",
}
GROUP, CHANNEL = 2, 4
Open = Callable[..., AppTest]


@pytest.fixture(scope="module")
def computed() -> tuple[MixingSite, ActivationCache]:
    """Stage 2, block 1 of the bundled DaViT on the picture that the page shows first."""
    model = models.load("davit_mini")
    site = next(s for s in model.sites if (s.stage, s.block) == (1, 0))
    picture = gallery.load("cat")
    return site, capture.run_with_cache(model, models.prepare(model, picture), None)


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


def heat(at: AppTest) -> np.ndarray:
    """The numbers of the one heatmap on the page."""
    z = json.loads(at.get("plotly_chart")[0].proto.spec)["data"][0]["z"]
    if isinstance(z, dict):
        shape = [int(n) for n in z["shape"].split(",")]
        return np.frombuffer(base64.b64decode(z["bdata"]), dtype=z["dtype"]).reshape(shape)
    return np.array(z)


def test_a_link_opens_the_same_view(open_page: Open) -> None:
    at = opened(open_page)
    assert [at.session_state[name] for name in ("block", "head", "group")] == ["2.1", "2", "3"]
    assert (at.session_state["channel"], at.session_state["feeder"]) == (5, 2)


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
    at = opened(open_page, x="500", y="500")
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
    for same in ("dual-feeders", "dual-channels"):
        assert moved[same][0]["stamp"] == first[same][0]["stamp"]
    assert at.session_state["channel"] == 5


def test_outside_the_crop_is_said_and_the_channels_stay(open_page: Open) -> None:
    at = opened(open_page, x="0", y="500")
    said = [note.value for note in at.info]
    assert sum("outside this model's crop" in words for words in said) == 2
    assert "dual-heads" not in payloads(at)
    assert "dual-feeders" in payloads(at)


def test_every_view_draws_the_raw_numbers(
    open_page: Open, computed: tuple[MixingSite, ActivationCache]
) -> None:
    site, cache = computed
    at = opened(open_page, x="500", y="500", closer="table")
    pattern = cache[f"{site.group}.channel.pattern"].values[GROUP]
    np.testing.assert_array_equal(heat(at), pattern)
    assert not np.array_equal(heat(at), pattern.T)
    at.session_state["closer"] = "head"
    row = cache[f"{site.group}.window.pattern"].values[3, 1, 0]
    np.testing.assert_array_equal(heat(calm(at.run())).reshape(-1), row)
    at.session_state["closer"] = "score"
    calm(at.run())
    read = int(np.argsort(-pattern[CHANNEL], kind="stable")[1])
    score = float(cache[f"{site.group}.channel.scores"].values[GROUP, CHANNEL, read])
    said = next(m.value for m in at.markdown if "is a sum over all places" in m.value)
    # Both numbers: the sum over the map and the score of the forward pass.
    assert said.count(f"{score:.4f}") == 2
    assert not at.get("plotly_chart")
    at.session_state["closer"] = "depth"
    lines = json.loads(calm(at.run()).get("plotly_chart")[0].proto.spec)["data"]
    assert len(lines) == 2


def test_each_widget_moves_its_own_part(open_page: Open) -> None:
    at = opened(open_page)
    before = payloads(at)
    at.number_input(key="channel").set_value(9)
    after = payloads(calm(at.run()))
    assert after["dual-feeders"][0]["labels"][0].startswith("9")
    assert after["dual-channels"][0]["stamp"] == before["dual-channels"][0]["stamp"]
    at.session_state["group"] = "1"
    after = payloads(calm(at.run()))
    assert after["dual-channels"][0]["stamp"] != before["dual-channels"][0]["stamp"]
    assert after["dual-heads"][0]["stamp"] == before["dual-heads"][0]["stamp"]
    at.number_input(key="feeder").set_value(12)
    at.session_state["head"] = "all"
    at.session_state["block"] = "3.2"
    calm(at.run())
    assert any("is the whole map" in c.value for c in at.caption)


def test_the_two_main_pictures_are_the_window_and_the_table(
    open_page: Open, computed: tuple[MixingSite, ActivationCache], sent_pictures: dict[str, bytes]
) -> None:
    site, cache = computed
    opened(open_page, x="500", y="500")
    share = _pixels(sent_pictures["dual-share"])
    assert (share == overlay.OUTLINE).all(axis=2).any()
    # The window is the last of 2 x 2: no white frame in the upper left quarter.
    white = (share == overlay.REGION).all(axis=2)
    rows, columns = white.shape
    assert white.sum() > 100
    assert not white[: rows // 3, : columns // 3].any()
    table = _pixels(sent_pictures["dual-table"])
    pattern = cache[f"{site.group}.channel.pattern"].values[GROUP]
    pair = colours.limits(pattern, signed=False)
    cell = rows / pattern.shape[0]
    corner = columns / 2 - rows / 2
    for i, j in ((0, 15), (15, 0), (12, 9)):
        at_cell = table[int((i + 0.5) * cell), int(corner + (j + 0.5) * cell)]
        wanted = colours.table(False)[colours.to_indices(pattern[i, j], pair)]
        np.testing.assert_array_equal(at_cell, wanted)
    turned = colours.table(False)[colours.to_indices(pattern[15, 0], pair)]
    assert not np.array_equal(
        turned, colours.table(False)[colours.to_indices(pattern[0, 15], pair)]
    )


@pytest.fixture
def sent_pictures(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Key -> PNG of each picture that the page shows."""
    found: dict[str, bytes] = {}
    real = _ui.image

    def image(png: bytes, *, alt: str, key: str, width: int | str = "stretch") -> None:
        found[key] = png
        real(png, alt=alt, key=key, width=width)

    monkeypatch.setattr(_ui, "image", image)
    return found


def _pixels(png: bytes) -> np.ndarray:
    """A PNG's colours, axes (row, column, rgb)."""
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
