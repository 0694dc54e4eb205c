"""One store of results for all visitors: bounded in bytes, least recently used out first, expiring.

Whoever asks first computes; whoever asks for the same thing meanwhile waits for that one
computation. An error is kept as a value for a few seconds, so that thirty visitors who wait for
the same failing thing do not run it thirty times.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from cachetools import TLRUCache

T = TypeVar("T")

ERROR_SECONDS = 5.0


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
        self._errors: dict[Hashable, tuple[float, Exception]] = {}
        self._locks: dict[Hashable, tuple[threading.Lock, int]] = {}
        self._guard = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The result of ``make()``, computed at most once at a time for each key.

        Raises:
            Exception: Whatever ``make`` raised, at this call or a few seconds before.
        """
        with self._guard:
            if key in self._results:
                kept: T = self._results[key]
                return kept
        with self._one_at_a_time(key):
            with self._guard:
                if key in self._results:
                    waited: T = self._results[key]
                    return waited
                failed = self._errors.get(key)
            if failed and time.monotonic() - failed[0] < ERROR_SECONDS:
                raise failed[1]
            try:
                result = make()
            except Exception as error:
                with self._guard:
                    self._errors = {key: (time.monotonic(), error)}
                raise
            with self._guard:
                if size_of(result) <= self._results.maxsize:
                    self._results[key] = result
            return result

    @contextmanager
    def _one_at_a_time(self, key: Hashable) -> Iterator[None]:
        """Hold a key's lock; whoever is the last to leave takes it along, after an error too."""
        with self._guard:
            lock, users = self._locks.get(key) or (threading.Lock(), 0)
            self._locks[key] = (lock, users + 1)
        try:
            with lock:
                yield
        finally:
            with self._guard:
                users = self._locks.pop(key)[1] - 1
                if users:
                    self._locks[key] = (lock, users)

    def expire(self) -> None:
        """Let go what is over: results, and errors, which hold what they were computed from."""
        with self._guard:
            self._results.expire()
            late = time.monotonic() - ERROR_SECONDS
            self._errors = {k: kept for k, kept in self._errors.items() if kept[0] > late}

    def clear(self) -> None:
        """Forget everything."""
        with self._guard:
            self._results.clear()
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
