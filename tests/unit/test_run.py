"""What ``start.py test`` hands over to: which tests, with which browser. Nothing is installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import start
from tests import run
from tests.browser import chromium


def places(environ: dict[str, str], system: str, home: Path) -> list[Path]:
    found = {"google-chrome": "/opt/chrome", "chromium": "/opt/chromium"}.get
    return list(chromium.candidates(environ, system=system, which=found, home=home))


def test_a_named_browser_is_the_only_candidate(tmp_path: Path) -> None:
    assert places({chromium.NAMED: "/my/chrome"}, "Linux", tmp_path) == [Path("/my/chrome")]


def test_browsers_are_looked_for_in_order(tmp_path: Path) -> None:
    for build in ("chromium-1100", "chromium-1200"):
        binary = tmp_path / ".cache/ms-playwright" / build / "chrome-linux/chrome"
        binary.parent.mkdir(parents=True)
        binary.write_text("", encoding="utf-8")
    found = places({}, "Linux", tmp_path)
    assert found[0] == Path("/usr/bin/chromium")
    assert found.index(Path("/opt/chromium")) < found.index(Path("/opt/chrome"))
    assert [p.parts[-3] for p in found[-2:]] == ["chromium-1200", "chromium-1100"]


@pytest.mark.parametrize(("system", "part"), [("Darwin", "Applications"), ("Windows", "Google")])
def test_other_systems_have_their_standard_places(system: str, part: str, tmp_path: Path) -> None:
    first = places({}, system, tmp_path)[0]
    assert part in first.parts or part in str(first)
    assert not str(first).startswith("/usr")


def test_a_browser_that_does_not_start_is_none(tmp_path: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("shell scripts are not programs there")
    broken, good = tmp_path / "broken", tmp_path / "good"
    broken.write_text("#!/bin/sh\nexit 127\n", encoding="utf-8")
    good.write_text("#!/bin/sh\nexit 0\n", encoding="utf-8")
    for script in (broken, good):
        script.chmod(0o755)
    assert chromium.find({chromium.NAMED: str(broken)}) is None
    assert chromium.find({chromium.NAMED: str(tmp_path / "nothing")}) is None
    assert chromium.find({chromium.NAMED: str(good)}) == good


def test_a_wrong_browser_name_is_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(chromium.NAMED, "/no/such/browser")
    found, reason = chromium.provide()
    assert found is None
    assert "/no/such/browser" in reason


# ------------------------------------------------------------ which tests


@pytest.mark.parametrize(
    ("fast", "arguments", "expected"),
    [
        (False, [], True),
        (False, ["-x"], True),
        (False, ["tests/browser/test_app.py"], True),
        (False, ["tests/unit"], False),
        (True, [], False),
    ],
)
def test_a_browser_is_got_only_for_browser_tests(
    fast: bool, arguments: list[str], expected: bool
) -> None:
    assert run.wants_browser(fast, arguments) is expected


@pytest.fixture
def handed_on(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What pytest would have been called with."""
    calls: list[list[str]] = []
    monkeypatch.setattr(pytest, "main", lambda words: calls.append(list(words)) or 0)
    monkeypatch.setattr(chromium, "provide", lambda: (None, "no browser in this test"))
    for name in (chromium.NO_BROWSER, "OMP_NUM_THREADS"):
        monkeypatch.setenv(name, "")  # what main sets is taken back afterwards
    return calls


def test_fast_leaves_out_the_slow_tests_and_two_tiers(handed_on: list[list[str]]) -> None:
    assert run.main(["--fast", "-k", "start", "tests/unit"]) == 0
    assert run.main(["-x"]) == 0
    assert handed_on == [
        ["-m", "not browser and not weights and not slow", "-k", "start", "tests/unit"],
        [*run.SIDE_BY_SIDE, "-x"],
    ]


@pytest.mark.parametrize(
    ("arguments", "two"),
    [([], True), (["-k", "mixer"], True), (["tests/app"], False), (["-n", "4"], False)],
)
def test_the_whole_suite_runs_in_two_processes(
    handed_on: list[list[str]], monkeypatch: pytest.MonkeyPatch, arguments: list[str], two: bool
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    run.main(arguments)
    assert (handed_on[0][:2] == ["-n", "2"]) is two
    assert (os.environ.get("OMP_NUM_THREADS") == "1") is two


@pytest.mark.usefixtures("handed_on")
def test_why_there_is_no_browser_is_kept_for_the_closing_lines() -> None:
    run.main(["--fast"])
    assert os.environ[chromium.NO_BROWSER] == ""
    run.main([])
    assert os.environ[chromium.NO_BROWSER] == "no browser in this test"


def test_a_python_without_pytest_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run.importlib.util, "find_spec", lambda name: None)
    assert run.main(["--fast"]) == 2
    assert "requirements-test.txt" in capsys.readouterr().err


def test_start_hands_over_with_the_environments_python(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def call(command: list[str], **more: object) -> subprocess.CompletedProcess[bytes]:
        calls.append((command, more["cwd"]))
        return subprocess.CompletedProcess(command, 5)

    monkeypatch.setattr(start.subprocess, "run", call)
    python = Path("of/the/environment")
    assert start.test(python, fast=True, pytest_arguments=["-x"]) == 5
    assert calls == [([str(python), "-m", "tests.run", "--fast", "-x"], start.ROOT)]
