"""The room's store: votes of many at once, votes that come late, twice or wrong, and restarts."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vislib.classroom import here, phone
from vislib.classroom import room as room_of
from vislib.classroom.asked import Asked, Measured, RefusedError
from vislib.classroom.rights import Rights, hashed, new_key
from vislib.classroom.room import MOST_DEVICES, Room, Told
from vislib.classroom.tally import BINS, CELLS, tally

ROOT = Path(__file__).resolve().parents[3]
MODELS = Asked(
    kind="models",
    text={"en": "Which survives?", "ko": "무엇이 남습니까?"},
    options=(("mixer_mini", "Mixer"), ("vit_mini", "ViT")),
)
PLACE = Asked(kind="place", text={"en": "Where?"})
NUMBER = Asked(kind="number", text={"en": "How far?"}, limits=(0, 100), unit={"en": "%"})
STEPS = [
    Told(key="one", title={"en": "One", "ko": "하나"}, words={"en": "First."}, asked=MODELS),
    Told(key="two", title={"en": "Two"}, words={"en": "Second."}, asked=PLACE),
    Told(key="three", title={"en": "Three"}, words={"en": "Third."}, asked=NUMBER),
    Told(key="four", title={"en": "Four"}, words={"en": "Fourth."}),
]
RIGHT = Measured(text={"en": "ViT survives."}, options=("vit_mini",))


def device(number: int) -> str:
    return f"device-{number:012d}"


def begun(path: Path | None = None, step: str = "one", **more: Any) -> Room:
    room = Room(path, **more)
    with room.lock:
        room.live.lead("window", "seminar", step)
        room.set_outline(STEPS)
    return room


def at(room: Room, step: str) -> None:
    room.live.change("window", step=step, black=False, frozen=False)


def opened(path: Path | None = None, step: str = "one") -> Room:
    room = begun(path, step)
    room.open(step)
    return room


def why(room: Room, *vote: Any) -> str:
    with pytest.raises(RefusedError) as caught:
        room.vote(*vote)
    return caught.value.why


def counted(room: Room, step: str) -> int:
    found = room.tally(step)
    assert found is not None
    return found.count


# ------------------------------------------------------------ votes


@pytest.mark.parametrize("on_disk", [True, False])
def test_two_hundred_votes_in_the_same_moment_are_all_kept(tmp_path: Path, on_disk: bool) -> None:
    room = opened(tmp_path / "room.sqlite" if on_disk else None)
    ready, asked = threading.Barrier(50), room.id_of("one")

    def send(first: int) -> None:
        ready.wait()
        for number in range(first, first + 4):
            for key in ("mixer_mini", "vit_mini"):  # changed while others write
                room.vote(device(number), asked, key)

    threads = [threading.Thread(target=send, args=(4 * n,)) for n in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = room.tally("one")
    assert found is not None
    assert (found.count, found.options) == (200, (("mixer_mini", 0), ("vit_mini", 200)))
    room.shut()


def test_a_device_has_one_vote_and_may_change_it() -> None:
    room = opened()
    room.vote(device(1), room.id_of("one"), "mixer_mini")
    room.vote(device(1), room.id_of("one"), "vit_mini")
    room.vote(device(2), room.id_of("one"), "vit_mini")
    assert room.mine("one", device(1)) == "vit_mini"
    assert room.mine("one", "../../x") is None
    found = room.tally("one")
    assert found is not None
    assert found.options == (("mixer_mini", 0), ("vit_mini", 2))


def test_a_vote_before_the_opening_or_after_the_closing_is_refused() -> None:
    room = begun()
    asked = room.id_of("one")
    assert why(room, device(1), asked, "vit_mini") == "late"
    room.open("one")
    room.vote(device(1), asked, "vit_mini")
    room.close("one")
    assert why(room, device(1), asked, "mixer_mini") == "late"
    assert why(room, device(2), asked, "mixer_mini") == "late"
    room.reveal("one", RIGHT)
    assert why(room, device(2), asked, "vit_mini") == "late"
    found = room.tally("one")
    assert found is not None
    assert found.options == (("mixer_mini", 0), ("vit_mini", 1))
    room.open("one")  # once more: what was there stays, the answer is hidden again
    room.vote(device(2), asked, "mixer_mini")
    assert counted(room, "one") == 2
    assert room.question("one").measured is None


def test_a_reset_forgets_and_a_vote_of_before_is_none() -> None:
    room = opened()
    before = room.id_of("one")
    room.vote(device(1), before, "vit_mini")
    room.reset("one")
    assert (counted(room, "one"), room.question("one").phase) == (0, "waiting")
    room.open("one")
    assert why(room, device(1), before, "vit_mini") == "question"
    room.vote(device(1), room.id_of("one"), "vit_mini")
    assert counted(room, "one") == 1


def test_a_question_closes_when_the_class_no_longer_sees_it() -> None:
    room = opened()
    asked = room.id_of("one")
    room.live.change("window", step="two", black=False, frozen=True)  # the class still sees it
    room.vote(device(1), asked, "vit_mini")
    at(room, "two")
    assert why(room, device(1), asked, "mixer_mini") == "question"
    at(room, "one")
    assert room.question("one").phase == "closed"
    assert why(room, device(1), asked, "mixer_mini") == "late"


@pytest.mark.parametrize(
    ("step", "raw", "said"),
    [
        ("one", "resnet_mini", "range"),
        ("one", 1, "type"),
        ("one", None, "type"),
        ("one", ["vit_mini"], "type"),
        ("one", {"vit_mini": 1}, "type"),
        ("two", "vit_mini", "type"),
        ("two", [1], "type"),
        ("two", [1, 2, 3], "type"),
        ("two", [1.5, 2], "type"),
        ("two", [True, 2], "type"),
        ("two", [-1, 2], "range"),
        ("two", [0, 1001], "range"),
        ("three", "5", "type"),
        ("three", True, "type"),
        ("three", [5], "type"),
        ("three", float("nan"), "range"),
        ("three", float("inf"), "range"),
        ("three", 10**400, "range"),
        ("three", 100.1, "range"),
    ],
)
def test_an_answer_of_another_kind_is_refused(step: str, raw: Any, said: str) -> None:
    room = opened(step=step)
    assert why(room, device(1), room.id_of(step), raw) == said
    assert counted(room, step) == 0


@pytest.mark.parametrize("name", [None, 7, "", "short", "x" * 65, "with space in it, long"])
def test_a_device_without_a_proper_name_is_refused(name: Any) -> None:
    room = opened()
    assert why(room, name, room.id_of("one"), "vit_mini") == "device"


def test_what_is_not_asked_is_refused() -> None:
    room = opened()
    for asked in ("", None, "seminar/one", "seminar/two#1", "other/one#1", "seminar/one#2"):
        assert why(room, device(1), asked, "vit_mini") == "question"
    at(room, "four")
    assert why(room, device(1), room.id_of("four"), "vit_mini") == "question"
    assert why(Room(), device(1), "/#1", "vit_mini") == "question"


def test_more_devices_than_a_room_has_people_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vislib.classroom.room.MOST_DEVICES", 3)
    room = opened()
    for number in range(3):
        room.vote(device(number), room.id_of("one"), "vit_mini")
    assert why(room, device(4), room.id_of("one"), "vit_mini") == "full"
    room.vote(device(1), room.id_of("one"), "mixer_mini")  # who is in may change it
    assert counted(room, "one") == 3
    assert MOST_DEVICES >= 200


# ------------------------------------------------------------ added up


def test_places_fall_into_the_cell_under_them() -> None:
    found = tally(PLACE, [(0, 0), (999, 0), (1000, 1000), (1000, 1000), (500, 250)])
    assert found.count == 5
    assert (found.cells[0][0], found.cells[0][CELLS - 1], found.cells[-1][-1]) == (1, 1, 2)
    assert found.cells[CELLS // 4][CELLS // 2] == 1  # row from y, column from x
    assert sum(map(sum, found.cells)) == 5


def test_numbers_fall_into_their_bar_and_edges_into_the_upper_one() -> None:
    found = tally(NUMBER, [0.0, 9.99, 10.0, 100.0, 100.0])
    assert found.edges[:2] == (0, 10)
    assert found.bars == (2, 1, *(0,) * (BINS - 3), 2)


@pytest.mark.parametrize(
    ("limits", "edges", "numbers", "bars"),
    [
        ((1, 4), (1, 2, 3, 4, 5), [1, 2, 2.5, 4], (1, 2, 0, 1)),
        ((0, 16), tuple(range(0, 19, 2)), [0, 1, 2, 16], (2, 1, 0, 0, 0, 0, 0, 0, 1)),
        ((1, 256), tuple(range(1, 262, 26)), [26, 27, 256], (1, 1, *(0,) * 7, 1)),
    ],
)
def test_what_is_counted_falls_into_bars_of_whole_numbers(
    limits: tuple[float, float],
    edges: tuple[int, ...],
    numbers: list[float],
    bars: tuple[int, ...],
) -> None:
    found = tally(replace(NUMBER, limits=limits), numbers)
    assert (found.edges, found.bars, found.whole) == (edges, bars, True)
    assert not tally(NUMBER, []).whole


def test_the_table_has_a_line_a_vote_and_no_device() -> None:
    room = opened()
    room.vote(device(1), room.id_of("one"), "vit_mini")
    at(room, "two")
    room.open("two")
    room.vote(device(1), room.id_of("two"), [10, 20])
    at(room, "three")
    room.open("three")
    room.vote(device(1), room.id_of("three"), 7)
    assert room.results() == [
        ["step", "kind", "option", "x", "y", "number"],
        ["one", "models", "vit_mini", "", "", ""],
        ["three", "number", "", "", "", 7.0],
        ["two", "place", "", 10, 20, ""],
    ]


# ------------------------------------------------------------ what phones are told


def test_the_answer_is_told_when_it_is_revealed_and_not_before() -> None:
    room = opened()
    room.vote(device(1), room.id_of("one"), "vit_mini")
    for change in (lambda: None, lambda: room.close("one")):
        change()
        said = json.dumps(phone.told(room, "en"))
        assert "survives." not in said
        assert "answer" not in said
        assert "tally" not in said
    room.reveal("one", RIGHT)
    question = phone.told(room, "en")["question"]
    assert question["answer"]["text"] == "ViT survives."
    assert question["tally"]["options"] == {"mixer_mini": 0, "vit_mini": 1}
    room.open("one")
    assert "answer" not in phone.told(room, "en")["question"]


def test_phones_see_a_question_from_its_opening_on_in_their_language() -> None:
    room = begun()
    assert phone.told(room, "ko")["question"] is None
    room.open("one")
    told = phone.told(room, "ko")
    assert (told["title"], told["question"]["text"]) == ("하나", "무엇이 남습니까?")
    assert told["words"] == "First."  # what is not there in it comes in the first
    assert (told["number"], told["count"]) == (1, 4)


def test_each_change_but_a_vote_wakes_the_phones() -> None:
    room, rung = begun(), []
    room.listen(lambda: rung.append(room.version))
    room.open("one")
    room.vote(device(1), room.id_of("one"), "vit_mini")
    room.close("one")
    at(room, "two")
    room.set_picture(b"jpeg")
    room.set_picture(b"jpeg")
    room.set_outline(STEPS)
    assert len(rung) == len(set(rung)) == 4


def test_a_turn_is_another_windows_and_no_move() -> None:
    room = begun()
    first = room.turn
    at(room, "two")
    room.open("two")
    assert room.turn == first
    room.live.lead("another", "seminar", "two")
    second = room.turn
    room.live.end("another")
    assert len({first, second, room.turn}) == 3


# ------------------------------------------------------------ restarts, and the end

KILLED = """
import os, signal, sys
sys.path.insert(0, {root!r})
from pathlib import Path
from tests.unit.classroom.test_room import at, begun, device
room = begun(Path(sys.argv[1]), key="key")
room.set_picture(b"jpeg")
room.rights.enter("key"); room.admitted()
room.open("one")
for number in range(30):
    room.vote(device(number), room.id_of("one"), "vit_mini" if number % 3 else "mixer_mini")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not hasattr(os, "kill") or os.name == "nt", reason="kills as POSIX does")
