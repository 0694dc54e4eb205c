"""Capture against a bare eager forward, as ratios of neighbouring runs in one process.

    python benchmarks/capture.py [--pairs 10]

Random weights: the time does not depend on them. A ratio compares two runs next to each other, so
it holds when the machine's speed drifts; the group is what one page shows of the model.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch

from vislib.models import loading
from vislib.observe import capture
from vislib.pictures import gallery

CASES = {
    "davit_tiny.msft_in1k": "stage2.block1",
    "mixer_b16_224.goog_in21k_ft_in1k": "stage0.block5",
    "convmixer_768_32.in1k": "stage0.block15",
}


def seconds(run: object) -> float:
    """Wall time of one call."""
    started = time.perf_counter()
    run()  # type: ignore[operator]
    return time.perf_counter() - started


def main() -> None:
    """Time the pairs and print one line a model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=10)
    pairs = parser.parse_args().pairs
    picture = gallery.load("cat")
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {pairs} pairs a model")
    heads = f"{'bare ms':>9} {'capture ms':>11} {'ratio: median, min, max':>28}"
    print(f"{'model':36} {'group':16} {heads}")
    for key, group in CASES.items():
        model = loading.load(key, untrained=True)
        inputs = loading.prepare(model, picture)

        def bare(model=model, inputs=inputs) -> None:
            with torch.inference_mode():
                model.module(inputs.tensor)

        def captured(model=model, inputs=inputs, group=group) -> None:
            capture.run_with_cache(model, inputs, group)

        bare(), captured()
        rows = [(seconds(bare), seconds(captured)) for _ in range(pairs)]
        ratios = sorted(b / a for a, b in rows)
        print(
            f"{key:36} {group:16} {1000 * statistics.median(a for a, _ in rows):9.0f} "
            f"{1000 * statistics.median(b for _, b in rows):11.0f} "
            f"{statistics.median(ratios):12.2f} {ratios[0]:7.2f} {ratios[-1]:7.2f}"
        )


if __name__ == "__main__":
    main()
