"""A server of a benchmark's own: what it noted, its processor time, its memory."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import httpx2
import psutil

ROOT = Path(__file__).resolve().parent.parent


class Server:
    """One of our own on a free port: its notes, processor time and memory.

    Args:
        kind: "here", "old" or "bare".
        old: The other checkout.
        profile: Where its profile goes; None for none.
    """

    def __init__(self, kind: str, old: Path | None = None, profile: Path | None = None) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self._folder = tempfile.TemporaryDirectory()
        self._notes = Path(self._folder.name) / "notes"
        self._notes.touch()
        root = old if kind == "old" and old else ROOT
        entry = "benchmarks/bare_fragment.py" if kind == "bare" else "app.py"
        command = [sys.executable, str(ROOT / "benchmarks" / "counted.py"), str(root), entry]
        more = [str(profile)] if profile else []
        self._log = (Path(self._folder.name) / "log").open("wb")
        self._process = subprocess.Popen(
            [*command, str(port), str(self._notes), *more], stdout=self._log, stderr=self._log
        )
        self._facts = psutil.Process(self._process.pid)
        self.peak, self._watching = 0, True
        self._wait()
        threading.Thread(target=self._watch, daemon=True).start()

    def _wait(self) -> None:
        for _ in range(600):
            try:
                httpx2.get(f"{self.url}/_stcore/health", timeout=1)
            except httpx2.HTTPError:
                time.sleep(0.1)
            else:
                return
        raise SystemExit("The server did not start within a minute.")

    def _watch(self) -> None:
        while self._watching:
            self.peak = max(self.peak, self.memory())
            time.sleep(0.25)

    def memory(self) -> int:
        """Bytes of it that lie in memory."""
        return int(self._facts.memory_info().rss)

    def processor(self) -> float:
        """Seconds of all its threads."""
        times = self._facts.cpu_times()
        return float(times.user + times.system)

    def notes(self) -> list[dict[str, Any]]:
        """What it has noted so far."""
        return [json.loads(line) for line in self._notes.read_text("utf-8").splitlines()]

    def stop(self) -> None:
        """End it."""
        self._watching = False
        self._process.send_signal(signal.SIGINT)  # the profile is written then
        self._process.wait(60)
        self._log.close()
        self._folder.cleanup()
