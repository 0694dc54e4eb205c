"""One visitor without a browser: Streamlit's protocol over the websocket, as its page speaks it.

A visitor sends what the browser would send (the states of what was touched, the messages that it
keeps, the fragment of what was touched), takes each message, and asks for the pictures that it had
not had before. What it does not do is draw.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import struct
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2
import websockets
from PIL import Image
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

PATIENCE = 180.0
"""Seconds until an action counts as failed."""
KEPT_RUNS = 2
"""Runs for which a browser keeps a message that does not come again (maxCachedMessageAge)."""
ENDED = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)
OWN_MAPS = ("compare", "dual_attention")
"""Pages whose stage has a map that depends on the picture: no two visitors have the same."""
BAR = (0.4, 0.0, 0.6, 0.3)
"""Where each picture has its visitor's colour: left, top, right, bottom, of width and height."""


class VisitError(Exception):
    """The server did not give what it should."""


@dataclass
class Visitor:
    """One of a class, with a picture of its own.

    Attributes:
        url: Of the server.
        name: Of the picture's file; no other visitor has it.
        picture: JPEG bytes with a bar of ``colour``.
        colour: Red, green, blue, 0 to 255.
        cookie: The server's XSRF token.
        got: Bytes that came, over the websocket and as files.
        bodies: Digests of the maps of its picture that it was sent, on ``OWN_MAPS``.
        crossed: Times that it was shown another picture than its own.
    """

    url: str
    name: str
    picture: bytes
    colour: tuple[int, int, int]
    cookie: str
    got: int = 0
    bodies: set[str] = field(default_factory=set)
    crossed: int = 0
    _session: str = ""
    _page: str = ""
    _pages: dict[str, str] = field(default_factory=dict)
    _states: dict[str, WidgetState] = field(default_factory=dict)
    _elements: dict[str, tuple[str, Any]] = field(default_factory=dict)
    _kept: dict[str, tuple[int, ForwardMsg]] = field(default_factory=dict)
    _runs: int = 0
    _media: set[str] = field(default_factory=set)
    _seen: set[str] = field(default_factory=set)
    _owns: bool = False
    _name: str = ""

    async def __aenter__(self) -> Visitor:
        self._wire = await websockets.connect(
            f"{self.url.replace('http', 'ws', 1)}/_stcore/stream",
            subprotocols=["streamlit", self.cookie, "x"],  # type: ignore[list-item]
            additional_headers={"Cookie": f"_streamlit_xsrf={self.cookie}"},
            max_size=None,
            ping_interval=None,
            compression=None,
        )
        self._client = httpx2.AsyncClient(base_url=self.url, timeout=PATIENCE)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._wire.close()
        await self._client.aclose()

    # ------------------------------------------------------------ what a visitor does; seconds

    async def open(self, page: str) -> float:
        """Come to a page by its address."""
        message = BackMsg()
        message.rerun_script.page_name = self._name = page
        return await self._run(message)

    async def turn(self, page: str) -> float:
        """Go to another page by the navigation."""
        message = BackMsg()
        message.rerun_script.page_script_hash = self._pages[page]
        self._elements, self._name = {}, page
        return await self._run(message)

    async def upload(self) -> float:
        """Give the own picture to the uploader; also counts the way of the bytes."""
        began = time.perf_counter()
        asked = BackMsg()
        request = asked.file_urls_request
        request.request_id, request.session_id = uuid.uuid4().hex, self._session
        request.file_names.append(self.name)
        await self._wire.send(asked.SerializeToString())
        async for message in self._messages():
            if message.WhichOneof("type") == "file_urls_response":
                (place,) = message.file_urls_response.file_urls
                break
        reply = await self._client.put(
            place.upload_url,
            files={"file": (self.name, self.picture, "image/jpeg")},
            headers={"X-Xsrftoken": self.cookie, "Cookie": f"_streamlit_xsrf={self.cookie}"},
        )
        if reply.status_code != 204:
            raise VisitError(f"the upload was answered with {reply.status_code}")
        state = WidgetState(id=self._id("upload"))
        file = state.file_uploader_state_value.uploaded_file_info.add()
        file.file_id, file.name, file.size = place.file_id, self.name, len(self.picture)
        file.file_urls.CopyFrom(place)
        self._owns = True
        await self._touch("upload", state)
        return time.perf_counter() - began

    async def click(self, x: int, y: int, block: str | None = None) -> float:
        """Pin a place on the stage, in thousandths; on a page before it, on the picker."""
        news = {"x": x, "y": y, "n": time.time_ns() // 1_000_000}
        key = "stage" if self.has("stage") else "picker"
        if key == "stage":
            value = {"chosen": {**news, "block": self._block(), "scale": "root"}}
        else:
            value = {"point": news}
        state = WidgetState(id=self._id(key), json_value=json.dumps(value))
        return await self._touch(key, state)

    async def press(self, key: str) -> float:
        """Press a button."""
        return await self._touch(key, WidgetState(id=self._id(key), trigger_value=True), keep=False)

    def has(self, key: str) -> bool:
        """Whether a widget is on the page."""
        return any(name.endswith(f"-{key}") for name in self._elements)

    # ------------------------------------------------------------ how

    def _id(self, key: str) -> str:
        for name in self._elements:
            if name.endswith(f"-{key}"):
                return name
        raise VisitError(f"there is no {key} on the page {self._page}")

    def _block(self) -> str:
        """The block that the stage shows: the relay said it."""
        header, _ = unpack(self._elements[self._id("stage")][1].bytes)
        for name, (_, part) in self._elements.items():
            if name.endswith("-stage.relay") and part.json:
                return str(json.loads(part.json)["block"])
        return str(header["order"][0])

    async def _touch(self, key: str, state: WidgetState, *, keep: bool = True) -> float:
        message = BackMsg()
        states = {**self._states, state.id: state}
        message.rerun_script.widget_states.widgets.extend(states.values())
        message.rerun_script.page_script_hash = self._page
        message.rerun_script.fragment_id = self._elements[self._id(key)][0]
        if keep:
            self._states = states
        return await self._run(message)

    async def _run(self, message: BackMsg) -> float:
        """Send an action and take what comes until its run has ended; seconds."""
        message.rerun_script.cached_message_hashes.extend(self._kept)
        message.rerun_script.context_info.url = self.url
        message.rerun_script.context_info.locale = "en"
        began, status, parts = time.perf_counter(), None, []
        await self._wire.send(message.SerializeToString())
        async for came in self._messages():
            kind = came.WhichOneof("type")
            if kind == "new_session":
                self._page = came.new_session.page_script_hash
                parts = list(came.metadata.run.fragment_ids)
                if came.new_session.HasField("initialize"):
                    self._session = came.new_session.initialize.session_id
            elif kind == "navigation":
                self._pages = {
                    p.url_pathname: p.page_script_hash for p in came.navigation.app_pages
                }
                self._page = came.navigation.page_script_hash
            elif kind == "delta":
                self._take(came)
            elif kind == "script_finished":
                status = came.script_finished
                self._age(parts)
                if status in ENDED:
                    break
                if status == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
                    raise VisitError("the script could not be read")
        took = time.perf_counter() - began
        await self._fetch()
        if not parts:
            there = self._elements.keys()
            self._states = {name: s for name, s in self._states.items() if name in there}
        return took

    async def _messages(self) -> Any:
        """Messages as they come, those that were kept put in the place of their names."""
        while True:
            data = await asyncio.wait_for(self._wire.recv(), PATIENCE)
            self.got += len(data)
            message = ForwardMsg.FromString(data)
            if message.WhichOneof("type") == "ref_hash":
                metadata, (_, kept) = message.metadata, self._kept[message.ref_hash]
                self._kept[message.ref_hash] = (self._runs, kept)
                message = ForwardMsg()
                message.CopyFrom(kept)
                message.metadata.CopyFrom(metadata)
            elif message.metadata.cacheable and message.hash:
                self._kept[message.hash] = (self._runs, message)
            yield message

    def _age(self, parts: list[str]) -> None:
        """After a run: let go of messages that did not come again."""
        self._runs += 1
        for name, (run, message) in [*self._kept.items()]:
            if parts and message.delta.fragment_id not in parts:
                continue
            if self._runs - run > KEPT_RUNS:
                del self._kept[name]

    def _take(self, message: ForwardMsg) -> None:
        """An element: what it is, what it shows, whether it is an error."""
        element = message.delta.new_element
        kind = element.WhichOneof("type")
        if kind is None:
            return
        part = getattr(element, kind)
        if kind == "exception" or (kind == "alert" and part.format == part.ERROR):
            raise VisitError(
                f"the page {self._page} says: {getattr(part, 'body', '') or part.message}"
            )
        name = getattr(part, "id", "")
        if name:
            self._elements[name] = (message.delta.fragment_id, part)
        if kind == "imgs":
            self._media |= {one.url for one in part.imgs if one.url.startswith("/media")}
        if kind == "bidi_component" and part.bytes and message.hash not in self._seen:
            self._seen.add(message.hash)
            self._look(name, part.bytes)

    def _look(self, name: str, data: bytes) -> None:
        """Whether the stage shows the own picture; and which maps those of this picture are."""
        if not self._owns:
            return
        header, body = unpack(data)
        if name.endswith("-stage"):
            shown = header["rows"][0][0]
            place = header["pictures"][shown["picture"]]
            jpeg = body[place["offset"] : place["offset"] + place["length"]]
            if shown["alt"] != self.name or not self._is_own(jpeg, shown["region"]):
                self.crossed += 1
        elif self._name in OWN_MAPS and "entries" in header:
            self.bodies.add(hashlib.blake2b(body, digest_size=12).hexdigest())

    def _is_own(self, jpeg: bytes, region: Mapping[str, float]) -> bool:
        """Whether the bar in a picture of a region (thousandths) has the own colour."""
        image = Image.open(io.BytesIO(jpeg)).convert("RGB")
        x = (1000 * (BAR[0] + BAR[2]) / 2 - region["left"]) / region["width"]
        y = (1000 * 0.8 * BAR[3] - region["top"]) / region["height"]
        found = image.getpixel((int(x * image.width), int(y * image.height)))
        return all(abs(a - b) < 24 for a, b in zip(found, self.colour, strict=True))  # type: ignore[call-overload]

    async def _fetch(self) -> None:
        """Ask for the pictures that are new, as a browser would."""
        for address in self._media - self._seen:
            self._seen.add(address)
            reply = await self._client.get(address)
            self.got += len(reply.content)
            if reply.status_code != 200:
                raise VisitError(f"a picture was answered with {reply.status_code}")
        self._media = set()


def _path(page: Any) -> str:
    """What a page is called in addresses; empty for the first one."""
    return "" if page.is_default else str(page.url_pathname)


def unpack(data: bytes) -> tuple[dict[str, Any], bytes]:
    """Header and body of a packet (views/frame/wire.py)."""
    (length,) = struct.unpack("<I", data[:4])
    return json.loads(data[4 : 4 + length]), data[4 + length :]


def colours() -> Iterator[tuple[int, int, int]]:
    """Colours that a JPEG keeps apart: steps of 60 in each channel."""
    steps = range(8, 249, 60)
    yield from ((r, g, b) for r in steps for g in steps for b in steps)
