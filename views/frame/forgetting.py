"""Emptying what is over, on the server: expired uploads, results, and what Streamlit still holds.

Streamlit 1.67 frees a closed tab's session (its widgets' files, the pictures that it showed, the
functions behind its buttons) only when a later visitor leaves, and an open tab's only when it runs
again. It has no public call for either, so this file uses private names of the pinned
version; tests/browser/test_forgetting.py notices when they change.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, cast

from streamlit import logger, runtime
from streamlit.runtime import RuntimeState

from views.frame import uploads

RUNNING = (RuntimeState.NO_SESSIONS_CONNECTED, RuntimeState.ONE_OR_MORE_SESSIONS_CONNECTED)

_guard = threading.Lock()
_started: list[threading.Thread] = []


def start(*also: Callable[[], object]) -> None:
    """Begin to sweep, and bound what visits may send, once a process.

    Args:
        also: Further things to do at each sweep.
    """
    with _guard:
        if not _started:
            if runtime.exists():
                uploads.bound(cast("Any", runtime.get_instance()).uploaded_file_mgr)
            _started.append(threading.Thread(target=_work, args=(also,), daemon=True))
            _started[0].start()


def _work(also: Iterable[Callable[[], object]]) -> None:
    seen: dict[tuple[str, str], float] = {}
    while True:
        time.sleep(uploads.SWEEP_SECONDS)
        try:
            sweep(seen, also)
        except Exception:  # the thread serves all visitors: it must go on
            logger.get_logger(__name__).exception("sweeping failed")


def sweep(seen: dict[tuple[str, str], float], also: Iterable[Callable[[], object]] = ()) -> None:
    """Empty what is over.

    Args:
        seen: (session, file) -> when the file was first seen in Streamlit's list of uploads, on
            the monotonic clock; changed here.
        also: Further things to do.
    """
    sessions = uploads.UPLOADS.sweep()
    for work in also:
        work()
    found = cast("Any", runtime.get_instance()) if runtime.exists() else None
    if found is None or found.state not in RUNNING:
        return
    _remove_files(found.uploaded_file_mgr, seen, time.monotonic())
    # Sessions belong to the event loop.
    found._async_objs.eventloop.call_soon_threadsafe(_refresh, found, sessions)


def _remove_files(manager: Any, seen: dict[tuple[str, str], float], now: float) -> None:
    """Remove files that came and that no script ever took, once their time is over."""
    there = [
        (session, file) for session, files in [*manager.file_storage.items()] for file in [*files]
    ]
    for name in [name for name in seen if name not in there]:
        del seen[name]
    for name in there:
        if now - seen.setdefault(name, now) >= uploads.kept_seconds():
            manager.remove_file(*name)


def _refresh(found: Any, sessions: Iterable[str]) -> None:
    """Let open tabs run again without their pictures; shut closed ones down, pictures and all."""
    for name in sessions:
        session = found.get_app_session(name)
        if session is None:
            found.close_session(name)
        else:
            session.request_rerun(session._client_state)
    for _, closed in found._session_mgr._session_storage._cache.expire():
        closed.session.shutdown()  # by itself only when Python collects it, and it may be frozen
    uploads.UPLOADS.leave({info.session.id for info in found._session_mgr.list_sessions()})
