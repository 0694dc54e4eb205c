"""The plain routes: the phone's page, the lecture's state, its picture, a vote, the lecturer's key.

They lie beside Streamlit in the same server. None takes part in a rerun, so that a whole class can
answer in the same moment.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from views.room import documents
from vislib.classroom import phone
from vislib.classroom.addresses import is_loopback
from vislib.classroom.asked import RefusedError
from vislib.classroom.room import Room, refused

MOST_BYTES = 4096
"""Of a vote or a key; longer ones are not read."""
WAIT_SECONDS = 5.0
"""How long a phone's question for news stays open; a server that stops waits for it."""
WRONG_SECONDS = 1.0
"""How long a wrong key waits for its answer."""
STATUS = {"large": 413, "form": 400, "late": 409, "question": 409, "full": 429}
"""Why a vote is refused -> status; 422 for all others."""
FRESH = {"Cache-Control": "no-store"}
PAGE = FRESH | {
    "Content-Security-Policy": (
        "default-src 'none'; connect-src 'self'; img-src 'self'; form-action 'self'; "
        "style-src 'unsafe-inline'; script-src 'unsafe-inline'; frame-ancestors 'self'; "
        "base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
}


class Bell:
    """Wakes the requests that wait for news, from whatever thread the news comes."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._event: asyncio.Event | None = None

    def ring(self) -> None:
        """Wake them."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the server has stopped
                self._loop.call_soon_threadsafe(self._ring)

    def _ring(self) -> None:
        if self._event is not None:
            self._event.set()
        self._event = None

    async def wait(self, seconds: float) -> None:
        """Wait for the next ring, or so long."""
        self._loop = asyncio.get_running_loop()
        self._event = event = self._event or asyncio.Event()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(event.wait(), seconds)


async def _read(request: Request) -> bytes:
    """A short body.

    Raises:
        RefusedError: "large": it says that it is, or turns out to be; the rest is not read.
    """
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > MOST_BYTES:
        raise RefusedError("error.classroom.large")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            raise RefusedError("error.classroom.large")
    return body


def _no_number(_text: str) -> None:
    raise ValueError


async def _vote_of(request: Request) -> Mapping[str, Any]:
    """What a vote's request holds, its values not looked at yet.

    Raises:
        RefusedError: "large", or "form" where it is no JSON object with the three names.
    """
    body = await _read(request)
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise RefusedError("error.classroom.form")
    try:
        raw = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise RefusedError("error.classroom.form") from None
    if not isinstance(raw, dict) or raw.keys() != {"device", "question", "answer"}:
        raise RefusedError("error.classroom.form")
    return raw


class Routes:
    """The routes of one room.

    Args:
        room: Whose.
        base: Where the app lies below the server's address ("" or "/app").
    """

    def __init__(self, room: Room, *, base: str = "") -> None:
        self._room, self._base, self._bell = room, base, Bell()
        self._written: dict[str, tuple[str, bytes]] = {}
        room.listen(self._bell.ring)

    def all(self) -> list[Route]:
        """What ``st.App`` takes."""
        base = self._base
        return [
            Route(f"{base}/room", self.page),
            Route(f"{base}/room/state", self.state),
            Route(f"{base}/room/picture/{{name}}.jpg", self.picture),
            Route(f"{base}/room/vote", self.vote, methods=["POST"]),
            Route(f"{base}/lecturer", self.ask_key),
            Route(f"{base}/lecturer", self.take_key, methods=["POST"]),
        ]

    async def page(self, request: Request) -> Response:
        """The phone's page."""
        return HTMLResponse(documents.phone(_language(request)), headers=PAGE)

    async def state(self, request: Request) -> Response:
        """The lecture as it is, or as soon as it is another one than the phone has."""
        code = _language(request)
        if request.query_params.get("after") == self._room.version:
            await self._bell.wait(WAIT_SECONDS)
        version, written = self._state(code)
        if request.query_params.get("after") == version:
            return Response(status_code=204, headers=FRESH)
        shown = self._room.shown
        device = request.headers.get("mixscope-device", "")
        mine = self._room.mine(shown.key, device) if shown else None
        body = b'{"mine":' + json.dumps(mine).encode() + b"," + written[1:]
        return Response(body, media_type="application/json", headers=FRESH)

    def _state(self, code: str) -> tuple[str, bytes]:
        """(version, JSON) of what all phones of a language are told; written once a version."""
        version, written = self._written.get(code, ("", b""))
        if version != self._room.version:
            told = phone.told(self._room, code)
            version, written = told["version"], json.dumps(told, ensure_ascii=False).encode()
            self._written[code] = version, written
        return version, written

    async def picture(self, request: Request) -> Response:
        """The picture of the step; its name changes with it, so browsers may keep it."""
        name, jpeg = self._room.picture
        if jpeg is None or request.path_params["name"] != name:
            return Response(status_code=404, headers=FRESH)
        kept = {"Cache-Control": "private, max-age=3600, immutable"}
        return Response(jpeg, media_type="image/jpeg", headers=kept)

    async def vote(self, request: Request) -> Response:
        """Store a vote; says what is stored, or why it is not."""
        try:
            raw = await _vote_of(request)
            stored = self._room.vote(raw["device"], raw["question"], raw["answer"])
            return JSONResponse({"mine": stored}, headers=FRESH)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody hears it
        except RefusedError as error:
            refused("vote", error.why)
            # What was not read is not waited for.
            headers = FRESH | ({"Connection": "close"} if error.why == "large" else {})
            status = STATUS.get(error.why, 422)
            return JSONResponse({"refused": error.why}, status_code=status, headers=headers)

    async def ask_key(self, request: Request) -> Response:
        """Ask for the key; with the ticket of the server's own terminal, once, don't."""
        ticket = request.query_params.get("ticket")
        if ticket is not None:
            own = is_loopback(request.client.host if request.client else "")
            token = self._room.rights.enter_once(ticket) if own and _named(request) else None
            if token is not None:
                return self._admit(request, token)
            refused("ticket", "used or wrong" if own else "not from this machine")
        return HTMLResponse(documents.key_form(_language(request), wrong=False), headers=PAGE)

    async def take_key(self, request: Request) -> Response:
        """Let a browser lead that brings the key."""
        try:
            given = parse_qs((await _read(request)).decode(errors="replace")).get("key", [""])[0]
        except (RefusedError, ClientDisconnect):
            given = ""
        token = self._room.rights.enter(given)
        if token is not None:
            return self._admit(request, token)
        refused("lecturer's key", "wrong")
        await asyncio.sleep(WRONG_SECONDS)
        page = documents.key_form(_language(request), wrong=True)
        return HTMLResponse(page, status_code=403, headers=PAGE | {"Connection": "close"})

    def _admit(self, request: Request, token: str) -> Response:
        self._room.admitted()
        reply = RedirectResponse(f"{self._base}/lecture", status_code=303, headers=FRESH)
        reply.set_cookie(
            self._room.rights.cookie,
            token,
            path=f"{self._base}/",
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return reply


def _language(request: Request) -> str:
    accepted = request.headers.get("accept-language", "")
    return documents.language(request.query_params.get("lang"), accepted)


def _named(request: Request) -> bool:
    """Whether the address that was opened is this machine's own, and nothing stands between."""
    between = request.headers.get("forwarded") or request.headers.get("x-forwarded-for")
    return not between and is_loopback(request.url.hostname or "")
