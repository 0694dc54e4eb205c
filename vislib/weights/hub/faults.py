"""What went wrong with a download, in words: what came, what it means, what to do, what is kept."""

from __future__ import annotations

import errno
import math
import os
import socket
import ssl
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx2
from huggingface_hub import constants
from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled
from huggingface_hub.utils import parse_ratelimit_headers  # type: ignore[attr-defined]

from vislib.schema import MixScopeError, ModelSpec, WeightsError
from vislib.texts import Message

_PASSING = frozenset({408, 429, 500, 502, 503, 504})
"""Answers after which trying again makes sense."""

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


class WrongAnswer(MixScopeError):  # noqa: N818  never leaves vislib.weights.hub
    """Something came that is not the file; the message says what."""


class NoSpaceError(OSError):
    """The disk cannot hold what is to come; never leaves vislib.weights.hub.

    Attributes:
        needed: Bytes.
    """

    def __init__(self, needed: int) -> None:
        super().__init__(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.needed = needed


def wait_after(error: Exception) -> float | None:
    """Seconds that the hub asks to wait before the next attempt, 0 if it says nothing.

    None when trying again would not help.
    """
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        return _asked(error.response) if status in _PASSING else None
    final = isinstance(error, httpx2.ProxyError | httpx2.UnsupportedProtocol)
    if final or _cause(error, ssl.SSLCertVerificationError) is not None:
        return None
    return 0.0 if isinstance(error, httpx2.TransportError) else None


def _asked(response: httpx2.Response) -> float:
    """Seconds of Retry-After (a number or a date) or of the hub's rate limit; 0 without either."""
    limit = parse_ratelimit_headers(response.headers)
    if response.status_code == 429 and limit is not None and limit.remaining == 0:
        return float(limit.reset_in_seconds)
    text = response.headers.get("Retry-After", "").strip()
    if text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _cause(error: BaseException, kind: type[BaseException]) -> BaseException | None:
    """The first error of a kind among those that led to ``error``."""
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, kind):
        seen = seen.__cause__ or seen.__context__
    return seen


def explain(error: Exception, spec: ModelSpec, kept: int) -> WeightsError:
    """The error for a person.

    Args:
        error: What ``vislib.weights.hub`` met.
        spec: The row that was asked for.
        kept: Bytes that are kept for the next call.
    """
    why = _what(error)
    if not kept or isinstance(error, WrongAnswer):
        return WeightsError("error.download.failed", model=spec.key, why=why)
    return WeightsError("error.download.failed_kept", model=spec.key, why=why, megabytes=kept / 1e6)


def _what(error: Exception) -> Message:
    """What came and what to do."""
    host = urlsplit(constants.ENDPOINT).netloc or constants.ENDPOINT
    if isinstance(error, HfHubHTTPError):
        return _of_status(error.response, host)
    if isinstance(error, OfflineModeIsEnabled):
        return Message("error.download.offline")
    if isinstance(error, httpx2.TooManyRedirects):
        error = WrongAnswer("error.download.circle")
    if isinstance(error, WrongAnswer):
        return Message("error.download.wrong_answer", answer=error, host=host)
    if isinstance(error, httpx2.InvalidURL | httpx2.UnsupportedProtocol):
        return Message("error.download.no_address")
    if isinstance(error, httpx2.HTTPError):
        return _of_connection(error, host)
    return _of_disk(error)


def _of_status(response: httpx2.Response, host: str) -> Message:
    """An answer that is no file."""
    status = response.status_code
    if status in (401, 403):
        return Message("error.download.no_access", host=host, status=status)
    if status == 404:
        return Message("error.download.moved", host=host)
    if status == 429:
        minutes = math.ceil(_asked(response) / 60)
        if minutes > 1:
            return Message("error.download.too_many", host=host, minutes=minutes)
        return Message("error.download.too_many_a_minute", host=host)
    if status >= 500:
        return Message("error.download.hub_fault", host=host, status=status)
    return Message("error.download.odd_status", host=host, status=status)


def _of_connection(error: httpx2.HTTPError, host: str) -> Message:
    """No answer, or one that broke off."""
    if isinstance(error, httpx2.ProxyError):
        return Message("error.download.proxy")
    if _cause(error, ssl.SSLCertVerificationError) is not None:
        return Message("error.download.certificate", host=host)
    proxy = _proxy()
    if proxy and isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
        return Message("error.download.proxy_silent", proxy=proxy)
    if _cause(error, socket.gaierror) is not None:
        return Message("error.download.no_network", host=host)
    if isinstance(error, httpx2.TimeoutException):
        return Message("error.download.silent", host=host)
    if isinstance(error, httpx2.ConnectError):
        return Message("error.download.unreachable", host=host)
    return Message("error.download.broke_off", host=host)


def _proxy() -> str:
    """Host and port of the proxy that leads to the hub, without a password; empty without one."""
    hub = urlsplit(constants.ENDPOINT)
    known = getproxies()
    found = known.get(hub.scheme) or known.get("all") or ""
    if not found or proxy_bypass(hub.hostname or ""):
        return ""
    return urlsplit(found if "://" in found else f"http://{found}").netloc.rpartition("@")[2]


def _of_disk(error: Exception) -> Message:
    """The cache's folder does not take it."""
    if isinstance(error, NoSpaceError):
        return Message("error.download.disk_too_small", megabytes=error.needed / 1e6)
    code = error.errno if isinstance(error, OSError) else None
    if code in _FULL:
        return Message("error.download.disk_full")
    if code in _FORBIDDEN:
        return Message("error.download.read_only")
    reason = error.strerror if isinstance(error, OSError) else None
    return Message("error.download.cache", reason=reason or type(error).__name__)
