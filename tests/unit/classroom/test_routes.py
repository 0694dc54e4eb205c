"""The plain routes, and a participant who tries what is not hers: refused, one line, no change."""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from tests.unit.classroom.test_room import RIGHT, at, begun, counted, device, fill, opened
from views.room import documents, routes
from views.room.routes import MOST_BYTES, Bell, Routes
from vislib import texts
from vislib.classroom import addresses
from vislib.classroom.room import Room

KEY, TICKET = "abcd-efgh-jkmn", "a-ticket"
HERE = ("127.0.0.1", 50000)
LAN = ("192.168.0.77", 50000)


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Room:
    monkeypatch.setattr(routes, "WAIT_SECONDS", 0.2)
    monkeypatch.setattr(routes, "WRONG_SECONDS", 0.0)
    return begun(key=KEY, ticket=TICKET)


@pytest.fixture
def phone(room: Room) -> Iterator[TestClient]:
    with visitor(room) as client:
        yield client


def visitor(room: Room, client: tuple[str, int] = LAN, base: str = "", **more: Any) -> TestClient:
    app = Starlette(routes=Routes(room, base=base).all())
    address = more.pop("address", "http://192.168.0.5:8501")
    return TestClient(app, base_url=address, client=client, follow_redirects=False, **more)


def vote(phone: TestClient, room: Room, raw: Any = "vit_mini", number: int = 1) -> Any:
    body = {"device": device(number), "question": room.id_of("one"), "answer": raw}
    return phone.post("/room/vote", json=body)


def everything(room: Room) -> str:
    """All that the room is, to see that nothing of it has changed."""
    steps = [(room.question(key), room.tally(key)) for key in ("one", "two", "three")]
    return repr((room.live.state, room.results(), steps, room.version, room.rights.tokens))


# ------------------------------------------------------------ a phone


def test_the_first_load_is_small_and_whole(phone: TestClient) -> None:
    page = phone.get("/room")
    assert len(page.content) < 60_000  # of 600 kB that a first load may take
    assert not re.search(r"<(?:script|link)[^>]*(?:src|href)=", page.text)
    assert "://" not in re.sub(r"http://www\.w3\.org/2000/svg", "", page.text)
    assert page.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in page.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("ko-KR,ko;q=0.9,en;q=0.5", "ko"),
        ("en-GB,ko;q=0.3", "en"),
        ("de,ko;q=0.4,en;q=0.9", "en"),
        ("de-DE", "en"),
        ("", "en"),
        (";q=x,,ko;q=y", "en"),
    ],
)
def test_the_page_is_in_the_phones_language(phone: TestClient, asked: str, shown: str) -> None:
    page = phone.get("/room", headers={"Accept-Language": asked})
    assert f'<html lang="{shown}">' in page.text
    assert texts.text(shown, "room.lost_own") in page.text
    assert f'<html lang="{shown}">' in phone.get("/room", params={"lang": shown}).text


def test_every_text_of_the_script_is_there() -> None:
    script = Path("assets/room/room.js").read_text(encoding="utf-8")
    named = set(re.findall(r"texts\.(\w+)", script)) - {"refused", "languages"}
    put_together = {f"how_{kind}" for kind in ("models", "place", "number")}
    assert named | put_together == set(documents.SAID) - {"form"}
    for code in texts.languages():
        said = documents.phone(code)
        held = json.loads(re.search(r'id="texts">(.*?)</script>', said, re.DOTALL)[1])  # type: ignore[index]
        assert set(held["texts"]["refused"]) == set(documents.REFUSALS)
        assert all(isinstance(one, str) and one for one in held["texts"]["refused"].values())


def test_a_vote_is_stored_changed_and_found_again_after_a_reload(
    phone: TestClient, room: Room
) -> None:
    room.open("one")
    assert vote(phone, room, "mixer_mini").json() == {"mine": "mixer_mini"}
    assert vote(phone, room).json() == {"mine": "vit_mini"}
    state = phone.get("/room/state", headers={"Mixscope-Device": device(1)}).json()
    assert (state["mine"], state["question"]["id"]) == ("vit_mini", room.id_of("one"))
    assert phone.get("/room/state", headers={"Mixscope-Device": device(2)}).json()["mine"] is None
    assert counted(room, "one") == 1


