"""The app without a browser: Streamlit's AppTest, and what a page shows."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.runtime.memory_media_file_storage import _calculate_file_id
from streamlit.testing.v1 import AppTest

from vislib import registry, weights

os.environ.setdefault("OMP_NUM_THREADS", "2")

ROOT = Path(__file__).resolve().parents[2]
HOME = "compare"
SECONDS = 600.0
"""A first run imports torch, which takes long on a busy machine."""

Open = Callable[..., AppTest]
Ask = Callable[[AppTest], "Seen"]


class Seen:
    """What stands on a page, ready to be compared.

    Attributes:
        pictures: The content digests of all pictures, in order.
        errors, infos: The messages.
        text: All words of markdown, captions and HTML parts.
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

    def shows(self, png: bytes) -> bool:
        """Whether just these bytes are shown as a picture."""
        return _calculate_file_id(png, "image/png") in self.pictures


@pytest.fixture(scope="session")
def minis() -> tuple[str, ...]:
    """The bundled models' keys; a test that needs them is skipped where one is missing."""
    rows = [row for row in registry.MODEL_REGISTRY.values() if row.weights == "bundled"]
    missing = [row.key for row in rows if not weights.status(row).present]
    if missing:
        pytest.skip(f"the bundled weights of {', '.join(missing)} are not in assets/weights")
    return tuple(row.key for row in rows)


@pytest.fixture
def open_page(minis: tuple[str, ...]) -> Open:
    """Opens a page by its name, with what stands in its address."""

    def opened(page: str = HOME, **address: str | list[str]) -> AppTest:
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
