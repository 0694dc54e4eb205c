"""The one bootstrap of MixScope: environment, then the app or the tests. Standard library only.

    python3 start.py [--port N] [--room] [--lang CODE]   the app
    python3 start.py test [--fast] [...]                 every test; other arguments go to pytest

The first call makes ``.venv`` beside this file and installs the pinned requirements there. Later
calls install only when a requirements file has changed. Both commands are safe to repeat.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib.util
import json
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
TEXTS = ROOT / "assets" / "text"
LANGUAGE = "MIXSCOPE_LANG"
"""Environment variable: the language, before those of the machine."""
KEY = "MIXSCOPE_LECTURER_KEY"
TICKET = "MIXSCOPE_LECTURER_TICKET"
"""Environment variables of the server: who knows the one may lead, the other opens once."""


class StartError(Exception):
    """Something a person has to do first; the message says what."""


# ---------------------------------------------------------------- the words

_spoken = ["en"]


def languages() -> list[str]:
    """Codes of the tables of texts that are there, English first."""
    codes = {path.stem for path in TEXTS.glob("*.toml")} - {"glossary", "en"}
    return ["en", *sorted(codes)]


def wanted(arguments: Sequence[str], environ: Mapping[str, str]) -> str:
    """The language that a command line asks for with --lang, else the environment."""
    for number, argument in enumerate(arguments):
        if argument.startswith("--lang="):
            return argument.partition("=")[2]
        if argument == "--lang":
            return "".join(arguments[number + 1 : number + 2])
    names = (LANGUAGE, "LC_ALL", "LC_MESSAGES", "LANG")
    return next((environ[name] for name in names if environ.get(name)), "")


def speak(name: str) -> None:
    """Let all words be in a language ("ko", "ko_KR.UTF-8"), in English where it is not there."""
    code = name.replace("-", "_").split("_")[0].split(".")[0]
    _spoken[0] = code if code in languages() else "en"
    with contextlib.suppress(OSError, ValueError):  # argparse asks gettext for its own words
        own, words = table(_spoken[0]), table("en")
        theirs = {text: own.get(key, text) for key, text in words.items()}
        argparse._ = lambda text: theirs.get(text, text)  # type: ignore[attr-defined]


def table(language: str) -> dict[str, str]:
    """Key -> text of the section [start]: a line each, so that any Python can read it.

    tomllib came with Python 3.11, and whoever has an older one is to be told so.
    """
    found: dict[str, str] = {}
    inside = False
    for line in (TEXTS / f"{language}.toml").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            inside = line == "[start]"
        elif inside and ' = "' in line:
            key, _, text = line.partition(" = ")
            found[key] = json.loads(text)
    return found


def said(key: str, **values: object) -> str:
    """A text of the section [start] in the language spoken, its places filled in."""
    for language in (_spoken[0], "en"):
        with contextlib.suppress(OSError, ValueError, LookupError):
            return table(language)[key].format(**values)
    return " ".join([key, *map(str, values.values())])  # the copy of the project is damaged


# ---------------------------------------------------------------- Python and its environment


def python_problem(version: Sequence[int]) -> str | None:
    """Say what is wrong with this Python version (major, minor, ...), None when it will do."""
    if tuple(version[:2]) >= MINIMUM:
        return None
    came = ".".join(str(part) for part in version[:2])
    needed = ".".join(str(part) for part in MINIMUM)
    return said("python", came=came, needed=needed)


def venv_problem(find: Callable[[str], object] = importlib.util.find_spec) -> str | None:
    """Say how to get the venv module where a Linux distribution has taken it out."""
    if find("venv") is not None and find("ensurepip") is not None:
        return None
    return said("venv")


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
        return said("download_linux")
    return said("download")


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
    print(said("making", name=venv.name), flush=True)
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", str(venv)], check=False)
    if made.returncode != 0:
        raise StartError(said("not_made", name=venv.name))


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
    words = said("installing", name=requirements.name)
    print(f"{words}: {note}." if note else f"{words}.", flush=True)
    call = [str(venv_python(venv)), "-m", "pip", "install", "--disable-pip-version-check"]
    done = subprocess.run([*call, "-r", str(requirements)], check=False)
    if done.returncode != 0:
        raise StartError(said("not_installed", name=requirements.name))
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
        raise StartError(said("no_port", port=first))
    for port in range(first, min(first + tried, 65536)):
        if is_free(port, host):
            if port != first:
                print(said("port_in_use", first=first, port=port), flush=True)
            return port
    raise StartError(said("no_free_port", port=first))


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
    print("\n" + said("ready", address=f"http://127.0.0.1:{port}"), flush=True)
    for address in lan or ():
        print(said("room", address=f"http://{address}:{port}"), flush=True)
        print(said("phones", address=f"http://{address}:{port}/room"), flush=True)
    if lan:
        print_qr(python, f"http://{lan[0]}:{port}/room")
    elif lan is not None:
        print(said("alone"))
    if TICKET in environment:
        print("\n" + said("lead"))
        print(f"  http://127.0.0.1:{port}/lecturer?ticket={environment[TICKET]}")
        print(said("lead_key", key=environment[KEY]))
    print(said("how_to_end") + "\n", flush=True)


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
        print("\n" + said("ended"), flush=True)
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
    note = "" if stamp_path(VENV, lists[0]).exists() else said("once", note=download_note())
    for number, requirements in enumerate(lists):
        install(VENV, requirements, note if number == 0 else "")
    return venv_python(VENV)


def parse(arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """Read the command line: (options, what goes to pytest)."""
    testing = list(arguments[:1]) == ["test"]
    parser = argparse.ArgumentParser(
        prog="start.py test" if testing else "start.py",
        description=said("description"),
        allow_abbrev=False,
    )
    parser.add_argument(
        "--no-install",
        action="store_true",
        help=said("help_no_install"),
    )
    parser.add_argument("--lang", choices=languages(), help=said("help_lang"))
    if testing:
        parser.add_argument("--fast", action="store_true", help=said("help_fast"))
        options, rest = parser.parse_known_args(arguments[1:])
    else:
        parser.add_argument("--port", type=int, default=DEFAULT_PORT, help=said("help_port"))
        parser.add_argument("--room", action="store_true", help=said("help_room"))
        options, rest = parser.parse_args(arguments), []
    options.testing = testing
    return options, rest


def main(arguments: Sequence[str]) -> int:
    """Do what the command line says; returns the exit status."""
    speak(wanted(arguments, os.environ))
    problem = python_problem(sys.version_info[:3])
    if problem:
        print(problem, file=sys.stderr)
        return 2
    options, rest = parse(arguments)
    if options.lang:
        os.environ[LANGUAGE] = options.lang  # for what is started from here
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
        print("\n" + said("stopped"), file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
