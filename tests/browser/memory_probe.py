"""A look into the process of a running app: what of an upload still lies where.

The test asks by a file in the folder that ``PROBE`` names, and gets a file with the answer. In the
file it says by how many seconds the clock of what is kept goes forward before.
"""

from __future__ import annotations

import functools
import gc
import io
import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from streamlit import runtime

from views.frame import results, state, uploads
from vislib.schema import DecodedImage

PROBE = "MIXSCOPE_PROBE"
MARK = b"a text that only the uploads have"
SHAPE = (97, 131, 3)
"""Of the uploads, and of nothing else that the app draws."""


class Clock:
    """The process's clock, which a test may put forward."""

    ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


CLOCK = Clock()


def everything() -> Iterator[Any]:
    """All objects of the process that Python can name."""
    gc.unfreeze()
    waiting = gc.get_objects()
    seen = {id(thing) for thing in waiting} | {id(waiting)}
    while waiting:
        thing = waiting.pop()
        yield thing
        for inner in gc.get_referents(thing):
            if id(inner) not in seen:
                seen.add(id(inner))
                waiting.append(inner)


def look() -> dict[str, Any]:
    """What lies where."""
    gc.collect()
    found: dict[str, Any] = {"pictures": 0, "arrays": 0, "bytes": 0, "files": 0}
    for thing in everything():
        kind = type(thing)
        if kind is DecodedImage:
            found["pictures"] += thing.pixels.shape == SHAPE
        elif kind is np.ndarray:
            found["arrays"] += thing.shape == SHAPE
        elif kind is bytes:
            found["bytes"] += thing is not MARK and MARK in thing
        elif isinstance(thing, io.BytesIO):
            found["files"] += not thing.closed and MARK in thing.getvalue()
    server: Any = runtime.get_instance()
    records = server.uploaded_file_mgr.file_storage
    digests = tuple(uploads.UPLOADS._ends)
    found["uploader"] = sum(len(files) for files in [*records.values()])
    found["held"] = len(uploads.UPLOADS)
    results = state._store()._results
    found["results"] = sum(any(d in repr(key) for d in digests) for key in [*results])
    found["digests"] = len(digests)
    found["media"] = sorted(server.media_file_mgr._storage._files_by_id)
    found["sessions"] = len(server._session_mgr._session_storage._cache._data)
    return found


def answer(folder: Path) -> None:
    """Look whenever the test asks."""
    while True:
        time.sleep(0.1)
        for question in folder.glob("ask-*"):
            CLOCK.ahead += float(question.read_text(encoding="utf-8"))
            question.unlink()
            part = folder / "part"
            part.write_text(json.dumps(look()), encoding="utf-8")
            part.rename(folder / question.name.replace("ask", "answer"))


def begin() -> None:
    """Look whenever the test asks, and keep what is kept by ``CLOCK``; once a process."""
    if not any(thread.name == PROBE for thread in threading.enumerate()):
        uploads.UPLOADS.__init__(CLOCK)  # type: ignore[misc]
        state.ResultStore = functools.partial(results.ResultStore, timer=CLOCK)  # type: ignore
        folder = Path(os.environ[PROBE])
        threading.Thread(target=answer, args=(folder,), name=PROBE, daemon=True).start()