def test_a_server_that_is_killed_comes_back_with_the_same_votes(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "room.sqlite"
    code = KILLED.format(root=str(ROOT))
    subprocess.run([sys.executable, "-c", code, str(file)], check=False, timeout=60)
    room = Room(file, key="another key")
    found = room.tally("one")
    assert found is not None
    assert found.options == (("mixer_mini", 10), ("vit_mini", 20))
    assert (room.live.state.leader, room.live.state.step) == ("window", "one")
    assert room.question("one").phase == "open"
    assert room.mine("one", device(3)) == "mixer_mini"
    assert len(room.rights.tokens) == 1
    room.vote(device(3), room.id_of("one"), "vit_mini")  # the same round goes on
    assert counted(room, "one") == 30
    assert room.picture == (room.picture[0], None)  # pictures are never written
    assert b"jpeg" not in b"".join(one.read_bytes() for one in file.parent.iterdir())
    room.shut()


def test_a_revealed_answer_outlasts_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "room.sqlite"
    room = opened(file)
    room.reveal("one", RIGHT)
    said = phone.told(room, "ko")
    room.shut()
    again = Room(file)
    assert phone.told(again, "ko") == said | {"version": again.version, "turn": again.turn}
    assert again.version != room.version  # a phone that missed the restart is told everything
    again.shut()


def test_at_its_end_everything_is_gone(tmp_path: Path) -> None:
    file = tmp_path / "room.sqlite"
    room = opened(file)
    room.vote(device(1), room.id_of("one"), "vit_mini")
    room.set_picture(b"jpeg")
    assert file.exists()
    room.live.end("window")
    assert list(tmp_path.iterdir()) == []
    assert (room.shown, room.picture, room.results()) == (None, ("", None), room.results()[:1])
    room.open("one")
    told = phone.told(room, "en")
    assert (told["on"], told["step"], len(told)) == (False, None, 4)
    assert list(tmp_path.iterdir()) == []
    room.live.lead("window", "seminar", "one")  # the next one begins with nothing
    room.set_outline(STEPS)
    assert counted(room, "one") == 0
    room.shut()


def test_an_old_or_broken_file_begins_nothing(tmp_path: Path) -> None:
    file = tmp_path / "room.sqlite"
    opened(file).shut()
    long_ago = time.time() - 13 * 3600
    for one in tmp_path.iterdir():
        os.utime(one, (long_ago, long_ago))
    assert not Room(file).is_on
    assert list(tmp_path.iterdir()) == []
    file.write_bytes(b"this is no database, but it is long enough to be looked at" * 20)
    assert not Room(file).is_on
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="POSIX rights")
def test_the_file_is_the_users_alone(tmp_path: Path) -> None:
    room = opened(tmp_path / "own" / "room.sqlite")
    assert (tmp_path / "own").stat().st_mode & 0o77 == 0
    assert all(one.stat().st_mode & 0o77 == 0 for one in (tmp_path / "own").iterdir())
    room.shut()


