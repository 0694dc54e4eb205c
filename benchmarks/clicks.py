"""From a click on the picture to the repainted maps, on each page, in Chromium.

    python benchmarks/clicks.py [--clicks 12] [--pages compare ...] [--old FOLDER]

The picture is in the cache (one visit before); each click goes to a place that was not clicked
before, so that the maps are really computed. Time runs from the pointer going down, in the browser,
until two frames have been drawn after the last change of the page or the last picture; then nothing
changes for 300 ms, and the script has ended. (The state of the script alone will not do: a quick
run begins and ends between two looks at it.) Beside it, in the same run, a bare fragment with three
pictures (bare_fragment.py) and, with ``--old``, another checkout; and the first load of each page
on a warm server, the median of three.
"""

from __future__ import annotations

import argparse
import random
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.browser import chromium  # noqa: E402

PAGES = (
    *("compare", "patch_embedding", "token_mixing", "depthwise_kernels", "dual_attention"),
    *("what_if", "inside?inside=distance", "estimates", "disagreement", "papers"),
    *("experiments", "costs"),
)
STILL = ("estimates", "disagreement", "papers", "experiments", "costs")
"""Pages on which a click chooses no place: their first load alone."""
SIZE: Any = {"width": 1280, "height": 720}
FIRST = """() => {
  const changed = () => requestAnimationFrame(() => { window.__last = performance.now(); });
  addEventListener('load', changed, true);
  new MutationObserver(changed).observe(document.body, {
    attributes: true, childList: true, characterData: true, subtree: true,
  });
}"""
"""Notes when the page changed last."""
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()

PLACES = (
    ".stage .ground, .st-key-picker canvas, .st-key-picker img, .st-key-picker [role], "
    ".st-key-picker button"
)
"""Where a click chooses a place: the stage, the picker of pages without one, or a button."""

WATCH = """() => {
  const app = document.querySelector('[data-testid="stApp"]');
  const frames = (then) => requestAnimationFrame(() => requestAnimationFrame(then));
  let timer = null;
  window.__done = 0;
  const finish = () => {
    if (app.getAttribute('data-test-script-state') !== 'notRunning') return;
    window.__took = window.__last - window.__down;
    window.__down = null;
    window.__done += 1;
  };
  const changed = () => {
    if (!window.__down) return;
    frames(() => {
      window.__last = performance.now();
      clearTimeout(timer);
      timer = setTimeout(finish, 300);
    });
  };
  const began = () => { window.__down = performance.now(); };
  for (const name of ['pointerdown', 'keydown']) addEventListener(name, began, true);
  addEventListener('load', changed, true); // of a picture
  const seen = ({ target }) => !window.__unseen?.(target);
  new MutationObserver((records) => records.some(seen) && changed()).observe(document.body, {
    attributes: true, childList: true, characterData: true, subtree: true,
  });
}"""
"""Times a click or key; what ``__unseen`` says is out of sight is not waited for."""


def serve(root: Path = ROOT, entry: str = "app.py") -> tuple[subprocess.Popen[bytes], str]:
    """A server of our own, of this checkout or another, on a free port of this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", entry, f"--server.port={port}"],
        cwd=root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    for _ in range(240):
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=1):
                return server, url
        except OSError:
            time.sleep(0.25)
    server.terminate()
    raise SystemExit("The server did not start within a minute.")


def settle(page: Any) -> None:
    """Wait until the script has been idle for a second."""
    quiet = 0
    for _ in range(600):
        state = page.evaluate(
            "document.querySelector('[data-testid=\"stApp\"]')"
            "?.getAttribute('data-test-script-state')"
        )
        quiet = quiet + 1 if state == "notRunning" else 0
        if quiet > 5:
            return
        page.wait_for_timeout(200)
    raise SystemExit("The page did not settle within two minutes.")


def measure(page: Any, url: str, clicks: int) -> tuple[list[float], list[int]]:
    """Milliseconds and bytes of each click."""
    traffic = {"bytes": 0}
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")

    def count(name: str, size: Any) -> None:
        session.on(name, lambda event: traffic.update(bytes=traffic["bytes"] + size(event)))

    count("Network.webSocketFrameReceived", lambda e: 3 * len(e["response"]["payloadData"]) // 4)
    count("Network.loadingFinished", lambda e: int(e["encodedDataLength"]))
    page.goto(url)
    settle(page)
    page.evaluate(WATCH)
    area = page.locator(PLACES).first
    box = area.bounding_box()
    draw = random.Random(0)
    times, sizes = [], []
    for index in range(clicks + 1):
        before, done = traffic["bytes"], page.evaluate("window.__done")
        x, y = draw.uniform(0.3, 0.7), draw.uniform(0.25, 0.75)
        page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
        page.wait_for_function(f"window.__done > {done}", timeout=30_000)
        page.wait_for_timeout(250)
        if index:  # the first one warms up
            times.append(page.evaluate("window.__took"))
            sizes.append(traffic["bytes"] - before)
    return times, sizes


def p95(values: list[float]) -> float:
    """The value that 95 of 100 stay below."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(0.95 * len(ordered)) - 1)]


def first_load(browser: Any, url: str) -> float:
    """Milliseconds from a new visitor's request until the page has drawn all it has to."""
    page = browser.new_page(viewport=SIZE)
    page.add_init_script(f"addEventListener('DOMContentLoaded', {FIRST})")
    page.goto(url)
    page.wait_for_function("window.__last && performance.now() - window.__last > 1500")
    settle(page)
    took: float = page.evaluate("window.__last")
    page.close()
    return took


def main() -> None:
    """Measure each page beside a bare fragment and another checkout; print one line for it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clicks", type=int, default=12)
    parser.add_argument("--pages", nargs="*", default=PAGES)
    parser.add_argument("--old", type=Path, help="another checkout, for its clicks and loads")
    chosen = parser.parse_args()
    from playwright.sync_api import sync_playwright

    servers = {"here": serve(ROOT), "bare": serve(ROOT, "benchmarks/bare_fragment.py")}
    if chosen.old:
        servers["old"] = serve(chosen.old.resolve())
    try:
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=chromium.find(), args=FLAGS)
            print(f"{'page':34} click ms: {' '.join(servers)}; first load ms: {' '.join(servers)}")
            for name in chosen.pages:
                clicks, loads = {}, {}
                for kind, (_, url) in servers.items():
                    address = f"{url}/{'' if kind == 'bare' else name}"
                    address += f"{'&' if '?' in name else '?'}picture=coffee"
                    page = browser.new_page(viewport=SIZE)
                    times = []
                    if name not in STILL:
                        times, _ = measure(page, address, chosen.clicks)
                    else:  # warms up
                        page.goto(address)
                        settle(page)
                    page.close()
                    clicks[kind] = statistics.median(times) if times else 0.0
                    loads[kind] = statistics.median(first_load(browser, address) for _ in range(3))
                line = f"{name:34} {_words(clicks)} | {_words(loads)}"
                print(line, flush=True)
            browser.close()
    finally:
        for server, _ in servers.values():
            server.terminate()
            server.wait(10)


def _words(found: dict[str, float]) -> str:
    """Each figure, and here's share of the others."""
    shares = [f"/{kind} {found['here'] / value:.2f}" for kind, value in found.items() if value]
    return " ".join([*(f"{value:5.0f}" for value in found.values()), *shares[1:]])


if __name__ == "__main__":
    main()
