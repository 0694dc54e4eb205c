"""The style stands in the page itself; nothing else that the server sends is touched."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import streamlit

from views.first_paint import FirstPaint

PAGE = [b"<html><head></head><body><div>", b"one</div></body></html>"]


def answered(accept: bytes, *, wrapped: bool = True) -> tuple[dict[str, Any], bytes, list[Any]]:
    """Status and headers, body, and the request's headers as the server behind saw them."""
    seen: list[Any] = []
    sent: list[dict[str, Any]] = []

    async def server(scope: Any, _receive: Any, send: Any) -> None:
        seen.extend(scope["headers"])
        size = str(sum(map(len, PAGE))).encode()
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-length", size), (b"x-kept", b"1")],
            }
        )
        for part in PAGE:
            body = {"type": "http.response.body", "body": part, "more_body": part is PAGE[0]}
            await send(body)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    app: Any = FirstPaint(server) if wrapped else server
    headers = [(b"accept", accept), (b"accept-encoding", b"gzip"), (b"host", b"x")]
    asyncio.run(app({"type": "http", "headers": headers}, None, send))
    return sent[0], b"".join(message.get("body", b"") for message in sent[1:]), seen


def test_a_page_has_the_style_right_behind_body() -> None:
    start, body, seen = answered(b"text/html,*/*")
    assert body.startswith(b"<html><head></head><body><style>")
    assert b"st-key-stage_place" in body
    assert body.endswith(b"><div>one</div></body></html>")
    assert dict(start["headers"]) == {
        b"content-length": str(len(body)).encode(),
        b"x-kept": b"1",
    }
    assert [name for name, _ in seen] == [b"accept", b"host"]  # not packed: it must be read


def test_all_else_goes_through_as_it_is() -> None:
    assert answered(b"*/*") == answered(b"*/*", wrapped=False)
    assert answered(b"*/*")[1] == b"".join(PAGE)


def test_the_page_names_the_code_that_it_asks_for_soon_and_only_what_is_there() -> None:
    _, body, _ = answered(b"text/html")
    static = Path(streamlit.__file__).parent / "static"
    page = (static / "index.html").read_text(encoding="utf-8")
    named = re.findall(r'href="\./(static/js/[^"]+)"', body.decode())
    assert {name.split("/")[-1].split(".")[0] for name in named} >= {"BidiComponent", "Html"}
    assert len(named) == len(set(named)) < 60
    assert all((static / name).is_file() and name not in page for name in named)
