"""From a clicker's key to the painted step of the lecture, in Chromium.

    python benchmarks/lecture.py [--keys 40] [--rounds 3]

Two figures. *Painted*: animation frames and milliseconds from the key until the wanted step is the
one that is seen and its stage's maps are drawn; what is drawn then must be what is there when the
page has come to rest. *Whole*: until nothing that is seen changes any more, the clock and the list
of steps below included; in rounds, one after the other with clicks in a bare fragment with three
pictures (bare_fragment.py). The last lines are ratios of the medians: the machine's load is in
both. The second one counts what comes hidden as well, the step after the one that is seen.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(ROOT / "benchmarks"))

from clicks import FLAGS, WATCH, measure, p95, serve, settle  # noqa: E402

from tests.browser import chromium  # noqa: E402
from vislib.lecture import reading  # noqa: E402

SIZE: Any = {"width": 1280, "height": 720}
STEPS = reading.read(reading.FOLDER / "seminar").steps
ON_STAGE = frozenset(step.key for step in STEPS if step.view.kind in ("maps", "patches"))
FRAMES_ALLOWED, RATIO_ALLOWED = 2, 1.5
UNSEEN = """() => {
  window.__unseen = (node) => {
    const slot = (node.parentElement ?? node).closest('[class*="st-key-lecture_slot_"]');
    return slot && getComputedStyle(slot).visibility === 'hidden';
  };
}"""
"""Of a node, whether it belongs to a step that lies hidden."""
PAINTED = """() => {
  const seen = () => {
    const slots = [...document.querySelectorAll('[class*="st-key-lecture_slot_"]')];
    const slot = slots.find((one) => getComputedStyle(one).visibility === 'visible');
    const step = slot?.querySelector('.lecture')?.className.match(/step-(\\w+)/)?.[1];
    const roots = [...(slot?.querySelectorAll('*') ?? [])].map((node) => node.shadowRoot);
    const stage = roots.map((root) => root?.querySelector('.stage')?.stage).find(Boolean);
    const maps = stage?.header ? stage.maps() : [];
    const drawn = maps.length > 0 && maps.every((tile) => tile.field && tile.cellShown);
    return { step, maps: drawn ? maps.map((tile) => tile.canvas.toDataURL()).join() : '' };
  };
  window.__seen = seen;
  addEventListener('keydown', ({ timeStamp }) => {
    window.__painted = null;
    let frames = 0;
    const before = seen().step;
    const look = () => {
      frames += 1;
      const { step, maps } = seen();
      const waits = step === before || (window.__onStage.includes(step) && !maps);
      if (waits) requestAnimationFrame(look);
      else window.__painted = { step, maps, frames, took: performance.now() - timeStamp };
    };
    requestAnimationFrame(look);
  }, true);
}"""
"""Notes, in each animation frame after a key, whether the other step is what is seen."""


def press(page: Any, key: str) -> tuple[dict[str, Any], float]:
    """What was painted first, and the milliseconds until the page rested."""
    done = page.evaluate("window.__done")
    page.keyboard.press(key)
    page.wait_for_function(f"window.__done > {done} && window.__painted", timeout=60_000)
    took: float = page.evaluate("window.__took")
    settle(page)
    painted: dict[str, Any] = page.evaluate("window.__painted")
    rests = page.evaluate("window.__seen()")
    if (painted["step"], painted["maps"]) != (rests["step"], rests["maps"]):
        raise SystemExit(f"What was painted first of {painted['step']} did not stay.")
    return painted, took


def walk(
    page: Any, url: str, keys: int, *, hidden: bool
) -> tuple[list[dict[str, Any]], list[float]]:
    """Three steps forward and two back, over and over.

    Args:
        page: A new tab.
        url: Of the server.
        keys: How many.
        hidden: Whether to wait for what comes hidden, too.

    Returns:
        What was painted first of each step, and the milliseconds of the whole.
    """
    page.goto(f"{url}/lecture")
    settle(page)
    for script in (WATCH, PAINTED, *(() if hidden else (UNSEEN,))):
        page.evaluate(script)
    page.evaluate(f"window.__onStage = {sorted(ON_STAGE)}")
    found = [press(page, "PageDown" if n % 5 < 3 else "PageUp") for n in range(keys)]
    return [painted for painted, _ in found], [took for _, took in found]


def main() -> None:
    """Walk and click in rounds, then the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keys", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    from playwright.sync_api import sync_playwright

    servers = {"lecture": serve(ROOT), "bare": serve(ROOT, "benchmarks/bare_fragment.py")}
    painted: list[dict[str, Any]] = []
    whole: dict[str, list[float]] = {"seen": [], "all": [], "bare": []}
    try:
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=chromium.find(), args=FLAGS)
            for _ in range(chosen.rounds):
                for name in ("seen", "all"):
                    page = browser.new_page(viewport=SIZE)
                    found, took = walk(
                        page, servers["lecture"][1], chosen.keys, hidden=name == "all"
                    )
                    page.close()
                    painted += found
                    whole[name] += took
                page = browser.new_page(viewport=SIZE)
                took, _ = measure(page, servers["bare"][1], chosen.keys)
                page.close()
                whole["bare"] += took
                medians = {name: statistics.median(times) for name, times in whole.items()}
                print(f"whole, median ms so far: {medians}", flush=True)
            browser.close()
    finally:
        for server, _ in servers.values():
            server.terminate()
            server.wait(10)
    stages = [one for one in painted if one["step"] in ON_STAGE]
    frames = p95([one["frames"] for one in stages])
    took_ms = [one["took"] for one in stages]
    print(
        f"key to painted stage, {len(stages)} of {len(painted)} keys: p95 {frames} frames "
        f"({FRAMES_ALLOWED} allowed), {p95(took_ms):.0f} ms "
        f"(median {statistics.median(took_ms):.0f})"
    )
    seen, everything, bare = (statistics.median(times) for times in whole.values())
    print(f"whole step / bare fragment: {seen / bare:.2f} ({RATIO_ALLOWED} allowed)")
    print(f"with what comes hidden / bare fragment: {everything / bare:.2f}")


if __name__ == "__main__":
    main()
