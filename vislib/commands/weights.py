"""The commands ``weights list``, ``weights pull`` and ``weights verify``."""

from __future__ import annotations

import argparse
import difflib
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

from vislib import registry
from vislib.schema import ModelError, ModelSpec, WeightsError
from vislib.texts import Message, joined

DONE, WRONG = 0, 2
LINE_SECONDS = 10.0
"""Where no terminal shows a bar, a line says this often how far a download is."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``weights`` and its actions to the command line."""
    weights = commands.add_parser("weights", help="which models are on this machine; get others")
    actions = weights.add_subparsers(required=True, metavar="action")
    listing = actions.add_parser("list", help="a table of all models")
    listing.set_defaults(run=_list)
    pull = actions.add_parser(
        "pull",
        help="download published weights",
        description="Download published weights into the Hugging Face cache (HF_HUB_CACHE). What "
        "is there stays; given again after an interruption, a download goes on where it stopped.",
    )
    pull.add_argument("models", nargs="*", metavar="NAME", help="such as davit_tiny.msft_in1k")
    pull.add_argument("--all", action="store_true", help="all published models")
    pull.add_argument("--family", metavar="F", help="only this family, such as davit")
    pull.set_defaults(run=_pull)
    verify = actions.add_parser("verify", help="read all bytes of the files that are there")
    verify.set_defaults(run=_verify)


def _list(options: argparse.Namespace) -> int:
    """A table of all models: where they are and how large they are or will be."""
    from vislib.models import footprint
    from vislib.weights import files

    columns = ("model", "title", "family", "megabytes", "licence", "there", "paper")
    table = [tuple(str(Message(f"command.column.{name}")) for name in columns)]
    missing: list[ModelSpec] = []
    damaged: list[ModelSpec] = []
    for row in registry.MODEL_REGISTRY.values():
        found = files.status(row)
        state = "yes" if found.present else "damaged" if found.damaged else "no"
        there = str(Message(f"command.there.{state}"))
        size = f"{footprint.expected_megabytes(row):.1f}"
        paper = f"arXiv:{row.paper}"
        table.append((row.key, row.title, row.family, size, row.licence, there, paper))
        if not found.present:
            (damaged if found.damaged else missing).append(row)
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    for line in table:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        print("  ".join(cells).rstrip())
    _advise(missing, damaged)
    return DONE


def _advise(missing: list[ModelSpec], damaged: list[ModelSpec]) -> None:
    """What to do about models that cannot be loaded."""
    from vislib.weights import files

    if any(row.weights == "timm" for row in missing):
        print(f"\n{Message('command.pull_how')}")
    for row in [*damaged, *(row for row in missing if row.weights == "bundled")]:
        try:
            files.require(row)
        except WeightsError as error:
            print(f"\n{row.key}: {error}")


def _pull(options: argparse.Namespace) -> int:
    """Download what was asked for; one fault does not keep the others from coming."""
    from vislib.weights import files, hub

    rows = _wanted(options)
    failed: list[str] = []
    for row in rows:
        there = files.status(row).present
        if there and row.weights == "bundled":
            print(Message("command.pull_bundled", model=row.key), flush=True)
            continue
        if there:
            print(Message("command.pull_there", model=row.key), flush=True)
        report = _Report(row.key)
        try:
            path = hub.pull(row, progress=report.show)
        except WeightsError as error:
            report.close()
            failed.append(row.key)
            print(Message("command.error", what=error), file=sys.stderr, flush=True)
        except KeyboardInterrupt:
            report.close()
            print(Message("command.pull_kept", model=row.key), file=sys.stderr)
            raise
        else:
            report.close()
            megabytes = path.stat().st_size / 1e6
            print(Message("command.pulled", model=row.key, megabytes=megabytes), flush=True)
    print(Message("command.models_there", there=len(rows) - len(failed), count=len(rows)))
    if failed:
        print(Message("command.models_away", models=failed), file=sys.stderr)
    return WRONG if failed else DONE


def _wanted(options: argparse.Namespace) -> list[ModelSpec]:
    """The rows that ``weights pull`` was asked for.

    Raises:
        ModelError: A name or family that is not there, or no name at all.
    """
    rows = registry.MODEL_REGISTRY
    published = {key: row for key, row in rows.items() if row.weights == "timm"}
    if options.family:
        families = {row.family for row in published.values()}
        _known([options.family], families, family=True)
    _known(options.models, rows)
    everything = options.all or (options.family and not options.models)
    keys: Iterable[str] = published if everything else dict.fromkeys(options.models)
    found = [rows[key] for key in keys if options.family in (None, rows[key].family)]
    if not found:
        raise ModelError("error.command.no_model_named")
    return found


def _known(names: Iterable[str], known: Iterable[str], *, family: bool = False) -> None:
    """Refuse names that are not known before anything is downloaded, and say which are near."""
    choices = sorted(known)
    for name in names:
        if name not in choices:
            near = [key for key in choices if key.startswith(name)]
            near = near or difflib.get_close_matches(name, choices, n=3, cutoff=0.5)
            advice = Message("error.command.known", known=choices)
            if near:
                advice = Message("error.command.near", near=joined("error.text.or", near))
            if family:
                raise ModelError("error.command.no_family", name=name, advice=advice)
            raise ModelError("error.command.no_model", name=name, advice=advice)


def _verify(options: argparse.Namespace) -> int:
    """Hash all published files that are there, and look at all headers."""
    from vislib.weights import files

    wrong = 0
    for row in registry.MODEL_REGISTRY.values():
        found = files.status(row)
        if not (found.present or found.damaged):
            continue
        try:
            files.require(row)
        except WeightsError as error:
            wrong += 1
            print(Message("command.error", what=error), file=sys.stderr)
        else:
            print(Message("command.whole", model=row.key), flush=True)
    return WRONG if wrong else DONE


class _Report:
    """How far one download is: a bar on a terminal, a line now and then elsewhere."""

    def __init__(self, key: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._key = key
        self._clock = clock
        self._bar: Any = None  # tqdm's
        self._said = clock()

    def show(self, done: int, total: int | None) -> None:
        """Tell the bytes that are there and how many there will be."""
        if sys.stderr.isatty():
            if self._bar is None:
                from tqdm import tqdm  # type: ignore[import-untyped]

                self._bar = tqdm(desc=self._key, initial=done, unit="B", unit_scale=True)
            self._bar.total = total
            self._bar.update(done - self._bar.n)
        elif self._clock() - self._said >= LINE_SECONDS:
            self._said = self._clock()
            came = Message("command.came", model=self._key, done=done / 1e6)
            if total:
                came = Message(
                    "command.came_of", model=self._key, done=done / 1e6, total=total / 1e6
                )
            print(came, flush=True)

    def close(self) -> None:
        """End the bar's line."""
        if self._bar is not None:
            self._bar.close()
