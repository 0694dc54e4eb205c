"""Start a checkout's app and note each forward pass, decode and preparation in a file, a line each.

    python benchmarks/counted.py FOLDER ENTRY PORT NOTES [PROFILE]

The app itself stays as it is: the functions are wrapped when their modules are imported, here or in
a checkout of before. With PROFILE the time of all script threads is written there (pstats).
"""

from __future__ import annotations

import contextlib
import functools
import importlib.abc
import importlib.machinery
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

WRAPPED = {
    "vislib.observe.capture": ("run_with_cache", "forward"),
    "vislib.capture": ("run_with_cache", "forward"),
    "vislib.models.loading": ("prepare", "prepare"),
    "vislib.models": ("prepare", "prepare"),
    "vislib.pictures.decoding": ("decode", "decode"),
    "vislib.images": ("decode", "decode"),
}
"""Module -> its function, and what a line calls it. Of one pair each checkout has one."""
_writing = threading.Lock()


class Noting(importlib.abc.MetaPathFinder):
    """Finds the modules as ever, and wraps their function when they have been run.

    Args:
        notes: The file.
    """

    def __init__(self, notes: Path) -> None:
        self._notes = notes

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Python's own answer, with a word of ours behind the module's code."""
        if fullname not in WRAPPED:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path)
        if spec is None or spec.loader is None:
            return spec
        name, kind = WRAPPED[fullname]
        run: Any = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            run(module)
            if hasattr(module, name):
                setattr(module, name, self._noted(getattr(module, name), kind))

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec

    def _noted(self, function: Callable[..., Any], kind: str) -> Callable[..., Any]:
        @functools.wraps(function)
        def noted(*args: Any, **kwargs: Any) -> Any:
            began = time.perf_counter()
            found = function(*args, **kwargs)
            line: dict[str, Any] = {"kind": kind, "seconds": time.perf_counter() - began}
            if kind == "forward":
                group = args[2] if len(args) > 2 else kwargs.get("group")
                line |= {"model": found.model_key, "picture": found.image_sha256, "group": group}
            with _writing, self._notes.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
            return found

        return noted


@contextlib.contextmanager
def profiled(into: Path) -> Iterator[None]:
    """Meanwhile each run of a script is profiled on its thread; all together are written."""
    import cProfile
    import pstats

    from streamlit.runtime.scriptrunner import script_runner

    runs: list[cProfile.Profile] = []
    run = script_runner.ScriptRunner._run_script

    def measured(self: Any, data: Any) -> None:
        one = cProfile.Profile(time.thread_time)
        one.enable()
        try:
            run(self, data)
        finally:
            one.disable()
            runs.append(one)

    script_runner.ScriptRunner._run_script = measured  # type: ignore[method-assign]
    try:
        yield
    finally:
        if runs:
            pstats.Stats(*runs).dump_stats(into)


def main() -> None:
    """Serve."""
    folder, entry, port, notes, *profile = sys.argv[1:]
    os.chdir(folder)
    sys.path[0] = folder
    sys.meta_path.insert(0, Noting(Path(notes)))
    from streamlit.web import cli

    with profiled(Path(profile[0])) if profile else contextlib.nullcontext():
        cli.main(["run", entry, f"--server.port={port}"], prog_name="streamlit")


if __name__ == "__main__":
    main()
