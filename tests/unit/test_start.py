"""The bootstrap: what it says, what it finds, what it would run. Nothing is installed here."""

from __future__ import annotations

import argparse
import ast
import inspect
import itertools
import os
import re
import signal
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import start


def test_an_old_python_is_told_what_to_do() -> None:
    message = start.python_problem((3, 9, 2))
    assert message is not None
    assert "3.9" in message
    assert "3.11" in message


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 12), (4, 0)])
def test_a_new_python_will_do(version: tuple[int, ...]) -> None:
    assert start.python_problem(version) is None


@pytest.mark.parametrize("missing", ["venv", "ensurepip"])
def test_a_missing_venv_module_names_the_package(missing: str) -> None:
    message = start.venv_problem(lambda name: None if name == missing else object())
    assert message is not None
    assert "apt install python3-venv" in message
    assert start.venv_problem(lambda name: object()) is None


def test_the_file_is_readable_for_an_old_python() -> None:
    # The message above is of no use when an older interpreter cannot even parse the file.
    source = (start.ROOT / "start.py").read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 8))
    with pytest.raises(SyntaxError):
        ast.parse("match 1:\n    case 1: pass", feature_version=(3, 8))


# ------------------------------------------------------------ the words

SAID = set(re.findall(r"""said\(\s*"(\w+)\"""", (start.ROOT / "start.py").read_text("utf-8")))


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """What a test has spoken is no other test's."""
    yield
    start.speak("en")


@pytest.mark.parametrize("language", start.languages())
def test_all_that_start_says_is_a_line_of_each_language(language: str) -> None:
    whole = tomllib.loads((start.TEXTS / f"{language}.toml").read_text(encoding="utf-8"))
    assert start.table(language) == whole["start"]  # read without tomllib
    assert {key for key in whole["start"] if not key.startswith("argparse_")} == SAID


def test_argparses_own_words_are_in_the_language(capsys: pytest.CaptureFixture[str]) -> None:
    start.speak("ko")
    with pytest.raises(SystemExit):
        start.parse(["--prt", "3"])
    said = capsys.readouterr().err
    assert re.findall("[A-Za-z]{6,}", said.replace("install", "")) == []
    source = inspect.getsource(argparse)
    words = [t for k, t in start.table("en").items() if k.startswith("argparse_")]
    assert [text for text in words if repr(text)[1:-1] not in source] == []


@pytest.mark.parametrize(
    ("arguments", "environ", "language"),
    [
        ([], {"LANG": "ko_KR.UTF-8"}, "ko"),
        ([], {"LANG": "en_US.UTF-8", "LC_ALL": "ko_KR.UTF-8"}, "ko"),
        ([], {"LANG": "ko_KR.UTF-8", start.LANGUAGE: "en"}, "en"),
        ([], {"LANG": "C.UTF-8"}, "en"),
        ([], {}, "en"),
        (["--lang", "ko"], {"LANG": "en_US.UTF-8"}, "ko"),
        (["--room", "--lang=ko"], {}, "ko"),
        (["--lang", "fr"], {"LANG": "ko_KR.UTF-8"}, "en"),
    ],
)
def test_the_language_is_the_commands_or_the_machines(
    arguments: list[str], environ: dict[str, str], language: str
) -> None:
    start.speak(start.wanted(arguments, environ))
    assert start.said("how_to_end") == start.table(language)["how_to_end"]


def test_a_lecturer_is_spoken_to_in_korean(capsys: pytest.CaptureFixture[str]) -> None:
    start.speak("ko")
    assert "이상이 필요합니다" in str(start.python_problem((3, 9, 2)))
    assert "3.9" in str(start.python_problem((3, 9, 2)))
    with pytest.raises(start.StartError, match="포트 번호가 아닙니다"):
        start.find_port(0)
    with pytest.raises(SystemExit):
        start.parse(["--help"])
    assert "같은 네트워크의 모든 기기에 엽니다" in capsys.readouterr().out


def test_a_damaged_copy_still_says_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start, "TEXTS", tmp_path)
    assert start.said("no_port", port=0) == "no_port 0"
    (tmp_path / "en.toml").write_text('[start]\nno_port = "{port} is {wrong}"\n', encoding="utf-8")
    assert start.said("no_port", port=0) == "no_port 0"


# ------------------------------------------------------------ installing


@pytest.fixture
def requirements(tmp_path: Path) -> Path:
    path = tmp_path / "requirements.txt"
    path.write_text("left==1\n", encoding="utf-8")
    return path


