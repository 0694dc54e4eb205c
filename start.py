"""The one bootstrap of MixScope: environment, then the app or the tests. Standard library only.

    python3 start.py [--port N] [--room]       the app
    python3 start.py test [--fast] [...]       every test; other arguments go to pytest

The first call makes ``.venv`` beside this file and installs the pinned requirements there. Later
calls install only when a requirements file has changed. Both commands are safe to repeat.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib.util
import os
import platform
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
MINIMUM = (3, 11)
DEFAULT_PORT = 8501
PORTS_TRIED = 50
READY_SECONDS = 120.0
KEY = "MIXSCOPE_LECTURER_KEY"
TICKET = "MIXSCOPE_LECTURER_TICKET"
"""Environment variables of the server: who knows the one may lead, the other opens once."""


class StartError(Exception):
    """Something a person has to do first; the message says what."""


# ---------------------------------------------------------------- Python and its environment


def python_problem(version: Sequence[int]) -> str | None:
    """Say what is wrong with this Python version (major, minor, ...), None when it will do."""
    if tuple(version[:2]) >= MINIMUM:
        return None
    came = ".".join(str(part) for part in version[:2])
    wanted = ".".join(str(part) for part in MINIMUM)
    return (
        f"This is Python {came}; MixScope needs {wanted} or newer. "
        f"Install it from https://www.python.org/downloads/ and start again with it, "
        f"for example: python{wanted} start.py"
    )


def venv_problem(find: Callable[[str], object] = importlib.util.find_spec) -> str | None:
    """Say how to get the venv module where a Linux distribution has taken it out."""
    if find("venv") is not None and find("ensurepip") is not None:
        return None
    return (
        "This Python cannot make an environment: its venv module is not installed. "
        "On Debian and Ubuntu: sudo apt install python3-venv    Then start again."
    )


def venv_python(venv: Path, system: str | None = None) -> Path:
    """The environment's own interpreter."""
    windows = (system or platform.system()) == "Windows"
    return venv / ("Scripts/python.exe" if windows else "bin/python")


def stamp_path(venv: Path, requirements: Path) -> Path:
    """Where the digest of an installed requirements file is kept."""
    return venv / f".{requirements.name}.sha256"


def digest(requirements: Path) -> str:
    """Sha256 of a requirements file, whatever line ends the checkout gave it."""
    text = requirements.read_text(encoding="utf-8")
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def is_installed(venv: Path, requirements: Path) -> bool:
    """Whether this very list was installed here and the installation came to its end."""
    stamp = stamp_path(venv, requirements)
    if not venv_python(venv).exists() or not stamp.is_file():
        return False
    return stamp.read_text(encoding="utf-8").strip() == digest(requirements)


def download_note(system: str | None = None) -> str:
    """What the first installation costs, said before it begins."""
    if (system or platform.system()) == "Linux":
        return "about 3 GB to download, 6 GB on disk (PyTorch with its GPU libraries)"
    return "about 0.5 GB to download, 2 GB on disk (PyTorch without GPU libraries)"


def _has_pip(python: Path) -> bool:
    """Whether the environment exists, is new enough and has pip."""
    if not python.exists():
        return False
    call = [str(python), "-c", f"import sys, pip; sys.exit(sys.version_info < {MINIMUM})"]
    return subprocess.run(call, capture_output=True, check=False).returncode == 0


def _make_venv(venv: Path) -> None:
    """Make the environment, or repair one without pip (uv makes such) or left half-made."""
    python = venv_python(venv)
    if _has_pip(python):
        return
    if python.exists():
        subprocess.run([str(python), "-m", "ensurepip"], capture_output=True, check=False)
        if _has_pip(python):
            return
    problem = venv_problem()
    if problem:
        raise StartError(problem)
    print(f"Making the environment {venv.name} ...", flush=True)
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", str(venv)], check=False)
    if made.returncode != 0:
        raise StartError(f"The environment could not be made (above). Is {venv.name} writable?")


