"""The whole seminar with a class in Chromium: one projector that leads, three phones that follow.

    python -m tests.browser.seminar [--pictures FOLDER]

Each step: the projector goes on with the clicker's key, the phones follow; where a step asks, the
question is opened, each phone answers, the tally must say three, then it is closed and revealed,
and every phone must show what was measured. Prints a line a step and the bytes that a phone loaded;
``--pictures`` keeps screenshots of the projector and of each phone.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import start
from benchmarks import classroom
from tests.browser import crowd
from tests.browser.commands import opened
from tests.browser.conftest import settle_page
from tests.browser.screens import PHONE, PROJECTOR
from vislib.lecture import reading

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

LANGUAGES = ("ko-KR", "en-GB", "ko-KR")
PLACES = ((0.3, 0.4), (0.5, 0.5), (0.7, 0.6))
"""Where the phones point, as shares of the picture."""
PATH = reading.read(reading.FOLDER / "seminar")
SECONDS = 60_000


def joined(browser: Browser, url: str, language: str) -> tuple[Page, list[int]]:
    """A phone on its page, and the bytes of what it loads."""
    size = {"width": PHONE[0], "height": PHONE[1]}
    context = browser.new_context(viewport=size, locale=language, has_touch=True, is_mobile=True)  # type: ignore[arg-type]
    phone, loaded = context.new_page(), []
    phone.on("response", lambda reply: loaded.append(classroom.length(reply)))
    phone.goto(f"{url}/room")
    return phone, loaded


def answer(phone: Page, number: int, question: dict[str, Any]) -> None:
    """One phone's answer to the question that is open."""
    if question["kind"] == "models":
        buttons = phone.locator("#options button:enabled")
        buttons.first.wait_for(timeout=SECONDS)
        buttons.nth(number % buttons.count()).tap()
    elif question["kind"] == "number":
        field = phone.locator("#number_field:enabled")
        field.wait_for(timeout=SECONDS)
        low, high = question["limits"]
        field.fill(str(round(low + (high - low) * (number + 1) / 5)))
        phone.locator("#number_form button").tap()
    else:
        picture = phone.locator("#picture.asks")
        picture.wait_for(timeout=SECONDS)
        box = picture.bounding_box()
        assert box is not None
        x, y = PLACES[number]
        picture.tap(position={"x": x * box["width"], "y": y * box["height"]})
    classroom.wait_until_sent(phone)


def ask(screen: Page, phones: Sequence[Page], url: str, keep: Any) -> None:
    """Open, let all answer, close, reveal; the tally and the answers are waited for."""
    screen.locator(".st-key-lecture_ask_open:visible button").click(timeout=SECONDS)
    screen.locator(".votes:visible").wait_for(timeout=SECONDS)
    question = crowd.state(url)["question"]
    for number, phone in enumerate(phones):
        answer(phone, number, question)
    screen.wait_for_function(
        "(count) => [...document.querySelectorAll('.votes')].some(node => node.checkVisibility()"
        " && parseInt(node.textContent) === count)",
        arg=len(phones),
        timeout=SECONDS,
    )
    settle_page(screen)
    keep("asked")
    screen.locator(".st-key-lecture_ask_close:visible button").click(timeout=SECONDS)
    screen.locator(".st-key-lecture_ask_reveal:visible button").click(timeout=SECONDS)
    for phone in phones:
        phone.locator("#answer:visible p").wait_for(timeout=SECONDS)
    screen.locator(".measured:visible").first.wait_for(timeout=SECONDS)
    settle_page(screen)
    keep("revealed")


def walk(browser: Browser, url: str, pictures: Path | None) -> int:
    """All steps; 1 where the phones were not on a step or did not load as little as they may."""
    size = {"width": PROJECTOR[0], "height": PROJECTOR[1]}
    screen = browser.new_context(viewport=size).new_page()  # type: ignore[arg-type]
    screen.goto(f"{url}/lecture")
    settle_page(screen)
    screen.locator(".st-key-lecture_lead button").click()
    screen.locator(".st-key-lecture_end").wait_for(timeout=SECONDS)
    came = [joined(browser, url, language) for language in LANGUAGES]
    phones = [phone for phone, _ in came]
    wrong = asked = 0
    for number, step in enumerate(PATH.steps, start=1):

        def keep(what: str, number: int = number) -> None:
            if pictures:
                for name, page in (
                    ("screen", screen),
                    *((f"phone{n}", p) for n, p in enumerate(phones)),
                ):
                    page.screenshot(path=pictures / f"{number:02d}_{what}_{name}.png")

        if number > 1:
            screen.keyboard.press("PageDown")
        began = time.monotonic()
        for phone, language in zip(phones, LANGUAGES, strict=True):
            title = step.title[language[:2]]
            try:
                phone.wait_for_function(
                    "(title) => document.getElementById('title').textContent === title",
                    arg=title,
                    timeout=SECONDS,
                )
            except Exception:
                wrong += 1
                print(f"{number:2d} {step.key}: a phone is not there ({title})", flush=True)
        followed = time.monotonic() - began
        settle_page(screen)
        keep("step")
        if step.ask:
            asked += 1
            ask(screen, phones, url, keep)
        words = f"asked: {step.ask.kind}" if step.ask else ""
        print(f"{number:2d} {step.key:24} phones there after {followed:4.1f} s {words}", flush=True)
    loaded = [sum(sizes) for _, sizes in came]
    print(f"{len(PATH.steps)} steps, {asked} questions, {wrong} not well")
    print(f"a phone has loaded {max(loaded) / 1000:.0f} kB at most in the whole lecture")
    return int(wrong > 0 or max(loaded) > 600_000)


def main(arguments: Sequence[str]) -> int:
    """Serve with a lecturer's key, walk."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pictures", type=Path, help="keep screenshots in this folder")
    chosen = parser.parse_args(arguments)
    if chosen.pictures:
        chosen.pictures.mkdir(parents=True, exist_ok=True)
    with opened() as (browser, folder):
        server = classroom.serve(port := start.find_port(23000), folder)
        try:
            return walk(browser, f"http://127.0.0.1:{port}", chosen.pictures)
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
