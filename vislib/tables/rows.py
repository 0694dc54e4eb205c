"""The rows of a CSV file that comes with the project, after a look at what it is. Light."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path

from vislib.schema import MixScopeError
from vislib.texts import Message

Fault = Callable[[Path, Message], MixScopeError]
"""(file, what is wrong with it) -> the error to raise."""


def read(path: Path, columns: Sequence[str], fault: Fault) -> list[dict[str, str]]:
    """The rows of a CSV file with a header, each with a text in every column.

    Args:
        path: The file.
        columns: Those that must be there; more may be.
        fault: Makes the error.

    Raises:
        MixScopeError: Of ``fault``: the file is missing, empty, no CSV file in UTF-8, lacks a
            column, or breaks off within a line.
    """
    try:
        text = path.read_text(encoding="utf-8")
        lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except OSError as error:
        kind = error.strerror or type(error).__name__
        raise fault(path, Message("error.table.unreadable", kind=kind)) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise fault(path, Message("error.table.no_csv", kind=type(error).__name__)) from error
    if not lines:
        raise fault(path, Message("error.table.empty"))
    found = lines[0]
    absent = [name for name in columns if name not in found]
    if absent:
        raise fault(path, Message("error.table.no_column", columns=absent))
    for number, line in enumerate(lines[1:], start=2):
        if len(line) != len(found):
            what = Message(
                "error.table.short_line", line=number, count=len(line), needed=len(found)
            )
            raise fault(path, what)
    return [dict(zip(found, line, strict=True)) for line in lines[1:]]
