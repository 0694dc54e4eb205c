"""``python -m vislib lecture check``: the mistakes in a lecture's path, each with file and line."""

from __future__ import annotations

import argparse
from pathlib import Path

from vislib.commands.arguments import DONE, WRONG
from vislib.lecture import reading
from vislib.schema import MixScopeError
from vislib.texts import Message


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``lecture check`` to the command line."""
    lecture = commands.add_parser("lecture", help=str(Message("command.lecture_help")))
    actions = lecture.add_subparsers(required=True, metavar="action")
    check = actions.add_parser(
        "check",
        help=str(Message("command.lecture_check")),
        description=str(Message("command.lecture_check_how")),
    )
    words = str(Message("command.lecture_folders"))
    check.add_argument("folders", nargs="*", type=Path, metavar="FOLDER", help=words)
    check.set_defaults(run=_check)


def _check(options: argparse.Namespace) -> int:
    """One line a mistake, and one a path; 2 where anything is wrong."""
    wrong = 0
    for folder in options.folders or [reading.FOLDER]:
        for place in _paths(folder):
            found = reading.read(place)
            for fault in (*found.faults, *found.hints):
                line = f":{fault.line}" if fault.line else ""
                step = f" [{fault.step}]" if fault.step else ""
                print(f"{fault.file}{line}:{step} {fault.said}")
            wrong += len(found.faults)
            print(
                Message(
                    "command.lecture_path",
                    name=place.name,
                    count=len(found.steps),
                    minutes=found.minutes,
                    languages=list(found.languages),
                )
            )
    return WRONG if wrong else DONE


def _paths(folder: Path) -> list[Path]:
    """The folder itself where it is a path, else those in it."""
    if not folder.is_dir():
        raise MixScopeError("error.lecture.no_folder", folder=str(folder))
    if (folder / reading.HEAD).is_file():
        return [folder]
    found = sorted(head.parent for head in folder.glob(f"*/{reading.HEAD}"))
    if not found:
        raise MixScopeError("error.lecture.no_path", folder=str(folder))
    return found
