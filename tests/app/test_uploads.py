"""Where uploads are kept and how they go, without a page: holder, store, Streamlit's list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from streamlit.proto.Common_pb2 import FileURLs as FileURLsProto
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFile, UploadedFileRec

from views.frame import forgetting, uploads
from views.frame.results import ResultStore
from views.frame.uploads import Uploads
from vislib.schema import DecodedImage, ImageError


@dataclass
class Clock:
    """Seconds that the test moves on."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setattr(uploads, "STORE_MINUTES", 10)
    monkeypatch.setattr(uploads, "SWEEP_SECONDS", 30.0)
    return Clock()


def picture(digest: str = "a" * 64, side: int = 8) -> DecodedImage:
    pixels = np.zeros((side, side, 3), dtype=np.uint8)
    return DecodedImage(pixels=pixels, sha256=digest, name="a.png", source_format="PNG")


def test_a_picture_goes_before_its_time_is_over(clock: Clock) -> None:
    held = Uploads(timer=clock)
    token = held.keep(picture(), "visit")
    clock.now += 8 * 60
    assert held.get(token) is not None
    assert held.sweep() == set()
    clock.now += 60 + 1  # 9 minutes: the next sweeps must still find time
    assert held.get(token) is None
    assert held.sweep() == {"visit"}
    assert (len(held), held.sweep()) == (0, set())


def test_a_visit_is_told_once_even_when_a_later_picture_came_between(clock: Clock) -> None:
    held = Uploads(timer=clock)
    held.keep(picture(), "first")
    clock.now += 60 * 10
    held.keep(picture(), "second")  # makes the holder drop the first by itself
    assert held.sweep() == {"first"}


