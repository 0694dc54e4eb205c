"""An upload is gone after the stated time, wherever it lay: looked for in the server's process."""

from __future__ import annotations

import io
import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import start
from tests.browser.conftest import Server, run_server
from tests.browser.memory_probe import MARK, PROBE, SHAPE
from views.frame import uploads

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SECONDS = 120.0
EMPTY = {
    "pictures": 0,
    "arrays": 0,
    "bytes": 0,
    "files": 0,
    "uploader": 0,
    "held": 0,
    "results": 0,
}
Look = Callable[..., dict[str, Any]]
pytestmark = pytest.mark.slow
LATER = 60.0 * uploads.STORE_MINUTES


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server lies, and where it is asked."""
    return tmp_path_factory.mktemp("forgetful")


@pytest.fixture(scope="module")
def forgetful(folder: Path) -> Iterator[Server]:
    """A server whose clock is put forward, and which ends a visit soon after its tab is closed."""
    shutil.copytree(start.ROOT / "static", folder / "static")  # the fonts lie beside the script
    entry = shutil.copy(start.ROOT / "tests" / "browser" / "forgetting_app.py", folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(PROBE, str(folder))
        patch.setenv("STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL", "1")
        yield from run_server(folder, str(entry))


@pytest.fixture(scope="module")
def look(folder: Path) -> Look:
    """Asks the server's process what it holds, so many seconds later than it is."""
    count = iter(range(1000))

    def ask(later: float = 0.0) -> dict[str, Any]:
        number = next(count)
        part = folder / "question"
        part.write_text(str(later), encoding="utf-8")
        part.rename(folder / f"ask-{number}")
        answer = folder / f"answer-{number}"
        end = time.monotonic() + SECONDS
        while not answer.exists():
            assert time.monotonic() < end, "the server's process gives no answer"
            time.sleep(0.1)
        found: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
        return found

    return ask


def marked(folder: Path, seed: int) -> Path:
    """A picture of a size of its own, with a text of its own."""
    info = PngInfo()
    info.add_text("Comment", MARK.decode())
    pixels = np.random.default_rng(seed).integers(0, 256, SHAPE, dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format="PNG", pnginfo=info)
    path = folder / f"{seed}.png"
    path.write_bytes(stream.getvalue())
    return path


def give(page: Page, path: Path, settle: Callable[..., None], key: str) -> None:
    """Put a file into an uploader."""
    page.locator(f'.st-key-{key} input[type="file"]').set_input_files(str(path))
    page.wait_for_timeout(500)
    settle(page)


def until_empty(look: Look) -> dict[str, Any]:
    """Look until nothing is left; the last answer."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        found = look()
        if EMPTY.items() <= found.items():
            break
        time.sleep(1)
    return found


def test_an_open_page_loses_its_picture_by_itself(
    forgetful: Server, look: Look, page: Page, settle: Callable[..., None], tmp_path: Path
) -> None:
    page.goto(f"{forgetful.url}/compare?models=Mixer+mini&reads=raw")
    settle(page)
    gallery = look()
    assert EMPTY.items() <= gallery.items()
    page.get_by_role("button", name="Change picture").click()
    give(page, marked(tmp_path, 1), settle, "upload")
    there = look()
    assert (there["held"], there["pictures"]) == (1, 1)
    assert there["arrays"] >= 1
    assert there["results"] >= 2
    assert (there["bytes"], there["files"], there["uploader"]) == (0, 0, 0)  # gone at once
    assert set(there["media"]) - set(gallery["media"])
    look(LATER)
    page.get_by_text("Your picture was removed").wait_for(timeout=1000 * SECONDS)
    settle(page)
    after = until_empty(look)
    assert EMPTY.items() <= after.items(), after
    assert set(after["media"]) <= set(gallery["media"])


def test_a_closed_tab_leaves_nothing_and_needs_no_other_visitor(
    forgetful: Server,
    look: Look,
    chromium: Browser,
    settle: Callable[..., None],
    tmp_path: Path,
) -> None:
    tab = chromium.new_page()
    tab.goto(f"{forgetful.url}/disagreement?source=My+own&models=Mixer+mini&models=DaViT+mini")
    settle(tab)
    for seed in (1, 2):
        give(tab, marked(tmp_path, seed), settle, "many_uploads")
    tab.get_by_role("link", name="Compare").first.click()
    tab.get_by_role("tab", name="Raw map").click()
    settle(tab)
    tab.get_by_role("button", name="Change picture").click()
    give(tab, marked(tmp_path, 3), settle, "upload")
    there = look()
    while not there["media"] and there["held"] == 3:  # pictures are drawn a moment later
        there = look()
    assert there["held"] == 3
    tab.close()  # the clock is not put forward: a visit that is over ends what it brought
    after = until_empty(look)
    assert EMPTY.items() <= after.items(), after
    assert (after["media"], after["sessions"]) == ([], 0)
