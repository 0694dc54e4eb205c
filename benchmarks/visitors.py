"""A class of visitors against one server: how long each waits, what it costs, what is left.

    python benchmarks/visitors.py [--visitors 30] [--seconds 300] [--pause 0.5 2] [--arrive 30]
        [--old FOLDER] [--bare] [--at-once] [--leave] [--json FILE] [--profile FILE]

Each visitor (visitor.py) comes to Compare (all within half a minute), gives a picture of its own to
the uploader, pins new places, and goes to another page every sixth time; between two actions it
pauses. The visitors are one process, whose processor time is stated apart from the server's; both
run on this machine, over loopback. Printed: seconds from a sent action to its finished run; forward
passes and for how many different (model, picture, group); how often a visitor was shown another
picture than its own, or maps that another one had too; bytes; the server's memory. ``--old`` runs
the same on another checkout, ``--bare`` on a page with three pictures and a button
(bare_fragment.py), at the same pace. ``--at-once`` lets all give a new picture in one moment, and
compares the last answer with the time that its forward passes and preparations take one after
another on a quiet server. ``--leave`` waits until the server has forgotten the visitors.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import random
import resource
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import httpx2  # noqa: E402
from PIL import Image, ImageDraw  # noqa: E402

from benchmarks.served import Server  # noqa: E402
from benchmarks.visitor import BAR, PATIENCE, Visitor, colours  # noqa: E402

PAGES = ("compare", "dual_attention", "token_mixing", "depthwise_kernels", "patch_embedding")
TURN = 6
"""Each so manieth action goes to another page."""
SIDES = (1024, 768)
FORGOTTEN = 200
"""Seconds: Streamlit keeps a closed visit for 120, and the server looks every 30, twice."""


# ---------------------------------------------------------------- the visitors' own process


@dataclass
class Plan:
    """What the visitors do.

    Attributes:
        url: Of the server.
        kind: "here", "old" or "bare".
        visitors: How many.
        seconds: From the first one's coming to the last action.
        pause: Between two actions, from and to, seconds.
        at_once: Whether all give a second picture in one moment, before the rest.
        tour: Whether all go to every page once and pin a place there, and then leave.
        arrive: Seconds within which they come.
        first: Number of the first visitor's picture.
    """

    url: str
    kind: str
    visitors: int
    seconds: float
    pause: tuple[float, float]
    at_once: bool = False
    tour: bool = False
    arrive: float = 0.0
    first: int = 0


@dataclass
class Came:
    """What a plan came to: seconds by action, and what else is to be counted."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    crossed: int = 0
    got: list[int] = field(default_factory=list)
    given: list[int] = field(default_factory=list)
    client: float = 0.0
    at_once: float = 0.0

    def note(self, action: str, seconds: float) -> None:
        """Add a time."""
        self.seconds.setdefault(action, []).append(seconds)


def own_picture(number: int, colour: tuple[int, int, int]) -> bytes:
    """A photograph of the gallery, cut as nobody else has it, with a bar of one colour; JPEG."""
    files = sorted((ROOT / "assets" / "gallery").glob("*.jpg"))
    draw = random.Random(number)
    image = Image.open(files[number % len(files)]).convert("RGB")
    left, top = (draw.uniform(0, 0.2) * side for side in image.size)
    box = (left, top, left + 0.8 * image.width, top + 0.8 * image.height)
    image = image.resize(SIDES, Image.Resampling.BICUBIC, box=box)
    width, height = SIDES
    bar = (BAR[0] * width, BAR[1] * height, BAR[2] * width, BAR[3] * height)
    ImageDraw.Draw(image).rectangle(bar, fill=colour)
    sink = io.BytesIO()
    image.save(sink, "JPEG", quality=85)
    return sink.getvalue()


def visitor(plan: Plan, number: int, token: str) -> Visitor:
    """One with its picture."""
    colour = list(colours())[number]
    picture = own_picture(number, colour)
    return Visitor(plan.url, f"visitor-{number}.jpg", picture, colour, token)


