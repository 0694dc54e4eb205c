"""What several commands of the command line take: numbers with bounds, times, devices."""

from __future__ import annotations

import argparse
from collections.abc import Callable


def add_device(command: argparse.ArgumentParser, *, default: str) -> None:
    """The option that names a device."""
    choices = ("auto", "cpu", "cuda", "mps")
    command.add_argument("--device", choices=choices, default=default, help=f"({default})")


def whole(least: int) -> Callable[[str], int]:
    """A parser of whole numbers from ``least`` up."""

    def number(text: str) -> int:
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"{value} came, {least} or more is needed")
        return value

    number.__name__ = "whole number"  # argparse says it in its message
    return number


def minutes(text: str) -> float:
    """A time above zero."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} came, a time above 0 is needed")
    return value
