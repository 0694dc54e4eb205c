"""The visitors' own pictures: in one place of the server, for a stated time, and nowhere else.

A session holds a token. The bytes that came are taken out of Streamlit's hands as soon as they are
decoded, since Streamlit would keep them until it cleans up after another visitor's closed tab.
"""

from __future__ import annotations

import io
import ipaddress
import math
import threading
import time
import uuid
from collections.abc import Callable, Container, Hashable
from typing import Any, cast
from urllib.parse import urlsplit

from cachetools import TLRUCache
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from views.frame import memory
from vislib.pictures import decoding
from vislib.schema import DecodedImage, ImageError

STORE_MINUTES = 60
"""How long a visitor's picture, and what was computed from it, stays in memory at most."""
SWEEP_SECONDS = 30.0
"""Time between two looks at what is over; a picture goes so early that it is never kept longer."""
LATE_SECONDS = 300.0
"""How long after a picture's end what is still being computed from it is kept out of the store."""
MOST_WAITING = 24
"""Files of one visit that may wait to be read."""
MOST_WAITING_BYTES = 120 * 2**20
"""Their bytes together: twelve of the largest pictures that are accepted."""
LEFT_OUT = "application/x-left-out"
"""The type of a file that was listed without its bytes."""
MOST_BYTES = memory.share(memory.PICTURES, 2**30)
"""Of all visitors' pictures together; beyond it the one that was longest unused goes early."""


def kept_seconds() -> float:
    """How long a picture is handed out: the stated time, less what sweeping takes."""
    return max(0.0, 60 * STORE_MINUTES - 2 * SWEEP_SECONDS)


class Uploads:
    """Token -> picture, for all threads.

    Args:
        timer: The clock, in seconds.
    """

    def __init__(self, timer: Callable[[], float] = time.monotonic) -> None:
        self._timer = timer
        self._kept: TLRUCache[str, DecodedImage] = TLRUCache(
            MOST_BYTES,
            ttu=lambda _token, _picture, now: now + kept_seconds(),
            timer=timer,
            getsizeof=lambda picture: picture.pixels.nbytes,
        )
        self._sessions: dict[str, str] = {}
        self._ends: dict[str, float] = {}
        self._guard = threading.Lock()

    def keep(self, picture: DecodedImage, session: str = "") -> str:
        """Hold a picture for the stated time; its token.

        Args:
            picture: What was uploaded.
            session: The visit it belongs to, by Streamlit's name; empty outside of one.
        """
        token = uuid.uuid4().hex
        with self._guard:
            self._kept[token] = picture
            self._sessions[token] = session
            self._ends[picture.sha256] = self._timer() + kept_seconds()
        return token

    def get(self, token: str | None) -> DecodedImage | None:
        """The picture, None when its time is over or there is no token."""
        with self._guard:
            return self._kept.get(token) if token else None

    def drop(self, token: str) -> None:
        """Let a picture go before its time."""
        with self._guard:
            self._kept.pop(token, None)
            self._sessions.pop(token, None)

    def leave(self, there: Container[str]) -> None:
        """Let go the pictures of visits that are over, and let their results end now.

        Args:
            there: Streamlit's names of the visits that are not.
        """
        with self._guard:
            gone = [token for token, name in self._sessions.items() if name and name not in there]
            left = {self._kept[token].sha256 for token in gone if token in self._kept}
            for token in gone:
                self._kept.pop(token, None)
                del self._sessions[token]
            others = {picture.sha256 for picture in self._kept.values()}
            self._ends.update(dict.fromkeys(left - others, self._timer()))

    def end_of(self, key: Hashable) -> float:
        """When a result must go that names an upload's digest, in seconds of the clock.

        Infinity for what names none.
        """
        named = repr(key)
        with self._guard:
            return min((end for sha, end in self._ends.items() if sha in named), default=math.inf)

    def sweep(self) -> set[str]:
        """Let go what is over; the visits that have lost a picture since the last sweep."""
        with self._guard:
            self._kept.expire()
            lost = [token for token in self._sessions if token not in self._kept]
            since = self._timer() - LATE_SECONDS
            self._ends = {sha: end for sha, end in self._ends.items() if end > since}
            return {self._sessions.pop(token) for token in lost} - {""}

    @property
    def nbytes(self) -> int:
        """Of the pictures that are held."""
        return int(self._kept.currsize)

    def __len__(self) -> int:
        """Pictures that are held."""
        with self._guard:
            return len(self._kept)


UPLOADS = Uploads()
"""The pictures of all visitors of this process."""
memory.counts("pictures", lambda: UPLOADS.nbytes)


def bound(manager: MemoryUploadedFileManager) -> None:
    """Limit what a visit may have waiting in Streamlit's list of uploads, before any is read.

    A file too many is listed without its bytes, so that the page can say which it was. Streamlit
    holds whatever comes, of every size, until a script takes it away.
    """
    add, guard = manager.add_file, threading.Lock()

    def add_file(session_id: str, file: UploadedFileRec) -> None:
        with guard:
            waiting = [len(f.data) for f in manager.file_storage.get(session_id, {}).values()]
            full = sum(waiting) + len(file.data) > MOST_WAITING_BYTES
            if full or sum(size > 0 for size in waiting) >= MOST_WAITING:
                file = file._replace(data=b"", type=LEFT_OUT)
            add(session_id, file)

    manager.add_file = add_file  # type: ignore[method-assign]


def take(file: object) -> tuple[bytes, str] | None:
    """Bytes and name of a file that came through a widget, taken out of Streamlit's memory.

    The widget's value lies in the session and its record in the server's list of uploads; both are
    emptied. None for a file that was taken before, which Streamlit goes on naming.

    Raises:
        ImageError: The file was left out when it came; see ``bound``.
    """
    if not isinstance(file, io.BytesIO):  # Streamlit's mark for a file that is gone
        return None
    came = cast("Any", file)  # Streamlit's UploadedFile
    if came.type == LEFT_OUT:
        raise ImageError(
            "error.picture.left_out",
            name=decoding.clean_name(came.name),
            files=MOST_WAITING,
            megabytes=MOST_WAITING_BYTES // 2**20,
        )
    data, context = came.getvalue(), get_script_run_ctx()
    if len(data) != came.size:
        return None
    came.seek(0)
    came.truncate()  # not closed: Streamlit copies the values of widgets
    if context is not None:
        cast("Any", context.uploaded_file_mgr).remove_file(context.session_id, came.file_id)
    return data, came.name


def keep(data: bytes, name: str) -> str:
    """Decode an upload and hold it for this visit; its token.

    Raises:
        ImageError: It is no picture that can be used; the message is for the visitor.
    """
    context = get_script_run_ctx()
    session = context.session_id if context is not None else ""
    return UPLOADS.keep(decoding.decode(data, name=name), session)


def is_secure(address: str | None) -> bool:
    """Whether a browser calls a page secure, and so gives it the camera.

    https://www.w3.org/TR/secure-contexts/, section 3.1: https, or a name of the machine itself.

    Args:
        address: Of the page as the browser says it (``st.context.url``), behind a proxy too; None
            where there is no browser, which counts as secure.
    """
    if address is None:
        return True
    parts = urlsplit(address)
    host = parts.hostname or ""
    if parts.scheme == "https" or host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
