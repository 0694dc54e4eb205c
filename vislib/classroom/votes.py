"""Where a lecture's votes lie: one SQLite file, gone with the lecture.

A vote is one row a question and device, so that two cannot be. What was written survives a server
that is killed. Where the disk takes no more, all goes on in memory.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sqlite3
import time
from pathlib import Path
from typing import Any

from vislib.classroom.asked import Answer

OLD_SECONDS = 12 * 3600.0
"""A lecture that nobody touched for so long is over."""
_log = logging.getLogger("mixscope.classroom")
_TABLES = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS votes (
    step TEXT NOT NULL, device TEXT NOT NULL, answer TEXT NOT NULL, PRIMARY KEY (step, device)
) WITHOUT ROWID;
"""


class VoteFile:
    """The file; its owner sees to it that one thread at a time is in it.

    Args:
        path: Where; None for memory alone. It is made with the first thing that is written.

    Attributes:
        fault: Why the disk takes no more, in its own words; empty where it does. What comes then is
            kept in memory until ``remove``.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._open: sqlite3.Connection | None = None
        self.fault = ""
        if path is not None and path.exists():
            try:
                old = time.time() - max(one.stat().st_mtime for one in self._files()) > OLD_SECONDS
                if not old:
                    self._connection().execute("SELECT count(*) FROM votes").fetchone()
            except (OSError, sqlite3.DatabaseError):
                old = True
            if old:
                self.remove()

    def _files(self) -> list[Path]:
        """The file and those that SQLite keeps beside it."""
        if self._path is None:
            return []
        names = [self._path.name + end for end in ("", "-wal", "-shm")]
        return [file for name in names if (file := self._path.with_name(name)).exists()]

    def _connection(self) -> sqlite3.Connection:
        if self._open is None:
            if self._path is not None:
                self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._path.touch(mode=0o600)
            # Its owner's lock sees to the threads; each statement is a transaction.
            self._open = sqlite3.connect(
                self._path or ":memory:", check_same_thread=False, isolation_level=None
            )
            self._open.execute("PRAGMA journal_mode = WAL")
            self._open.execute("PRAGMA synchronous = NORMAL")
            self._open.executescript(_TABLES)
        return self._open

    def _write(self, statement: str, values: list[str]) -> None:
        """Change something; in memory from now on, if the disk does not take it."""
        try:
            self._connection().execute(statement, values)
        except (sqlite3.OperationalError, OSError) as error:
            if self.fault or self._path is None:
                raise
            self._leave_the_disk(error)
            self._connection().execute(statement, values)

    def _leave_the_disk(self, error: Exception) -> None:
        """Take along what can be read, and let go of the file."""
        self.fault = str(error)
        _log.warning(
            "classroom: the disk takes no more (%s): the lecture goes on in memory", self.fault
        )
        memory = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        if self._open is not None:
            with contextlib.suppress(sqlite3.Error):
                self._open.backup(memory)
            with contextlib.suppress(sqlite3.Error):
                self._open.close()
        memory.executescript(_TABLES)
        self._open = memory

    @property
    def _is_there(self) -> bool:
        return self._open is not None or bool(self._files())

    def fact(self, name: str) -> Any:
        """What was noted under a name; None where nothing was."""
        if not self._is_there:
            return None
        found = self._connection().execute("SELECT value FROM facts WHERE name = ?", [name])
        row = found.fetchone()
        return json.loads(row[0]) if row else None

    def note(self, name: str, value: Any) -> None:
        """Write something down that JSON can hold."""
        written = json.dumps(value)
        self._write("INSERT OR REPLACE INTO facts VALUES (?, ?)", [name, written])

    def put(self, step: str, device: str, answer: Answer) -> None:
        """Store a vote in place of the one that this device had."""
        values = [step, device, json.dumps(answer)]
        self._write("INSERT OR REPLACE INTO votes VALUES (?, ?, ?)", values)

    def of_device(self, step: str, device: str) -> Answer | None:
        """A device's own vote."""
        if not self._is_there:
            return None
        asked = "SELECT answer FROM votes WHERE step = ? AND device = ?"
        row = self._connection().execute(asked, [step, device]).fetchone()
        return _answer(row[0]) if row else None

    def count(self, step: str) -> int:
        """How many devices have voted."""
        if not self._is_there:
            return 0
        asked = "SELECT count(*) FROM votes WHERE step = ?"
        return int(self._connection().execute(asked, [step]).fetchone()[0])

    def of_step(self, step: str) -> list[Answer]:
        """All votes of a question."""
        if not self._is_there:
            return []
        asked = "SELECT answer FROM votes WHERE step = ? ORDER BY device"
        return [_answer(row[0]) for row in self._connection().execute(asked, [step])]

    def drop(self, step: str) -> None:
        """Forget the votes of a question."""
        if self._is_there:
            self._write("DELETE FROM votes WHERE step = ?", [step])

    def close(self) -> None:
        """Let go of the file, and leave it."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def remove(self) -> None:
        """Everything is gone, and the next thing is written to the disk again."""
        self.close()
        self.fault = ""
        for file in self._files():
            with contextlib.suppress(FileNotFoundError):
                file.unlink()


def _answer(written: str) -> Answer:
    found = json.loads(written)
    return (found[0], found[1]) if isinstance(found, list) else found
