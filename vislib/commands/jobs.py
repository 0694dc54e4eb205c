"""Several models at once, each in a process of its own: while one compiles, another trains.

On a GPU a model's first steps are compiled on the processor, and small models leave gaps that
another one fills. What a process writes goes to files of its own model; lines are passed on.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from signal import SIGINT
from typing import TextIO

from vislib.commands.arguments import DONE, INTERRUPTED, UNFINISHED, WRONG
from vislib.texts import LANGUAGE, Message, spoken
from vislib.training.session import Order, interruptions

ROOT = Path(__file__).resolve().parents[2]
POLL_SECONDS = 0.2
"""Time between two looks at the processes."""


def command(order: Order, key: str, minutes: float | None) -> list[str]:
    """The command line that trains one model of an order within the minutes that are left."""
    options = {
        "data": order.data.resolve(),
        "out": order.out.resolve(),
        "export": order.export.resolve(),
        "films": order.films.resolve(),
        "set": order.mini_set,
        "recipe": order.recipe,
        "class-names": None if order.class_names is None else order.class_names.resolve(),
        "seed": order.seed,
        "epochs": order.epochs,
        "batch-size": order.batch_size,
        "minutes": minutes,
        "device": order.device,
        "data-source": order.data_source,
        "data-terms": order.data_terms,
        "begin": None if order.begin is None else order.begin.resolve(),
    }
    given = (f"--{name}={value}" for name, value in options.items() if value is not None)
    return [sys.executable, "-u", "-m", "vislib", "train", key, *given]


def run_jobs(
    order: Order,
    at_once: int,
    stream: TextIO | None = None,
    *,
    make: Callable[[Order, str, float | None], Sequence[str]] = command,
) -> int:
    """Train the models of an order, so many at once, in the order in which they are named.

    Ctrl-C is handed on to all of them once, so that each saves its checkpoint.

    Args:
        order: The command; its minutes are those of all models together.
        at_once: Processes, 1 or more.
        stream: Where the lines go; None is the standard output.
        make: Gives a process's command line.

    Returns:
        An exit code: 2 when one met what it cannot use (the others go on), 130 when stopped, 3
        when the time was over before all had finished, otherwise 0.
    """
    stream = stream or sys.stdout
    deadline = None if order.minutes is None else time.monotonic() + order.minutes * 60
    waiting, codes = deque(order.keys), []
    running: list[_Job] = []
    with interruptions() as interruption:
        try:
            while running or waiting:
                if interruption.asked:
                    codes += [INTERRUPTED] * len(waiting)
                    waiting.clear()
                    for job in running:
                        job.stop()
                while waiting and len(running) < at_once:
                    key, left = waiting.popleft(), _left(deadline)
                    if left is not None and left <= 0:
                        stream.write(f"{Message('command.time_over', name=key)}\n")
                        codes.append(UNFINISHED)
                        continue
                    running.append(_Job(make(order, key, left), stream))
                ended = [job for job in running if job.process.poll() is not None]
                codes += [job.code() for job in ended]
                running = [job for job in running if job not in ended]
                time.sleep(0 if ended else POLL_SECONDS)
        finally:  # a second Ctrl-C
            for job in running:
                job.process.kill()
    return next((code for code in (WRONG, INTERRUPTED, UNFINISHED) if code in codes), DONE)


def _left(deadline: float | None) -> float | None:
    """Minutes until then."""
    return None if deadline is None else (deadline - time.monotonic()) / 60


class _Job:
    """A process that trains one model, and the thread that passes its lines on.

    It is no member of the terminal's group: Ctrl-C would reach it twice.
    """

    def __init__(self, arguments: Sequence[str], stream: TextIO) -> None:
        self.process = subprocess.Popen(
            arguments,
            cwd=ROOT,
            env={**os.environ, LANGUAGE: spoken()},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._pass_on, args=(stream,), daemon=True)
        self._reader.start()
        self._told = False

    def _pass_on(self, stream: TextIO) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            stream.write(line)
            stream.flush()

    def stop(self) -> None:
        """Ask it once to save and end; on Windows Ctrl-C has reached it already."""
        if not self._told and sys.platform != "win32":
            self.process.send_signal(SIGINT)
        self._told = True

    def code(self) -> int:
        """Its exit code, after its last line has been passed on; an unknown one means WRONG."""
        self._reader.join()
        code = self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code if code in (DONE, UNFINISHED, INTERRUPTED) else WRONG
