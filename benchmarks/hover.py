"""From a moved pointer to the painted maps of the stage, in Chromium; beside it, a click.

    python benchmarks/hover.py [--moves 400] [--clicks 20] [--old FOLDER]

Compare with three and with five bundled models. A move is timed in the page, from the event's own
time to the end of drawing in the next animation frame; painting is the part of that in which maps
are drawn. What went over the websocket meanwhile is counted. ``--old`` is another checkout (``git
worktree add FOLDER COMMIT``): its clicks are timed in the same run, and the last line is a ratio.
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

from clicks import FLAGS, measure, p95, serve, settle  # noqa: E402

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


def main() -> None:
    """Hover over three and five models, then click here and in the other checkout."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moves", type=int, default=400)
    parser.add_argument("--clicks", type=int, default=20)
    parser.add_argument("--old", type=Path, help="another checkout, for its clicks")
    chosen = parser.parse_args()
    from playwright.sync_api import sync_playwright

    servers = {"here": serve(ROOT)}
    if chosen.old:
        servers["old"] = serve(chosen.old.resolve())
    try:
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=chromium.find(), args=FLAGS)
            size = {"viewport": {"width": 1280, "height": 720}}
            url = servers["here"][1]
            fastest = []
            for count, models in MODELS.items():
                page = browser.new_page(**size)
                page.goto(address(url, models))
                page.locator(".stage .map").first.wait_for(state="attached", timeout=180_000)
                settle(page)
                whole, paint, moves, sent = hover(page, chosen.moves)
                fastest.append(p95(whole))
                print(
                    f"{count} models: p95 {p95(whole):.1f} ms from event to painted, "
                    f"{p95(paint):.2f} ms of it painting (median {statistics.median(paint):.2f}); "
                    f"{moves} moves, {len(whole)} frames, {sent} bytes on the websocket"
                )
                page.close()
            medians = {}
            for name, (_, url) in servers.items():
                page = browser.new_page(**size)
                times, sizes = measure(page, address(url, MODELS[3]), chosen.clicks)
                medians[name] = statistics.median(times)
                print(
                    f"click, {name}: median {medians[name]:.0f} ms, p95 {p95(times):.0f} ms, "
                    f"{statistics.median(sizes) / 1000:.1f} kB (largest {max(sizes) / 1000:.1f})"
                )
                page.close()
            if "old" in medians:
                old = medians["old"]
                print(f"old median click / hover p95 (three models): {old / fastest[0]:.1f}")
                print(f"click here / click old: {medians['here'] / old:.2f}")
            browser.close()
    finally:
        for server, _ in servers.values():
            server.terminate()
            server.wait(10)


if __name__ == "__main__":
    main()
