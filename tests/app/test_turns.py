"""Turns at heavy work: fair among visitors, with a place in line; who leaves is dropped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import streamlit as st

from tests.app.conftest import Ask, Open
from views import frame
from views.frame import line as line_of
from views.frame import results, state, turns
from views.frame.line import Line
from views.frame.results import ResultStore
from vislib.texts import text

SECONDS = 30.0


class Left(BaseException):
    """What Streamlit raises when a visitor moves on."""


def until(holds: Callable[[], bool]) -> None:
    """Wait for what another thread does."""
    end = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.002)


class Crowd:
    """Jobs of visitors, each in a thread that stays at work until it is let go.

    Attributes:
        began: Names of the jobs, in the order in which they began.
        told: Name -> the places in line that it was told.
        gone: Names whose job ended without beginning.
        leaving: Names that leave at the next question.
    """

    def __init__(self, line: Line) -> None:
        self.line = line
        self.began: list[str] = []
        self.told: dict[str, list[int]] = {}
        self.gone: list[str] = []
        self.leaving: set[str] = set()
        self.most = 0
        self._ends: dict[str, threading.Event] = {}
        self._ended: set[str] = set()
        self._threads: list[threading.Thread] = []

    def come(self, name: str, **options: Any) -> None:
        """A job comes ("A3": the visitor is its first letter) and begins or waits."""
        self._ends[name], self.told[name] = threading.Event(), []
        before = len(self.line) + len(self.began)
        thread = threading.Thread(target=self._work, args=(name, options), daemon=True)
        self._threads.append(thread)
        thread.start()
        until(lambda: len(self.line) + len(self.began) > before)

    def _work(self, name: str, options: dict[str, Any]) -> None:
        def wait(before: int) -> None:
            self.told[name].append(before)
            if name in self.leaving:
                raise Left

        try:
            with self.line.turn(name[0], wait, **options):
                self.began.append(name)
                self.most = max(self.most, len(self.began) - len(self._ended))
                assert self._ends[name].wait(SECONDS)
                self._ended.add(name)
        except Left:
            self.gone.append(name)

    def end(self, name: str, follow: int = 1) -> None:
        """Let a job end; so many others begin."""
        before = len(self.began)
        self._ends[name].set()
        until(lambda: len(self.began) == before + follow)

    def end_all(self) -> list[str]:
        """Let the jobs end one after the other; the order in which they had begun."""
        while any(thread.is_alive() for thread in self._threads):
            for name in [*self.began]:
                self._ends[name].set()
            time.sleep(0.002)
        return self.began


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those who wait are asked often."""
    monkeypatch.setattr(line_of, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(results, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(turns, "SAY_SECONDS", 0.0)


# ---------------------------------------------------------------- the line


@pytest.mark.usefixtures("quick")
def test_a_visitor_with_ten_jobs_does_not_keep_another_with_one() -> None:
    crowd = Crowd(Line(1))
    crowd.come("H1")
    for number in range(1, 11):
        crowd.come(f"A{number}")
    crowd.come("B1")
    crowd.come("C1")
    crowd.come("B2")
    until(lambda: bool(crowd.told["B2"]))
    last = {name: places[-1] for name, places in crowd.told.items() if places}
    until(lambda: crowd.told["A10"][-1] == 12)
    assert {name: crowd.told[name][-1] for name in ("A1", "B1", "C1", "A2", "B2", "A3")} == {
        "A1": 0,
        "B1": 1,
        "C1": 2,
        "A2": 3,
        "B2": 4,
        "A3": 5,
    }, last
    order = ["H1", "A1", "B1", "C1", "A2", "B2", *(f"A{number}" for number in range(3, 11))]
    assert crowd.end_all() == order


def test_whoever_has_had_turns_comes_after_whoever_has_not() -> None:
    """One job after the other, as a run of the script brings them: nobody is passed for ever."""
    crowd = Crowd(Line(1))
    crowd.come("A1")
    crowd.come("B1")
    crowd.come("A2")
    crowd.end("A1")  # B1 begins
    crowd.come("C1")
    crowd.come("D1")
    crowd.end("B1")
    assert crowd.began == ["A1", "B1", "A2"]  # it has waited for its one turn: new ones follow
    crowd.come("A3")
    crowd.come("E1")
    assert crowd.end_all() == ["A1", "B1", "A2", "C1", "D1", "E1", "A3"]


@pytest.mark.usefixtures("quick")
def test_who_leaves_is_never_begun_and_the_others_move_up() -> None:
    crowd = Crowd(Line(1))
    for name in ("A1", "B1", "C1", "D1"):
        crowd.come(name)
    until(lambda: crowd.told["D1"][-1:] == [2])
    crowd.leaving.add("B1")
    until(lambda: crowd.gone == ["B1"])
    until(lambda: crowd.told["D1"][-1] == 1)
    assert crowd.end_all() == ["A1", "C1", "D1"]
    assert len(crowd.line) == 0
    with crowd.line.turn("B", None) as free:
        assert free  # nothing is left locked


def test_two_are_at_work_and_one_of_them_at_something_long() -> None:
    crowd = Crowd(Line())
    crowd.come("A1", long=True)
    crowd.come("B1", long=True)  # a place is free, but not for that
    assert crowd.began == ["A1"]
    crowd.come("C1")
    crowd.come("D1")
    assert crowd.began == ["A1", "C1"]
    crowd.end("C1")
    assert crowd.began == ["A1", "C1", "D1"]  # it passes the long one, which waits for A1
    crowd.end("A1")
    assert crowd.began[-1] == "B1"
    crowd.end_all()
    assert crowd.most == line_of.AT_ONCE == 2


@pytest.mark.usefixtures("quick")
def test_a_long_job_that_has_to_let_others_pass_is_not_counted_before_them() -> None:
    crowd = Crowd(Line())
    crowd.come("A1", long=True)
    crowd.come("B1")
    crowd.come("C1", long=True)
    crowd.come("D1")
    crowd.come("E1", long=True)
    until(lambda: all(crowd.told[name] for name in ("C1", "D1", "E1")))
    assert [crowd.told[name][-1] for name in ("C1", "D1", "E1")] == [0, 0, 2]
    crowd.end_all()


def test_what_has_been_waited_before_counts() -> None:
    crowd = Crowd(Line(1))
    crowd.come("A1")
    early = crowd.line.now()
    crowd.come("B1")
    crowd.come("C1")
    crowd.come("D1", since=early)
    assert crowd.end_all() == ["A1", "D1", "B1", "C1"]


def test_without_waiting_there_is_a_turn_or_none() -> None:
    line = Line(1)
    with line.turn("A", None) as first:
        with line.turn("B", None) as second:
            assert (first, second, len(line)) == (True, False, 0)
        with line.turn("C", None) as third:
            assert not third  # what had no turn gives none back
    with line.turn("B", None) as later:
        assert later


# ---------------------------------------------------------------- the visitor's side


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, quick: None) -> ResultStore:
    """An empty store, and a line with one place."""
    kept = ResultStore(2**20, 600.0)
    monkeypatch.setattr(state, "_store", lambda: kept)
    monkeypatch.setattr(turns, "LINE", Line(1))
    return kept


@contextmanager
def taken() -> Iterator[None]:
    """All places are taken, by somebody else."""
    done, there = threading.Event(), threading.Semaphore(0)

    def work(number: int) -> None:
        with turns.LINE.turn(("somebody", number), lambda _before: None):
            there.release()
            assert done.wait(SECONDS)

    threads = [
        threading.Thread(target=work, args=(number,)) for number in range(turns.LINE._at_once)
    ]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert there.acquire(timeout=SECONDS)
    try:
        yield
    finally:
        done.set()
        for thread in threads:
            thread.join(SECONDS)


class Visitor(threading.Thread):
    """Remembers something heavy in a thread of its own.

    Attributes:
        ran: Names of those that computed, of all visitors.
        came: What it got, or why not.
    """

    def __init__(self, name: str, key: Hashable, ran: list[str]) -> None:
        super().__init__(name=name, daemon=True)
        self._key, self._ran = key, ran
        self.came: Any = None

    def run(self) -> None:
        def make() -> str:
            with turns.turn():
                self._ran.append(self.name)
                return f"by {self.name}"

        try:
            self.came = frame.remember(self._key, make)
        except Left as error:
            self.came = error


@pytest.fixture
def leaving(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Names of threads whose visitor has left: Streamlit ends their run at the next question."""
    names: set[str] = set()

    def go_on() -> None:
        if threading.current_thread().name in names:
            raise Left

    monkeypatch.setattr(turns, "go_on", go_on)
    return names


@pytest.mark.usefixtures("store")
def test_who_waits_for_anothers_result_shares_it_and_takes_its_place_over(
    leaving: set[str],
) -> None:
    ran: list[str] = []
    with taken():
        first = Visitor("first", "same", ran)
        first.start()
        until(lambda: len(turns.LINE) == 1)
        sharing = [Visitor(f"sharing {number}", "same", ran) for number in range(3)]
        for one in sharing:
            one.start()
        until(lambda: state._store()._locks["same"].users == 4)
        other = Visitor("other", "other", ran)
        other.start()
        until(lambda: len(turns.LINE) == 2)  # the first and the other: those who share are in none
        leaving.add("first")
        until(lambda: not first.is_alive() and len(turns.LINE) == 2)
        assert isinstance(first.came, Left)
    for one in (*sharing, other):
        one.join(SECONDS)
    assert len(ran) == 2
    assert ran[0].startswith("sharing")  # before the other, who came later
    assert {one.came for one in sharing} == {f"by {ran[0]}"}
    assert other.came == "by other"
    assert state._store()._locks == {}


@pytest.mark.usefixtures("store")
def test_who_shares_may_leave_alone(leaving: set[str]) -> None:
    ran: list[str] = []
    with taken():
        first, second = Visitor("first", "same", ran), Visitor("second", "same", ran)
        first.start()
        until(lambda: len(turns.LINE) == 1)
        second.start()
        leaving.add("second")
        second.join(SECONDS)
        assert isinstance(second.came, Left)
    first.join(SECONDS)
    assert (ran, first.came) == (["first"], "by first")


@pytest.mark.usefixtures("store")
def test_what_is_for_later_waits_for_nobody() -> None:
    ran: list[str] = []

    def make() -> str:
        with turns.turn():
            ran.append("made")
            return "made"

    with taken(), frame.ahead():
        frame.remember("later", make)
        raise AssertionError("it was waited for")
    assert not frame.is_remembered("later")
    begins, ends = threading.Event(), threading.Event()

    def slow() -> str:
        begins.set()
        assert ends.wait(SECONDS)
        return "slow"

    computing = threading.Thread(target=lambda: frame.remember("later", slow))
    computing.start()
    assert begins.wait(SECONDS)
    with frame.ahead():
        frame.remember("later", make)  # somebody computes it: nor is that waited for
        raise AssertionError("it was waited for")
    ends.set()
    computing.join(SECONDS)
    with frame.ahead():
        assert frame.remember("later", make) == "slow"
        assert frame.remember("free", make) == "made"  # with a place free, it is done
    assert ran == ["made"]


@pytest.mark.usefixtures("store")
def test_within_a_turn_there_is_no_waiting_for_another() -> None:
    with turns.turn(), turns.turn(long=True):
        assert len(turns.LINE) == 0


def test_the_page_says_the_place_in_line(
    open_page: Open, ask: Ask, store: ResultStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    real = st.delta_generator.DeltaGenerator.spinner

    def noted(self: Any, words: str, **more: Any) -> Any:
        said.append(words)
        return real(self, words, **more)

    monkeypatch.setattr(st.delta_generator.DeltaGenerator, "spinner", noted)
    ready, second = threading.Event(), Visitor("second", "second", [])
    next_one, others = text("en", "busy.line_next"), text("en", "busy.line", count=1)

    def somebody() -> None:
        with taken():
            ready.set()
            until(lambda: next_one in said)
            turns.LINE._waiting[0].since = (99.0, 99)  # as if it had come later than the second
            second.start()
            until(lambda: others in said)

    crowd = threading.Thread(target=somebody)
    crowd.start()
    assert ready.wait(SECONDS)
    seen = ask(open_page("dual_attention", models=["davit_mini"]))
    crowd.join(SECONDS)
    second.join(SECONDS)
    assert not seen.errors
    assert second.came == "by second"
    assert said.index(next_one) < said.index(others)
