"""The address in a real browser: history, F5, the server's restart, links of today and of old."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.browser.addresses import SHARED_VIEW, VIEWS, Hostile, faults, hostile
from tests.browser.conftest import Complaints, run_server

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.browser.conftest import Server

Settle = Callable[..., None]
LENGTH = "history.length"
READS = {"reads": "raw"}
"""A tab of Compare in which there are pictures."""


def query(page: Page) -> dict[str, str]:
    """The choices in the address bar."""
    found = parse_qs(urlsplit(page.url).query, keep_blank_values=True)
    assert all(len(values) == 1 for values in found.values()), page.url
    return {name: values[0] for name, values in found.items()}


def press(page: Page, key: str, words: str, settle: Settle) -> None:
    """Press a button of a choice."""
    page.locator(f".st-key-{key}").get_by_role("radio", name=words, exact=True).click()
    page.wait_for_timeout(300)
    settle(page)


def to_depth(page: Page, key: str, settle: Settle) -> None:
    """Step to the last block ("End") or the first ("Home") of Compare's list."""
    page.locator(".st-key-depth input").click()
    page.keyboard.press(key)
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    settle(page)


def follow(page: Page, words: str, settle: Settle) -> None:
    """Go to another page by the navigation."""
    page.get_by_role("link", name=words).first.click()
    page.wait_for_timeout(300)
    settle(page)


def step(page: Page, way: str, settle: Settle) -> None:
    """Back or forward in the browser's history."""
    page.evaluate(f"history.{way}()")
    page.wait_for_timeout(500)
    settle(page)


def maps(page: Page) -> list[str]:
    """What is drawn: an address of a picture is made of its content; the stage's own are not."""
    found: list[str] = page.evaluate(
        "[...document.querySelectorAll('.st-key-page_body img')].map(i => i.src)"
        ".filter(address => !address.startsWith('blob:'))"
    )
    return found


def test_one_action_makes_one_entry_and_a_moved_point_none(
    server: Server, page: Page, settle: Settle
) -> None:
    page.goto(f"{server.url}/compare")
    settle(page)
    assert query(page) == {}
    start = page.evaluate(LENGTH)
    to_depth(page, "End", settle)
    assert query(page) == {"depth": "100"}
    assert page.evaluate(LENGTH) == start + 1
    stage: Any = page.locator(".stage").first
    stage.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(500)
    settle(page)
    moved = query(page)
    assert moved.keys() == {"depth", "x"}
    assert page.evaluate(LENGTH) == start + 1
    follow(page, "Patch embedding", settle)
    point = {"x": moved["x"]}
    assert query(page) == point
    assert page.evaluate(LENGTH) == start + 2
    page.get_by_role("tab", name="Filters", exact=True).click()
    page.wait_for_timeout(300)
    settle(page)
    assert query(page) == {"view": "filters", **point}
    assert page.evaluate(LENGTH) == start + 3
    for way, wanted in [
        ("back", point),
        ("back", moved),
        ("back", {}),
        ("forward", moved),
        ("forward", point),
        ("forward", {"view": "filters", **point}),
    ]:
        step(page, way, settle)
        assert query(page) == wanted
    assert page.evaluate(LENGTH) == start + 3


def test_back_and_forward_show_what_was_shown(server: Server, page: Page, settle: Settle) -> None:
    page.goto(f"{server.url}/compare?picture=cat&models=davit_mini&reads=raw")
    settle(page)
    seen = [maps(page)]
    to_depth(page, "End", settle)
    seen.append(maps(page))
    follow(page, "Patch embedding", settle)
    seen.append(maps(page))
    assert len({tuple(one) for one in seen}) == 3
    for way, number in [("back", 1), ("back", 0), ("forward", 1), ("forward", 2)]:
        step(page, way, settle)
        assert maps(page) == seen[number]


def test_f5_keeps_the_view_and_the_address(server: Server, page: Page, settle: Settle) -> None:
    page.goto(f"{server.url}/compare?reads=raw")
    settle(page)
    to_depth(page, "End", settle)
    seen, address = maps(page), page.url
    page.reload()
    settle(page)
    assert page.url == address
    assert maps(page) == seen


@pytest.mark.parametrize("name", ["inside", "glossary"])
def test_a_cold_link_stays_as_it_is(server: Server, page: Page, settle: Settle, name: str) -> None:
    """Also where choices follow from the models, and where a page shows none."""
    link = {**SHARED_VIEW, **VIEWS[name]}
    page.goto(f"{server.url}/{name}?{urlencode(link)}")
    settle(page)
    assert query(page) == link


