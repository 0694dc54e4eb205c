"""A visitor who waits for a turn reads how many come before; what was left is never begun."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import start
from tests.browser.conftest import Server, run_server
from tests.browser.held_turns import FOLDER
from vislib.texts import text

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Server]:
    """A server on which somebody else has all turns as long as ``hold`` is there."""
    (tmp_path / "hold").touch()
    shutil.copytree(start.ROOT / "static", tmp_path / "static")  # the fonts lie beside the script
    entry = shutil.copy(start.ROOT / "tests" / "browser" / "turns_app.py", tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER, str(tmp_path))
        yield from run_server(tmp_path, str(entry))


def test_a_place_in_line_is_shown_and_who_moves_on_is_dropped(
    busy: Server, page: Page, settle: Callable[..., None], tmp_path: Path
) -> None:
    page.goto(f"{busy.url}/dual_attention?models=davit_mini")
    waiting = {
        code: page.get_by_text(text(code, "busy.line_next")).locator("visible=true")
        for code in ("en", "ko")
    }
    waiting["en"].wait_for()
    page.get_by_text("한국어", exact=True).click()
    waiting["ko"].wait_for()  # another run waits now, although all turns are taken still
    page.goto("about:blank")
    page.wait_for_timeout(1000)
    (tmp_path / "hold").unlink()
    page.wait_for_timeout(1000)
    assert not (tmp_path / "ran").exists()
    page.goto(f"{busy.url}/dual_attention?models=davit_mini")
    settle(page)
    assert waiting["en"].count() == 0
    assert set((tmp_path / "ran").read_text(encoding="utf-8").split()) == {"davit_mini"}
    page.goto("about:blank")
