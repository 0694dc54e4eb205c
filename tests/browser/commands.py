"""What commands that open a browser begin with: Chromium, and a folder of their own."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tests.browser import chromium
from tests.browser.conftest import FLAGS

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@contextlib.contextmanager
def opened() -> Iterator[tuple[Browser, Path]]:
    """A browser and an empty folder, gone afterwards; ends with 2 where there is no Chromium."""
    from playwright import sync_api

    place = chromium.find()
    if place is None:
        print(f"No Chromium found; set {chromium.NAMED}.")
        sys.exit(2)
    with tempfile.TemporaryDirectory() as folder, sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(place), args=list(FLAGS))
        try:
            yield browser, Path(folder)
        finally:
            browser.close()
