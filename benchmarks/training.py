"""A training step of timm's own modules against the faster arrangement, as ratios in one run.

    python benchmarks/training.py [MODEL ...] [--batch 256] [--rounds 7] [--steps 20]

Rounds of steps alternate between the two, forward and backward, both in bfloat16 where the CUDA
device or the processor multiplies in it, otherwise in float32 (where training uses timm's modules
as they are). Pictures are noise: the time does not depend on them.
"""

from __future__ import annotations

import argparse
import functools
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from torch import Tensor, nn

from benchmarks.ratios import print_head, print_ratios
from vislib import registry
from vislib.models import loading
from vislib.training import quick
from vislib.training.hardware import has_bfloat16

SET = 2


def is_half(device: torch.device) -> bool:
    """Whether bfloat16 is multiplied there."""
    return device.type == "cuda" or has_bfloat16()


def step(called: nn.Module, inputs: Tensor, targets: Tensor) -> None:
    """Forward and backward."""
    device = inputs.device
    with torch.autocast(device.type, torch.bfloat16, enabled=is_half(device)):
        loss = nn.functional.cross_entropy(called(inputs), targets)
    loss.backward()


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
    print_head("timm")
    for key in options.models:
        model = loading.build(registry.in_set(registry.spec(key), SET)).to(device).train()
        side = loading.input_config(model).size
        inputs = torch.randn(options.batch, 3, side, side, device=device)
        targets = torch.randint(0, loading.MINI_CLASSES, (options.batch,), device=device)
        fast = quick.for_gpu(model, side) if device.type == "cuda" else quick.for_cpu(model)
        print_ratios(
            key,
            functools.partial(step, model, inputs, targets),
            functools.partial(step, fast.train(), inputs, targets),
            device=device,
            rounds=options.rounds,
            steps=options.steps,
        )


if __name__ == "__main__":
    main()
