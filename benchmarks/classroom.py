"""A class that answers within one second: what is stored, and when the projector shows it.

    python benchmarks/classroom.py [--clients 200] [--followers 60] [--browsers 30]

One server and one Chromium on this machine, loopback only. Chromium's first tab is the projector:
it leads and opens a question. Some windows follow over the websocket; the class answers over the
plain route, evenly over a second; then real phones' pages come in turns, five at a time. Printed:
votes stored of those sent and doubles (in the server's file), the time to a phone's answer, and the
time from a vote's sending until the projector's tally counts it (two clocks of one machine; the
n-th stored vote is shown when the tally says n). Then three reloads, ten minutes asleep (the
browser's clock is advanced), a server that is killed and started again: whether the votes are the
same, and how long after the server's return each page has them.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import psutil  # noqa: E402

import start  # noqa: E402
from tests.browser import commands, crowd  # noqa: E402
from tests.browser.conftest import answers, settle_page  # noqa: E402
from vislib.lecture import reading  # noqa: E402

AT_ONCE = 5
SLEEP = "10:00"
LATER = 10_000
"""A phone that comes after the restart."""
COUNTS = """() => {
  window.__counts = [];
  const look = () => {
    const count = parseInt(document.querySelector('.votes')?.textContent ?? '');
    const last = window.__counts.at(-1);
    const isNew = !Number.isNaN(count) && count !== last?.[1];
    if (isNew) window.__counts.push([Date.now() / 1000, count]);
    requestAnimationFrame(look);
  };
  look();
}"""
HIDE = """(hidden) => {
  Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
  document.dispatchEvent(new Event('visibilitychange'));
}"""


def serve(port: int, folder: Path) -> subprocess.Popen[bytes]:
    """Start the server and wait until it answers."""
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    environ = {**os.environ, "MIXSCOPE_ROOM": str(folder)}
    with (folder / "server.log").open("ab") as log:
        server = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=log, stderr=log)
    while not answers(f"http://127.0.0.1:{port}"):
        time.sleep(0.05)
    return server


def asking() -> tuple[str, tuple[str, ...]]:
    """(step, its options) of the seminar's first question that is a choice of models."""
    path = reading.read(reading.FOLDER / "seminar")
    return next((s.key, s.ask.options) for s in path.steps if s.ask and s.ask.kind == "models")


def lead(page: Any, url: str, step: str) -> None:
    """The projector leads at a step and opens its question."""
    page.goto(f"{url}/lecture?step={step}")
    settle_page(page)
    page.locator(".st-key-lecture_lead button").click()
    page.locator(".st-key-lecture_ask_open button").click(timeout=60_000)
    page.locator(".votes").wait_for(timeout=60_000)


def wait_for_count(page: Any, count: int) -> None:
    """Until the projector shows so many answers."""
    page.wait_for_function(
        "(count) => parseInt(document.querySelector('.votes')?.textContent) === count",
        arg=count,
        timeout=60_000,
    )


def wait_until_sent(phone: Any) -> None:
    """Until the phone has an answer to its vote; its page forbids a waiting script."""
    end = time.monotonic() + 60.0
    while phone.evaluate("localStorage.getItem('mixscope_pending')") != "null":
        if time.monotonic() > end:
            raise TimeoutError("The phone's vote was not answered in a minute.")
        time.sleep(0.02)


def quantile(values: list[float], share: float) -> float:
    """The value below which a share of them lies."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def busy(server: subprocess.Popen[bytes]) -> float:
    """Processor seconds that the server has taken so far."""
    times = psutil.Process(server.pid).cpu_times()
    return float(times.user + times.system)


def class_answers(
    page: Any, url: str, folder: Path, clients: int, options: Any, server: Any
) -> None:
    """The class votes over the plain route; prints what became of it."""
    page.evaluate(COUNTS)
    worked, began = busy(server), time.perf_counter()
    votes = crowd.answer(url, [options[n % len(options)] for n in range(clients)], 1.0)
    wait_for_count(page, clients)
    worked, took = busy(server) - worked, time.perf_counter() - began
    kept, sent = crowd.stored(folder), [vote for vote in votes if vote.status == 200]
    right = {crowd.device(n): f'"{options[n % len(options)]}"' for n in range(clients)}
    waits = [vote.answered - vote.sent for vote in votes]
    shown = page.evaluate("window.__counts")
    order = sorted(vote.answered for vote in sent)
    by_answer = {vote.answered: vote.sent for vote in sent}
    delays = [
        next(at for at, count in shown if count >= rank) - by_answer[answered]
        for rank, answered in enumerate(order, start=1)
    ]
    print(f"stored {len(kept)} of {clients}, doubles {len(kept) - len({d for d, _ in kept})}")
    print(f"processor seconds of the server for them, all in: {worked:.2f} of {took:.2f} s")
    print(f"each as it was sent: {dict(kept) == right}; answered with 200: {len(sent)}")
    print(
        f"to the phone's answer: median {1000 * statistics.median(waits):.0f} ms, "
        f"p95 {1000 * quantile(waits, 0.95):.0f} ms, longest {1000 * max(waits):.0f} ms"
    )
    print(
        f"to the projector's tally: median {1000 * statistics.median(delays):.0f} ms, "
        f"p95 {1000 * quantile(delays, 0.95):.0f} ms, longest {1000 * max(delays):.0f} ms"
    )


def length(reply: Any) -> int:
    """Bytes of an answer's body."""
    return int(reply.headers.get("content-length", 0))


