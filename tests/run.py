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


def wants_browser(fast: bool, pytest_arguments: Sequence[str]) -> bool:
    """Whether this call can reach a browser test at all."""
    paths = [a for a in pytest_arguments if a.startswith("tests")]
    return not fast and (not paths or any("browser" in a or a == "tests" for a in paths))


def main(arguments: Sequence[str]) -> int:
    """Run them in this process, after providing a browser; returns pytest's exit status."""
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

    return int(pytest.main([*(FAST if options.fast else ()), *rest]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