def install(venv: Path, requirements: Path, note: str = "") -> None:
    """Install one requirements file unless it is there already; the stamp is written last.

    Raises:
        StartError: pip failed.
    """
    if is_installed(venv, requirements):
        return
    _make_venv(venv)
    stamp = stamp_path(venv, requirements)
    stamp.unlink(missing_ok=True)
    print(f"Installing {requirements.name}{': ' if note else ''}{note}.", flush=True)
    call = [str(venv_python(venv)), "-m", "pip", "install", "--disable-pip-version-check"]
    done = subprocess.run([*call, "-r", str(requirements)], check=False)
    if done.returncode != 0:
        raise StartError(
            f"Installing {requirements.name} failed; pip's own words stand above. Check the "
            "network and the free disk space, then give the same command again."
        )
    stamp.write_text(digest(requirements) + "\n", encoding="utf-8")


# ---------------------------------------------------------------- the app


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen on this port, and nobody answers there."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(0.5)
        # macOS lets a second server bind beside one on all interfaces, so ask as a visitor too.
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            return False
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as server:
        if os.name == "posix":
            # As the real server does: a port that was closed a minute ago is free.
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind((host, port))
        except OSError:
            return False
    return True


def find_port(first: int, host: str = "127.0.0.1", *, tried: int = PORTS_TRIED) -> int:
    """The first free port from ``first`` on.

    Raises:
        StartError: The number is no port, or none of the next ones is free.
    """
    if not 1 <= first <= 65535:
        raise StartError(f"{first} is no port; choose one from 1024 to 65535 with --port.")
    for port in range(first, min(first + tried, 65536)):
        if is_free(port, host):
            if port != first:
                print(f"Port {first} is in use; taking {port}.", flush=True)
            return port
    raise StartError(f"No port from {first} on is free; choose another one with --port.")


def lan_addresses() -> list[str]:
    """This machine's IPv4 addresses in its networks, the one of the default route first."""
    found: list[str] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Choosing a route sends nothing; the address need not exist.
            probe.connect(("10.255.255.255", 1))
            found.append(probe.getsockname()[0])
        except OSError:
            pass
    try:
        found += socket.gethostbyname_ex(socket.gethostname())[2]
    except OSError:
        pass
    real = [a for a in found if not a.startswith(("127.", "169.254.")) and a != "0.0.0.0"]
    return list(dict.fromkeys(real))


def server_command(python: Path, port: int, room: Sequence[str] | None) -> list[str]:
    """The call that starts Streamlit; ``room``: LAN addresses, None for this machine alone."""
    command = [str(python), "-m", "streamlit", "run", str(ROOT / "app.py")]
    command += ["--server.port", str(port)]
    if room is None:
        return [*command, "--server.address", "127.0.0.1"]
    command += ["--server.address", "0.0.0.0"]
    if room:
        # Otherwise Streamlit asks a server in the internet for this machine's address.
        command += ["--browser.serverAddress", room[0]]
    for address in room:
        command += ["--server.corsAllowedOrigins", f"http://{address}:{port}"]
    return command


def lecturers_environment(room: bool) -> dict[str, str]:
    """The server's environment; in a room with a key for the lecturer that nobody can guess."""
    if not room:
        return dict(os.environ)
    key = "-".join(secrets.token_hex(2) for _ in range(3))
    return {KEY: key, **os.environ, TICKET: secrets.token_urlsafe(24)}


def print_qr(python: Path, address: str) -> None:
    """Print the address as a QR code in text, where the terminal can."""
    code = "import sys, segno; segno.make(sys.argv[1], micro=False).terminal(compact=True)"
    # A plain child process: this file must do without anything from the environment.
    subprocess.run(
        [str(python), "-c", code, address],
        env={**os.environ, "PYTHONUTF8": "1"},
        stderr=subprocess.DEVNULL,
        check=False,
    )


