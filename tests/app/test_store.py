"""The store of results: bounded, expiring, one computation for many, errors as values."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest

from views.frame import results
from views.frame.results import ResultStore, size_of


def test_a_result_is_computed_once() -> None:
    store, calls = ResultStore(10_000, 60.0), []
    for _ in range(3):
        assert store.get("a", lambda: calls.append(1) or "first") == "first"
    assert len(calls) == 1
    assert store.get("b", lambda: "second") == "second"


def test_many_waiters_share_one_computation() -> None:
    store, calls, started = ResultStore(10_000, 60.0), [], threading.Barrier(8)

    def ask(_: int) -> bytes:
        started.wait(timeout=30)
        return store.get("slow", make)

    def make() -> bytes:
        calls.append(1)
        time.sleep(0.2)
        return b"done"

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == [b"done"] * 8
    assert len(calls) == 1


def test_different_keys_do_not_wait_for_each_other() -> None:
    store, inside = ResultStore(10_000, 60.0), threading.Event()

    def slow() -> str:
        inside.set()
        assert released.wait(timeout=30)
        return "slow"

    released = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(store.get, "slow", slow)
        assert inside.wait(timeout=30)
        assert store.get("quick", lambda: "quick") == "quick"
        assert not waiting.done()
        released.set()
        assert waiting.result(timeout=30) == "slow"


def test_bytes_are_bounded_and_the_least_recently_used_goes_first() -> None:
    store = ResultStore(1_000, 60.0)
    store.get("a", lambda: b"x" * 400)
    store.get("b", lambda: b"x" * 400)
    store.get("a", lambda: b"")  # used again: b is now the oldest
    store.get("c", lambda: b"x" * 400)
    assert store.holds("a")
    assert not store.holds("b")
    assert store.holds("c")


def test_what_is_larger_than_the_store_is_returned_and_not_kept() -> None:
    store = ResultStore(1_000, 60.0)
    store.get("small", lambda: b"x" * 100)
    assert len(store.get("large", lambda: b"x" * 2_000)) == 2_000
    assert not store.holds("large")
    assert store.holds("small")


def test_results_expire() -> None:
    store = ResultStore(1_000, 0.05)
    store.get("a", lambda: b"x")
    assert store.holds("a")
    time.sleep(0.1)
    assert not store.holds("a")


def test_an_error_is_kept_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    store, calls = ResultStore(1_000, 60.0), []

    def fail() -> str:
        calls.append(1)
        raise ValueError("no")

    for _ in range(3):
        with pytest.raises(ValueError, match="no"):
            store.get("a", fail)
    assert len(calls) == 1
    monkeypatch.setattr(results, "ERROR_SECONDS", 0.0)
    assert store.get("a", lambda: "well again") == "well again"


def test_no_lock_stays_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    store = ResultStore(1_000, 60.0)

    def fail() -> str:
        raise ValueError("no")

    for key in ("a", "b", "a"):
        with pytest.raises(ValueError, match="no"):
            store.get(key, fail)
    store.get("c", lambda: b"well")
    store.get("d", lambda: b"x" * 2_000)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: store.get("e", lambda: time.sleep(0.02)), range(8)))
    assert store._locks == {}
    monkeypatch.setattr(results, "ERROR_SECONDS", 0.0)
    store.expire()
    assert store._errors == {}


def test_sizes_count_what_is_inside() -> None:
    array = np.zeros(1_000, dtype=np.float32)
    assert size_of(array) >= 4_000
    assert size_of((array, b"x" * 500)) >= 4_500
    assert size_of({"a": [array, array]}) >= 8_000
    assert size_of("word") < 1_000


def test_what_was_dear_and_is_small_stays_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(results, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    store = ResultStore(1_000, 60.0)

    def make(size: int, seconds: float) -> Callable[[], bytes]:
        def made() -> bytes:
            now[0] += seconds
            return b"x" * size

        return made

    store.get("dear and small", make(100, 2.0))
    store.get("cheap and large", make(500, 0.02))
    store.get("dear and large", make(300, 2.0))
    store.get("new", make(400, 0.02))
    assert not store.holds("cheap and large")  # though the others were there before
    for number in range(40):
        store.get(f"cheap {number}", make(400, 0.02))
    assert store.holds("dear and small")
    for number in range(4_000):
        store.get(f"more {number}", make(400, 0.02))
    assert not store.holds("dear and small")  # nobody has asked for it for long


def test_of_what_is_over_nothing_is_weighed() -> None:
    store = ResultStore(1_000, 0.05)
    store.get("a", lambda: b"x" * 400)
    time.sleep(0.1)
    store.expire()
    assert len(store._worth) == 0
    for name in "bcd":
        store.get(name, lambda: b"x" * 400)
    assert store.nbytes == 800
    store.clear()
    assert len(store._worth) == 0
