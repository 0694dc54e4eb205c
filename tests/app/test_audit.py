"""The audit of what pages keep: it finds planted faults, and nothing on the pages."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.app.audit import POINTS, ROOT, audited, difference, walk
from views import frame
from views.frame import state
from vislib.pictures import geometry
from vislib.schema import LabelledArray, ViewBox

WHOLE = ViewBox(left=0.0, top=0.0, width=1000.0, height=1000.0)
SAMPLE = 8


def cell(point: tuple[int, int], side: int) -> tuple[int, int]:
    found = geometry.cell_at(
        WHOLE, picture=(1000, 1000), x=point[0], y=point[1], rows=side, columns=side
    )
    assert found is not None
    return found


def a_map_with_a_marker(point: tuple[int, int], *, faulty: bool) -> np.ndarray:
    """A map that marks the point's cell; the faulty key has the entry and not the cell."""
    place = cell(point, 7)

    def draw() -> np.ndarray:
        drawn = np.zeros((7, 7), np.uint8)
        drawn[place] = 255
        return drawn

    name = ("channel_entry", "digest", "davit_mini", 0, 1, 2)
    return frame.remember(name if faulty else (*name, place), draw)


def a_map_of_a_token(point: tuple[int, int], *, faulty: bool) -> np.ndarray:
    """A token's map on coarse cells; the faulty key has the cell and not the token."""
    token, place = cell(point, 28), cell(point, 16)
    name = ("raw", "digest", "resnet_mini", "stage1.block0", place)
    return frame.remember(
        name if faulty else (*name, token),
        lambda: np.random.default_rng(list(token)).random((16, 16)),
    )


@pytest.mark.parametrize("faulty", [True, False])
@pytest.mark.parametrize(
    ("kept", "second"), [(a_map_with_a_marker, (300, 300)), (a_map_of_a_token, (490, 484))]
)
def test_a_key_that_leaves_something_out_is_found(
    kept: Callable[..., object], second: tuple[int, int], faulty: bool
) -> None:
    with audited() as findings:
        findings.page = "compare"
        for point in ((469, 453), second, (469, 453)):
            kept(point, faulty=faulty)
    assert findings.hits == (2 if faulty else 1)
    assert [page for page, _ in findings.stale.values()] == (["compare"] if faulty else [])


def test_a_cached_function_that_leaves_something_out_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    served = []

    @st.cache_resource(show_spinner=False)
    def kept(_key: str) -> int:
        served.append(_key)
        return len(served)

    monkeypatch.setattr(state, "_decoded", kept)
    with audited() as findings:
        state._decoded("coffee")
    assert list(findings.stale) == [("_decoded", "coffee")]
    kept.clear()


def test_what_is_compared() -> None:
    def array(value: float) -> LabelledArray:
        return LabelledArray(
            values=np.full((2, 2), value),
            axes=("row", "column"),
            role="tokens",
            unit="percent",
            signed=False,
            provenance="recomputed",
            source="made",
        )

    assert difference({"a": [array(1.0), b"x"]}, {"a": [array(1.0), b"x"]}) == ""
    assert difference(array(1.0), array(1.0 + 1e-7)) == ""
    assert difference(array(1.0), array(1.001)).startswith(".values: differs by")
    assert difference(b"x", b"y") == ": 1 bytes and 1 bytes"
    assert difference((1, 2), (1, 2, 3)) == ": 2 and 3 items"
    assert difference(np.zeros(2, np.uint8), np.ones(2, np.uint8)) == ": other values"
    assert difference({"a": 1}, {"b": 1}).startswith(": keys")
    assert difference(1, 1.0) == ": int and float"
    assert difference(np.array([1.0, np.nan]), np.array([1.0, 2.0])) != ""


def visited(points: tuple[tuple[int, int], ...], **address: str | list[str]) -> list[object]:
    """The stale keys after looking at Compare with each of the points."""
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=600.0)
    for name, value in address.items():
        at.query_params[name] = value
    with audited() as findings:
        findings.page = "compare"
        for at.session_state["x"], at.session_state["y"] in points:
            at.run()
            assert not at.exception
    assert findings.hits > 0
    return list(findings.stale)


def test_compare_marks_the_point_on_the_channel_map(minis: tuple[str, ...]) -> None:
    assert (
        visited(((500, 500), (300, 300)), models=["davit_mini"], reads="channels", depth="100")
        == []
    )


def test_compare_shows_each_token_s_own_estimate(minis: tuple[str, ...]) -> None:
    if "resnet_mini" not in minis:
        pytest.skip("the bundled weights of resnet_mini are not here")
    assert visited(POINTS[:2], models=["resnet_mini"], reads="depth", depth="0") == []


@pytest.mark.walk(3)
@pytest.mark.parametrize("seed", [6, 7, 8])
def test_a_seeded_sample_of_visits_finds_nothing(minis: tuple[str, ...], seed: int) -> None:
    assert walk(SAMPLE, seed=seed).stale == {}
