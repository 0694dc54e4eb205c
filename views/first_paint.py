"""The page's style in the very first bytes, so that nothing jumps when Streamlit begins to draw.

Streamlit's own page is drawn narrow at first, and a style that a script sends comes after the first
elements. This puts it into the page itself, on its way to the browser.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Message, Receive, Send], Awaitable[None]]

_STYLE = Path(__file__).resolve().parents[1] / "assets" / "style.css"
_ASKS_NOT = (b"accept-encoding", b"if-none-match", b"if-modified-since")
"""Request headers that would bring the page packed, or not at all."""


class FirstPaint:
    """ASGI middleware: the style behind ``<body>`` of each HTML page; all else as it came.

    Args:
        app: What it stands before.
    """

    def __init__(self, app: Asgi) -> None:
        self._app = app
        self._style = f"<style>{_STYLE.read_text(encoding='utf-8')}</style>".encode()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request."""
        headers = scope.get("headers", [])
        wanted = any(name == b"accept" and b"text/html" in value for name, value in headers)
        if scope["type"] != "http" or not wanted:
            await self._app(scope, receive, send)
            return
        kept = [(name, value) for name, value in headers if name not in _ASKS_NOT]
        start: list[Message] = []
        body = bytearray()

        async def held(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.append(message)
                return
            body.extend(message.get("body", b""))
            if not message.get("more_body"):
                whole = bytes(body).replace(b"<body>", b"<body>" + self._style, 1)
                await send({**start[0], "headers": _sized(start[0]["headers"], len(whole))})
                await send({"type": "http.response.body", "body": whole})

        await self._app({**scope, "headers": kept}, receive, held)


def _sized(headers: list[tuple[bytes, bytes]], size: int) -> list[tuple[bytes, bytes]]:
    """The headers of a page of another length."""
    kept = [(name, value) for name, value in headers if name.lower() != b"content-length"]
    return [*kept, (b"content-length", str(size).encode())]