def test_a_vote_on_a_full_disk_is_stored_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = opened(tmp_path / "room.sqlite")
    fill(room)
    with visitor(room) as phone:
        for number in range(400):
            reply = vote(phone, room, number=number)
            assert (reply.status_code, reply.json()) == (200, {"mine": "vit_mini"})
    assert room.is_unwritten
    assert counted(room, "one") == 400


def test_news_comes_when_there_is_some_and_not_before(room: Room) -> None:
    with visitor(room) as phone:
        first = phone.get("/room/state").json()["version"]
        assert phone.get("/room/state", params={"after": first}).status_code == 204
        timer = threading.Timer(0.05, room.open, ["one"])
        timer.start()
        began = time.monotonic()
        news = phone.get("/room/state", params={"after": first})
        timer.join()
        assert news.json()["question"]["phase"] == "open"
        assert time.monotonic() - began < 60  # it came; how fast is the benchmark's matter
        assert (
            phone.get("/room/state", params={"after": "of an earlier start-3"}).status_code == 200
        )


def test_a_bell_wakes_all_who_wait() -> None:
    bell = Bell()

    async def play() -> float:
        waiting = [asyncio.ensure_future(bell.wait(60)) for _ in range(50)]
        await asyncio.sleep(0)
        threading.Thread(target=bell.ring).start()
        began = time.monotonic()
        await asyncio.gather(*waiting)
        return time.monotonic() - began

    assert asyncio.run(play()) < 50
    bell.ring()  # nobody waits, and its loop is closed


def test_the_picture_is_the_present_one(phone: TestClient, room: Room) -> None:
    assert phone.get("/room/picture/x.jpg").status_code == 404
    room.set_picture(b"jpeg one")
    name = phone.get("/room/state").json()["picture"]
    found = phone.get(f"/room/picture/{name}.jpg")
    assert (found.content, found.headers["content-type"]) == (b"jpeg one", "image/jpeg")
    room.set_picture(b"jpeg two")
    assert phone.get(f"/room/picture/{name}.jpg").status_code == 404


def test_below_a_path_everything_lies_below_it(room: Room) -> None:
    room.open("one")
    with visitor(room, base="/app") as phone:
        assert phone.get("/room").status_code == 404
        assert "fetch(path" in phone.get("/app/room").text
        assert phone.get("/app/room/state").json()["on"] is True
        entered = phone.post("/app/lecturer", data={"key": KEY})
        assert entered.headers["location"] == "/app/lecture"
        assert "Path=/app/" in entered.headers["set-cookie"]


# ------------------------------------------------------------ what is not hers


class Endless:
    """A body that counts what is read of it."""

    def __init__(self, size: int) -> None:
        self.size, self.read = size, 0

    def __iter__(self) -> Iterator[bytes]:
        while self.read < self.size:
            self.read += 1024
            yield b" " * 1024


async def posted(room: Room, headers: dict[str, str], size: int) -> tuple[int, bytes, int]:
    """(status, body, bytes that were read) of a vote whose body comes in pieces."""
    read, sent = 0, []
    names = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/room/vote",
        "raw_path": b"/room/vote",
        "query_string": b"",
        "headers": names,
        "client": LAN,
        "server": ("192.168.0.5", 8501),
        "scheme": "http",
        "root_path": "",
    }

    async def receive() -> dict[str, Any]:
        nonlocal read
        read += 1024
        return {"type": "http.request", "body": b" " * 1024, "more_body": read < size}

    async def send(message: Any) -> None:
        sent.append(message)

    await Starlette(routes=Routes(room).all())(scope, receive, send)
    return sent[0]["status"], sent[1]["body"], read


