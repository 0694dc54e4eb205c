"""This server's one room."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path

from vislib.classroom.rights import new_key
from vislib.classroom.room import Room

FOLDER = "MIXSCOPE_ROOM"
"""Environment variable: the folder of the file; without it ``.mixscope`` in the user's home."""
KEY = "MIXSCOPE_LECTURER_KEY"
TICKET = "MIXSCOPE_LECTURER_TICKET"
"""Environment variables: what start.py --room printed."""
_guard = threading.Lock()
_rooms: list[Room] = []


def room() -> Room:
    """The room; in memory alone where no server has opened one (a test, a notebook)."""
    with _guard:
        if not _rooms:
            _rooms.append(Room())
        return _rooms[0]


def open_room(port: int, *, alone: bool) -> Room:
    """Open the server's room once, with its file, and find the lecture that goes on there.

    Args:
        port: The server's: each server of a user has a file of its own.
        alone: Whether only this machine reaches the server; then nobody is asked for a key,
            unless there is one.
    """
    with _guard:
        if not _rooms:
            key = os.environ.get(KEY, "")
            if not key and not alone:
                key = new_key()
                logging.getLogger("mixscope.classroom").warning("Lecturer's key: %s", key)
            folder = Path(os.environ.get(FOLDER) or Path.home() / ".mixscope")
            path = folder / f"room-{port}.sqlite"
            ticket, cookie = os.environ.get(TICKET, ""), f"mixscope_lecturer_{port}"
            _rooms.append(Room(path, key=key, ticket=ticket, cookie=cookie))
        return _rooms[0]


def set_room(new: Room | None) -> None:
    """Put another room in its place, or none (a test's)."""
    with _guard:
        _rooms[:] = [] if new is None else [new]