@pytest.fixture
def fake_venv(tmp_path: Path) -> Path:
    venv = tmp_path / ".venv"
    python = start.venv_python(venv)
    python.parent.mkdir(parents=True)
    python.write_text("", encoding="utf-8")
    return venv


def test_a_changed_list_is_installed_again(fake_venv: Path, requirements: Path) -> None:
    assert not start.is_installed(fake_venv, requirements)
    stamp = start.stamp_path(fake_venv, requirements)
    stamp.write_text(start.digest(requirements) + "\n", encoding="utf-8")
    assert start.is_installed(fake_venv, requirements)
    requirements.write_text("left==2\n", encoding="utf-8")
    assert not start.is_installed(fake_venv, requirements)


def test_a_stamp_without_an_interpreter_counts_for_nothing(
    fake_venv: Path, requirements: Path
) -> None:
    stamp = start.stamp_path(fake_venv, requirements)
    stamp.write_text(start.digest(requirements), encoding="utf-8")
    start.venv_python(fake_venv).unlink()
    assert not start.is_installed(fake_venv, requirements)


def test_line_ends_do_not_matter(tmp_path: Path) -> None:
    unix, windows = tmp_path / "a.txt", tmp_path / "b.txt"
    unix.write_bytes(b"left==1\nright==2\n")
    windows.write_bytes(b"left==1\r\nright==2\r\n")
    assert start.digest(unix) == start.digest(windows)


class FakePip:
    """Stands for pip: notes its calls, and whether a stamp lay there while it ran."""

    def __init__(self, returncode: int, stamp: Path) -> None:
        self.returncode, self.stamp = returncode, stamp
        self.calls: list[list[str]] = []
        self.stamp_was_there = False

    def __call__(self, command: list[str], **rest: object) -> subprocess.CompletedProcess[bytes]:
        if "install" not in command:
            return subprocess.CompletedProcess(command, 0)
        self.calls.append(command)
        self.stamp_was_there = self.stamp.exists()
        return subprocess.CompletedProcess(command, self.returncode)


@pytest.mark.parametrize("returncode", [0, 1])
def test_the_stamp_is_written_last(
    fake_venv: Path, requirements: Path, monkeypatch: pytest.MonkeyPatch, returncode: int
) -> None:
    stamp = start.stamp_path(fake_venv, requirements)
    stamp.write_text("of an older list", encoding="utf-8")
    pip = FakePip(returncode, stamp)
    monkeypatch.setattr(start.subprocess, "run", pip)
    if returncode:
        with pytest.raises(start.StartError, match="again"):
            start.install(fake_venv, requirements)
    else:
        start.install(fake_venv, requirements)
        start.install(fake_venv, requirements)  # the second call finds all in place
    assert len(pip.calls) == 1
    assert not pip.stamp_was_there
    assert stamp.exists() is (returncode == 0)
    assert "--disable-pip-version-check" in pip.calls[0]
    assert not any("index" in part for part in pip.calls[0])


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-test.txt"])
def test_direct_requirements_are_pinned_and_name_no_index(name: str) -> None:
    lines = (start.ROOT / name).read_text(encoding="utf-8").splitlines()
    wanted = [line for line in lines if line and not line.startswith("#")]
    assert wanted
    assert [line for line in wanted if line.count("==") != 1 or line.startswith("-")] == []


# ------------------------------------------------------------ serving