@pytest.mark.parametrize("told", [True, False], ids=["says so", "says nothing"])
def test_ten_megabytes_are_refused_and_not_read(
    room: Room, told: bool, caplog: pytest.LogCaptureFixture
) -> None:
    room.open("one")
    before = everything(room)
    headers = {"content-type": "application/json"}
    if told:
        headers["content-length"] = str(10_000_000)
    status, body, read = asyncio.run(posted(room, headers, 10_000_000))
    assert (status, json.loads(body)) == (413, {"refused": "large"})
    assert read <= (0 if told else MOST_BYTES + 1024)
    assert everything(room) == before
    assert caplog.messages == ["classroom: vote refused (large)"]


GOOD = {"device": device(1), "question": "seminar/one#1", "answer": "vit_mini"}
FORMS = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'"vote"',
    b"{}",
    b"[" * 4000,
    b'{"device":' * 400,
    b"\xff\xfe",
    b'{"device":"x","question":"y"}',
    json.dumps({**GOOD, "more": 1}).encode(),
    b'{"device":"device-000000000001","question":"seminar/one#1","answer":NaN}',
]


@pytest.mark.parametrize("body", FORMS, ids=range(len(FORMS)))
def test_what_is_no_vote_is_refused(
    phone: TestClient, room: Room, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    room.open("one")
    before = everything(room)
    headers = {"Content-Type": "application/json"}
    reply = phone.post("/room/vote", content=body, headers=headers)
    assert (reply.status_code, reply.json()) == (400, {"refused": "form"})
    assert everything(room) == before
    assert caplog.messages == ["classroom: vote refused (form)"]


def test_a_form_of_another_site_is_no_vote(phone: TestClient, room: Room) -> None:
    room.open("one")  # a page elsewhere can send a form without being asked, but no JSON
    headers = {"Content-Type": "text/plain"}
    reply = phone.post("/room/vote", content=json.dumps(GOOD), headers=headers)
    assert (reply.status_code, counted(room, "one")) == (400, 0)
    assert phone.get("/room/vote").status_code == 405


@pytest.mark.parametrize(
    ("change", "status", "why"),
    [
        ({"answer": ["vit_mini"]}, 422, "type"),
        ({"answer": "resnet_mini"}, 422, "range"),
        ({"answer": {"$ne": 1}}, 422, "type"),
        ({"device": "x"}, 422, "device"),
        ({"device": {"a": 1}}, 422, "device"),
        ({"question": "seminar/two#1"}, 409, "question"),
        ({"question": ["seminar/one#1"]}, 409, "question"),
        ({"device": "'; DROP TABLE votes; --"}, 422, "device"),
    ],
)
def test_wrong_types_are_refused_in_one_line_and_change_nothing(
    phone: TestClient,
    room: Room,
    change: dict[str, Any],
    status: int,
    why: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    room.open("one")
    before = everything(room)
    reply = phone.post("/room/vote", json={**GOOD, **change})
    assert (reply.status_code, reply.json()) == (status, {"refused": why})
    assert everything(room) == before
    assert caplog.messages == [f"classroom: vote refused ({why})"]


def test_twice_is_once_and_late_is_never(
    phone: TestClient, room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    room.open("one")
    for _ in range(5):
        vote(phone, room)
    assert counted(room, "one") == 1
    room.reveal("one", RIGHT)
    before = everything(room)
    reply = vote(phone, room, "mixer_mini", number=2)
    assert (reply.status_code, reply.json()) == (409, {"refused": "late"})
    assert everything(room) == before
    assert caplog.messages == ["classroom: vote refused (late)"]


def test_nothing_gives_the_answer_before_it_is_revealed(phone: TestClient, room: Room) -> None:
    room.open("one")
    for number, key in enumerate(("vit_mini", "vit_mini", "mixer_mini")):
        vote(phone, room, key, number)
    addresses_tried = ("/room", "/room/state", "/room/state?after=", "/lecturer", "/room?lang=ko")
    seen = "".join(phone.get(one).text for one in addresses_tried)
    assert "ViT survives" not in seen
    assert '"tally"' not in seen
    room.reveal("one", RIGHT)
    assert "ViT survives" in phone.get("/room/state").text
    assert KEY not in seen + phone.get("/room/state").text
    assert "window" not in phone.get("/room/state").text  # the name of the window that leads


# ------------------------------------------------------------ the lecturer's rights


def test_the_key_gives_a_cookie_and_shows_nothing(phone: TestClient, room: Room) -> None:
    reply = phone.post("/lecturer", data={"key": f" {KEY.upper()} "})
    assert (reply.status_code, reply.headers["location"]) == (303, "/lecture")
    cookie = reply.headers["set-cookie"]
    for part in ("HttpOnly", "SameSite=strict", "Path=/"):
        assert part in cookie
    assert KEY not in cookie + reply.text
    assert room.rights.holds(reply.cookies[room.rights.cookie])


@pytest.mark.parametrize("given", ["", "wrong", KEY[:-1], "x" * 10_000, "\x00", TICKET])
def test_another_key_gives_nothing(
    phone: TestClient, room: Room, given: str, caplog: pytest.LogCaptureFixture
) -> None:
    before = everything(room)
    reply = phone.post("/lecturer", data={"key": given})
    assert reply.status_code == 403
    assert "set-cookie" not in reply.headers
    assert given not in reply.text or not given
    assert everything(room) == before
    assert caplog.messages == ["classroom: lecturer's key refused (wrong)"]


def test_no_link_gives_rights_but_the_ticket_once_on_this_machine(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    link = f"/lecturer?ticket={TICKET}"
    with visitor(room) as phone:  # from the network
        assert "set-cookie" not in phone.get(link).headers
        assert "set-cookie" not in phone.get(f"/lecturer?key={KEY}").headers
    with visitor(room, HERE, address="http://192.168.0.5:8501") as proxied:
        assert "set-cookie" not in proxied.get(link).headers
    with visitor(room, HERE, address="http://127.0.0.1:8501") as own:
        for name in ("X-Forwarded-For", "Forwarded"):
            assert "set-cookie" not in own.get(link, headers={name: "for=1.2.3.4"}).headers
        assert "set-cookie" not in own.get("/lecturer?ticket=other").headers
        opened = own.get(link)
        assert (opened.status_code, opened.headers["location"]) == (303, "/lecture")
        assert room.rights.holds(opened.cookies[room.rights.cookie])
        own.cookies.clear()
        assert "set-cookie" not in own.get(link).headers
    assert len(caplog.messages) == 6
    assert TICKET not in " ".join(caplog.messages)


def test_a_made_up_cookie_is_worth_nothing(room: Room) -> None:
    for made_up in ("", "x", KEY, TICKET, "window", next(iter(room.rights.tokens), "none")):
        assert not room.rights.holds(made_up)


def test_who_leads_is_nobody_elses_to_say(room: Room) -> None:
    assert not room.live.change("participant", step="two", black=True, frozen=False)
    at(room, "two")
    assert room.live.state.step == "two"


# ------------------------------------------------------------ addresses


def test_hosts_of_this_machine_alone() -> None:
    for host in ("127.0.0.1", "127.9.9.9", "localhost", "a.localhost", "::1", "[::1]"):
        assert addresses.is_loopback(host)
    for host in ("", "192.168.0.5", "example.org", "localhost.example.org", "10.0.0.1", "0.0.0.0"):
        assert not addresses.is_loopback(host)


def test_own_addresses_are_looked_at_anew_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = ["192.168.0.5"]
    monkeypatch.setattr(
        addresses.socket, "gethostbyname_ex", lambda _name: ("host", [], ["127.0.1.1", *now])
    )
    assert "192.168.0.5" in addresses.own()
    now[:] = ["10.1.2.3", "169.254.3.4"]
    found = addresses.own()
    assert "10.1.2.3" in found
    assert not {"192.168.0.5", "127.0.1.1", "169.254.3.4"} & set(found)
