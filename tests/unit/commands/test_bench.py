"""The command ``bench``: it runs the scripts it is asked for and gathers their figures."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

import vislib.__main__ as command
from benchmarks import ratios, report
from vislib.commands import bench

ROOT = Path(command.__file__).resolve().parent.parent
ROW = {"what": "a ratio", "value": 1.25, "unit": "x"}
WRITES = f"""
import json, pathlib, sys
out = pathlib.Path(sys.argv[sys.argv.index("--json") + 1])
out.write_text(json.dumps([{ROW!r}, sys.argv[3:]]))
"""


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Scripts that write a figure at once; the one for the start breaks."""
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    for name in ("capture.py", "estimates.py"):
        (folder / name).write_text(WRITES, encoding="utf-8")
    (folder / "startup.py").write_text("raise SystemExit(3)", encoding="utf-8")
    monkeypatch.setattr(bench, "FOLDER", folder)
    return folder


@pytest.mark.usefixtures("scripts")
def test_figures_are_gathered_with_machine_and_date(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "found.json"
    asked = ["bench", "estimates", "capture", "--json", str(out), "--old", "elsewhere"]
    assert command.main(asked) == 0
    told = json.loads(out.read_text(encoding="utf-8"))
    assert list(told["figures"]) == ["estimates", "capture"]
    assert told["figures"]["estimates"] == [ROW, ["--old", str(Path("elsewhere").resolve())]]
    assert told["figures"]["capture"] == [ROW, []]  # it has nothing to set beside it
    assert date.fromisoformat(told["date"])
    assert told["cores"] >= 1
    assert told["processor"]
    assert str(out) in capfd.readouterr().out


@pytest.mark.usefixtures("scripts")
def test_what_breaks_is_named_and_the_rest_is_kept(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "found.json"
    assert command.main(["bench", "start", "capture", "--json", str(out)]) == 2
    assert "start did not come to its end" in capfd.readouterr().err
    assert json.loads(out.read_text(encoding="utf-8"))["figures"] == {
        "start": [],
        "capture": [ROW, []],
    }


def test_a_benchmark_of_several_calls_keeps_the_rows_of_all(scripts: Path, tmp_path: Path) -> None:
    (scripts / "visitors.py").write_text(WRITES, encoding="utf-8")
    out = tmp_path / "found.json"
    assert command.main(["bench", "class", "--json", str(out)]) == 0
    rows = json.loads(out.read_text(encoding="utf-8"))["figures"]["class"]
    assert rows[::2] == [ROW] * len(bench.CALLS["class"])
    assert [row[:2] for row in rows[1::2]] == [["--visitors", "30"]] + 2 * [["--visitors", "100"]]


@pytest.mark.usefixtures("scripts")
def test_what_cannot_be_run_is_said_before_anything_runs(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["bench", "capture", "captures"]) == 2
    told = capfd.readouterr()
    assert "'captures'" in told.err
    assert "capture, estimates, class, start" in told.err
    assert command.main(["bench", "capture", "class"]) == 2  # its script was left out
    told = capfd.readouterr()
    assert "visitors.py" in told.err
    assert command.main(["bench", "capture", "--json", str(tmp_path)]) == 2
    assert "is a folder" in capfd.readouterr().err
    assert not told.out


def test_rows_are_printed_with_their_goals_and_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = report.Row(what="one", value=1.02, unit="x", goal="<= 1.03", is_met=True)
    bad = report.Row(what="two", value=1.5, unit="s", goal="<= 1", is_met=False)
    rows = report.say([good, bad, report.Row(what="three", value=2.0, unit="MB")])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("1.020 x  (goal <= 1.03: met)")
    assert lines[1].endswith("1.500 s  (goal <= 1: not met)")
    assert lines[2].endswith("2.000 MB")
    report.write(rows, tmp_path / "rows.json")
    read = json.loads((tmp_path / "rows.json").read_text(encoding="utf-8"))
    assert [row["is_met"] for row in read] == [True, False, None]


def test_each_way_runs_as_often_and_none_always_first() -> None:
    ran: list[str] = []
    ways = {name: lambda name=name: ran.append(name) for name in "abc"}  # type: ignore[misc]
    took = ratios.alternate(ways, 3)
    assert {name: len(found) for name, found in took.items()} == {"a": 3, "b": 3, "c": 3}
    assert "".join(ran) == "abc" + "abc" + "bca" + "cab"  # the first three warm up


def test_the_script_for_a_card_needs_neither_streamlit_nor_captum() -> None:
    code = (
        "import sys; sys.modules.update(streamlit=None, captum=None); "
        "import benchmarks.gpu as gpu; print(*gpu.SMALL)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "mixer_mini" in done.stdout
