"""One store of results for all visitors: bounded in bytes, expiring, what is worth least out first.

Worth is seconds of computing a byte (GreedyDual-Size, Cao and Irani 1997), counted up from what was
let go last: what was dear and is small stays longer, and goes too once nobody asks for it. Of what
is worth the same, the least recently used goes.

Whoever asks first computes; whoever asks for the same thing meanwhile waits for that one
computation. An error is kept as a value for a few seconds, so that thirty visitors who wait for
the same failing thing do not run it thirty times.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Container, Hashable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from cachetools import TLRUCache

T = TypeVar("T")

ERROR_SECONDS = 5.0
LOOK_SECONDS = 0.25
"""How often who waits for another's computation is asked whether to go on waiting."""
LEAST_SECONDS = 0.01
"""What took less counts as this much: it says more about the machine at that moment."""


@dataclass
class _UnderWay:
    """A key that is computed, or looked up after it was.

    Attributes:
        users: Threads that compute or wait.
        thread: The one that computes.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    users: int = 0
    thread: int = 0


class _Worth:
    """What each result is worth; what is let go was worth least."""

    def __init__(self) -> None:
        self._gone = 0.0
        self._rates: dict[Hashable, float] = {}
        self._worth: dict[Hashable, float] = {}

    def __len__(self) -> int:
        return len(self._worth)

    def came(self, key: Hashable, seconds: float, size: int) -> None:
        """It took so long to compute, and takes so many bytes."""
        self._rates[key] = max(LEAST_SECONDS, seconds) / size
        self.used(key)

    def used(self, key: Hashable) -> None:
        """It was asked for."""
        self._worth.pop(key, None)  # so that the least recently used of equals comes first
        self._worth[key] = self._gone + self._rates[key]

    def least(self) -> Hashable:
        """What is let go now."""
        key = min(self._worth, key=self._worth.__getitem__)
        self._gone = self._worth.pop(key)
        del self._rates[key]
        return key

    def forget(self, key: Hashable) -> None:
        """It is gone."""
        self._rates.pop(key, None)
        self._worth.pop(key, None)

    def keep(self, there: Container[Hashable]) -> None:
        """Forget all others."""
        for key in [key for key in self._rates if key not in there]:
            self.forget(key)


class ResultStore:
    """Key -> result.

    Args:
        max_bytes: Of all results together; a larger single result is returned but not kept.
        seconds: How long a result is kept at most.
        end_of: When a result must be gone at the latest, from its key, on the same clock.
        timer: The clock, in seconds.
    """

    def __init__(
        self,
        max_bytes: int,
        seconds: float,
        end_of: Callable[[Hashable], float] = lambda _key: math.inf,
        *,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._results: TLRUCache[Hashable, Any] = TLRUCache(
            max_bytes,
            ttu=lambda key, _result, now: min(now + seconds, end_of(key)),
            timer=timer,
            getsizeof=size_of,
        )
        self._end_of = end_of
        self._worth = _Worth()
        self._errors: dict[Hashable, tuple[float, Exception]] = {}
        self._locks: dict[Hashable, _UnderWay] = {}
        self._guard = threading.Lock()

    @property
    def nbytes(self) -> int:
        """Of all results that are kept."""
        return int(self._results.currsize)

    def get(
        self,
        key: Hashable,
        make: Callable[[], T],
        wait: Callable[[int], object] = lambda _thread: None,
    ) -> T:
        """The result of ``make()``, computed at most once at a time for each key.

        Args:
            key: Everything that the result depends on.
            make: Computes it.
            wait: Called a few times a second while another thread computes it, with that thread's
                number; what it raises ends the waiting.

        Raises:
            Exception: Whatever ``make`` raised, at this call or a few seconds before.
        """
        with self._guard:
            if key in self._results:
                return self._found(key)
        with self._one_at_a_time(key, wait):
            with self._guard:
                if key in self._results:
                    return self._found(key)
                failed = self._errors.get(key)
            if failed and time.monotonic() - failed[0] < ERROR_SECONDS:
                raise failed[1]
            began = time.perf_counter()
            try:
                result = make()
            except Exception as error:
                with self._guard:
                    self._errors = {key: (time.monotonic(), error)}
                raise
            with self._guard:
                self._keep(key, result, time.perf_counter() - began)
            return result

    def _found(self, key: Hashable) -> Any:
        """A result that is there, which is used once more."""
        self._worth.used(key)
        return self._results[key]

    def _keep(self, key: Hashable, result: Any, seconds: float) -> None:
        """Make room for a result and keep it, unless it is larger than the store or over."""
        size = size_of(result)
        if size > self._results.maxsize:
            return
        for over, _ in self._results.expire():
            self._worth.forget(over)
        while len(self._worth) and self._results.currsize + size > self._results.maxsize:
            with suppress(KeyError):  # its time may just be over
                del self._results[self._worth.least()]
        self._results[key] = result
        if key in self._results:
            self._worth.came(key, seconds, size)

    @contextmanager
    def _one_at_a_time(self, key: Hashable, wait: Callable[[int], object]) -> Iterator[None]:
        """Hold a key's lock; whoever is the last to leave takes it along, after an error too."""
        with self._guard:
            here = self._locks.setdefault(key, _UnderWay())
            here.users += 1
        try:
            while not here.lock.acquire(timeout=LOOK_SECONDS):
                wait(here.thread)
            here.thread = threading.get_ident()
            try:
                yield
            finally:
                here.lock.release()
        finally:
            with self._guard:
                here.users -= 1
                if not here.users:
                    del self._locks[key]

    def expire(self) -> None:
        """Let go what is over: results, and errors, which hold what they were computed from."""
        with self._guard:
            now = self._results.timer()
            for key in [key for key in self._results if self._end_of(key) <= now]:
                del self._results[key]  # its end has come sooner than was known when it was kept
            self._results.expire()
            self._worth.keep(self._results)
            late = time.monotonic() - ERROR_SECONDS
            self._errors = {k: kept for k, kept in self._errors.items() if kept[0] > late}

    def clear(self) -> None:
        """Forget everything."""
        with self._guard:
            self._results.clear()
            self._worth.keep(())
            self._errors.clear()

    def holds(self, key: Hashable) -> bool:
        """Whether the result is there at this moment."""
        with self._guard:
            return key in self._results


def size_of(result: Any) -> int:
    """Bytes of a result: arrays and byte strings as they are, collections by their parts."""
    if isinstance(result, bytes):
        return len(result)
    if isinstance(result, (list, tuple)):
        return 64 + sum(size_of(item) for item in result)
    if isinstance(result, dict):
        return 64 + sum(size_of(item) for item in result.values())
    own = getattr(result, "nbytes", None)
    if isinstance(own, int):
        return own + 256
    fields = getattr(result, "__dataclass_fields__", None)
    if fields:
        return 256 + sum(size_of(getattr(result, name)) for name in fields)
    return 256
