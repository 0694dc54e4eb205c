"""One download: ask the hub, fetch the bytes with all that may go wrong, check, show.

huggingface_hub 2.4 keeps nothing of a download that broke off, waits as long as a server asks it to
and cannot be stopped. So the bytes are fetched here, with its metadata call, its HTTP session, its
locks and its cache layout, and with a partial file that the next call goes on from. A file counts
only after its size, its sha256 and its header have been checked; until then nothing points at it.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import filelock
import httpx2
from huggingface_hub import (
    constants,
    get_hf_file_metadata,
    get_session,
    hf_hub_url,
    hf_raise_for_status,
)
from huggingface_hub.file_download import HfFileMetadata
from huggingface_hub.utils import (  # type: ignore[attr-defined]  # public, not marked as such
    WeakFileLock,
    build_hf_headers,
)

from vislib.schema import ModelSpec, WeightsError
from vislib.weights import files
from vislib.weights.hub import cache
from vislib.weights.hub.faults import NoSpaceError, WrongAnswer, explain, wait_after

Progress = Callable[[int, int | None], None]
"""Called with the bytes that are there and how many there will be (None: the hub did not say)."""


class DownloadStoppedError(WeightsError):
    """The download was cancelled; what had come is kept."""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long a download waits and tries again.

    Attributes:
        tries: Attempts in a row that bring no new byte, before it is given up.
        pause: Seconds before the second attempt; each further wait doubles, to ``longest`` at most.
        longest: Seconds.
        longest_asked: A wait that the hub asks for is kept to up to so many seconds.
        timeout: Seconds of silence that count as a fault; None is huggingface_hub's setting
            (HF_HUB_DOWNLOAD_TIMEOUT, 10).
    """

    tries: int = 5
    pause: float = 1.0
    longest: float = 8.0
    longest_asked: float = 60.0
    timeout: float | None = None


PATIENCE = Patience()

_Answer = TypeVar("_Answer")
_NAME = re.compile(r"[0-9A-Za-z][\w.-]*")  # what may become a file's name
_LOOK = 0.2  # seconds between two looks whether a download that waits was cancelled
_HEADROOM = 50_000_000  # bytes of the disk that are left alone


@dataclass(kw_only=True)
class _Job:
    """One call of ``pull``: whom it reports to, and how much has come."""

    spec: ModelSpec
    progress: Progress | None
    cancelled: Callable[[], bool] | None
    kept: int = 0
    total: int | None = None
    came: bool = False  # whether the hub has answered at all

    @property
    def folder(self) -> Path:
        """Its repository's folder in the cache."""
        return cache.folder_of(self.spec)

    def report(self) -> None:
        """Tell how much is there."""
        if self.progress is not None:
            self.progress(self.kept, self.total)

    def look(self) -> None:
        """Stop here if the download was cancelled."""
        if self.cancelled is not None and self.cancelled():
            if not self.kept:
                raise DownloadStoppedError("error.download.stopped_empty", model=self.spec.key)
            raise DownloadStoppedError(
                "error.download.stopped_kept", model=self.spec.key, megabytes=self.kept / 1e6
            )

    def sleep(self, seconds: float) -> None:
        """Wait, and go on looking whether the download was cancelled."""
        end = time.monotonic() + seconds
        while (rest := end - time.monotonic()) > 0:
            self.look()
            time.sleep(min(_LOOK, rest))


def pull(
    spec: ModelSpec,
    *,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Path:
    """Get the published weights of a row into the Hugging Face cache.

    A file that is there and whole is left alone, without any network; a damaged one is replaced.
    A broken download is resumed a few times by itself, and later by the next call.

    Args:
        spec: A registry row.
        progress: Called as bytes come, from the calling thread.
        cancelled: Asked often (while the hub is silent only after the timeout).

    Returns:
        The file in the cache: size, sha256 (where the hub says it) and header are right.

    Raises:
        DownloadStoppedError: ``cancelled`` answered True.
        WeightsError: It could not be had; the message says why, what is kept and what to do.
    """
    there = files.status(spec).path
    if spec.weights == "bundled" or (there is not None and files.fault(there) is None):
        return files.require(spec)
    _leave_telemetry_out()
    job = _Job(spec=spec, progress=progress, cancelled=cancelled, kept=cache.kept(spec))
    try:
        return _pull(job)
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, WrongAnswer) as error:
        raise explain(error, spec, job.kept) from error


def _leave_telemetry_out() -> None:
    """Requests name no other software on this machine, unless the person set it otherwise."""
    if not any(
        os.environ.get(name)
        for name in ("HF_HUB_DISABLE_TELEMETRY", "DISABLE_TELEMETRY", "DO_NOT_TRACK")
    ):
        os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
        constants.HF_HUB_DISABLE_TELEMETRY = True  # read when huggingface_hub was imported


