"""What a benchmark found, as lines for a person and as JSON for ``python -m vislib bench``."""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Row:
    """One figure.

    Attributes:
        what: What was measured.
        value: The figure.
        unit: Its unit, and what belongs to it.
        goal: What it should be, in words; empty where nothing was set.
        is_met: Whether it is; None without a goal.
        details: Further figures, for the file alone.
    """

    what: str
    value: float
    unit: str
    goal: str = ""
    is_met: bool | None = None
    details: Mapping[str, float] = field(default_factory=dict)


def parser(words: str | None) -> argparse.ArgumentParser:
    """A command line with ``--json``; what it is for is the first line of a script's words."""
    made = argparse.ArgumentParser(description=(words or "").splitlines()[0])
    made.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    return made


def say(rows: Sequence[Row]) -> Sequence[Row]:
    """Print a line for each, and hand them on."""
    for row in rows:
        goal = f"  (goal {row.goal}: {'met' if row.is_met else 'not met'})" if row.goal else ""
        print(f"{row.what:76} {row.value:10.3f} {row.unit}{goal}", flush=True)
    return rows


def write(rows: Sequence[Row], path: Path | None) -> None:
    """Write them as a list of objects, where a file is named."""
    if path:
        found = [dataclasses.asdict(row) for row in rows]
        path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
