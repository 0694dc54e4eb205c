"""A class without browsers: phones that vote over the plain route, windows that follow."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

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


def answer(url: str, answers: Sequence[Any], seconds: float, *, first: int = 0) -> list[Vote]:
    """Let one phone an answer vote, evenly over so many seconds, none waiting for another."""

    question, place = state(url)["question"]["id"], urlsplit(url)

    async def one(number: int) -> Vote:
        await asyncio.sleep(seconds * number / len(answers))
        body = {"device": device(first + number), "question": question, "answer": answers[number]}
        sent = time.time()
        try:
            status = await asyncio.wait_for(_posted(place, json.dumps(body).encode()), PATIENCE)
        except (OSError, ValueError, IndexError):  # also a time-out
            status = 0
        return Vote(device(first + number), sent, time.time(), status)

    async def all_of_them() -> list[Vote]:
        return await asyncio.gather(*map(one, range(len(answers))))

    with ThreadPoolExecutor(1) as elsewhere:  # a test's own thread has the browser's loop
        return elsewhere.submit(asyncio.run, all_of_them()).result()


async def _posted(place: SplitResult, body: bytes) -> int:
    """Send a vote over a connection of its own, as a phone does; the answer's status.

    By hand, since a client's own work for 200 connections would be measured instead.
    """
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    head = (
        f"POST /room/vote HTTP/1.1\r\nHost: {place.netloc}\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    line = await reader.readline()
    await reader.read()
    writer.close()
    return int(line.split()[1])


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