@pytest.mark.slow
def test_pages_that_were_open_over_a_restart_go_on(
    page: Page, settle: Settle, tmp_path: Path
) -> None:
    """The first action after a restart counts, of every kind; and a link opens the same view."""
    running = contextlib.contextmanager(run_server)
    other = page.context.new_page()
    others = Complaints(other)
    with running(tmp_path) as server:
        page.goto(f"{server.url}/compare?picture=cat&models=davit_mini&reads=raw")
        settle(page)
        to_depth(page, "Home", settle)
        other.goto(f"{server.url}/token_mixing?picture=cat&model=mixer_mini")
        settle(other)
    port = urlsplit(server.url).port
    with running(tmp_path, port=port):
        settle(page)  # connected again
        to_depth(page, "End", settle)  # newer than what stands in the address
        wanted = {**READS, "picture": "cat", "models": "davit_mini", "depth": "100"}
        assert query(page) == wanted
        seen, link = maps(page), page.url
        settle(other)
        other.get_by_role("application").last.click(position={"x": 200, "y": 20})
        other.wait_for_timeout(500)
        settle(other)
        assert "unit" in query(other)
        other.goto(f"{server.url}/papers?paper_show=figures")
        settle(other)
        address = other.url
    with running(tmp_path, port=port):
        settle(page)
        page.locator(".stage").first.focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(500)
        settle(page)
        assert query(page).keys() == {*wanted, "x"}
        assert maps(page) != seen
        settle(other)
        assert other.url == address
        other.locator("[class*=st-key-open_] button").first.click()
        other.wait_for_timeout(500)
        settle(other)
        assert urlsplit(other.url).path != "/papers"
        other.goto(link)  # as it was drawn by the server before
        settle(other)
        assert other.url == link
        assert maps(other) == seen
        for tab in (page, other):
            tab.goto("about:blank")
    other.close()
    for complaints in (page.complaints, others):  # type: ignore[attr-defined]
        complaints.forgive("ERR_CONNECTION|not responding|reaching server|[Ww]eb[Ss]ocket")
    assert others.found == []


def test_a_fragment_writes_the_address(page: Page, settle: Settle, tmp_path: Path) -> None:
    with contextlib.contextmanager(run_server)(tmp_path, "tests/browser/address_app.py") as small:
        page.goto(f"{small.url}/?outer=two")
        settle(page)
        start = page.evaluate(LENGTH)
        press(page, "inner", "two", settle)
        assert query(page) == {"outer": "two", "inner": "two"}
        assert page.get_by_text("run 1", exact=True).count() == 1  # the page itself did not run
        page.locator(".st-key-x input").fill("300")
        page.keyboard.press("Enter")
        page.wait_for_timeout(300)
        settle(page)
        assert query(page) == {"outer": "two", "inner": "two", "x": "300"}
        assert page.evaluate(LENGTH) == start + 1
        assert page.get_by_text("run 2", exact=True).count() == 1  # a number runs the page
        step(page, "back", settle)
        assert query(page) == {"outer": "two"}
        step(page, "forward", settle)
        page.reload()
        settle(page)
        assert query(page) == {"outer": "two", "inner": "two", "x": "300"}
        page.goto("about:blank")


@pytest.mark.walk(10)
@pytest.mark.parametrize("link", hostile(15, seed=3), ids=lambda one: f"{one.page}-{one.kind}")
def test_a_hostile_address_opens_a_page_with_a_word(
    server: Server, page: Page, link: Hostile
) -> None:
    assert faults(page, server.url, link) == []


def test_a_link_hides_what_would_lead_away(server: Server, page: Page, settle: Settle) -> None:
    shown = {
        "picture": page.locator(".st-key-picture_choice button").first,
        "models": page.locator(".st-key-models_choice button").first,
        "choices": page.locator(".st-key-controls .st-key-depth"),
        "tabs": page.get_by_role("tablist").first,
        "language": page.locator(".st-key-language_choice"),
        "pages": page.get_by_test_id("stHeader"),
    }
    page.goto(f"{server.url}/compare?picture=cat")
    settle(page)
    assert [name for name, control in shown.items() if not control.is_visible()] == []
    page.goto(f"{server.url}/compare?picture=cat&hide=models,choices")
    settle(page)
    seen = [name for name, control in shown.items() if control.is_visible()]
    assert seen == ["picture", "tabs", "language", "pages"]
    page.goto(f"{server.url}/compare?picture=cat&depth=100&hide={','.join(shown)}")
    settle(page)
    assert [name for name, control in shown.items() if control.is_visible()] == []
    assert page.locator(".stage").first.is_visible()
    wanted = {"picture": "cat", "depth": "100", "hide": ",".join(shown)}
    assert query(page) == wanted  # what is hidden keeps its value
