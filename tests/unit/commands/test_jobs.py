"""Several models at once: their processes, their time, their exit codes. Small stand-ins run."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from vislib import __main__ as commands
from vislib.commands import jobs
from vislib.commands.jobs import command, run_jobs
from vislib.training.session import Order

KEYS = ("one", "two", "three")


def order(tmp_path: Path, **changes: object) -> Order:
    plain: dict[str, object] = {
        "keys": KEYS,
        "data": tmp_path,
        "out": tmp_path,
        "export": tmp_path,
        "films": tmp_path,
    }
    return Order(**{**plain, **changes})  # type: ignore[arg-type]


def script(code: str) -> Callable[[Order, str, float | None], list[str]]:
    """A stand-in for training: python code that knows its key and its minutes."""

    def make(order: Order, key: str, minutes: float | None) -> list[str]:
        return [sys.executable, "-u", "-c", code, key, str(minutes), str(order.out)]

    return make


LOGGED = """
import pathlib, sys, time
log = pathlib.Path(sys.argv[3]) / (sys.argv[1] + ".log")
log.write_text(f"{time.monotonic()}")
time.sleep(0.5)
log.write_text(log.read_text() + f" {time.monotonic()}")
print(sys.argv[1], "has ended")
"""


def spans(folder: Path) -> list[tuple[float, float]]:
    read = [(folder / f"{key}.log").read_text().split() for key in KEYS]
    return [(float(first), float(last)) for first, last in read]


def most_at_once(found: list[tuple[float, float]]) -> int:
    return max(sum(a <= first < b for a, b in found) for first, _ in found)


@pytest.mark.parametrize("at_once", [1, 2, 3])
def test_so_many_run_at_once_and_every_line_comes(at_once: int, tmp_path: Path) -> None:
    lines = io.StringIO()
    assert run_jobs(order(tmp_path), at_once, lines, make=script(LOGGED)) == 0
    found = spans(tmp_path)
    assert most_at_once(found) <= at_once
    if at_once == 1:
        assert [first for first, _ in found] == sorted(first for first, _ in found)
    assert sorted(lines.getvalue().splitlines()) == sorted(f"{key} has ended" for key in KEYS)


@pytest.mark.parametrize(
    ("codes", "wanted"),
    [
        ((0, 0, 0), 0),
        ((0, 3, 0), 3),
        ((3, 130, 0), 130),
        ((2, 3, 130), 2),
        ((0, 1, 0), 2),
        ((-9, 0, 0), 2),
    ],
)
def test_the_exit_code_is_that_of_the_worst(
    codes: tuple[int, ...], wanted: int, tmp_path: Path
) -> None:
    table = dict(zip(KEYS, codes, strict=True))
    code = (
        f"import os, sys; code = {table}[sys.argv[1]]; "
        "os.kill(os.getpid(), -code) if code < 0 else sys.exit(code)"
    )
    assert run_jobs(order(tmp_path), 3, io.StringIO(), make=script(code)) == wanted


def test_when_the_time_is_over_the_rest_is_not_begun(tmp_path: Path) -> None:
    lines = io.StringIO()
    code = "import sys; print(sys.argv[1], float(sys.argv[2]) > 0); import time; time.sleep(0.5)"
    some = order(tmp_path, minutes=0.3 / 60)
    assert run_jobs(some, 1, lines, make=script(code)) == 3
    assert lines.getvalue().splitlines() == [
        "one True",
        "The time is over before two. The same command goes on.",
        "The time is over before three. The same command goes on.",
    ]


PATIENT = """
import signal, sys, time
asked = []
signal.signal(signal.SIGINT, lambda *_: asked.append(1))
print(sys.argv[1], "trains", flush=True)
for _ in range(200):
    if asked: break
    time.sleep(0.05)
time.sleep(0.3)  # a second signal would arrive now
print(sys.argv[1], "saved", len(asked), flush=True)
sys.exit(130)
"""


def test_ctrl_c_reaches_each_once_and_begins_no_other(tmp_path: Path) -> None:
    lines = io.StringIO()

    def interrupt() -> None:
        deadline = time.monotonic() + 20
        while lines.getvalue().count("trains") < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    threading.Thread(target=interrupt, daemon=True).start()
    assert run_jobs(order(tmp_path), 2, lines, make=script(PATIENT)) == 130
    assert signal.getsignal(signal.SIGINT) is before
    found = lines.getvalue().splitlines()
    assert sorted(found[-2:]) == ["one saved 1", "two saved 1"]
    assert not any(line.startswith("three") for line in found)


def test_the_command_line_says_what_the_order_says(tmp_path: Path) -> None:
    """Read back by the command line's own parser."""
    some = order(
        tmp_path,
        mini_set=2,
        recipe=3,
        seed=3,
        epochs=4,
        batch_size=8,
        device="cpu",
        data_source="a b",
        begin=tmp_path / "begun",
    )
    words = command(some, "two", 1.5)
    assert words[:5] == [sys.executable, "-u", "-m", "vislib", "train"]
    read = commands._parser().parse_args(words[4:])
    assert (read.models, read.jobs, read.minutes) == (["two"], 1, 1.5)
    assert (read.set, read.recipe, read.seed) == (2, 3, 3)
    assert (read.epochs, read.batch_size) == (4, 8)
    assert (read.data, read.out, read.export, read.films) == (tmp_path.resolve(),) * 4
    assert (read.device, read.data_source, read.data_terms) == ("cpu", "a b", None)
    assert (read.class_names, read.begin) == (None, (tmp_path / "begun").resolve())
    assert not any(word.startswith("--minutes") for word in command(some, "two", None))


def test_real_processes_say_what_cannot_be_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Through the command: two models, no data; each process says so, and the answer is 2."""
    out = str(tmp_path / "out")
    words = ["train", "mixer_mini", "vit_mini", "--jobs", "2", "--data", str(tmp_path)]
    assert commands.main([*words, "--out", out, "--device", "cpu"]) == 2
    assert capsys.readouterr().out.count("holds no folder 'train'") == 2
    assert jobs.ROOT == Path(commands.__file__).resolve().parents[1]
