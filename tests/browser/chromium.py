"""Find a Chromium for the browser tests, or install one. Standard library only."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

NO_BROWSER = "MIXSCOPE_NO_BROWSER"
"""Environment variable: why the browser tests cannot run, for the tests' closing lines."""
NAMED = "MIXSCOPE_CHROMIUM"
"""Environment variable: the Chromium or Chrome to use."""

COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FIXED_PLACES = {
    "Linux": ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"),
    "Darwin": (
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
    ),
    "Windows": (
        "C:/Program Files/Google/Chrome/Application/chrome.exe",
        "C:/Program Files (x86)/Google/Chrome/Application/chrome.exe",
        "C:/Program Files/Chromium/Application/chrome.exe",
    ),
}
PLAYWRIGHT_BUILDS = (
    "chromium-*/chrome-linux*/chrome",
    "chromium-*/chrome-mac*/*.app/Contents/MacOS/*",
    "chromium-*/chrome-win*/chrome.exe",
)


def candidates(
    environ: Mapping[str, str],
    *,
    system: str | None = None,
    which: Callable[[str], str | None] = shutil.which,
    home: Path | None = None,
) -> Iterator[Path]:
    """Places of a Chromium or Chrome, best first: named, installed, on the path, Playwright's.

    A browser that is named in ``MIXSCOPE_CHROMIUM`` is the only candidate.
    """
    if environ.get(NAMED):
        yield Path(environ[NAMED])
        return
    system = system or platform.system()
    yield from (Path(place) for place in FIXED_PLACES.get(system, ()))
    yield from (Path(found) for found in map(which, COMMANDS) if found)
    home = home or Path.home()
    caches = {"Darwin": home / "Library/Caches", "Windows": home / "AppData/Local"}
    folder = caches.get(system, home / ".cache") / "ms-playwright"
    if environ.get("PLAYWRIGHT_BROWSERS_PATH", "0") != "0":
        folder = Path(environ["PLAYWRIGHT_BROWSERS_PATH"])
    for pattern in PLAYWRIGHT_BUILDS:
        yield from sorted(folder.glob(pattern), reverse=True)


def runs(browser: Path) -> bool:
    """Whether the browser is there and starts (a downloaded one may miss system libraries)."""
    if not browser.is_file():
        return False
    if platform.system() == "Windows":
        return True  # --version opens a window there
    try:
        call = [str(browser), "--version"]
        return subprocess.run(call, capture_output=True, timeout=60, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def find(environ: Mapping[str, str] | None = None) -> Path | None:
    """The first browser that starts, None without one."""
    places = candidates(os.environ if environ is None else environ)
    return next((place for place in places if runs(place)), None)


def _attempt(command: Sequence[str], seconds: float) -> bool:
    """Run a command that may fail; whether it did not."""
    print("  " + " ".join(command), flush=True)
    try:
        return subprocess.run(command, timeout=seconds, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _apt_commands() -> list[list[str]]:
    """How to install Chromium with apt here without being asked anything; empty if not possible."""
    if platform.system() != "Linux" or not shutil.which("apt-get"):
        return []
    prefix: list[str] = []
    if os.geteuid() != 0:
        if not shutil.which("sudo"):
            return []
        probe = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False)
        if probe.returncode != 0:
            return []
        prefix = ["sudo", "-n"]
    fetch = [*prefix, "apt-get", "install", "-y", "--no-install-recommends", "chromium"]
    return [[*prefix, "apt-get", "update"], fetch]


def provide() -> tuple[Path | None, str]:
    """Find a browser or install one: (its place, "") or (None, why the tests go without)."""
    found = find()
    if found:
        return found, ""
    if os.environ.get(NAMED):
        return None, f"{NAMED} names {os.environ[NAMED]}, which does not start"
    print("No Chromium is installed; trying to get one for the browser tests:", flush=True)
    if _attempt([sys.executable, "-m", "playwright", "install", "chromium"], 300):
        found = find()
    if not found:
        apt = _apt_commands()
        # A failing update is no reason to stop: the lists that are there may do.
        for command in apt:
            _attempt(command, 600)
        found = find() if apt else None
    if found:
        return found, ""
    return None, f"no Chromium found, and none could be installed; set {NAMED}"
