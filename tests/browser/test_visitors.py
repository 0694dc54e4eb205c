"""The benchmark's class: its visitors are served as browsers are, and see what they should not."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest

from benchmarks import visitors
from benchmarks.visitor import Visitor, colours

pytestmark = pytest.mark.slow
COLOURS = list(colours())
T = TypeVar("T")


@pytest.fixture(scope="module")
def counted() -> Iterator[visitors.Server]:
    """A server that notes what it computes."""
    server = visitors.Server("here")
    yield server
    server.stop()


async def visit(url: str, number: int, own: tuple[int, int, int]) -> Visitor:
    """A picture of one's own, a place, another page, a place there."""
    visitor = Visitor(
        url,
        name=f"{number}.jpg",
        picture=visitors.own_picture(number, COLOURS[number]),
        colour=own,
        cookie=await visitors.cookie(url),
    )
    async with visitor:
        await visitor.open("compare")
        await visitor.upload()
        await visitor.click(300, 400)
        await visitor.turn("dual_attention")
        await visitor.click(600, 500)
    return visitor


def done(work: Coroutine[Any, Any, T]) -> T:
    """What a coroutine comes to, on a thread of its own: the test's has the browser's loop."""
    with ThreadPoolExecutor(1) as elsewhere:
        return elsewhere.submit(asyncio.run, work).result()


def test_visitors_see_their_own_pictures_and_each_is_run_once(counted: visitors.Server) -> None:
    async def both() -> list[Visitor]:
        return await asyncio.gather(*(visit(counted.url, n, COLOURS[n]) for n in (0, 1)))

    one, other = done(both())
    assert (one.crossed, other.crossed) == (0, 0)
    assert one.bodies
    assert not one.bodies & other.bodies
    ran = visitors.forwards(counted.notes())
    assert ran["forwards"] == ran["different"] >= 6  # three models for each of both, and more
    assert counted.memory() > 10**8


def test_a_picture_of_somebody_else_is_noticed(counted: visitors.Server) -> None:
    stranger = done(visit(counted.url, 2, COLOURS[3]))
    assert stranger.crossed >= 1


def test_the_spread_of_times() -> None:
    assert visitors.spread([]) == {"count": 0, "p50": 0.0, "p95": 0.0}
    found = visitors.spread([float(n) for n in range(1, 101)])
    assert found == {"count": 100, "p50": 50.5, "p95": 96.0}
