"""Two ways of one step against each other: rounds alternate, and a line gives the ratios."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping

import torch


def seconds(step: Callable[[], None], device: torch.device, steps: int) -> float:
    """Wall time a step."""
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    wait()
    started = time.perf_counter()
    for _ in range(steps):
        step()
    wait()
    return (time.perf_counter() - started) / steps


def print_head(theirs: str) -> None:
    """The titles of the columns; ``theirs`` is what ours is compared with."""
    ratios = f"{theirs} / here: median, min, max"
    print(f"{'model':16} {theirs + ' ms':>9} {'here ms':>9} {ratios:>32}")


def print_ratios(
    name: str,
    theirs: Callable[[], None],
    here: Callable[[], None],
    *,
    device: torch.device,
    rounds: int,
    steps: int,
) -> None:
    """Time so many rounds of so many steps of each, after three that compile and warm up."""
    ways = (theirs, here)
    for way in ways:
        seconds(way, device, 3)
    rows = [[seconds(way, device, steps) for way in ways] for _ in range(rounds)]
    ratios = sorted(a / b for a, b in rows)
    print(
        f"{name:16} {1000 * statistics.median(a for a, _ in rows):9.1f} "
        f"{1000 * statistics.median(b for _, b in rows):9.1f} "
        f"{statistics.median(ratios):16.2f} {ratios[0]:7.2f} {ratios[-1]:7.2f}",
        flush=True,
    )


def alternate(ways: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of so many calls of each way, one of each in turn, after one that warms up.

    Each round begins with another way, so that none always runs behind the same one.
    """
    names = list(ways)
    for name in names:
        ways[name]()
    took: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            started = time.perf_counter()
            ways[name]()
            took[name].append(time.perf_counter() - started)
    return took
