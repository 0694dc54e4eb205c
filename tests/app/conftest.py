"""The app without a browser: Streamlit's AppTest, and what a page shows."""

from __future__ import annotations

import dataclasses
import html
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
from streamlit.runtime.memory_media_file_storage import _calculate_file_id
from streamlit.testing.v1 import AppTest

from views import frame
from views.frame import server, staging
from views.frame.state import DEFAULT_MODELS
from vislib import registry
from vislib.models import loading
from vislib.weights import files

os.environ.setdefault("OMP_NUM_THREADS", "2")

ROOT = Path(__file__).resolve().parents[2]
HOME = "overview"
SECONDS = 600.0
"""A first run imports torch, which takes long on a busy machine."""

Open = Callable[..., AppTest]
Ask = Callable[[AppTest], "Seen"]
Bring = Callable[..., None]


class Seen:
    """What stands on a page, ready to be compared.

    Attributes:
        pictures: The content digests of all pictures, in order.
        errors, infos: The messages.
        text: All words of markdown, captions and HTML parts.
        title: Of the page.
    """

    def __init__(self, at: AppTest) -> None:
        assert not at.exception, [error.value for error in at.exception]
        self.pictures = [
            url.rsplit("/", 1)[-1].partition(".")[0] for image in at.image for url in image.value
        ]
        self.errors = [error.value for error in at.error]
        self.infos = [info.value for info in at.info]
        parts = [element.value for element in (*at.markdown, *at.caption)]
        self.text = "\n".join([*parts, *(element.proto.body for element in at.get("html"))])
        titles = [title.value for title in at.title] + re.findall("<h1>(.*?)</h1>", self.text)
        self.title = html.unescape(titles[0]) if titles else ""

    def shows(self, png: bytes) -> bool:
        """Whether just these bytes are shown as a picture."""
        return _calculate_file_id(png, "image/png") in self.pictures


class Shown:
    """What a page handed to the browser since ``clear``: tiles and pictures by their keys."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tiles: dict[str, tuple[np.ndarray, dict[str, Any]]] = {}
        self.pictures: dict[str, bytes] = {}
        real_tiles, real_image = frame.tile_canvas, frame.image

        def tiles(indices: np.ndarray, table: np.ndarray, **options: Any) -> int | None:
            self.tiles[options["key"]] = (indices, options)
            return real_tiles(indices, table, **options)

        def image(png: bytes, **options: Any) -> None:
            self.pictures[options["key"]] = png
            real_image(png, **options)

        monkeypatch.setattr(frame, "tile_canvas", tiles)
        monkeypatch.setattr(frame, "image", image)

    def click(self, key: str, tile: int, app: AppTest, *names: str) -> None:
        """Choose a tile: what the callback sets goes into the app's state, and the app runs."""
        self.tiles[key][1]["on_change"](tile)  # outside a run it sets a state of its own
        for name in names:
            app.session_state[name] = st.session_state[name]
        app.run()
        assert not app.exception
        assert not app.error

    def clear(self) -> None:
        """Forget what was shown."""
        self.tiles, self.pictures = {}, {}


class OnStage:
    """What the page gave to the stage in its last run."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rows: list[frame.StageRow] = []
        self.blocks: dict[str, list[frame.StageShown]] = {}
        self.options: dict[str, Any] = {}
        seen = self

        class Recorded(frame.Stage):
            def draw(self, shown: Any, **options: Any) -> Any:
                seen.rows, seen.blocks = list(self._rows), {}
                seen.options = {**options, "point": frame.view().point}
                seen.blocks[options["block"]] = list(shown)
                return super().draw(shown, **options)

            def ahead(self, block: str, shown: Any) -> None:
                seen.blocks[block] = list(shown)
                super().ahead(block, shown)

        monkeypatch.setattr(staging, "Stage", Recorded)

    def entries(self) -> list[frame.StageShown]:
        """Of the block that is shown."""
        return self.blocks[self.options["block"]]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Shown:
    """Records what the pages hand to the browser."""
    return Shown(monkeypatch)


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> OnStage:
    """Records what goes to the stage."""
    return OnStage(monkeypatch)


@pytest.fixture
def bring(minis: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> Bring:
    """Puts models on the machine, by their keys; where they are not, with seeded random weights."""
    real = loading.load
    brought: list[str] = []

    def load(key: str, *, untrained: bool = False, **more: Any) -> loading.LoadedModel:
        if key not in brought or untrained:
            return real(key, untrained=untrained, **more)
        return dataclasses.replace(real(key, untrained=True, **more), untrained=False)

    def bringing(*keys: str) -> None:
        brought.extend(key for key in keys if not files.status(registry.spec(key)).present)
        there = tuple(key for key in registry.MODEL_REGISTRY if key in (*minis, *keys))
        monkeypatch.setattr(server, "present", lambda: there)

    monkeypatch.setattr(loading, "load", load)
    return bringing


@pytest.fixture(scope="session")
def minis() -> tuple[str, ...]:
    """The bundled models that are there; without the first three, a test with them is skipped."""
    rows = [row for row in registry.MODEL_REGISTRY.values() if row.weights == "bundled"]
    there = tuple(row.key for row in rows if files.status(row).present)
    missing = [key for key in DEFAULT_MODELS if key not in there]
    if missing:
        pytest.skip(f"the bundled weights of {', '.join(missing)} are not in assets/weights")
    return there


@pytest.fixture(autouse=True)
def no_question(monkeypatch: pytest.MonkeyPatch) -> None:
    """Large models are loaded without asking the visitor first; test_models.py has the question."""
    monkeypatch.setattr(server, "price", lambda _key: None)


@pytest.fixture
def open_page(minis: tuple[str, ...]) -> Open:
    """Opens a page by its name, with what stands in its address."""

    def opened(page: str = "compare", **address: str | list[str]) -> AppTest:
        at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=SECONDS)
        for name, value in address.items():
            at.query_params[name] = value
        at.run()
        if page != HOME:
            at.switch_page(f"pages/{page}.py").run()
        return at

    return opened


@pytest.fixture(scope="session")
def ask() -> Ask:
    """Reads what a page shows; fails where the script stopped with an exception."""
    return Seen
