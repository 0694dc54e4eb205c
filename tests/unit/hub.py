"""A server on this machine that plays the Hugging Face hub, with all its moods.

It answers as the hub answers for a large file: HEAD and GET of
/timm/<key>/resolve/<revision>/<file> redirect to storage on another host, and the redirect's
headers announce commit, sha256 and size. The storage serves ranges.
"""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"
RESOLVE = re.compile(r"/timm/(?P<key>[^/]+)/resolve/(?P<revision>[^/]+)/model\.safetensors")


@dataclass(frozen=True, kw_only=True)
class Request:
    """What came: method, path, headers in small letters."""

    method: str
    path: str
    headers: dict[str, str]

    @property
    def range(self) -> str | None:
        return self.headers.get("range")


Fault = Callable[["Handler"], bool]
"""Answers in the hub's place (True), or lets it answer (False)."""


@dataclass(kw_only=True)
class Hub:
    """What the server holds and how it behaves.

    ``asked`` and ``fetched`` are moods for the next announcements (HEAD) and the next transfers
    from storage (GET), one a request; then it behaves. ``announced`` changes the headers of
    announcements.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    asked: deque[Fault] = field(default_factory=deque)
    fetched: deque[Fault] = field(default_factory=deque)
    announced: dict[str, str | None] = field(default_factory=dict)
    log: list[Request] = field(default_factory=list)
    port: int = 0
    pause: float = 0.0  # seconds between pieces
    piece: int = 65536  # bytes
    ranges: bool = True

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def transfers(self) -> list[Request]:
        """The requests that reached the storage."""
        return [r for r in self.log if r.path.startswith("/storage/") and r.method == "GET"]


class Server(ThreadingHTTPServer):
    daemon_threads = True
    hub: Hub

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is what the tests are about."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, *anything: object) -> None:
        pass

    def _answer(self) -> None:
        hub = self.server.hub
        headers = {name.lower(): value for name, value in self.headers.items()}
        hub.log.append(Request(method=self.command, path=self.path, headers=headers))
        storage = self.path.startswith("/storage/")
        moods = hub.fetched if storage else hub.asked if self.command == "HEAD" else deque()
        if moods and moods.popleft()(self):
            return
        if storage:
            self.serve(hub.files[self.path.rsplit("/", 1)[1]])
        else:
            self._announce()

    def _announce(self) -> None:
        hub = self.server.hub
        found = RESOLVE.fullmatch(self.path)
        if found is None or found["key"] not in hub.files:
            self.say(404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT})
            return
        data = hub.files[found["key"]]
        headers: dict[str, str | None] = {
            "X-Repo-Commit": COMMIT,
            "X-Linked-Etag": f'"{hashlib.sha256(data).hexdigest()}"',
            "X-Linked-Size": str(len(data)),
            "Location": f"http://localhost:{hub.port}/storage/{found['key']}",
        }
        headers |= hub.announced
        self.say(302, {name: value for name, value in headers.items() if value is not None})

    def say(self, status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
        """A whole answer."""
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def serve(self, data: bytes, *, stop_after: int | None = None) -> None:
        """A file or the range of it that was asked for; ``stop_after`` bytes the line breaks."""
        hub = self.server.hub
        wanted = self.headers.get("Range") if hub.ranges else None
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        if start >= len(data) and wanted:
            self.say(416, {"Content-Range": f"bytes */{len(data)}"})
            return
        self.send_response(206 if wanted else 200)
        if wanted:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        end = len(data) if stop_after is None else start + stop_after
        for place in range(start, end, hub.piece):
            self.wfile.write(data[place : min(place + hub.piece, end)])
            time.sleep(hub.pause)
        if stop_after is not None:
            self.close_connection = True


# ------------------------------------------------------------ moods


def answers(status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> Fault:
    """Another answer."""

    def mood(handler: Handler) -> bool:
        handler.say(status, headers, body)
        return True

    return mood


def breaks_after(count: int) -> Fault:
    """The line breaks after so many bytes."""

    def mood(handler: Handler) -> bool:
        hub = handler.server.hub
        handler.serve(hub.files[handler.path.rsplit("/", 1)[1]], stop_after=count)
        return True

    return mood


def serves(data: bytes) -> Fault:
    """Other bytes than those that were announced."""

    def mood(handler: Handler) -> bool:
        handler.serve(data)
        return True

    return mood


def is_silent(seconds: float) -> Fault:
    """Nothing comes for so long, then the line is closed."""

    def mood(handler: Handler) -> bool:
        time.sleep(seconds)
        handler.close_connection = True
        return True

    return mood


@contextmanager
def running() -> Iterator[Hub]:
    """A hub on a free port of this machine, for as long as the block runs."""
    server = Server(("127.0.0.1", 0), Handler)
    server.hub = Hub(port=server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
