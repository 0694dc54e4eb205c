"""How long it takes until there is something to see: the start, and each page's first load.

    python benchmarks/startup.py [--pages compare ...] [--old FOLDER] [--json FILE]

The start is ``start.py`` in a ready environment: until the server answers, and until a Chromium
that runs already has painted first. Cold: a server that has just begun and has loaded no model;
warm: one that has drawn the page before, the median of three. A load ends when the page has
changed last.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import start  # noqa: E402
from benchmarks import report  # noqa: E402
from benchmarks.clicks import FLAGS, PAGES, SIZE, first_load, serve  # noqa: E402
from tests.browser import chromium  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

STARTS, LOADS = 3, 3
PAINT = """() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"""


def begin(root: Path) -> tuple[subprocess.Popen[bytes], str, float]:
    """``start.py`` of a checkout: its process, address, and seconds until it answers."""
    url = f"http://127.0.0.1:{(port := start.find_port(22000))}"
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "start.py", "--no-install", "--port", str(port)],
        cwd=root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while time.perf_counter() - began < start.READY_SECONDS:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=1):
                return process, url, time.perf_counter() - began
        except OSError:
            time.sleep(0.02)
    process.terminate()
    raise SystemExit("The server did not answer.")


def painted(browser: Any, url: str) -> float:
    """Seconds from the request to the first paint."""
    page = browser.new_page(viewport=SIZE)
    page.goto(url)
    page.wait_for_function(f"({PAINT})()")
    took: float = page.evaluate(PAINT)
    page.close()
    return took / 1000


@contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Stops the server, whatever happens."""
    try:
        yield
    finally:
        process.terminate()
        process.wait(15)


def starts(browser: Any, root: Path, kind: str) -> Iterator[report.Row]:
    """From the command to the server's answer, and to the first paint."""
    answers, paints = [], []
    for _ in range(STARTS):
        process, url, seconds = begin(root)
        with ended(process):
            answers.append(seconds)
            paints.append(seconds + painted(browser, url))
    for what, found in (("the server answers", answers), ("the first paint", paints)):
        yield report.Row(
            what=f"start.py until {what} ({kind})",
            value=statistics.median(found),
            unit=f"s, longest of {STARTS}: {max(found):.1f}",
        )


def loads(browser: Any, root: Path, kind: str, name: str) -> Iterator[report.Row]:
    """A page's first load on a server that has just begun, and on one that has drawn it."""
    process, url = serve(root)
    with ended(process):
        address = f"{url}/{name}{'&' if '?' in name else '?'}picture=coffee"
        cold = first_load(browser, address)
        warm = statistics.median(first_load(browser, address) for _ in range(LOADS))
    words = "the first picture answered, " if name == "compare" else ""
    yield report.Row(what=f"{name}: {words}cold ({kind})", value=cold / 1000, unit="s")
    yield report.Row(what=f"{name}: first load, warm ({kind})", value=warm / 1000, unit="s")


def main() -> None:
    """Measure the start and each page; print a line for each."""
    parser = report.parser(__doc__)
    parser.add_argument("--pages", nargs="*", default=PAGES)
    parser.add_argument("--old", type=Path, help="another checkout, measured beside this one")
    parser.add_argument("--no-starts", action="store_true", help="the pages alone")
    chosen: argparse.Namespace = parser.parse_args()
    from playwright.sync_api import sync_playwright

    roots = {"here": ROOT} | ({"old": chosen.old.resolve()} if chosen.old else {})
    rows: list[report.Row] = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium.find(), args=FLAGS)
        for kind, root in roots.items():
            if not chosen.no_starts:
                rows += report.say(list(starts(browser, root, kind)))
        for name in chosen.pages:
            for kind, root in roots.items():
                rows += report.say(list(loads(browser, root, kind, name)))
        browser.close()
    report.write(rows, chosen.json)


if __name__ == "__main__":
    main()
