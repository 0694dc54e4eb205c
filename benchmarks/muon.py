"""A step of PyTorch's own Muon against the one here, as ratios in one run.

    python benchmarks/muon.py [MODEL ...] [--rounds 7] [--steps 20]

Rounds of steps alternate between the two, over the matrices of each bundled model and gradients of
noise. PyTorch's takes no kernels, so it gets them as matrices.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from torch import nn

from vislib import models, registry
from vislib.training.muon import Muon, matrices_of

SET = 2
LR, DECAY = 1e-3, 0.1


def seconds(optimizer: torch.optim.Optimizer, device: torch.device, steps: int) -> float:
    """Wall time a step."""
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    wait()
    started = time.perf_counter()
    for _ in range(steps):
        optimizer.step()
    wait()
    return (time.perf_counter() - started) / steps


def main() -> None:
    """Time the rounds and print one line a model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=list(registry.MINI_SETS[SET]))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=20)
    options = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    name = torch.cuda.get_device_name() if device.type == "cuda" else "cpu"
    print(f"torch {torch.__version__}, {name}, {torch.get_num_threads()} threads")
    print(f"{'model':16} {'torch ms':>9} {'here ms':>9} {'torch / here: median, min, max':>32}")
    for key in options.models:
        model = models.build(registry.in_set(registry.spec(key), SET)).to(device)
        ours = [nn.Parameter(matrix.detach().clone()) for matrix in matrices_of(model)]
        theirs = [nn.Parameter(matrix.detach().flatten(1).clone()) for matrix in ours]
        for matrix in (*ours, *theirs):
            matrix.grad = torch.randn_like(matrix)
        ways = (
            torch.optim.Muon(theirs, lr=LR, weight_decay=DECAY, adjust_lr_fn="match_rms_adamw"),
            Muon(ours, lr=LR, weight_decay=DECAY),
        )
        for way in ways:
            seconds(way, device, 3)
        rows = [
            [seconds(way, device, options.steps) for way in ways] for _ in range(options.rounds)
        ]
        ratios = sorted(torchs / here for torchs, here in rows)
        print(
            f"{key:16} {1000 * statistics.median(a for a, _ in rows):9.1f} "
            f"{1000 * statistics.median(b for _, b in rows):9.1f} "
            f"{statistics.median(ratios):16.2f} {ratios[0]:7.2f} {ratios[-1]:7.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
