"""Streamlit's scripts come from memory, packed once; a connection waits for nothing."""

from __future__ import annotations

import asyncio
import gzip
import socket
from pathlib import Path
from typing import Any

import pytest
import streamlit

from views.browser_files import BrowserFiles
from views.connections import at_once

FOLDER = Path(streamlit.__file__).parent / "static" / "static"
SCRIPT = next((FOLDER / "js").glob("index.*.js"))


def answer(
    path: str, packed: bool = False, method: str = "GET"
) -> tuple[dict[bytes, bytes], bytes]:
    """Headers and body; both empty where the server behind has been asked."""
    sent: list[dict[str, Any]] = []

    async def behind(_scope: Any, _receive: Any, _send: Any) -> None:
        pass

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"accept-encoding", b"gzip, deflate")] if packed else []
    scope = {"type": "http", "method": method, "path": path, "headers": headers}
    asyncio.run(BrowserFiles(behind)(scope, None, send))  # type: ignore[arg-type]
    return (dict(sent[0]["headers"]), sent[1]["body"]) if sent else ({}, b"")


@pytest.mark.parametrize("base", ["", "/seminar"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_script_is_the_file(packed: bool, base: str) -> None:
    headers, body = answer(f"{base}/static/js/{SCRIPT.name}", packed)
    assert (gzip.decompress(body) if packed else body) == SCRIPT.read_bytes()
    assert headers[b"content-length"] == str(len(body)).encode()
    assert headers[b"content-type"] == b"text/javascript"
    assert (b"content-encoding" in headers) == packed
    assert b"immutable" in headers[b"cache-control"]


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/static/index.html",
        "/static/js/none.js",
        "/static/../../config.py",
        "/app/static/a.js",
    ],
)
def test_all_else_is_asked_behind(path: str) -> None:
    assert answer(path) == ({}, b"")
    assert answer(f"/static/js/{SCRIPT.name}", method="HEAD") == ({}, b"")


@pytest.mark.parametrize("ours", [False, True])
def test_a_connection_sends_at_once_what_it_has(ours: bool) -> None:
    async def waits() -> bool:
        accepted: asyncio.Queue[Any] = asyncio.Queue()

        class Listening(asyncio.Protocol):
            def connection_made(self, transport: Any) -> None:
                accepted.put_nowait(transport.get_extra_info("socket"))

        listening = socket.socket()  # as Streamlit opens it: no protocol named
        listening.bind(("127.0.0.1", 0))
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Listening, sock=listening)
        with socket.create_connection(listening.getsockname()):
            found = (await accepted.get()).getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        server.close()
        return not found

    async def within() -> bool:
        async with at_once(None):
            return await waits()

    assert asyncio.run(within() if ours else waits()) == (not ours)
    assert asyncio.run(waits())  # afterwards all is as it was
