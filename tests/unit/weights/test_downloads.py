"""Downloads against a server on this machine that plays the hub: what goes wrong is said in words,
nothing unfinished is ever used, and what has come is not fetched twice.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from huggingface_hub import close_session, constants, hf_hub_download
from safetensors.numpy import save

from tests.unit import hub as play
from vislib.registry import MODEL_REGISTRY
from vislib.schema import ModelError, WeightsError
from vislib.weights import files
from vislib.weights.downloads import Downloads, DownloadState
from vislib.weights.hub import DownloadStoppedError, transfer

ROOT = Path(files.__file__).resolve().parents[2]
KEY, OTHER = "davit_tiny.msft_in1k", "resnet50.tv_in1k"
ROW = MODEL_REGISTRY[KEY]
DATA = save({"weight": np.random.default_rng(0).normal(size=300_000).astype(np.float32)})
FLIPPED = DATA[:-9] + bytes([DATA[-9] ^ 1]) + DATA[-8:]
FAST = transfer.Patience(pause=0.01, longest=0.02, timeout=5.0)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[play.Hub]:
    """A hub that holds one file, and an empty cache."""
    with play.running() as server:
        server.files[KEY] = DATA
        template = server.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "ENDPOINT", server.endpoint)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(transfer, "PATIENCE", FAST)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        close_session()
        yield server
        close_session()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits of a download, which take no time; how long each was."""
    waits: list[float] = []
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds
        waits.append(seconds)

    fake = SimpleNamespace(monotonic=lambda: now[0], sleep=sleep)
    monkeypatch.setattr(transfer, "time", fake)
    return waits


def blobs(pattern: str = "*") -> list[Path]:
    """Files of the cache, the unfinished ones included."""
    return sorted(Path(constants.HF_HUB_CACHE).glob(f"models--timm--{KEY}/blobs/{pattern}"))


def refused(*words: str) -> str:
    """The message of a pull that must fail and leave nothing that looks like a model."""
    with pytest.raises(WeightsError) as caught:
        transfer.pull(ROW)
    message = str(caught.value)
    for word in (KEY, *words):
        assert word in message
    for place in (constants.HF_HUB_CACHE, str(Path.home()), "Traceback", "http://"):
        assert place not in message
    assert not files.status(ROW).present
    assert not list(Path(constants.HF_HUB_CACHE).glob("models--*/snapshots/*/*"))
    return message


def pulled() -> Path:
    """Pull the file; it must be right and visible to timm."""
    path = transfer.pull(ROW)
    assert path.read_bytes() == DATA
    found = files.status(ROW)
    assert (found.present, found.path, found.damaged) == (True, path, False)
    assert hf_hub_download(f"timm/{KEY}", files.FILE, local_files_only=True) == str(path)
    assert [blob.name for blob in blobs()] == [hashlib.sha256(DATA).hexdigest()]
    return path


# ------------------------------------------------------------ when all goes well


def test_a_file_comes_once_and_timm_finds_it(hub: play.Hub) -> None:
    seen: list[tuple[int, int | None]] = []
    path = transfer.pull(ROW, progress=lambda done, total: seen.append((done, total)))
    assert path == pulled()
    assert len(hub.transfers()) == 1
    assert seen[0] == (0, len(DATA))
    assert seen[-1] == (len(DATA), len(DATA))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert len(seen) > 5
    assert [r.method for r in hub.log] == ["HEAD", "GET", "GET"]  # and no other request