# ------------------------------------------------------------ the disk is full


def fill(room: Room) -> None:
    """The file may not grow any more: SQLite answers as on a full disk."""
    opened = room._file._connection()
    pages = opened.execute("PRAGMA page_count").fetchone()[0]
    opened.execute(f"PRAGMA max_page_count = {pages}")


def votes_until(room: Room, holds: Callable[[], bool]) -> int:
    """Let one phone after the other vote until something is so; how many did."""
    for number in range(2000):
        if holds():
            return number
        room.vote(device(number), room.id_of("one"), "vit_mini")
    raise AssertionError("it never was")


def test_on_a_full_disk_the_lecture_goes_on_in_memory(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room_of, "MOST_DEVICES", 10_000)
    file = tmp_path / "room.sqlite"
    room = opened(file)
    fill(room)
    assert not room.is_unwritten
    sent = votes_until(room, lambda: room.is_unwritten)
    assert sent > 1
    assert counted(room, "one") == sent  # none was lost, the one that met the full disk included
    assert [one for one in caplog.messages if "database or disk is full" in one]
    assert len(caplog.messages) == 1
    room.vote(device(0), room.id_of("one"), "mixer_mini")  # a change of mind is taken, too
    assert room.mine("one", device(0)) == "mixer_mini"
    room.reveal("one", RIGHT)
    at(room, "two")
    assert room.shown is not None
    assert (room.shown.key, room.question("one").phase) == ("two", "revealed")
    assert not room.lock._is_owned()  # type: ignore[attr-defined]
    written = Room(file)  # what had been written is there after a restart
    assert 1 < counted(written, "one") < sent
    written.shut()
    room.live.end("window")
    assert list(tmp_path.iterdir()) == []
    assert not room.is_unwritten  # the next lecture tries the disk again
    room.live.lead("window", "seminar", "one")
    assert file.exists()
    room.shut()


