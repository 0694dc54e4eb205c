"""A class without browsers: phones that vote over the plain route, windows that follow."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg

PATIENCE = 60.0
"""Seconds that a phone waits for an answer."""


@dataclass(frozen=True)
class Vote:
    """One that was sent.

    Attributes:
        device: The phone's name.
        sent, answered: Seconds since 1970.
        status: Of the answer; 0 where none came.
    """

    device: str
    sent: float
    answered: float
    status: int


def device(number: int) -> str:
    """The name of a phone."""
    return f"phone-{number:026d}"


def state(url: str, device: str = "") -> dict[str, Any]:
    """What the server tells a phone."""
    headers = {"Mixscope-Device": device}
    found: dict[str, Any] = httpx2.get(f"{url}/room/state", headers=headers).json()
    return found


def answer(url: str, answers: Sequence[Any], seconds: float) -> list[Vote]:
    """Let one phone an answer vote, evenly over so many seconds, none waiting for another."""

    async def one(phones: httpx2.AsyncClient, number: int, question: str) -> Vote:
        await asyncio.sleep(seconds * number / len(answers))
        body = {"device": device(number), "question": question, "answer": answers[number]}
        sent, status = time.time(), 0
        with contextlib.suppress(httpx2.HTTPError):
            status = (await phones.post(f"{url}/room/vote", json=body)).status_code
        return Vote(device(number), sent, time.time(), status)

    async def all_of_them() -> list[Vote]:
        most = httpx2.Limits(max_connections=len(answers), max_keepalive_connections=0)
        question = state(url)["question"]["id"]
        async with httpx2.AsyncClient(limits=most, timeout=PATIENCE) as phones:
            return await asyncio.gather(*(one(phones, n, question) for n in range(len(answers))))

    with ThreadPoolExecutor(1) as elsewhere:  # a test's own thread has the browser's loop
        return elsewhere.submit(asyncio.run, all_of_them()).result()


def stored(folder: Path) -> list[tuple[str, str]]:
    """(device, answer) of every vote in the server's file, as they lie there."""
    (file,) = folder.glob("room-*.sqlite")
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as opened:
        return list(opened.execute("SELECT device, answer FROM votes ORDER BY device"))


class _Follower:
    """A window that follows: Streamlit's page over the websocket, the news over the plain route."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.runs = 0

    async def follow(self) -> None:
        address = f"{self._url.replace('http', 'ws', 1)}/_stcore/stream"
        async with websockets.connect(
            address, subprotocols=["streamlit"], max_size=None, ping_interval=None
        ) as wire:
            await self._run(wire)
            drain = asyncio.ensure_future(self._drain(wire))
            try:
                await self._hear(wire)
            finally:
                drain.cancel()

    async def _run(self, wire: Any) -> None:
        message = BackMsg()
        message.rerun_script.page_name = "lecture"
        await wire.send(message.SerializeToString())

    async def _drain(self, wire: Any) -> None:
        async for _ in wire:
            self.runs += 1

    async def _hear(self, wire: Any) -> None:
        version = ""
        async with httpx2.AsyncClient(timeout=PATIENCE) as client:
            while True:
                reply = await client.get(f"{self._url}/room/state", params={"after": version})
                if reply.status_code == 200:
                    version = reply.json()["version"]
                    await self._run(wire)


@contextlib.contextmanager
def following(url: str, count: int) -> Iterator[list[_Follower]]:
    """So many windows follow meanwhile."""
    loop, followers = asyncio.new_event_loop(), [_Follower(url) for _ in range(count)]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def all_of_them() -> None:
        await asyncio.gather(*(one.follow() for one in followers))

    task = asyncio.run_coroutine_threadsafe(all_of_them(), loop)
    try:
        yield followers
    finally:
        task.cancel()
        time.sleep(0.5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=5)