def _pull(job: _Job) -> Path:
    """``pull``, with the faults as they come."""
    source = _insist(job, lambda: _ask(job.spec))
    job.total, job.came = source.size, True
    blob = job.folder / "blobs" / source.etag
    partial = blob.with_name(f"{source.etag}.incomplete")
    with _locked(job, source):
        if not cache.is_right(blob, source):  # else another process has brought it meanwhile
            blob.parent.mkdir(parents=True, exist_ok=True)
            _bring(job, source, partial)
            partial.replace(blob)
        return cache.show(job.folder, source, blob)


def _ask(spec: ModelSpec) -> cache.Source:
    """The hub's word on a file: one HEAD request."""
    url = hf_hub_url(files.repository(spec), files.FILE)
    found: HfFileMetadata = get_hf_file_metadata(url, timeout=_timeout())
    if found.commit_hash is None or found.etag is None:
        raise WrongAnswer("error.download.no_hub")
    if not (_NAME.fullmatch(found.commit_hash) and _NAME.fullmatch(found.etag)):
        raise WrongAnswer("error.download.unknown_name")
    # Pinned to the commit: what is fetched is what was announced. The redirect is followed anew
    # each time, since the addresses that it leads to expire.
    pinned = hf_hub_url(files.repository(spec), files.FILE, revision=found.commit_hash)
    return cache.Source(url=pinned, commit=found.commit_hash, etag=found.etag, size=found.size)


def _timeout() -> float:
    """Seconds of silence that count as a fault."""
    set_here = PATIENCE.timeout
    return float(constants.HF_HUB_DOWNLOAD_TIMEOUT if set_here is None else set_here)


def _insist(job: _Job, attempt: Callable[[], _Answer]) -> _Answer:
    """Call ``attempt`` until it succeeds, with waits, while trying again makes sense."""
    failed, before = 0, job.kept
    while True:
        job.look()
        try:
            return attempt()
        except httpx2.HTTPError as error:
            failed = 1 if job.kept > before else failed + 1
            before = job.kept
            asked = wait_after(error)
            unreachable = isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout)
            tries = PATIENCE.tries if job.came or not unreachable else min(2, PATIENCE.tries)
            if asked is None or asked > PATIENCE.longest_asked or failed >= tries:
                raise
            job.sleep(max(asked, min(PATIENCE.longest, PATIENCE.pause * 2 ** (failed - 1))))


@contextmanager
def _locked(job: _Job, source: cache.Source) -> Iterator[None]:
    """Hold the lock that huggingface_hub itself takes for this file, in whatever process."""
    path = job.folder.parent / ".locks" / job.folder.name / f"{source.etag}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        with ExitStack() as held:
            try:
                held.enter_context(WeakFileLock(path, timeout=_LOOK))
            except filelock.Timeout:
                job.look()
                continue
            yield
            return


def _bring(job: _Job, source: cache.Source, partial: Path) -> None:
    """Fetch the file into ``partial``; what is wrong in the end is deleted."""
    job.kept = partial.stat().st_size if partial.is_file() else 0
    while True:
        resumed = job.kept > 0
        _check_space(job, partial.parent)
        if source.size is None or job.kept < source.size:
            _insist(job, lambda: _transfer(job, source, partial))
        if cache.is_right(partial, source):
            job.report()
            return
        came = cache.wrong(partial, source)
        partial.unlink(missing_ok=True)
        job.kept = 0
        if not resumed:
            raise came
        # What an earlier call had left may have been wrong: once more, from the beginning.


def _check_space(job: _Job, folder: Path) -> None:
    """Refuse to begin what the disk cannot hold."""
    needed = (job.total or 0) - job.kept
    if needed > 0 and shutil.disk_usage(folder).free < needed + _HEADROOM:
        raise NoSpaceError(needed)


def _transfer(job: _Job, source: cache.Source, partial: Path) -> None:
    """One GET request: the bytes that are not there yet, appended to ``partial``."""
    job.kept = partial.stat().st_size if partial.is_file() else 0
    headers = build_hf_headers()
    headers["Accept-Encoding"] = "identity"
    if job.kept:
        headers["Range"] = f"bytes={job.kept}-"
    with get_session().stream("GET", source.url, headers=headers, timeout=_timeout()) as response:
        if response.status_code == 416:  # no bytes after those: what is there is checked next
            return
        hf_raise_for_status(response)
        resumes = response.status_code == 206
        with partial.open("ab" if resumes else "wb") as file:
            job.kept = file.tell() if resumes else 0
            job.report()
            for chunk in response.iter_bytes():
                file.write(chunk)
                job.kept += len(chunk)
                if source.size is not None and job.kept > source.size:
                    return  # too much came: it is something else
                job.report()
                job.look()
            file.flush()
            os.fsync(file.fileno())
    if source.size is not None and job.kept < source.size:
        raise httpx2.RemoteProtocolError("the answer ended early")
