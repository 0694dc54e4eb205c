"""What all tests share: seeds, a synthetic picture, and an honest closing word on skipped tiers."""

from __future__ import annotations

import io
import os
import random
import sys
import zlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

TESTS = Path(__file__).resolve().parent
TIERS = ("unit", "app", "weights", "browser")
"""Folders of tests in the order in which they run: Chromium last, when the rest is known good."""
SEED = 20260

_collected: Counter[str] = Counter()
_left_out: Counter[str] = Counter()
_walked: Counter[str] = Counter()
WHOLE = "MIXSCOPE_WHOLE"
"""Environment variable: 1 runs every case of the long walks, not a sample of them."""
_skipped: defaultdict[str, Counter[str]] = defaultdict(Counter)


def tier_of(path: str | Path) -> str:
    """The tier (folder under tests/) of a test file, "other" elsewhere."""
    resolved = Path(path).resolve()
    if not resolved.is_relative_to(TESTS):
        return "other"
    first = resolved.relative_to(TESTS).parts[0]
    return first if first in TIERS else "other"


def skip_reason(longrepr: object) -> str:
    """The words of a skip report, without pytest's own first word."""
    text = str(longrepr[2]) if isinstance(longrepr, tuple) else str(longrepr)
    return text.removeprefix("Skipped: ").strip() or "no reason given"


def tier_lines(
    collected: Counter[str], left_out: Counter[str], skipped: dict[str, Counter[str]]
) -> list[str]:
    """One line a tier that did not run in full: how many tests are missing, and why."""
    lines = []
    for tier in (*TIERS, "other"):
        if left_out[tier]:
            lines.append(f"{tier}: {left_out[tier]} left out by the command line (-m, -k, --fast)")
        if _walked[tier]:
            lines.append(f"{tier}: {_walked[tier]} of the long walks left out; {WHOLE}=1 runs all")
        for reason, count in sorted(skipped.get(tier, Counter()).items()):
            part = "all" if count == collected[tier] else f"{count} of {collected[tier]}"
            lines.append(f"{tier}: {part} skipped: {reason}")
    return lines


def sampled(name: str, one_in: int) -> bool:
    """Whether a case of a long walk is in the sample, always the same one."""
    return zlib.crc32(f"{SEED} {name}".encode()) % one_in == 0


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of the slow tiers by their folder, and put the tiers in order.

    Of a long walk (marker ``walk``) a sample is kept.
    """
    for item in list(items):
        walk = item.get_closest_marker("walk")
        if walk and os.environ.get(WHOLE) != "1" and not sampled(item.name, walk.args[0]):
            items.remove(item)
            _walked[tier_of(item.path)] += 1
    for item in items:
        tier = tier_of(item.path)
        if tier in ("browser", "weights"):
            item.add_marker(tier)
    order = {tier: number for number, tier in enumerate((*TIERS, "other"))}
    # The long ones first, so that at the end no process waits for another's.
    items.sort(key=lambda item: (order[tier_of(item.path)], not item.get_closest_marker("slow")))


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Count what the command line left out."""
    _left_out.update(tier_of(item.path) for item in items)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Count what is going to run."""
    _collected.update(tier_of(item.path) for item in session.items)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A process of pytest-xdist hands on what it counted: each of them collects all tests."""
    told = getattr(session.config, "workeroutput", None)
    if told is not None:
        told["tiers"] = [dict(counts) for counts in (_collected, _left_out, _walked)]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """What a process has counted; skipped tests are reported one by one."""
    told = node.workeroutput.get("tiers", ({}, {}, {}))
    for counts, more in zip((_collected, _left_out, _walked), told, strict=True):
        counts |= Counter(more)  # the greater number: they have all collected the same


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what this machine cannot do, and say so."""
    if item.get_closest_marker("network") and os.environ.get("MIXSCOPE_NETWORK") != "1":
        pytest.skip("needs the internet; set MIXSCOPE_NETWORK=1 to run it")
    if item.get_closest_marker("gpu"):
        torch = pytest.importorskip("torch")
        if not torch.cuda.is_available():
            pytest.skip("no CUDA device")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Collect the reasons of skipped tests by tier (an expected failure is none)."""
    if report.skipped and not hasattr(report, "wasxfail"):
        _skipped[tier_of(report.fspath)][skip_reason(report.longrepr)] += 1


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """A whole file that skips itself counts too."""
    if report.skipped:
        tier = tier_of(report.nodeid.split("::")[0])
        _skipped[tier][skip_reason(report.longrepr)] += 1


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Close with the tiers that did not run in full, so that green is not taken for complete."""
    lines = tier_lines(_collected, _left_out, _skipped)
    terminalreporter.section("skipped tiers")
    for line in lines or ["none"]:
        terminalreporter.write_line(line)


@pytest.fixture(autouse=True)
def seeds() -> None:
    """The same random numbers in each test; torch is seeded only where it is in use."""
    random.seed(SEED)
    np.random.seed(SEED)  # noqa: NPY002 - libraries under test use the global generator
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.manual_seed(SEED)


@pytest.fixture(scope="session")
def picture_pixels() -> np.ndarray:
    """A picture that equals none of its mirror images: uint8, axes (row, column, rgb), read-only.

    96 rows, 128 columns: red grows to the right, green downwards, blue in stripes, and one
    white square lies right of and above the centre.
    """
    rows, columns = np.mgrid[0:96, 0:128]
    pixels = np.stack([columns * 2, rows * 2, (columns // 8 % 2) * 120], axis=-1).astype(np.uint8)
    pixels[16:28, 88:104] = 255
    pixels.flags.writeable = False
    return pixels


@pytest.fixture(scope="session")
def picture_png(picture_pixels: np.ndarray) -> bytes:
    """The synthetic picture as a PNG file's bytes."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(picture_pixels).save(stream, format="PNG")
    return stream.getvalue()


@pytest.fixture
def temporary_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of the test's own, for what reads or writes in a person's home."""
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    return tmp_path
