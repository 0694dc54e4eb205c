"""A step of PyTorch's own Muon against the one here, as ratios in one run.

    python benchmarks/muon.py [MODEL ...] [--rounds 7] [--steps 20]

Rounds of steps alternate between the two, over the matrices of each bundled model and gradients of
noise. PyTorch's takes no kernels, so it gets them as matrices.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from torch import nn

from benchmarks.ratios import print_head, print_ratios
from vislib import registry
from vislib.models import loading
from vislib.training.muon import Muon, matrices_of

SET = 2
LR, DECAY = 1e-3, 0.1


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
    print_head("torch")
    for key in options.models:
        model = loading.build(registry.in_set(registry.spec(key), SET)).to(device)
        ours = [nn.Parameter(matrix.detach().clone()) for matrix in matrices_of(model)]
        theirs = [nn.Parameter(matrix.detach().flatten(1).clone()) for matrix in ours]
        for matrix in (*ours, *theirs):
            matrix.grad = torch.randn_like(matrix)
        torchs = torch.optim.Muon(theirs, lr=LR, weight_decay=DECAY, adjust_lr_fn="match_rms_adamw")
        print_ratios(
            key,
            torchs.step,
            Muon(ours, lr=LR, weight_decay=DECAY).step,
            device=device,
            rounds=options.rounds,
            steps=options.steps,
        )


if __name__ == "__main__":
    main()