@pytest.fixture
def busy_port() -> Iterator[int]:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_busy_port_is_passed_over(busy_port: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert not start.is_free(busy_port)
    found = start.find_port(busy_port)
    assert found > busy_port
    assert start.is_free(found)
    assert f"Port {busy_port} is in use; taking {found}." in capsys.readouterr().out


def test_a_free_port_is_taken_silently(busy_port: int, capsys: pytest.CaptureFixture[str]) -> None:
    free = start.find_port(busy_port)
    capsys.readouterr()
    assert start.find_port(free) == free
    assert capsys.readouterr().out == ""


def test_no_port_left_is_said(busy_port: int) -> None:
    with pytest.raises(start.StartError, match="--port"):
        start.find_port(busy_port, tried=1)
    with pytest.raises(start.StartError, match="no port"):
        start.find_port(70000)


def option(command: list[str], name: str) -> list[str]:
    return [value for key, value in itertools.pairwise(command) if key == name]


def test_the_app_is_for_this_machine_unless_a_room_is_asked_for() -> None:
    python = Path(sys.executable)
    alone = start.server_command(python, 8501, None)
    assert option(alone, "--server.address") == ["127.0.0.1"]
    room = start.server_command(python, 8502, ["192.168.1.7", "10.0.0.3"])
    assert option(room, "--server.address") == ["0.0.0.0"]
    # Without these two, Streamlit asks a server in the internet for this machine's address.
    assert option(room, "--browser.serverAddress") == ["192.168.1.7"]
    assert option(room, "--server.corsAllowedOrigins") == [
        "http://192.168.1.7:8502",
        "http://10.0.0.3:8502",
    ]


SERVES = """
import sys
from pathlib import Path
import start

child = "import os, time; print(os.getpid(), flush=True); time.sleep(120)"
start.server_command = lambda *_: [sys.executable, "-c", child]
sys.exit(start.serve(Path(sys.executable), port=18900, room=False))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals there")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_no_signal_leaves_the_server_behind(name: str) -> None:
    number = getattr(signal, name)
    default = f"import signal; signal.signal({int(number)}, signal.SIG_DFL)"  # not nohup's
    command = [sys.executable, "-c", default + SERVES]
    with subprocess.Popen(command, cwd=start.ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        child = next(int(line) for line in process.stdout if line.strip().isdigit())
        process.send_signal(number)
        assert process.wait(timeout=30) == 128 + number
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        os.kill(child, signal.SIGKILL)
        pytest.fail("the server still runs")


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals there")
def test_what_nohup_started_outlives_its_terminal() -> None:
    command = [sys.executable, "-c", "import signal; signal.signal(1, signal.SIG_IGN)" + SERVES]
    with subprocess.Popen(command, cwd=start.ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        next(line for line in process.stdout if line.strip().isdigit())
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 128 + signal.SIGTERM


def test_lan_addresses_can_be_reached_from_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("host", [], ["127.0.1.1", "192.168.1.7", "169.254.3.4", "192.168.1.7"])
    monkeypatch.setattr(start.socket, "gethostbyname_ex", lambda host: names)
    found = start.lan_addresses()
    assert found.count("192.168.1.7") == 1
    assert not any(address.startswith(("127.", "169.254.")) for address in found)


def test_a_qr_code_is_printed_as_text(capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("segno", reason="segno is not installed")
    start.print_qr(Path(sys.executable), "http://192.168.1.7:8501")
    lines = capfd.readouterr().out.splitlines()
    assert len(lines) >= 15
    assert any("\u2580" in line or "\u2584" in line or "\u2588" in line for line in lines)


def test_each_configured_option_exists_in_streamlit() -> None:
    config = pytest.importorskip("streamlit.config")
    loaded = tomllib.loads((start.ROOT / ".streamlit/config.toml").read_text(encoding="utf-8"))

    def names(table: dict[str, object], prefix: str = "") -> Iterator[str]:
        for key, value in table.items():
            full = f"{prefix}.{key}" if prefix else key
            if isinstance(value, dict):
                yield from names(value, full)
            else:
                yield full

    known = config.get_config_options()
    assert [name for name in names(loaded) if name not in known] == []
    assert "server.noSuchOption" not in known
    assert loaded["server"]["address"] == "127.0.0.1"


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb after WCAG 2, 0 to 1."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    """Contrast ratio after WCAG 2, 1 to 21."""
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_themes_can_be_read_from_the_last_row(scheme: str) -> None:
    loaded = tomllib.loads((start.ROOT / ".streamlit/config.toml").read_text(encoding="utf-8"))
    theme = loaded["theme"][scheme]
    for ground in (theme["backgroundColor"], theme["secondaryBackgroundColor"]):
        assert contrast(theme["textColor"], ground) >= 12
        assert contrast(theme["linkColor"], ground) >= 7
        assert contrast(theme["borderColor"], ground) >= 2.5
    assert contrast(theme["primaryColor"], theme["backgroundColor"]) >= 7
    assert contrast("#777777", "#ffffff") < 4.5  # a known pair that fails
    assert loaded["theme"]["baseFontSize"] >= 18


# ------------------------------------------------------------ the command line


def test_the_command_line_is_read() -> None:
    options, rest = start.parse(["test", "--fast", "-k", "start", "tests/unit"])
    assert options.testing
    assert options.fast
    assert rest == ["-k", "start", "tests/unit"]
    options, rest = start.parse(["--room", "--port", "9000"])
    assert (options.testing, options.room, options.port) == (False, True, 9000)
    with pytest.raises(SystemExit):
        start.parse(["--no-such-option"])


def test_ci_calls_the_same_command_as_a_person() -> None:
    lines = (start.ROOT / ".ci/run").read_text(encoding="utf-8").splitlines()
    assert lines[-1] == "exec python3 start.py test"