async def visit(
    plan: Plan, visitor: Visitor, number: int, came: Came, gate: asyncio.Barrier
) -> None:
    """One visitor, from its coming to the end."""
    draw = random.Random(1000 + number)
    end = time.monotonic() + plan.seconds
    again = own_picture(number + 500, visitor.colour) if plan.at_once else b""
    await asyncio.sleep(draw.uniform(0, plan.arrive))
    async with visitor:
        home = {"here": "compare", "old": "", "bare": ""}[plan.kind]
        came.note("first page", await visitor.open(home))
        page = "compare"
        if plan.kind != "bare":
            came.note("picture", await visitor.upload())
        if plan.at_once:
            visitor.picture = again
            await gate.wait()
            began = time.perf_counter()
            came.note("picture at once", await visitor.upload())
            came.at_once = max(came.at_once, time.perf_counter() - began)
        for name in PAGES if plan.tour and plan.kind != "bare" else ():
            if name != "compare":
                came.note(f"turn to {name}", await visitor.turn(name))
            came.note(f"click on {name}", await visitor.click(400, 400))
        while True:
            await asyncio.sleep(draw.uniform(*plan.pause))
            if time.monotonic() > end:
                return
            if plan.kind == "bare":
                came.note("click", await visitor.press("another"))
            elif draw.randrange(TURN) == 0:
                page = draw.choice([name for name in PAGES if name != page])
                there = "" if plan.kind == "old" and page == "compare" else page
                came.note(f"turn to {page}", await visitor.turn(there))
            else:
                x, y = draw.randrange(200, 800), draw.randrange(250, 750)
                came.note(f"click on {page}", await visitor.click(x, y))


async def cookie(url: str) -> str:
    """The server's token against forged requests, as a browser gets it."""
    async with httpx2.AsyncClient(timeout=PATIENCE) as client:
        reply = await client.get(f"{url}/_stcore/health")
        return str(reply.cookies.get("_streamlit_xsrf", ""))


async def all_visits(plan: Plan) -> Came:
    """The whole class."""
    came, gate = Came(), asyncio.Barrier(plan.visitors)
    token = await cookie(plan.url)
    there = {n: visitor(plan, n, token) for n in range(plan.first, plan.first + plan.visitors)}

    async def one(number: int, visitor: Visitor) -> None:
        try:
            await visit(plan, visitor, number, came, gate)
        except Exception as error:  # whatever it is, it is counted, and the others go on
            came.failures.append(f"visitor {number}: {type(error).__name__} {error}")
            await gate.abort()

    await asyncio.gather(*(one(*item) for item in there.items()))
    shown = Counter(body for visitor in there.values() for body in visitor.bodies)
    came.crossed = sum(v.crossed for v in there.values()) + sum(n - 1 for n in shown.values())
    came.got = [visitor.got for visitor in there.values()]
    came.given = [len(visitor.picture) for visitor in there.values()]
    used = resource.getrusage(resource.RUSAGE_SELF)
    came.client = used.ru_utime + used.ru_stime
    return came


# ---------------------------------------------------------------- the measuring