def test_pictures_are_bounded_in_bytes(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MOST_BYTES", 3 * 8 * 8 * 2)
    held = Uploads(timer=clock)
    first, second = held.keep(picture(), "1"), held.keep(picture(), "2")
    held.get(first)
    held.keep(picture(), "3")
    assert held.get(first) is not None
    assert held.get(second) is None
    assert held.sweep() == {"2"}


@pytest.mark.parametrize("nest", [lambda sha: ("map", sha, 3), lambda sha: (("x", (sha,)), 1)])
def test_results_of_an_upload_go_with_it(nest: Callable[[str], Any], clock: Clock) -> None:
    held = Uploads(timer=clock)
    mine, other = "a" * 64, "b" * 64
    store = ResultStore(10_000, 600, held.end_of, timer=clock)
    held.keep(picture(mine))
    clock.now += 8 * 60
    for sha in (mine, other):
        store.get(nest(sha), lambda: b"computed late")
    assert store.holds(nest(mine))
    clock.now += 60 + 1
    assert not store.holds(nest(mine))
    assert store.holds(nest(other))
    held.sweep()
    store.get(nest(mine), lambda: b"was being computed when the time was over")
    assert not store.holds(nest(mine))
    store.expire()
    assert list(store._results) == [nest(other)]


def test_pictures_and_results_of_a_visit_that_is_over_go_before_their_time(clock: Clock) -> None:
    held = Uploads(timer=clock)
    store = ResultStore(10_000, 600, held.end_of, timer=clock)
    own, shared, others = "a" * 64, "b" * 64, "c" * 64
    over = [held.keep(picture(sha), "over") for sha in (own, shared)]
    there = [held.keep(picture(sha), "there") for sha in (shared, others)]
    nobody = held.keep(picture("d" * 64))
    for sha in (own, shared, others):
        store.get(("map", sha), lambda: b"computed")
    clock.now += 1
    held.leave({"there"})
    store.expire()
    assert [held.get(token) for token in over] == [None, None]
    assert all(held.get(token) is not None for token in (*there, nobody))
    assert set(store._results) == {("map", shared), ("map", others)}
    assert held.sweep() == set()  # nobody is left who had to be told
    store.get(("map", own), lambda: b"was being computed when the visit ended")
    assert not store.holds(("map", own))


def test_files_that_no_script_took_go_too(clock: Clock) -> None:
    manager, seen = MemoryUploadedFileManager("/upload"), {}
    manager.add_file("visit", UploadedFileRec("old", "a.png", "image/png", b"123"))
    forgetting._remove_files(manager, seen, clock())
    clock.now += 8 * 60
    manager.add_file("visit", UploadedFileRec("new", "b.png", "image/png", b"123"))
    forgetting._remove_files(manager, seen, clock())
    assert set(manager.file_storage["visit"]) == {"old", "new"}
    clock.now += 60 + 1
    forgetting._remove_files(manager, seen, clock())
    assert set(manager.file_storage["visit"]) == {"new"}


@dataclass
class Session:
    """A tab, as far as the sweep knows it."""

    _client_state: str = "where it is"
    asked: list[str] = field(default_factory=list)

    def request_rerun(self, state: str) -> None:
        self.asked.append(state)


def test_an_open_tab_runs_again_and_a_closed_one_is_shut_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Runtime:
        """What the sweep asks of Streamlit's."""

        def __init__(self) -> None:
            self.open, self.closed = Session(), []
            self._session_mgr = self._session_storage = self._cache = self

        def get_app_session(self, name: str) -> Session | None:
            return self.open if name == "open" else None

        def close_session(self, name: str) -> None:
            self.closed.append(name)

        def expire(self) -> list[Any]:
            return []

        def list_sessions(self) -> list[Any]:
            return [SimpleNamespace(session=SimpleNamespace(id="open"))]

    found = Runtime()
    monkeypatch.setattr(uploads, "UPLOADS", held := Uploads())
    mine, left = held.keep(picture(), "open"), held.keep(picture(), "closed")
    forgetting._refresh(found, ["open", "closed"])
    assert held.get(mine) is not None
    assert held.get(left) is None
    assert found.open.asked == ["where it is"]
    assert found.closed == ["closed"]


@pytest.mark.parametrize(
    ("address", "secure"),
    [
        ("https://mixscope.example/compare", True),
        ("http://localhost:8501", True),
        ("http://mine.localhost:8501/", True),
        ("http://127.0.0.1:8501/compare", True),
        ("http://127.8.9.1", True),
        ("http://[::1]:8501", True),
        (None, True),
        ("http://192.168.1.7:8501", False),
        ("http://mixscope.example", False),
        ("http://localhost.example:8501", False),
        ("http://[fe80::1]:8501", False),
        ("", False),
    ],
)
def test_the_camera_is_offered_where_a_browser_gives_it(address: str | None, secure: bool) -> None:
    assert uploads.is_secure(address) is secure


def waiting(manager: MemoryUploadedFileManager) -> tuple[int, int]:
    """Files with bytes, and bytes, of all visits."""
    sizes = [len(f.data) for files in manager.file_storage.values() for f in files.values()]
    return sum(size > 0 for size in sizes), sum(sizes)


def test_what_waits_is_bounded_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    manager, free = MemoryUploadedFileManager("/upload"), MemoryUploadedFileManager("/upload")
    monkeypatch.setattr(uploads, "MOST_WAITING_BYTES", 120_000)
    uploads.bound(manager)
    for number in range(60):
        for one in (manager, free):
            one.add_file("visit", record(f"{number}.png", 9_500))
    assert waiting(free) == (60, 570_000)  # as it was: negative control
    assert waiting(manager) == (12, 114_000)
    for number in range(60):
        manager.add_file("other", record(f"{number}.png", 10))
    assert waiting(manager) == (12 + uploads.MOST_WAITING, 114_000 + 10 * uploads.MOST_WAITING)
    files = manager.get_files("visit", [f"{n}.png" for n in range(60)])
    left = [file for file in files if file.type == uploads.LEFT_OUT]
    assert [file.name for file in left] == [f"{n}.png" for n in range(12, 60)]
    manager.remove_file("visit", "0.png")  # what is taken makes room
    manager.add_file("visit", record("late.png", 9_500))
    assert waiting(manager)[1] == 114_000 + 10 * uploads.MOST_WAITING


def record(name: str, size: int, kind: str = "image/png") -> UploadedFileRec:
    return UploadedFileRec(file_id=name, name=name, type=kind, data=bytes(size))


def test_a_file_that_was_left_out_is_named() -> None:
    file = UploadedFile(record("a/cat.png", 0, uploads.LEFT_OUT), FileURLsProto())
    with pytest.raises(ImageError, match=r"^cat.png was left out.*120 MB"):
        uploads.take(file)
