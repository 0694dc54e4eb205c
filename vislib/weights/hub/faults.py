"""What went wrong with a download, in words: what came, what it means, what to do, what is kept."""

from __future__ import annotations

import errno
import math
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

from vislib.schema import ModelSpec
from vislib.texts import Message

_PASSING = frozenset({408, 429, 500, 502, 503, 504})
"""Answers after which trying again makes sense."""

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


class WrongAnswer(Exception):  # noqa: N818  never leaves vislib.weights.hub
    """Something came that is not the file; the message says what."""


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


def explain(error: Exception, spec: ModelSpec, kept: int) -> str:
    """The message for a person.

    Args:
        error: What ``vislib.weights.hub`` met.
        spec: The row that was asked for.
        kept: Bytes that are kept for the next call.
    """
    goes_on = f" {kept / 1e6:.1f} MB are kept, the next call goes on from there."
    if not kept or isinstance(error, WrongAnswer):
        goes_on = ""
    return f"{spec.key} could not be downloaded: {_what(error)}{goes_on}"


def _what(error: Exception) -> str:
    """What came and what to do."""
    host = urlsplit(constants.ENDPOINT).netloc or constants.ENDPOINT
    if isinstance(error, HfHubHTTPError):
        return _of_status(error.response, host)
    if isinstance(error, OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE is set, which forbids downloads. Unset it and start again."
    if isinstance(error, httpx2.TooManyRedirects):
        error = WrongAnswer("one address leads to the next, and none to the file")
    if isinstance(error, WrongAnswer):
        return (
            f"{error}. Nothing of it is kept. A login page of the network or a proxy may answer "
            f"for {host}: open a web page in a browser, then try again."
        )
    if isinstance(error, httpx2.InvalidURL | httpx2.UnsupportedProtocol):
        return "HF_ENDPOINT is no address of a hub. Unset it, or write it as https://name."
    if isinstance(error, httpx2.HTTPError):
        return _of_connection(error, host)
    return _of_disk(error)


def _of_status(response: httpx2.Response, host: str) -> str:
    """An answer that is no file."""
    status = response.status_code
    if status in (401, 403):
        return (
            f"{host} gives no access to it (answer {status}): it needs an account with its terms "
            "accepted, or is not public any more. With an account: hf auth login."
        )
    if status == 404:
        return f"{host} does not have it (answer 404): it was moved. Get a newer MixScope."
    if status == 429:
        minutes = math.ceil(_asked(response) / 60)
        when = f"in {minutes} minutes" if minutes > 1 else "in a minute"
        return f"{host} counts too many requests from this network (answer 429). Try again {when}."
    if status >= 500:
        return f"{host} has a fault of its own (answer {status}). Try again in a few minutes."
    return f"{host} gave the answer {status}. Check HF_ENDPOINT and the network, then try again."


def _of_connection(error: httpx2.HTTPError, host: str) -> str:
    """No answer, or one that broke off."""
    if isinstance(error, httpx2.ProxyError):
        return "the proxy refused. Check HTTPS_PROXY, then try again."
    if _cause(error, ssl.SSLCertVerificationError) is not None:
        return (
            f"the certificate of {host} is not trusted. A network that reads along needs its own "
            "certificate in SSL_CERT_FILE; or use another network."
        )
    proxy = _proxy()
    if proxy and isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
        return str(Message("error.download.proxy_silent", proxy=proxy))
    if _cause(error, socket.gaierror) is not None:
        return f"there is no {host} to be found: this machine is offline. Connect it and try again."
    if isinstance(error, httpx2.TimeoutException):
        return (
            f"{host} was silent for too long. Try again on a faster network, or wait longer for "
            "each answer: HF_HUB_DOWNLOAD_TIMEOUT=60 (seconds)."
        )
    if isinstance(error, httpx2.ConnectError):
        return (
            f"{host} cannot be reached. Check the network, a firewall, and HF_ENDPOINT if it is "
            "set; then try again."
        )
    return f"the connection to {host} broke off again and again. Try again later."


def _proxy() -> str:
    """Host and port of the proxy that leads to the hub, without a password; empty without one."""
    hub = urlsplit(constants.ENDPOINT)
    known = getproxies()
    found = known.get(hub.scheme) or known.get("all") or ""
    if not found or proxy_bypass(hub.hostname or ""):
        return ""
    return urlsplit(found if "://" in found else f"http://{found}").netloc.rpartition("@")[2]


def _of_disk(error: Exception) -> str:
    """The cache's folder does not take it."""
    code = error.errno if isinstance(error, OSError) else None
    if code in _FULL:
        asked = f" ({error.args[1]})" if "needed" in str(error) else ""
        return f"the disk is full{asked}. Make room, or set HF_HUB_CACHE to another disk's folder."
    if code in _FORBIDDEN:
        return "the cache cannot be written to. Set HF_HUB_CACHE to a folder that can."
    reason = error.strerror if isinstance(error, OSError) else None
    return f"the cache does not take it ({reason or type(error).__name__}). Check HF_HUB_CACHE."