def visited(plan: Plan) -> Came:
    """Let the class come, in a process of its own."""
    command = [sys.executable, str(Path(__file__).resolve()), "--plan", json.dumps(asdict(plan))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    came = Came(**json.loads(done.stdout))
    if plan.visitors == 1 and came.failures:
        raise SystemExit(came.failures[0])
    return came


def measure(kind: str, chosen: argparse.Namespace) -> dict[str, Any]:
    """One kind of server with the whole class; the figures."""
    server = Server(kind, chosen.old, chosen.profile if kind == "here" else None)
    pause = (chosen.pause[0], chosen.pause[1])
    try:
        cold = visited(Plan(server.url, kind, 1, 0, (0, 0), first=110))
        visited(Plan(server.url, kind, 1, 0, (0, 0), tour=True, first=111))  # warms all pages
        noted, used, start = server.notes(), server.processor(), server.memory()
        server.peak, began = 0, time.monotonic()
        came = visited(
            Plan(
                server.url,
                kind,
                chosen.visitors,
                chosen.seconds,
                pause,
                at_once=chosen.at_once,
                arrive=min(chosen.arrive, chosen.seconds / 2),
            )
        )
        took = time.monotonic() - began
        found = {
            "kind": kind,
            "visitors": chosen.visitors,
            "pause": pause,
            "seconds": took,
            "first page cold": cold.seconds["first page"][0],
            "actions": {name: spread(times) for name, times in sorted(came.seconds.items())},
            "all clicks": spread(named(came, "click")),
            "all turns": spread(named(came, "turn")),
            "failures": came.failures,
            "crossed": came.crossed if kind == "here" else None,
            **forwards(server.notes()[len(noted) :]),
            "got MB": statistics.mean(came.got or [0]) / 1e6,
            "picture MB": statistics.mean(came.given or [0]) / 1e6,
            "server seconds": server.processor() - used,
            "client seconds": came.client,
            "memory MB": [round(n / 1e6) for n in (start, server.peak)],
        }
        if chosen.at_once and kind != "bare":
            found["at once"] = [came.at_once, quiet(server, kind) * chosen.visitors / 2]
        if chosen.leave and kind != "bare":
            time.sleep(FORGOTTEN)
            found["memory MB"].append(round(server.memory() / 1e6))
        return found
    finally:
        server.stop()


def named(came: Came, word: str) -> list[float]:
    """The times of all actions of a kind."""
    return [s for name, times in came.seconds.items() if name.startswith(word) for s in times]


def quiet(server: Server, kind: str) -> float:
    """Seconds of decoding, preparing and running for one new picture, one after another."""
    before = len(server.notes())
    count = 3
    for number in range(count):
        visited(Plan(server.url, kind, 1, 0, (0, 0), first=112 + number))
    return sum(note["seconds"] for note in server.notes()[before:]) / count


def forwards(notes: Iterable[dict[str, Any]]) -> dict[str, int]:
    """Forward passes, and for how many different things."""
    ran = [(n["model"], n["picture"], n["group"]) for n in notes if n["kind"] == "forward"]
    return {"forwards": len(ran), "different": len(set(ran))}


def spread(times: Sequence[float]) -> dict[str, float]:
    """How many, the middle one, and the one that 95 of 100 stay below; seconds."""
    if not times:
        return {"count": 0, "p50": 0.0, "p95": 0.0}
    ordered = sorted(times)
    late = ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]
    return {"count": len(ordered), "p50": statistics.median(ordered), "p95": late}


def told(found: dict[str, Any]) -> str:
    """The figures of one kind, for a person."""
    lines = [f"{found['kind']}: {found['visitors']} visitors, pause {found['pause']} s"]
    rows = found["actions"] | {"all clicks": found["all clicks"], "all turns": found["all turns"]}
    for name, row in rows.items():
        lines.append(f"  {name:28} {row['count']:6} p50 {row['p50']:6.2f} p95 {row['p95']:6.2f} s")
    for name, value in found.items():
        if name not in ("kind", "visitors", "pause", "actions", "all clicks", "all turns"):
            said = f"{value:.2f}" if isinstance(value, float) else value
            lines.append(f"  {name:28} {said}")
    return "\n".join(lines)


def main() -> None:
    """Measure here, and what else was asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--visitors", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--pause", type=float, nargs=2, default=(0.5, 2))
    parser.add_argument("--arrive", type=float, default=30, help="seconds in which all come")
    parser.add_argument("--old", type=Path, help="another checkout, for the same")
    parser.add_argument("--bare", action="store_true", help="also a page of three pictures")
    parser.add_argument("--at-once", action="store_true", help="also a new picture of all at once")
    parser.add_argument("--leave", action="store_true", help="also the memory when all have left")
    parser.add_argument("--json", type=Path, help="a file for the figures")
    parser.add_argument("--profile", type=Path, help="a file for the server's profile (pstats)")
    parser.add_argument("--plan", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.plan:
        print(json.dumps(asdict(asyncio.run(all_visits(Plan(**json.loads(chosen.plan)))))))
        return
    kinds = ["here", *(["old"] if chosen.old else []), *(["bare"] if chosen.bare else [])]
    found = []
    for kind in kinds:
        found.append(measure(kind, chosen))
        print(told(found[-1]), flush=True)
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=1), "utf-8")


if __name__ == "__main__":
    main()
