"""The classroom in Chromium: a projector, phones that vote, reload and sleep, a server killed."""

from __future__ import annotations

import contextlib
import json
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import start
from benchmarks import classroom
from tests.browser import crowd

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

Settle = Callable[..., None]
STEP, OPTIONS = classroom.asking()
VOTES = 50
PRESSED = "#options button[aria-pressed=true]"


@contextlib.contextmanager
def served(folder: Path) -> Iterator[tuple[str, Callable[[], None]]]:
    """A server with a key; its address, and what kills it and starts it again."""
    port = start.find_port(22000)
    running = [classroom.serve(port, folder)]

    def kill() -> None:
        running[0].send_signal(signal.SIGKILL)
        running[0].wait()
        running[0] = classroom.serve(port, folder)

    try:
        yield f"http://127.0.0.1:{port}", kill
    finally:
        running[0].terminate()
        running[0].wait()


def joined(chromium: Browser, url: str, language: str) -> Page:
    """A phone on the present step."""
    context = chromium.new_context(
        viewport={"width": 390, "height": 844}, locale=language, has_touch=True, is_mobile=True
    )
    phone = context.new_page()
    phone.goto(f"{url}/room")
    phone.locator("#options button").first.wait_for()
    return phone


def choose(phone: Page, number: int) -> None:
    phone.locator("#options button").nth(number).tap()
    classroom.wait_until_sent(phone)


@pytest.mark.skipif(sys.platform == "win32", reason="kills as POSIX does")
def test_a_class_votes_and_everything_comes_back(
    chromium: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIXSCOPE_LECTURER_KEY", "abcd-efgh")
    monkeypatch.setenv("MIXSCOPE_LECTURER_TICKET", "once")
    with served(tmp_path) as (url, kill):
        screen = chromium.new_context(viewport={"width": 1280, "height": 720}).new_page()
        participant = chromium.new_context(viewport={"width": 1280, "height": 720}).new_page()
        participant.goto(f"{url}/lecture?role=notes&step={STEP}")
        screen.goto(f"{url}/lecturer?ticket=once")
        screen.wait_for_url("**/lecture")  # neither ticket nor key stands in the address
        classroom.lead(screen, url, STEP)

        # Who did not bring the key can neither lead nor read the notes or the answer.
        participant.locator(".asked").wait_for(timeout=60_000)
        for closed in (".st-key-lecture_lead", ".notes", ".measured", "[class*=lecture_ask_]"):
            assert participant.locator(closed).count() == 0
        assert participant.locator(".votes").count() == 0

        phones = [joined(chromium, url, language) for language in ("ko-KR", "en-GB", "de-DE")]
        assert [phone.locator("html").get_attribute("lang") for phone in phones] == [
            "ko",
            "en",
            "en",
        ]
        for number, phone in enumerate(phones):
            choose(phone, number % len(OPTIONS))
        votes = crowd.answer(url, [OPTIONS[n % len(OPTIONS)] for n in range(VOTES)], 0.0)
        assert [vote.status for vote in votes] == [200] * VOTES
        classroom.wait_for_count(screen, VOTES + 3)

        before = crowd.stored(tmp_path)
        assert len(dict(before)) == len(before) == VOTES + 3
        phone = phones[0]
        phone.reload()
        phone.locator(PRESSED).wait_for()
        choose(phone, 1)  # the same device: its vote is changed, and is none more
        after = crowd.stored(tmp_path)
        assert [device for device, _ in after] == [device for device, _ in before]

        asked: list[str] = []
        phone.evaluate(classroom.HIDE, True)
        phone.wait_for_timeout(300)
        phone.on("request", lambda request: asked.append(request.url))
        phone.wait_for_timeout(1500)
        assert asked == []
        kill()
        phones[1].locator("#link").wait_for(state="hidden")
        assert crowd.stored(tmp_path) == after
        crowd.answer(url, [OPTIONS[0]], 0.0, first=classroom.LATER)  # no old page counts it
        classroom.wait_for_count(screen, VOTES + 4)
        after = crowd.stored(tmp_path)

        screen.locator(".st-key-lecture_ask_close button").click()
        phones[1].locator("#options button:disabled").first.wait_for(timeout=60_000)
        late = phones[1].evaluate(
            """async (body) => (await fetch('room/vote', {
                method: 'POST', headers: { 'Content-Type': 'application/json' }, body,
            })).json()""",
            json.dumps(
                {
                    "device": crowd.device(999),
                    "question": crowd.state(url)["question"]["id"],
                    "answer": OPTIONS[0],
                }
            ),
        )
        assert late == {"refused": "late"}
        phone.evaluate(classroom.HIDE, False)  # awake again, it catches up
        phone.locator("#options button:disabled").first.wait_for()
        # A new server that is still drawing its first page hears no second button.
        screen.wait_for_selector("[data-test-script-state=notRunning]", timeout=60_000)
        screen.locator(".st-key-lecture_ask_reveal button").click()
        for one in phones:
            one.locator("#answer:visible p").wait_for(timeout=60_000)
        participant.locator(".measured").wait_for()
        assert crowd.stored(tmp_path) == after

        screen.locator(".st-key-lecture_end button").first.click()
        screen.locator(".st-key-lecture_end_now button").click()
        phones[1].locator("#question").wait_for(state="hidden")
        assert list(tmp_path.glob("room-*")) == []
        for page in (screen, participant, *phones):
            page.context.close()
