"""A training step of timm's own modules against the faster arrangement, as ratios in one run.

    python benchmarks/training.py [MODEL ...] [--batch 256] [--rounds 7] [--steps 20]

Rounds of steps alternate between the two, forward and backward, both in bfloat16 where the CUDA
device or the processor multiplies in it, otherwise in float32 (where training uses timm's modules
as they are). Pictures are noise: the time does not depend on them.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from torch import Tensor, nn

from vislib import models, registry
from vislib.training import quick
from vislib.training.hardware import has_bfloat16

SET = 2


def is_half(device: torch.device) -> bool:
    """Whether bfloat16 is multiplied there."""
    return device.type == "cuda" or has_bfloat16()


def seconds(called: nn.Module, inputs: Tensor, targets: Tensor, steps: int) -> float:
    """Wall time a step."""
    device = inputs.device
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    wait()
    started = time.perf_counter()
    for _ in range(steps):
        with torch.autocast(device.type, torch.bfloat16, enabled=is_half(device)):
            loss = nn.functional.cross_entropy(called(inputs), targets)
        loss.backward()
    wait()
    return (time.perf_counter() - started) / steps


def main() -> None:
    """Time the rounds and print one line a model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=list(registry.MINI_SETS[SET]))
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=20)
    options = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    name = torch.cuda.get_device_name() if device.type == "cuda" else "cpu"
    print(f"torch {torch.__version__}, {name}, {options.batch} pictures a step")
    print(f"{'model':16} {'timm ms':>9} {'here ms':>9} {'timm / here: median, min, max':>32}")
    for key in options.models:
        model = models.build(registry.in_set(registry.spec(key), SET)).to(device).train()
        side = models.input_config(model).size
        inputs = torch.randn(options.batch, 3, side, side, device=device)
        targets = torch.randint(0, models.MINI_CLASSES, (options.batch,), device=device)
        fast = quick.for_gpu(model, side) if device.type == "cuda" else quick.for_cpu(model)
        ways = (model, fast.train())
        for way in ways:
            seconds(way, inputs, targets, 3)  # compiles, and warms up
        rows = [
            [seconds(way, inputs, targets, options.steps) for way in ways]
            for _ in range(options.rounds)
        ]
        ratios = sorted(timm / here for timm, here in rows)
        print(
            f"{key:16} {1000 * statistics.median(a for a, _ in rows):9.1f} "
            f"{1000 * statistics.median(b for _, b in rows):9.1f} "
            f"{statistics.median(ratios):16.2f} {ratios[0]:7.2f} {ratios[-1]:7.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
