"""Run the tests of every tier: what ``start.py test`` hands over to, in the environment's Python.

``python -m tests.run [--fast] [...]`` from the project's folder; other arguments go to pytest.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from collections.abc import Sequence

from tests.browser import chromium

FAST = ("-m", "not browser and not weights and not slow")
"""What ``--fast`` says to pytest."""
SIDE_BY_SIDE = ("-n", "2", "--dist", "worksteal")
"""What a call without files says to pytest-xdist: two processes, one thread each."""


def wants_browser(fast: bool, pytest_arguments: Sequence[str]) -> bool:
    """Whether this call can reach a browser test at all."""
    paths = [a for a in pytest_arguments if a.startswith("tests")]
    return not fast and (not paths or any("browser" in a or a == "tests" for a in paths))


def side_by_side(pytest_arguments: Sequence[str]) -> tuple[str, ...]:
    """Two processes for many tests; one for files that were named, and where pytest is told so."""
    own = any(word.startswith(("tests", "-n", "--dist", "--pdb")) for word in pytest_arguments)
    return () if own else SIDE_BY_SIDE


def main(arguments: Sequence[str]) -> int:
    """Run them, after providing a browser; returns pytest's exit status."""
    parser = argparse.ArgumentParser(prog="tests.run", add_help=False, allow_abbrev=False)
    parser.add_argument("--fast", action="store_true")
    options, rest = parser.parse_known_args(arguments)
    if importlib.util.find_spec("pytest") is None:
        print(f"{sys.executable} has no pytest: install requirements-test.txt.", file=sys.stderr)
        return 2
    if wants_browser(options.fast, rest):
        browser, reason = chromium.provide()
        os.environ[chromium.NAMED if browser else chromium.NO_BROWSER] = str(browser or reason)
    import pytest

    shared = side_by_side(rest)
    if shared:  # when processes share the processor, one thread each is the fastest
        os.environ.setdefault("OMP_NUM_THREADS", "1")
    return int(pytest.main([*shared, *(FAST if options.fast else ()), *rest]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