def test_requests_tell_nothing_more_than_they_must(
    hub: play.Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No list of installed software; the person's token reaches the hub and not its storage."""
    for name in ("HF_HUB_DISABLE_TELEMETRY", "DISABLE_TELEMETRY", "DO_NOT_TRACK"):
        monkeypatch.setenv(name, "")
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", False)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    pulled()
    assert not any("torch" in r.headers["user-agent"] for r in hub.log)
    tokens = [r.headers.get("authorization") for r in hub.log]
    assert tokens == ["Bearer hf_secret", "Bearer hf_secret", None]


def test_bundled_models_need_no_hub(hub: play.Hub) -> None:
    assert transfer.pull(MODEL_REGISTRY["mixer_mini"]).name == "mixer_mini.safetensors"
    assert hub.log == []


# ------------------------------------------------------------ the line breaks


def test_a_broken_line_is_resumed_at_once(hub: play.Hub) -> None:
    hub.fetched.extend([play.breaks_after(300_000), play.breaks_after(200_000)])
    pulled()
    ranges = [r.range for r in hub.transfers()]
    assert ranges == [None, "bytes=300000-", "bytes=500000-"]


def test_what_has_come_is_kept_for_the_next_call(hub: play.Hub, clock: list[float]) -> None:
    hub.fetched.extend([play.breaks_after(500_000)] + [play.breaks_after(0)] * FAST.tries)
    refused("broke off again and again", "0.5 MB are kept, the next call goes on from there")
    assert [blob.stat().st_size for blob in blobs("*.incomplete")] == [500_000]
    before = len(hub.transfers())
    assert before == FAST.tries
    hub.fetched.clear()
    hub.asked.append(play.answers(404))
    refused("answer 404", "0.5 MB are kept")
    pulled()
    assert [r.range for r in hub.transfers()[before:]] == ["bytes=500000-"]


def test_a_storage_without_ranges_begins_again(hub: play.Hub) -> None:
    hub.ranges = False
    hub.fetched.append(play.breaks_after(500_000))
    pulled()
    assert [r.range for r in hub.transfers()] == [None, "bytes=500000-"]


@pytest.mark.parametrize("size", [500_000, len(DATA), len(DATA) + 5], ids=["part", "all", "more"])
def test_a_wrong_part_of_an_earlier_call_is_thrown_away(hub: play.Hub, size: int) -> None:
    hub.fetched.append(play.breaks_after(500_000))
    with pytest.raises(DownloadStoppedError):
        transfer.pull(ROW, cancelled=lambda: len(hub.transfers()) > 0)
    part = blobs("*.incomplete")[0]
    part.write_bytes(bytes(size))
    pulled()


@pytest.mark.parametrize("place", ["asked", "fetched"])
def test_a_silent_hub_is_a_fault(
    hub: play.Hub, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    impatient = transfer.Patience(tries=2, pause=0.01, timeout=0.2)
    monkeypatch.setattr(transfer, "PATIENCE", impatient)
    getattr(hub, place).extend([play.is_silent(0.6)] * 2)
    refused("was silent for too long", "HF_HUB_DOWNLOAD_TIMEOUT=60")
    pulled()


def test_a_slow_line_is_no_fault(hub: play.Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole takes longer than the timeout; no silence in it does."""
    monkeypatch.setattr(transfer, "PATIENCE", transfer.Patience(tries=1, timeout=0.4))
    hub.pause, hub.piece = 0.05, 100_000
    begin = time.monotonic()
    pulled()
    assert time.monotonic() - begin > 0.4


# ------------------------------------------------------------ answers that are no file


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "needs an account"),
        (403, "needs an account"),
        (404, "does not have it"),
        (418, "gave the answer 418"),
    ],
)
def test_a_final_answer_is_not_asked_for_twice(
    hub: play.Hub, clock: list[float], status: int, words: str
) -> None:
    hub.asked.append(play.answers(status))
    refused(words, str(status))
    assert len(hub.log) == 1
    hub.fetched.append(play.answers(status))
    refused(words, str(status))
    assert len(hub.transfers()) == 1
    pulled()


@pytest.mark.parametrize("status", [500, 502, 503])
@pytest.mark.parametrize("place", ["asked", "fetched"])
def test_a_fault_of_the_hub_is_waited_out(
    hub: play.Hub, clock: list[float], place: str, status: int
) -> None:
    moods: deque[play.Fault] = getattr(hub, place)
    moods.extend([play.answers(status)] * FAST.tries)
    refused(f"has a fault of its own (answer {status})", "in a few minutes")
    assert not moods
    assert len(clock) == FAST.tries - 1
    moods.extend([play.answers(status)] * (FAST.tries - 1))
    pulled()


def test_429_is_waited_for_within_reason(hub: play.Hub, clock: list[float]) -> None:
    hub.asked.extend([play.answers(429, {"Retry-After": "30"})] * 2)
    pulled()
    assert sum(clock) == pytest.approx(60)


@pytest.mark.parametrize(
    "headers",
    [{"Retry-After": "3600"}, {"RateLimit": '"api";r=0;t=3600'}, {"Retry-After": "DATE"}],
    ids=["seconds", "rate limit", "date"],
)
def test_429_is_said_when_the_wait_is_long(
    hub: play.Hub, clock: list[float], headers: dict[str, str]
) -> None:
    moment = format_datetime(datetime.now(UTC) + timedelta(minutes=59, seconds=50), usegmt=True)
    headers = {name: value.replace("DATE", moment) for name, value in headers.items()}
    hub.asked.append(play.answers(429, headers))
    refused("too many requests", "answer 429", "in 60 minutes")
    assert clock == []
    assert len(hub.log) == 1


# ------------------------------------------------------------ wrong bytes


@pytest.mark.parametrize(
    ("came", "words"),
    [
        (FLIPPED, "differ from those that were announced (sha256)"),
        (DATA + b"more", "were announced"),
        (b"<!DOCTYPE html><title>Log in</title>", "a web page came"),
        (b"<html>" + bytes(len(DATA) - 6), "a web page came"),
        (DATA[:-10], f"{len(DATA) - 10:,} bytes came, {len(DATA):,} were announced"),
        (bytes(len(DATA)), "no whole safetensors file"),
    ],
    ids=["flipped", "longer", "page", "page of that size", "shorter", "zeros"],
)
def test_wrong_bytes_are_never_used(
    hub: play.Hub, clock: list[float], came: bytes, words: str
) -> None:
    hub.fetched.extend([play.serves(came)] * 20)
    refused(words, "Nothing of it is kept")
    assert blobs() == []
    hub.fetched.clear()
    pulled()


def test_a_file_that_was_published_damaged_is_refused(hub: play.Hub) -> None:
    hub.files[KEY] = DATA[:-100]  # size and sha256 are as announced; the header wants more
    refused("no whole safetensors file")


def test_size_and_sha256_are_enough_each(hub: play.Hub) -> None:
    """A hub that does not say the size, or no sha256: the other one is checked still."""
    hub.announced = {"X-Linked-Size": None}
    hub.fetched.append(play.serves(FLIPPED))
    refused("sha256")
    hub.announced = {"X-Linked-Etag": '"' + "a" * 40 + '"'}
    another = save({"weight": np.zeros(9, np.float32)})  # whole, but not what was announced
    hub.fetched.extend([play.serves(another)] * 5)
    refused(f"{len(another)} bytes came")
    hub.fetched.clear()
    assert transfer.pull(ROW).read_bytes() == DATA


@pytest.mark.parametrize(
    "mood",
    [
        play.answers(200, {"Content-Type": "text/html"}, b"<html>Log in</html>"),
        play.answers(302, {"Location": "http://localhost:1/login"}),
        play.answers(200, {"X-Repo-Commit": play.COMMIT, "X-Linked-Etag": '"../../../x"'}),
        play.answers(200, {"X-Repo-Commit": "../..", "X-Linked-Etag": '"abc"'}),
    ],
    ids=["login page", "sent to a login page", "etag with a path", "commit with a path"],
)
def test_another_server_in_the_hubs_place(hub: play.Hub, mood: play.Fault) -> None:
    hub.asked.append(mood)
    refused("login page", "try again")
    assert len(hub.log) == 1
    pulled()


def test_a_ring_of_redirects(hub: play.Hub) -> None:
    ring = play.answers(302, {"Location": f"/timm/{KEY}/resolve/main/model.safetensors"})
    hub.asked.extend([ring] * 50)
    refused("one address leads to the next", "login page")
    hub.asked.clear()
    pulled()


# ------------------------------------------------------------ no network


def test_offline_by_choice(hub: play.Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(constants, "HF_HUB_OFFLINE", True)
        refused("HF_HUB_OFFLINE is set", "Unset it")
    assert hub.log == []
    pulled()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    pulled()  # what is there needs no network


def test_no_name_service(
    hub: play.Hub, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*anything: object, **more: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", unknown)
        refused("this machine is offline")
    assert len(clock) == 1  # one more try, not five
    pulled()


def test_nobody_answers(hub: play.Hub, clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    template = address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    refused(f"127.0.0.1:{port} cannot be reached", "HF_ENDPOINT")


@pytest.mark.parametrize("proxy", ["http://me:secret@127.0.0.1:{}", "127.0.0.1:{}"])
def test_a_proxy_that_does_not_answer_is_named(
    hub: play.Hub, clock: list[float], monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = "https://hub.example"
    template = address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    for name in ("NO_PROXY", "no_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", proxy.format(port))
    close_session()  # the next one reads the settings anew
    said = refused(f"the proxy 127.0.0.1:{port} does not answer", "HTTPS_PROXY")
    assert "secret" not in said
    assert "HF_ENDPOINT" not in said
    monkeypatch.setenv("NO_PROXY", "hub.example")
    close_session()
    assert "proxy" not in refused()


@pytest.mark.parametrize("address", ["no address", "ftp://hub.example"])
def test_an_endpoint_that_is_none(
    hub: play.Hub, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    template = address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    refused("HF_ENDPOINT is no address")


# ------------------------------------------------------------ the disk


def test_a_disk_that_cannot_hold_it(hub: play.Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=len(DATA) - 1))
        refused("the disk is full (1 MB are needed)", "HF_HUB_CACHE")
    assert hub.transfers() == []
    pulled()


def failing_open(code: int, after: int) -> Callable[..., Any]:
    """``Path.open`` whose unfinished files take ``after`` bytes and then an error."""
    real = Path.open

    def opened(path: Path, mode: str = "r", *more: Any, **keywords: Any) -> Any:
        file = real(path, mode, *more, **keywords)
        if path.suffix == ".incomplete" and mode in ("ab", "wb"):
            write = file.write

            def limited(data: bytes) -> int:
                if file.tell() + len(data) > after:
                    raise OSError(code, os.strerror(code))
                return int(write(data))

            file = SimpleWriter(file, limited)
        return file

    return opened


class SimpleWriter:
    """A file with another ``write``."""

    def __init__(self, file: Any, write: Callable[[bytes], int]) -> None:
        self._file, self.write = file, write

    def __enter__(self) -> SimpleWriter:
        return self

    def __exit__(self, *anything: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_fills_up(hub: play.Hub, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", failing_open(code, 600_000))
        message = refused("the disk is full.", "Make room")
    kept = blobs("*.incomplete")[0].stat().st_size
    assert 500_000 < kept <= 600_000
    assert "0.6 MB are kept" in message or "0.5 MB are kept" in message
    pulled()
    assert hub.transfers()[-1].range == f"bytes={kept}-"


@pytest.mark.parametrize("error", [PermissionError(13, "no"), OSError(errno.EROFS, "no")])
def test_a_cache_that_cannot_be_written(
    hub: play.Hub, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    def forbidden(*anything: object, **more: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(Path, "mkdir", forbidden)
        refused("the cache cannot be written to", "HF_HUB_CACHE")
    pulled()


def test_a_cache_that_is_a_file(hub: play.Hub) -> None:
    Path(constants.HF_HUB_CACHE).write_text("no folder", encoding="utf-8")
    refused("Check HF_HUB_CACHE")


# ------------------------------------------------------------ stopping, and two at once


def test_a_download_can_be_stopped_and_goes_on(hub: play.Hub) -> None:
    done: list[int] = []
    with pytest.raises(DownloadStoppedError, match=r"was stopped; \d\.\d MB are kept"):
        transfer.pull(
            ROW,
            progress=lambda now, _: done.append(now),
            cancelled=lambda: bool(done) and done[-1] > 400_000,
        )
    assert not files.status(ROW).present
    pulled()
    assert hub.transfers()[-1].range == f"bytes={done[-1]}-"


def test_what_is_stopped_before_it_begins_asks_for_nothing(hub: play.Hub) -> None:
    with pytest.raises(DownloadStoppedError, match="nothing had come yet"):
        transfer.pull(ROW, cancelled=lambda: True)
    assert hub.log == []


def test_a_wait_can_be_stopped(hub: play.Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.asked.append(play.answers(429, {"Retry-After": "50"}))
    begin = time.monotonic()
    with pytest.raises(DownloadStoppedError, match="nothing had come yet"):
        transfer.pull(ROW, cancelled=lambda: time.monotonic() - begin > 0.3)
    assert time.monotonic() - begin < 5


def test_two_at_once_fetch_it_once(hub: play.Hub) -> None:
    hub.pause = 0.01
    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(transfer.pull(ROW))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert [path.read_bytes() == DATA for path in found] == [True] * 3
    assert len(hub.transfers()) == 1


def command(hub: play.Hub, cache: Path, *arguments: str) -> subprocess.Popen[str]:
    """The command line in a process of its own, which knows the hub by its environment alone."""
    environ = {
        **os.environ,
        "HF_ENDPOINT": hub.endpoint,
        "HF_HUB_CACHE": str(cache),
        "HF_HUB_OFFLINE": "0",
        "HF_HUB_DOWNLOAD_TIMEOUT": "5",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "vislib", *arguments],
        cwd=ROOT,
        env=environ,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A shell's background job ignores Ctrl-C, and its children inherit that.
        preexec_fn=None if os.name == "nt" else _heeds_ctrl_c,
    )


def _heeds_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_two_processes_fetch_it_once(hub: play.Hub, tmp_path: Path) -> None:
    hub.pause = 0.02
    pair = [command(hub, tmp_path / "cache", "weights", "pull", KEY) for _ in range(2)]
    said = [process.communicate(timeout=60) for process in pair]  # both have ended before a test
    for process, (out, err) in zip(pair, said, strict=True):
        assert process.returncode == 0, err
        assert f"{KEY}: whole, 1.2 MB" in out
        assert "1 of 1 model is there" in out
    assert len(hub.transfers()) == 1
    pulled()


@pytest.mark.slow
def test_ctrl_c_answers_130_and_keeps_what_has_come(hub: play.Hub, tmp_path: Path) -> None:
    hub.pause, hub.piece = 0.2, 100_000
    process = command(hub, tmp_path / "cache", "weights", "pull", KEY)
    end = time.monotonic() + 30
    while time.monotonic() < end and not any(p.stat().st_size for p in blobs("*.incomplete")):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "what has come is kept" in err
    assert "Traceback" not in err
    hub.pause = 0.0
    pulled()
    assert hub.transfers()[-1].range is not None


def test_one_fault_does_not_keep_the_others_from_coming(hub: play.Hub, tmp_path: Path) -> None:
    process = command(hub, tmp_path / "cache", "weights", "pull", OTHER, KEY)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert f"{OTHER} could not be downloaded" in err
    assert "answer 404" in err
    assert f"Not there: {OTHER}" in err
    assert "1 of 2 models are there" in out
    pulled()


# ------------------------------------------------------------ a damaged cache


def damage_flip(path: Path) -> None:
    blob = path.resolve()
    blob.write_bytes(FLIPPED)
    os.utime(blob, (1, 1))  # clocks of file systems may be coarser than this test is quick


def damage_cut(path: Path) -> None:
    path.resolve().write_bytes(DATA[:-1000])


def damage_empty(path: Path) -> None:
    path.resolve().write_bytes(b"")


def damage_text(path: Path) -> None:
    path.resolve().write_bytes(b"<html>404</html>" * 100)


def damage_link(path: Path) -> None:
    path.resolve().unlink()


def damage_copy(path: Path) -> None:
    """A cache without links (Windows), whose file is cut off."""
    path.unlink()
    path.write_bytes(DATA[:-5])


@pytest.mark.parametrize(
    "damage", [damage_flip, damage_cut, damage_empty, damage_text, damage_link, damage_copy]
)
def test_a_damaged_file_is_found_and_replaced(
    hub: play.Hub, damage: Callable[[Path], None]
) -> None:
    path = pulled()
    assert files.require(ROW) == path
    damage(path)
    assert files.status(ROW).present == (damage is damage_flip)  # what a quick look sees
    assert files.status(ROW).damaged == (damage not in (damage_flip, damage_link))
    words = "not on this machine" if damage is damage_link else "is damaged"
    with pytest.raises(WeightsError, match=re.escape(f"weights pull {KEY}")) as caught:
        files.require(ROW)
    assert words in str(caught.value)
    assert constants.HF_HUB_CACHE not in str(caught.value)
    assert pulled() == path
    assert files.require(ROW) == path


def test_a_damaged_file_stays_where_no_network_can_replace_it(
    hub: play.Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = pulled()
    damage_flip(path)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsError, match="HF_HUB_OFFLINE"):
        transfer.pull(ROW)
    assert path.exists()


def test_hashing_is_paid_once(hub: play.Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    pulled()
    files.require(ROW)
    monkeypatch.setattr(files, "sha256", lambda path: pytest.fail("hashed again"))
    files.require(ROW)


def test_a_blob_in_a_shared_store_has_a_name_of_another_kind(hub: play.Hub) -> None:
    """huggingface_hub may keep blobs as links into a store named by xet hashes, 64 digits too."""
    path = pulled()
    blob = blobs()[0]
    store = blob.parents[2] / "store" / ("e" * 64)
    store.parent.mkdir()
    blob.rename(store)
    blob.symlink_to(os.path.relpath(store, blob.parent))
    assert files.fault(path) is None
    store.write_bytes(FLIPPED)
    os.utime(store, (2, 2))
    assert files.fault(path) is not None


def test_a_cache_without_links(hub: play.Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*anything: object, **more: object) -> None:
        raise OSError(1314, "A required privilege is not held by the client")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    path = transfer.pull(ROW)
    assert not path.is_symlink()
    assert path.read_bytes() == DATA
    assert files.status(ROW).present


# ------------------------------------------------------------ in the background


def waited(downloads: Downloads, key: str, *, seconds: float = 20) -> DownloadState:
    """The state once a download has ended."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        state = downloads.state(key)
        if state is not None and not state.active:
            return state
        time.sleep(0.01)
    raise AssertionError(f"{key} did not end: {downloads.state(key)}")


def test_downloads_come_one_after_the_other(hub: play.Hub) -> None:
    hub.files[OTHER] = save({"weight": np.ones(100_000, np.float32)})
    hub.pause = 0.01
    downloads = Downloads()
    assert downloads.state(KEY) is None
    assert downloads.states() == ()
    assert downloads.start(KEY).active
    assert downloads.start(OTHER).status == "queued"
    assert downloads.start(KEY).active  # again: nothing more
    assert waited(downloads, OTHER).status == "done"
    state = waited(downloads, KEY)
    assert (state.status, state.done, state.total) == ("done", len(DATA), len(DATA))
    assert (state.rate, state.message) == (0.0, None)
    assert [state.key for state in downloads.states()] == [KEY, OTHER]
    assert [r.path.rsplit("/")[-1] for r in hub.transfers()] == [KEY, OTHER]
    assert not {thread.name for thread in threading.enumerate()} & {"downloads"}
    pulled()


def test_a_download_is_stopped_and_started_again(hub: play.Hub) -> None:
    hub.files[OTHER] = DATA
    hub.pause, hub.piece = 0.05, 50_000
    downloads = Downloads()
    downloads.start(KEY)
    downloads.start(OTHER)
    end = time.monotonic() + 20
    while downloads.state(KEY).rate == 0 and time.monotonic() < end:
        time.sleep(0.01)
    running = downloads.state(KEY)
    assert running.status == "running"
    assert 0 < running.done < running.total == len(DATA)
    downloads.cancel(OTHER)
    downloads.cancel(KEY)
    downloads.cancel("never ordered")
    assert {state.status for state in downloads.states()} == {"cancelled"}
    hub.pause = 0.0
    downloads.start(KEY)
    assert waited(downloads, KEY).status == "done"
    assert hub.transfers()[-1].range is not None
    assert downloads.state(OTHER).status == "cancelled"
    assert all(KEY in r.path for r in hub.log)  # the other one was never asked for


def test_a_failed_download_says_why_and_the_next_one_comes(hub: play.Hub) -> None:
    downloads = Downloads()
    downloads.start(OTHER)
    downloads.start(KEY)
    state = waited(downloads, OTHER)
    assert state.status == "failed"
    assert "answer 404" in str(state.message)
    assert waited(downloads, KEY).status == "done"
    hub.files[OTHER] = DATA
    downloads.start(OTHER)
    assert waited(downloads, OTHER).status == "done"


def test_a_fault_that_nobody_foresaw_does_not_end_the_thread() -> None:
    def broken(spec: object, **more: object) -> Path:
        raise ZeroDivisionError

    downloads = Downloads(pull=broken)
    for key in (KEY, OTHER):
        downloads.start(key)
        state = waited(downloads, key)
        assert (state.status, "ZeroDivisionError" in str(state.message)) == ("failed", True)


def test_only_published_models_are_ordered() -> None:
    downloads = Downloads()
    with pytest.raises(WeightsError, match="nothing to download"):
        downloads.start("mixer_mini")
    with pytest.raises(ModelError, match="no model 'nosuch'"):
        downloads.start("nosuch")
    assert downloads.states() == ()
