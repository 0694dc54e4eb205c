"""Read a lecture's path from its folder: TOML in, steps and the mistakes with their lines out.

A path is a folder: ``path.toml`` with its title and languages, and beside it one file a part, in
the order of their names, each with any number of ``[[step]]``. A step that has a mistake is left
out and named; the others stand. docs/lecture.md says what a step may hold.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vislib.lecture.checking import Checker, hint
from vislib.lecture.steps import Fault, LecturePath, Step
from vislib.texts import Message

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "lecture"
HEAD = "path.toml"
_HEADER = re.compile(r"\s*\[\[\s*step\s*\]\]")
_TABLE = re.compile(r"\s*\[\s*step\.([\w.]+)\s*\]")
_NAME = re.compile(r"\s*([\w.]+)\s*=")


def lines_of(text: str) -> dict[tuple[int, str], int]:
    """(number of the step from 0, dotted name in it) -> line; the name "" is its header."""
    found: dict[tuple[int, str], int] = {}
    step, prefix = -1, ""
    for number, line in enumerate(text.splitlines(), start=1):
        if _HEADER.match(line):
            step, prefix = step + 1, ""
            found[step, ""] = number
        elif table := _TABLE.match(line):
            prefix = f"{table[1]}."
            found.setdefault((step, table[1]), number)
        elif name := _NAME.match(line):
            whole = prefix + name[1]
            for end in range(whole.count(".") + 1):
                found.setdefault((step, whole.rsplit(".", end)[0]), number)
    return found


def read(folder: Path) -> LecturePath:
    """A path with all its steps that are right, and the mistakes of the others.

    Never raises for what a file holds: a lecture goes on without the step that is wrong.
    """
    faults: list[Fault] = []
    hints: list[Fault] = []
    head, head_lines = _toml(folder / HEAD, faults)
    title, languages = head.get("title"), head.get("languages", ["en"])
    if not _are_texts(languages) or not languages:
        faults.append(_fault(folder / HEAD, Message("error.lecture.languages")))
        languages = ["en"]
    if not isinstance(title, dict) or not _are_texts([*title.values()]):
        faults.append(_fault(folder / HEAD, Message("error.lecture.path_title")))
        title = {}
    for language, text in title.items():
        if said := hint(text):
            line = head_lines.get((-1, f"title.{language}"), 0)
            hints.append(_fault(folder / HEAD, said, line))
    steps: list[Step] = []
    taken: set[str] = set()
    for file in sorted(folder.glob("*.toml")):
        if file.name == HEAD:
            continue
        whole, lines = _toml(file, faults)
        checker = Checker(file=file, languages=tuple(languages), lines=lines, taken=taken)
        raw = whole.get("step", [])
        for number, entry in enumerate(raw if isinstance(raw, list) else ()):
            if found := checker.step(number, entry):
                steps.append(found)
        faults += checker.faults
        hints += checker.hints
    if not steps:
        faults.append(_fault(folder / HEAD, Message("error.lecture.no_step")))
    return LecturePath(
        key=folder.name,
        title=title,
        languages=tuple(languages),
        steps=tuple(steps),
        faults=tuple(faults),
        hints=tuple(hints),
    )


def _fault(file: Path, said: Message, line: int = 0) -> Fault:
    return Fault(file=file, line=line, said=said)


def _are_texts(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(one, str) for one in values)


def _toml(file: Path, faults: list[Fault]) -> tuple[dict[str, Any], dict[tuple[int, str], int]]:
    """A file's content and the lines of its names; empty where it cannot be read."""
    try:
        text = file.read_text(encoding="utf-8")
        return tomllib.loads(text), lines_of(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"line (\d+)", str(error))
        line = int(place[1]) if place else text.count("\n") + 1
        faults.append(_fault(file, Message("error.lecture.no_toml", problem=str(error)), line))
    except (OSError, UnicodeDecodeError) as error:
        problem = getattr(error, "strerror", None) or type(error).__name__
        faults.append(_fault(file, Message("error.lecture.unreadable", problem=problem)))
    return {}, {}


def folders(own: Sequence[Path] = ()) -> list[Path]:
    """The folders of all paths: the bundled ones, then those in folders of one's own."""
    found = []
    for place in (FOLDER, *own):
        if place.is_dir():
            found += [path.parent for path in sorted(place.glob(f"*/{HEAD}"))]
    return found
