"""What the browser needs from the start, in the very first bytes of the page.

Streamlit's own page is drawn narrow at first, and a style that a script sends comes after the first
elements, so things would jump; and the code of a kind of element is asked for only when the first
one of that kind is to be drawn, when everything else waits for it. This puts the style into the
page itself, and names the files that every page will ask for, on its way to the browser.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import streamlit

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Message, Receive, Send], Awaitable[None]]

_STYLE = Path(__file__).resolve().parents[1] / "assets" / "style.css"
_SOON = ("BidiComponent", "Html", "ButtonGroup", "Button", "Selectbox")
"""Streamlit's chunks of the elements that nearly every page draws."""
_FONT = "mixscope-sans-regular.woff2"
_IMPORT = re.compile(r"""(?:from|import)\s*["']\./([\w.-]+\.js)["']""")
_ASKS_NOT = (b"accept-encoding", b"if-none-match", b"if-modified-since")
"""Request headers that would bring the page packed, or not at all."""


class FirstPaint:
    """ASGI middleware: style and links behind ``<body>`` of each HTML page; all else as it came.

    Args:
        app: What it stands before.
    """

    def __init__(self, app: Asgi) -> None:
        self._app = app
        style = f"<style>{_STYLE.read_text(encoding='utf-8')}</style>"
        self._first = (style + "".join(_links())).encode()

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
                whole = bytes(body).replace(b"<body>", b"<body>" + self._first, 1)
                await send({**start[0], "headers": _sized(start[0]["headers"], len(whole))})
                await send({"type": "http.response.body", "body": whole})

        await self._app({**scope, "headers": kept}, receive, held)


def _sized(headers: list[tuple[bytes, bytes]], size: int) -> list[tuple[bytes, bytes]]:
    """The headers of a page of another length."""
    kept = [(name, value) for name, value in headers if name.lower() != b"content-length"]
    return [*kept, (b"content-length", str(size).encode())]


def _links() -> list[str]:
    """What the page will ask for soon, as links; nothing for what this Streamlit does not have."""
    static = Path(streamlit.__file__).parent / "static"
    named = (static / "index.html").read_text(encoding="utf-8")
    folder = static / "static" / "js"
    waiting = [path.name for name in _SOON for path in folder.glob(f"{name}.*.js")]
    found: list[str] = []
    while waiting:
        name = waiting.pop()
        if name not in found and name not in named and (folder / name).is_file():
            found.append(name)
            waiting += _IMPORT.findall((folder / name).read_text(encoding="utf-8"))
    modules = [
        f'<link rel="modulepreload" crossorigin href="./static/js/{name}">' for name in found
    ]
    font = (
        f'<link rel="preload" as="font" type="font/woff2" crossorigin href="./app/static/{_FONT}">'
    )
    return [*modules, font]