def _announce(
    child: subprocess.Popen[bytes],
    python: Path,
    port: int,
    lan: Sequence[str] | None,
    environment: Mapping[str, str],
) -> None:
    """Wait until the server answers, then print where it is and, for a room, who may lead."""
    end = time.monotonic() + READY_SECONDS
    while child.poll() is None and time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2):
                break
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    else:
        return
    print(f"\nMixScope is ready on this machine:  http://127.0.0.1:{port}", flush=True)
    for address in lan or ():
        print(f"For the room (same network):        http://{address}:{port}", flush=True)
        print(f"  its phones in a lecture:          http://{address}:{port}/room", flush=True)
    if lan:
        print_qr(python, f"http://{lan[0]}:{port}/room")
    elif lan is not None:
        print("This machine has no network address; only it can open the page.")
    if TICKET in environment:
        own = f"http://127.0.0.1:{port}/lecturer"
        print("\nTo lead a lecture, open this once, on this machine, not on the projector:")
        print(f"  {own}?ticket={environment[TICKET]}")
        print(f"or anywhere http://.../lecturer with the lecturer's key:  {environment[KEY]}")
    print("Ctrl-C ends it.\n", flush=True)


def _stop(child: subprocess.Popen[bytes]) -> None:
    """End the server: ask, wait, insist."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(timeout=10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _on_terminate(number: int, frame: object) -> None:
    """A terminated start.py must not leave its server behind."""
    raise SystemExit(128 + number)


def serve(python: Path, *, port: int, room: bool) -> int:
    """Run the app until it ends or a person ends it; returns the exit status."""
    lan = lan_addresses() if room else None
    chosen = find_port(port, "0.0.0.0" if room else "127.0.0.1")
    signal.signal(signal.SIGTERM, _on_terminate)
    hangup = getattr(signal, "SIGHUP", None)  # the terminal was closed; Windows has none
    if hangup is not None and signal.getsignal(hangup) != signal.SIG_IGN:  # else: nohup
        signal.signal(hangup, _on_terminate)
    environment = lecturers_environment(room)
    child = subprocess.Popen(server_command(python, chosen, lan), cwd=ROOT, env=environment)
    try:
        said = (child, python, chosen, lan, environment)
        threading.Thread(target=_announce, args=said, daemon=True).start()
        return child.wait()
    except KeyboardInterrupt:
        # The terminal told the server too: let it close by itself first.
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout=5)
        print("\nMixScope has ended.", flush=True)
        return 0
    finally:
        _stop(child)


# ---------------------------------------------------------------- the tests


def test(python: Path, *, fast: bool, pytest_arguments: Sequence[str]) -> int:
    """Hand over to tests/run.py in the environment's Python; returns pytest's exit status."""
    command = [str(python), "-m", "tests.run", *(["--fast"] if fast else []), *pytest_arguments]
    try:
        return subprocess.run(command, cwd=ROOT, check=False).returncode
    except KeyboardInterrupt:
        return 130


# ---------------------------------------------------------------- the command line


def environment(no_install: bool, lists: Sequence[Path]) -> Path:
    """The interpreter to go on with, after installing what it lacks."""
    if no_install:
        return Path(sys.executable)
    note = "" if stamp_path(VENV, lists[0]).exists() else download_note() + ", once"
    for number, requirements in enumerate(lists):
        install(VENV, requirements, note if number == 0 else "")
    return venv_python(VENV)


def parse(arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """Read the command line: (options, what goes to pytest)."""
    testing = list(arguments[:1]) == ["test"]
    parser = argparse.ArgumentParser(
        prog="start.py test" if testing else "start.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--no-install",
        action="store_true",
        help="use the Python that runs this file as it is (conda, a container, your own venv)",
    )
    if testing:
        parser.add_argument(
            "--fast", action="store_true", help="no browser, no published weights, nothing slow"
        )
        options, rest = parser.parse_known_args(arguments[1:])
    else:
        parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="first port to try")
        parser.add_argument("--room", action="store_true", help="open it to the whole network")
        options, rest = parser.parse_args(arguments), []
    options.testing = testing
    return options, rest


def main(arguments: Sequence[str]) -> int:
    """Do what the command line says; returns the exit status."""
    problem = python_problem(sys.version_info[:3])
    if problem:
        print(problem, file=sys.stderr)
        return 2
    options, rest = parse(arguments)
    lists = [ROOT / "requirements.txt"]
    if options.testing:
        lists.append(ROOT / "requirements-test.txt")
    try:
        python = environment(options.no_install, lists)
        if options.testing:
            return test(python, fast=options.fast, pytest_arguments=rest)
        return serve(python, port=options.port, room=options.room)
    except StartError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nStopped. Give the same command again to go on.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
