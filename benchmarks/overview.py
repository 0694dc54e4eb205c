"""The overview in Chromium: when its diagram is whole, and how long the frames of a descent take.

    python benchmarks/overview.py [--visits 5]

A warm server (one visit before) and the three minis. Whole: from the first paint of the page, and
from the end of the script, until the diagram stands there with its pictures decoded and two more
frames have been drawn. Frames: between two calls of requestAnimationFrame from the moment the
scene begins to move until it rests, on the way to a model and to a block; beside them the frames
of the same page while nothing moves, which say how busy the machine is.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.clicks import FLAGS, serve, settle  # noqa: E402
from tests.browser import chromium  # noqa: E402

WATCH = """() => {
  const seen = (window.__seen = { paint: 0, ended: 0, whole: 0 });
  const overviewOf = () => {
    const walk = (root) => {
      for (const node of root.querySelectorAll('*')) {
        if (node.classList.contains('overview') && node.overview) return node;
        const found = node.shadowRoot && walk(node.shadowRoot);
        if (found) return found;
      }
      return null;
    };
    return walk(document);
  };
  const step = () => {
    const paint = performance.getEntriesByName('first-contentful-paint')[0];
    if (paint) seen.paint = paint.startTime;
    const app = document.querySelector('[data-testid="stApp"]');
    const state = app?.getAttribute('data-test-script-state');
    if (state === 'running') seen.ran = true;
    if (seen.ran && state === 'notRunning' && !seen.ended) seen.ended = performance.now();
    const images = overviewOf()?.querySelectorAll('.scene image') ?? [];
    if (!seen.whole && images.length) {
      seen.whole = -1;
      const href = images[0].getAttribute('href');
      const image = new Image();
      image.src = href;
      image.decode().then(() => requestAnimationFrame(() => requestAnimationFrame(() => {
        seen.whole = performance.now();
      })));
    }
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}"""
STILL = """() => new Promise((done) => {
  const times = [];
  const step = (now) => {
    times.push(now);
    if (times.length < 22) requestAnimationFrame(step);
    else done(times.slice(1).map((time, i) => time - times[i]));
  };
  requestAnimationFrame(step);
})"""


def whole(page: Any, url: str) -> tuple[float, float]:
    """Milliseconds from first paint, and from the script's end, to the whole diagram."""
    page.add_init_script(f"({WATCH})()")
    page.goto(url)
    page.wait_for_function("window.__seen.whole > 0 && window.__seen.ended > 0", timeout=60_000)
    seen = page.evaluate("window.__seen")
    return seen["whole"] - seen["paint"], seen["whole"] - seen["ended"]


def descents(page: Any) -> dict[str, list[float]]:
    """Frames in milliseconds: on the way to each model, to a block, up again; and at rest."""
    overview = page.locator(".overview")
    found: dict[str, list[float]] = {"to a model": [], "to a block": [], "up": [], "at rest": []}
    for index in range(3):
        for name, act in (
            ("to a model", lambda index=index: page.locator(".overview .press").nth(index).click()),
            ("to a block", lambda: page.locator(".overview .number").first.click()),
            ("up", lambda: page.keyboard.press("Escape")),
            ("up", lambda: page.keyboard.press("Escape")),
        ):
            act()
            page.wait_for_timeout(900)
            settle(page)
            found[name] += overview.evaluate("node => node.overview.frames")
            found["at rest"] += page.evaluate(STILL)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--visits", type=int, default=5)
    chosen = parser.parse_args()
    from playwright.sync_api import sync_playwright

    server, url = serve()
    try:
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=chromium.find(), args=FLAGS)
            size: Any = {"width": 1280, "height": 720}
            times = []
            for visit in range(chosen.visits + 1):
                page = browser.new_page(viewport=size)
                took = whole(page, url)
                settle(page)
                if visit:  # the first one warms up
                    times.append(took)
                if visit < chosen.visits:
                    page.close()
            for words, part in (("first paint", 0), ("the script's end", 1)):
                own = sorted(took[part] for took in times)
                print(
                    f"whole after {words}: median {statistics.median(own):.0f} ms, "
                    f"largest {own[-1]:.0f} ms"
                )
            for name, frames in descents(page).items():
                long = sum(frame > 34 for frame in frames)
                print(
                    f"{name:12} {len(frames):4} frames, median {statistics.median(frames):.1f} ms, "
                    f"largest {max(frames):.1f} ms, {long} over 34 ms"
                )
            browser.close()
    finally:
        server.terminate()
        server.wait(10)


if __name__ == "__main__":
    main()
