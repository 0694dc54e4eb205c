"""Downloads in the background, for a page: one at a time, shared by all visitors."""

from __future__ import annotations

import dataclasses
import functools
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from vislib import registry
from vislib.schema import MixScopeError, ModelSpec, WeightsError
from vislib.texts import Message
from vislib.weights.hub import DownloadStoppedError, pull

Status = Literal["queued", "running", "done", "failed", "cancelled"]

RATE_SECONDS = 5.0
"""The rate is that of the last seconds."""


class Pull(Protocol):
    """What gets a model: ``hub.pull``."""

    def __call__(
        self,
        spec: ModelSpec,
        *,
        progress: Callable[[int, int | None], None],
        cancelled: Callable[[], bool],
    ) -> Path:
        """Get the weights of a row."""
        ...


@dataclass(frozen=True, kw_only=True)
class DownloadState:
    """How far a download is.

    Attributes:
        key: Registry key.
        status: "queued", "running", "done", "failed" or "cancelled".
        done: Bytes that are there, those of earlier attempts included.
        total: Bytes that there will be, None while the hub has not said it.
        rate: Bytes per second over the last seconds; 0 when it is not running.
        message: What to tell a person when it failed or was cancelled, else None.
    """

    key: str
    status: Status
    done: int = 0
    total: int | None = None
    rate: float = 0.0
    message: Message | None = None

    @property
    def active(self) -> bool:
        """Whether it is queued or running."""
        return self.status in ("queued", "running")


@dataclass(kw_only=True, eq=False)
class _Job:
    """One order: its state, and whether it is to stop."""

    spec: ModelSpec
    state: DownloadState
    stop: threading.Event = field(default_factory=threading.Event)
    seen: deque[tuple[float, int]] = field(default_factory=deque)  # (seconds, bytes), for the rate


class Downloads:
    """The downloads of a process. Every method may be called from any thread at any time.

    A daemon thread fetches one model after the other: two at once would share one line.
    """

    def __init__(self, pull: Pull = pull) -> None:
        self._pull = pull
        self._lock = threading.Lock()
        self._jobs: dict[str, _Job] = {}
        self._queue: deque[_Job] = deque()
        self._worker: threading.Thread | None = None

    def start(self, key: str) -> DownloadState:
        """Order a model; nothing happens where it is ordered already.

        Raises:
            ModelError: No such model.
            WeightsError: It is a bundled model, which no hub has.
        """
        spec = registry.spec(key)
        if spec.weights == "bundled":
            raise WeightsError("error.download.bundled", model=key)
        with self._lock:
            known = self._jobs.get(key)
            if known is not None and known.state.active:
                return known.state
            job = _Job(spec=spec, state=DownloadState(key=key, status="queued"))
            self._jobs[key] = job
            self._queue.append(job)
            if self._worker is None:
                self._worker = threading.Thread(target=self._work, name="downloads", daemon=True)
                self._worker.start()
            return job.state

    def cancel(self, key: str) -> None:
        """Stop a download; what has come is kept for the next start. Others are left alone."""
        with self._lock:
            job = self._jobs.get(key)
            if job is None or not job.state.active:
                return
            job.stop.set()
            if job in self._queue:
                self._queue.remove(job)
            message = Message("error.download.stopped", model=key)
            self._change(job, status="cancelled", rate=0.0, message=message)

    def state(self, key: str) -> DownloadState | None:
        """How far a model's latest download is; None when it was never ordered."""
        with self._lock:
            job = self._jobs.get(key)
            return None if job is None else _shown(job)

    def states(self) -> tuple[DownloadState, ...]:
        """All downloads of this process, in the order in which the models were first ordered."""
        with self._lock:
            return tuple(_shown(job) for job in self._jobs.values())

    def _work(self) -> None:
        """Fetch what is queued, then end."""
        while True:
            with self._lock:
                if not self._queue:
                    self._worker = None
                    return
                job = self._queue.popleft()
                self._change(job, status="running")
            end: Status = "done"
            message: Message | None = None
            try:
                self._pull(
                    job.spec,
                    progress=functools.partial(self._progress, job),
                    cancelled=job.stop.is_set,
                )
            except DownloadStoppedError as stopped:
                end, message = "cancelled", stopped.message
            except MixScopeError as error:
                end, message = "failed", error.message
            except Exception as error:  # the thread serves all visitors: it must go on
                end = "failed"
                message = Message(
                    "error.download.failed_kind", model=job.spec.key, kind=type(error).__name__
                )
            with self._lock:
                self._change(job, status=end, rate=0.0, message=message)

    def _progress(self, job: _Job, done: int, total: int | None) -> None:
        """Note how much has come, and how fast."""
        now = time.monotonic()
        with self._lock:
            if job.seen and done < job.seen[-1][1]:  # it began again
                job.seen.clear()
            job.seen.append((now, done))
            while len(job.seen) > 2 and now - job.seen[1][0] > RATE_SECONDS:
                job.seen.popleft()
            since, before = job.seen[0]
            rate = (done - before) / (now - since) if now > since else 0.0
            running = job.state.status == "running"  # else it was cancelled a moment ago
            self._change(job, done=done, total=total, rate=rate if running else 0.0)

    def _change(self, job: _Job, **changes: object) -> None:
        """Replace a job's state (the lock is held)."""
        job.state = dataclasses.replace(job.state, **changes)  # type: ignore[arg-type]


def _shown(job: _Job) -> DownloadState:
    """A job's state as of now: bytes that stopped coming have no rate."""
    silent = bool(job.seen) and time.monotonic() - job.seen[-1][0] > RATE_SECONDS
    return dataclasses.replace(job.state, rate=0.0) if silent else job.state