def test_where_the_file_cannot_even_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_anything: object, **_more: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "touch", full)
    room = opened(tmp_path / "room.sqlite")
    assert room.is_unwritten
    room.vote(device(1), room.id_of("one"), "vit_mini")
    assert counted(room, "one") == 1
    room.live.end("window")
    assert not room.is_on


# ------------------------------------------------------------ who may lead


def test_the_key_opens_however_it_is_typed_and_nothing_else_does() -> None:
    key = new_key()
    rights = Rights(key)
    for wrong in ("", " ", key[:-1], key + "x", "ключ", "\ud800", "x" * 10**6):
        assert rights.enter(wrong) is None
    for typed in (key, f" {key.upper()} ", key.replace("-", "")):
        token = rights.enter(typed)
        assert token is not None
        assert rights.holds(token)
        assert token not in rights.tokens  # its hash alone is kept
        assert hashed(token) in rights.tokens
    assert not rights.holds(None)
    assert not rights.holds("")
    assert not rights.holds("guess")
    assert len({new_key() for _ in range(100)}) == 100


def test_a_ticket_opens_once() -> None:
    rights = Rights("key", "ticket")
    assert rights.enter_once("other") is None
    assert rights.holds(rights.enter_once("ticket"))
    assert rights.enter_once("ticket") is None
    assert Rights("key", "").enter_once("") is None


def test_without_a_key_whoever_reaches_the_server_may_lead() -> None:
    assert Rights().holds(None)


def test_a_server_in_a_network_has_a_key_in_any_case(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(here.FOLDER, str(tmp_path))
    for alone, key, needs in ((True, "", False), (False, "", True), (True, "key", True)):
        monkeypatch.setenv(here.KEY, key)
        here.set_room(None)
        room = here.open_room(1234, alone=alone)
        assert room.rights.needs_key is needs
        assert here.room() is room
    here.set_room(None)
    (line,) = caplog.messages
    assert line.startswith("Lecturer's key: ")
    assert list(tmp_path.iterdir()) == []  # nothing is written before a lecture
