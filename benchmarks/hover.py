"""From a moved pointer to the painted maps of the stage, in Chromium; and what a click costs.

    python benchmarks/hover.py [--moves 400] [--clicks 20] [--rounds 3] [--old FOLDER]

Compare with three and with five bundled models. A move is timed in the page, from the event's own
time to the end of drawing in the next animation frame; painting is the part of that in which maps
are drawn. What went over the websocket meanwhile is counted.

Then, in rounds, one after the other: clicks here, in a bare fragment with three pictures
(bare_fragment.py) and, with ``--old``, in another checkout (``git worktree add FOLDER COMMIT``);
steps to the next block here; and first loads here and there. The last lines are ratios of medians:
the machine's load is in both.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(ROOT / "benchmarks"))

from clicks import FLAGS, SIZE, first_load, measure, p95, serve, settle  # noqa: E402

from tests.browser import chromium  # noqa: E402

MODELS = {
    3: ("mixer_mini", "convmixer_mini", "davit_mini"),
    5: ("mixer_mini", "convmixer_mini", "davit_mini", "vit_mini", "resnet_mini"),
}


def address(url: str, models: tuple[str, ...]) -> str:
    """Compare with these models; both ways in which a link may list them."""
    listed = "&".join(f"models={key}" for key in models)
    return f"{url}/compare?picture=coffee&{listed}"


def hover(page: Any, moves: int) -> tuple[list[float], list[float], int, int]:
    """(from event to painted, painting) in ms of each frame, moves made, websocket bytes."""
    traffic = {"bytes": 0}
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    for name in ("Network.webSocketFrameReceived", "Network.webSocketFrameSent"):
        session.on(
            name,
            lambda event: traffic.update(
                bytes=traffic["bytes"] + len(event["response"]["payloadData"])
            ),
        )
    stage = page.locator(".stage").first
    area = page.locator(".stage .ground").first.bounding_box()
    stage.evaluate("node => { node.stage.frames.length = 0; }")
    for i in range(moves):
        angle = 2 * math.pi * i / 97
        x = area["x"] + area["width"] * (0.5 + 0.2 * math.cos(angle))
        y = area["y"] + area["height"] * (0.5 + 0.3 * math.sin(1.7 * angle))
        page.mouse.move(x, y)
    page.wait_for_timeout(300)
    frames = stage.evaluate("node => node.stage.frames")
    return [f[1] for f in frames], [f[0] for f in frames], moves, traffic["bytes"]


def steps(page: Any, count: int) -> list[int]:
    """Bytes of each step to another block."""
    traffic = {"bytes": 0}
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.on(
        "Network.webSocketFrameReceived",
        lambda e: traffic.update(
            bytes=traffic["bytes"] + 3 * len(e["response"]["payloadData"]) // 4
        ),
    )
    page.locator(".stage").first.focus()
    sizes = []
    for _ in range(count):
        before = traffic["bytes"]
        page.keyboard.press("PageDown")
        page.wait_for_timeout(800)
        settle(page)
        sizes.append(traffic["bytes"] - before)
    return sizes


def hovers(browser: Any, url: str, moves: int) -> float:
    """Print what a move costs; p95 with three models, ms."""
    found = []
    for count, models in MODELS.items():
        page = browser.new_page(viewport=SIZE)
        page.goto(address(url, models))
        page.locator(".stage .map").first.wait_for(state="attached", timeout=180_000)
        settle(page)
        whole, paint, made, sent = hover(page, moves)
        found.append(p95(whole))
        print(
            f"{count} models: p95 {p95(whole):.1f} ms from event to painted (median "
            f"{statistics.median(whole):.1f}), {p95(paint):.2f} ms of it painting (median "
            f"{statistics.median(paint):.2f}); {made} moves, {len(whole)} frames, "
            f"{sent} bytes on the websocket",
            flush=True,
        )
        if count == 3:
            print(f"a step to another block: at most {max(steps(page, 3)) / 1000:.1f} kB")
        page.close()
    return found[0]


def main() -> None:
    """Hover over three and five models, then clicks and first loads in rounds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moves", type=int, default=400)
    parser.add_argument("--clicks", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--old", type=Path, help="another checkout, for its clicks")
    chosen = parser.parse_args()
    from playwright.sync_api import sync_playwright

    servers = {"here": serve(ROOT), "bare": serve(ROOT, "benchmarks/bare_fragment.py")}
    if chosen.old:
        servers["old"] = serve(chosen.old.resolve())
    clicks: dict[str, list[float]] = {name: [] for name in servers}
    loads: dict[str, list[float]] = {name: [] for name in servers}
    try:
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=chromium.find(), args=FLAGS)
            fastest = hovers(browser, servers["here"][1], chosen.moves)
            for _ in range(chosen.rounds):
                for name, (_, url) in servers.items():
                    page = browser.new_page(viewport=SIZE)
                    times, sizes = measure(page, address(url, MODELS[3]), chosen.clicks)
                    page.close()
                    clicks[name] += times
                    loads[name].append(first_load(browser, address(url, MODELS[3])))
                    print(
                        f"{name}: click median {statistics.median(times):.0f} ms, "
                        f"{statistics.median(sizes) / 1000:.1f} kB (largest "
                        f"{max(sizes) / 1000:.1f}); first load {loads[name][-1]:.0f} ms",
                        flush=True,
                    )
            browser.close()
    finally:
        for server, _ in servers.values():
            server.terminate()
            server.wait(10)
    click = {name: statistics.median(times) for name, times in clicks.items()}
    load = {name: statistics.median(times) for name, times in loads.items()}
    print(f"click here / bare fragment: {click['here'] / click['bare']:.2f}")
    if "old" in click:
        print(f"click here / old: {click['here'] / click['old']:.2f}")
        print(f"first load here / old: {load['here'] / load['old']:.2f}")
        print(f"old median click / hover p95 (three models): {click['old'] / fastest:.1f}")


if __name__ == "__main__":
    main()
