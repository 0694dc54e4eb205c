"""Captures, surgeries and early answers side by side on shared models, for a while.

    python -m tests.unit.observe.stress --seconds 60 --threads 8

Each thread takes one of the bundled models and one kind of work at random. What comes is compared
bit by bit with what the same work gave alone. Ends with 1 where anything raised or differs.
"""

from __future__ import annotations

import argparse
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch

from vislib import registry
from vislib.models import loading
from vislib.models.loading import LoadedModel, ModelInput
from vislib.observe import intervention, probing
from vislib.observe.capture import run_with_cache
from vislib.pictures import gallery

Work = Callable[[], Mapping[str, np.ndarray]]


def works(model: LoadedModel, inputs: ModelInput) -> dict[str, Work]:
    """What visitors do at the same time with one model: each gives arrays by name.

    "all hooks" records every operator, "answer" none.
    """

    def capture(changed: LoadedModel, group: str | None) -> Mapping[str, np.ndarray]:
        run = run_with_cache(changed, inputs, group)
        return {"logits": run.logits} | {name: array.values for name, array in run.items()}

    def surgery() -> Mapping[str, np.ndarray]:
        return capture(intervention.switch_off(model, model.cuts[0]), "logits")

    def early() -> Mapping[str, np.ndarray]:
        found = probing.answers_by_depth(model, inputs, model.sites)
        return {"early": found.logits}

    found: dict[str, Work] = {
        "all hooks": lambda: capture(model, None),
        "answer": lambda: capture(model, "logits"),
        "copy": lambda: capture(intervention.private(model), None),
        "early": early,
    }
    return found | ({"surgery": surgery} if model.cuts else {})


def side_by_side(
    jobs: Mapping[str, Work], *, threads: int, goes_on: Callable[[int], bool]
) -> tuple[Counter[str], list[str], list[str]]:
    """Do jobs at random in some threads.

    Args:
        jobs: By name; each is done once alone first.
        threads: How many.
        goes_on: Told how many a thread has done; whether it does another.

    Returns:
        How often each was done, what raised, and what differed from the run alone.
    """
    alone = {name: job() for name, job in jobs.items()}
    done: Counter[str] = Counter()
    raised: list[str] = []
    differs: list[str] = []
    guard = threading.Lock()

    def visitor(seed: int) -> None:
        rng, count = random.Random(seed), 0
        while goes_on(count):
            name = rng.choice(list(jobs))
            problem: tuple[list[str], str] | None = None
            try:
                here = jobs[name]()
            except Exception as error:
                problem = raised, f"{name}: {type(error).__name__}: {error}"
            else:
                if not same(here, alone[name]):
                    problem = differs, name
            with guard:
                done[name] += 1
                if problem:
                    problem[0].append(problem[1])
            count += 1

    visitors = [threading.Thread(target=visitor, args=(seed,)) for seed in range(threads)]
    for one in visitors:
        one.start()
    for one in visitors:
        one.join()
    return done, raised, differs


def same(one: Mapping[str, np.ndarray], two: Mapping[str, np.ndarray]) -> bool:
    """Whether the same arrays came, bit by bit."""
    return one.keys() == two.keys() and all(np.array_equal(one[name], two[name]) for name in one)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; see the module's text."""
    parser = argparse.ArgumentParser(description="Captures and surgeries side by side.")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--threads", type=int, default=8)
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    jobs: dict[str, Work] = {}
    picture = gallery.load("coffee")
    for row in registry.MODEL_REGISTRY.values():
        if row.weights == "bundled":
            model = loading.load(row.key)
            here = works(model, loading.prepare(model, picture))
            jobs |= {f"{row.key}, {name}": work for name, work in here.items()}
    end = time.monotonic() + chosen.seconds
    done, raised, differs = side_by_side(
        jobs, threads=chosen.threads, goes_on=lambda _count: time.monotonic() < end
    )
    for name in jobs:
        said = (
            f"{differs.count(name)} differ, {sum(r.startswith(f'{name}:') for r in raised)} raised"
        )
        print(f"{name}: {done[name]} done, {said}")
    print(
        f"{done.total()} done in {chosen.threads} threads, {len(raised)} raised, "
        f"{len(differs)} differ"
    )
    for words in sorted(set(raised))[:5]:
        print(f"  {words}")
    return int(bool(raised or differs))


if __name__ == "__main__":
    sys.exit(main())