def phones_in_turns(browser: Any, url: str, count: int) -> None:
    """Real pages join, vote and leave; prints how long joining took and what was loaded."""
    joined, bytes_loaded = [], []
    for first in range(0, count, AT_ONCE):
        contexts = [
            browser.new_context(viewport={"width": 390, "height": 844}, is_mobile=True)
            for _ in range(min(AT_ONCE, count - first))
        ]
        for context in contexts:
            page, sizes = context.new_page(), []
            page.on("response", lambda reply, sizes=sizes: sizes.append(length(reply)))
            began = time.perf_counter()
            page.goto(f"{url}/room")
            page.locator("#options button").first.wait_for()
            joined.append(time.perf_counter() - began)
            page.locator("#options button").first.click()
            page.locator("#options button[aria-pressed=true]").wait_for()
            wait_until_sent(page)
            bytes_loaded.append(sum(sizes))
        for context in contexts:
            context.close()
    print(
        f"{count} browsers in turns: on the present step after {1000 * max(joined):.0f} ms at "
        f"most; {max(bytes_loaded) / 1000:.0f} kB at most, everything in"
    )


def comes_back(browser: Any, page: Any, url: str, folder: Path, port: int, server: Any) -> Any:
    """Reloads, sleep, and a killed server; returns the new one."""
    before = crowd.stored(folder)
    context = browser.new_context(viewport={"width": 390, "height": 844})
    phone = context.new_page()
    phone.clock.install()
    phone.goto(f"{url}/room")
    phone.locator("#options button").first.click()
    wait_until_sent(phone)
    before = crowd.stored(folder)
    for _ in range(3):
        phone.reload()
        phone.locator("#options button[aria-pressed=true]").wait_for()
    print(f"after three reloads the same votes: {crowd.stored(folder) == before}")
    phone.evaluate(HIDE, True)
    phone.wait_for_timeout(300)
    asked: list[str] = []
    phone.on("request", lambda request: asked.append(request.url))
    phone.clock.fast_forward(SLEEP)
    phone.wait_for_timeout(1000)
    print(f"requests in ten minutes asleep: {len(asked)}")
    phone.evaluate(HIDE, False)
    phone.locator("#options button[aria-pressed=true]").wait_for()
    print(f"awake, the same votes: {crowd.stored(folder) == before}")
    phone.clock.resume()
    server.send_signal(signal.SIGKILL)
    server.wait()
    phone.locator("#link").wait_for()
    server = serve(port, folder)
    back = time.perf_counter()
    phone.locator("#link").wait_for(state="hidden")
    print(f"phone back {time.perf_counter() - back:.1f} s after the server's return")
    print(f"after the restart the same votes: {crowd.stored(folder) == before}")
    crowd.answer(url, [asking()[1][0]], 0.0, first=LATER)  # an old page would not count it
    wait_for_count(page, len(before) + 1)
    print(f"projector {time.perf_counter() - back:.1f} s after it: same tally, and one more vote")
    context.close()
    return server


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--followers", type=int, default=60)
    parser.add_argument("--browsers", type=int, default=30)
    options = parser.parse_args()
    step, choices = asking()
    with commands.opened() as (browser, _), tempfile.TemporaryDirectory() as own:
        room, port = Path(own), start.find_port(21000)
        server, url = serve(port, room), f"http://127.0.0.1:{port}"
        try:
            page = browser.new_context(viewport={"width": 1280, "height": 720}).new_page()
            with crowd.following(url, options.followers) as windows:
                lead(page, url, step)
                time.sleep(3.0)  # those who follow are there
                print(f"{sum(one.runs > 0 for one in windows)} windows follow")
                class_answers(page, url, room, options.clients, choices, server)
            phones_in_turns(browser, url, options.browsers)
            server = comes_back(browser, page, url, room, port, server)
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
