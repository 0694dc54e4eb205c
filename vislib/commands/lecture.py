"""``python -m vislib lecture check | sheet``: a path's mistakes with file and line, its exercises.

A sheet is for the students, its key holds what the models answer.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from vislib.commands.arguments import DONE, WRONG
from vislib.lecture import reading
from vislib.lecture.measuring import Answer
from vislib.lecture.steps import LecturePath
from vislib.schema import MixScopeError
from vislib.texts import Message

if TYPE_CHECKING:
    from vislib.commands.lecture_models import LectureModels

SERVER = "http://localhost:8501"
PICTURE = "coffee"
SIDE = 640
"""Of the picture on paper, in pixels."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``lecture check`` and ``lecture sheet`` to the command line."""
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
    sheet = actions.add_parser(
        "sheet",
        help=str(Message("command.lecture_sheet")),
        description=str(Message("command.lecture_sheet_how")),
    )
    sheet.add_argument(
        "folder", nargs="?", type=Path, default=reading.FOLDER / "seminar", metavar="FOLDER"
    )
    for name, metavar, default, kind in (
        ("out", "FOLDER", Path(), Path),
        ("server", "URL", SERVER, str),
        ("picture", "KEY", PICTURE, str),
    ):
        words = str(Message(f"command.sheet.{name}", default=default))
        sheet.add_argument(f"--{name}", type=kind, default=default, metavar=metavar, help=words)
    sheet.set_defaults(run=_sheet)


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


def _sheet(options: argparse.Namespace) -> int:
    """Sheet and key of one path in each of its languages."""
    from vislib.commands.lecture_models import LectureModels
    from vislib.lecture import sheet
    from vislib.pictures import encoding

    place = _paths(options.folder)[0]
    path = reading.read(place)
    if not any(step.ask for step in path.steps):
        raise MixScopeError("error.lecture.no_question", folder=str(place))
    if not options.out.is_dir():
        raise MixScopeError("error.command.out_no_folder", folder=str(options.out))
    models = LectureModels(options.picture)
    answers = _answers(path, models)
    jpeg = encoding.encode_jpeg(encoding.thumbnail(models.picture, SIDE))
    for language in path.languages:
        for kind, told in (("sheet", {}), ("key", answers)):
            paper = sheet.Paper(
                language=language,
                server=options.server.rstrip("/"),
                picture=options.picture,
                jpeg=jpeg,
                answers=told,
            )
            file = options.out / f"{path.key}_{kind}_{language}.html"
            file.write_text(sheet.page(path, paper), encoding="utf-8")
            print(Message("command.written", path=file))
    return DONE


def _answers(path: LecturePath, models: LectureModels) -> dict[str, Answer | Message]:
    """Step -> what the models answer, or why they cannot."""
    from vislib.lecture import measuring

    found: dict[str, Answer | Message] = {}
    for step in path.steps:
        if step.ask:
            try:
                found[step.key] = measuring.measured(step, models)
            except MixScopeError as error:
                found[step.key] = error.message
    return found
