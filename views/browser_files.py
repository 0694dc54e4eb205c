"""Streamlit's own files for the browser, from memory.

A page asks for a hundred of them at once, and a newcomer waits for the last. Streamlit opens and
measures each file again for each visitor, and sends it unpacked; their names change with their
content, so each is read and packed once.
"""

from __future__ import annotations

import gzip
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import streamlit

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Message, Receive, Send], Awaitable[None]]

_PLACE = "/static/"
_KINDS = {".js": "text/javascript", ".css": "text/css"}
"""What is text, and worth packing; all else goes its own way."""
_KEPT = b"public, immutable, max-age=31536000"
_LEVEL = 6


class BrowserFiles:
    """ASGI middleware: scripts and styles of Streamlit from memory; all else as it came.

    Args:
        app: What it stands before.
    """

    def __init__(self, app: Asgi) -> None:
        self._app = app
        folder = Path(streamlit.__file__).parent / "static" / "static"
        self._files = {
            file.relative_to(folder).as_posix(): file
            for file in folder.rglob("*")
            if file.suffix in _KINDS
        }
        self._held: dict[tuple[str, bool], bytes] = {}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request."""
        name = str(scope.get("path", "")).rpartition(_PLACE)[2]
        if scope["type"] != "http" or scope["method"] != "GET" or name not in self._files:
            await self._app(scope, receive, send)
            return
        packed = any(
            header == b"accept-encoding" and b"gzip" in value for header, value in scope["headers"]
        )
        body = self._body(name, packed)
        headers = [
            (b"content-type", _KINDS[self._files[name].suffix].encode()),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", _KEPT),
            (b"vary", b"Accept-Encoding"),
            *([(b"content-encoding", b"gzip")] if packed else []),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _body(self, name: str, packed: bool) -> bytes:
        """A file's bytes as they are sent."""
        if (name, packed) not in self._held:
            found = self._files[name].read_bytes()
            self._held[name, packed] = gzip.compress(found, _LEVEL) if packed else found
        return self._held[name, packed]
