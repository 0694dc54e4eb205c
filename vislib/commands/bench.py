"""``python -m vislib bench``: the scripts of benchmarks/, one after the other, and their figures.

Each script is a process of its own and prints a line a figure; some need Streamlit and Chromium,
which nothing of this package imports. Figures are gathered in one file, with machine and date.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from vislib.commands.arguments import DONE, WRONG, check_place
from vislib.models import devices
from vislib.schema import MixScopeError
from vislib.texts import Message

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"
CALLS: dict[str, tuple[str, ...]] = {
    "capture": ("capture.py",),
    "estimates": ("estimates.py",),
    "class": (
        "visitors.py --visitors 30 --leave",
        "visitors.py --visitors 100 --pause 4 8",
        "visitors.py --visitors 100 --bare --at-once",
    ),
    "start": ("startup.py",),
}
"""Benchmark -> its scripts with what they are asked for."""
AGAINST_OLD = frozenset({"estimates", "class", "start"})
"""Those that measure another checkout beside this one."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``bench`` to the command line."""
    bench = commands.add_parser(
        "bench",
        help=str(Message("command.bench_help")),
        description=str(Message("command.bench_how")),
    )
    words = str(Message("command.bench_names", names=list(CALLS)))
    bench.add_argument("names", nargs="*", metavar="NAME", help=words)
    words = str(Message("command.bench_json"))
    bench.add_argument("--json", type=Path, metavar="FILE", help=words)
    words = str(Message("command.bench_old"))
    bench.add_argument("--old", type=Path, metavar="FOLDER", help=words)
    bench.set_defaults(run=_bench)


def _bench(options: argparse.Namespace) -> int:
    names = list(dict.fromkeys(options.names)) or list(CALLS)
    for name in names:
        _check(name)
    if options.json:
        check_place(options.json)
    found: dict[str, list[Any]] = {}
    is_whole = True
    for name in names:
        print(Message("command.bench_part", name=name), flush=True)
        more = ["--old", str(options.old.resolve())] if options.old and name in AGAINST_OLD else []
        figures = [_run([*call.split(), *more]) for call in CALLS[name]]
        found[name] = [row for rows in figures if rows is not None for row in rows]
        if None in figures:
            print(Message("command.bench_failed", name=name), file=sys.stderr)
            is_whole = False
    if options.json:
        told = {**_machine(), "figures": found}
        options.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
        print(Message("command.written", path=options.json))
    return DONE if is_whole else WRONG


def _check(name: str) -> None:
    """Refuse what cannot be run, before anything is.

    Raises:
        MixScopeError: There is no such benchmark, or this copy of the project comes without it.
    """
    if name not in CALLS:
        raise MixScopeError("error.command.no_bench", name=name, known=list(CALLS))
    for call in CALLS[name]:
        path = FOLDER / call.split()[0]
        if not path.is_file():
            raise MixScopeError("error.command.no_script", path=str(path))


def _run(call: list[str]) -> list[Any] | None:
    """The rows that a script writes as JSON; None where it fails."""
    with tempfile.TemporaryDirectory() as own:
        out = Path(own) / "figures.json"
        script, *more = call
        command = [sys.executable, str(FOLDER / script), "--json", str(out), *more]
        done = subprocess.run(command, cwd=FOLDER.parent, check=False)
        if done.returncode or not out.is_file():
            return None
        rows: list[Any] = json.loads(out.read_text(encoding="utf-8"))
        return rows


def _machine() -> dict[str, Any]:
    """Date, machine and versions: without them a figure says nothing."""
    facts = devices.processor()
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "processor": _processor(),
        "cores": facts.cores,
        "memory_gb": round(facts.total_bytes / 2**30, 1),
        "python": platform.python_version(),
        "torch": importlib.metadata.version("torch"),
    }


def _processor() -> str:
    """The processor's name, where the machine tells it."""
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text(encoding="utf-8").splitlines() if facts.is_file() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())
