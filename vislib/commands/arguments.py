"""What several commands of the command line share: exit codes, options, numbers with bounds."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from vislib.schema import MixScopeError
from vislib.texts import Message, counterparts

DONE, WRONG, UNFINISHED, INTERRUPTED = 0, 2, 3, 130
ENDED: Mapping[str, int] = {"finished": DONE, "out of time": UNFINISHED, "stopped": INTERRUPTED}
"""How a training ended -> exit code."""


def word_argparse() -> None:
    """Let argparse's own words be in the language spoken, where it asks gettext for them."""
    theirs = counterparts("start")
    argparse._ = lambda text: theirs.get(text, text)  # type: ignore[attr-defined]


def add_training(command: argparse.ArgumentParser) -> None:
    """The options of every command that trains."""
    command.add_argument("--epochs", type=whole(1), help="instead of the recipe's")
    command.add_argument("--batch-size", type=whole(1), help="instead of the recipe's")
    command.add_argument("--minutes", type=minutes, help="stop and save after so long, exit code 3")
    add_device(command, default="auto")
    command.add_argument("--data-source", metavar="TEXT", help="origin of the data, for the record")
    command.add_argument("--data-terms", metavar="TEXT", help="terms of the data, for the record")


def add_device(command: argparse.ArgumentParser, *, default: str) -> None:
    """The option that names a device."""
    choices = ("auto", "cpu", "cuda", "mps")
    command.add_argument("--device", choices=choices, default=default, help=f"({default})")


def whole(least: int) -> Callable[[str], int]:
    """A parser of whole numbers from ``least`` up."""

    def number(text: str) -> int:
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(
                Message("error.command.too_small", value=value, least=least)
            )
        return value

    number.__name__ = "whole number"  # argparse says it in its message
    return number


def minutes(text: str) -> float:
    """A time above zero."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(Message("error.command.no_time", value=text))
    return value


def check_place(path: Path) -> None:
    """Refuse a file that could not be written, before minutes of work depend on it.

    Raises:
        MixScopeError: It is a folder, its folder is not there, or one of them is not writable.
    """
    if path.is_dir():
        raise MixScopeError("error.command.out_is_folder", path=str(path))
    if not path.parent.is_dir():
        raise MixScopeError("error.command.out_no_folder", folder=str(path.parent))
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise MixScopeError("error.command.out_not_writable", path=str(path))
