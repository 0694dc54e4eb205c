"""What a model is trained on: the device, its numbers, one line without host name or path."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import torch

from vislib.models import loading
from vislib.schema import ModelError
from vislib.training.recipe import Recipe

CPU_INFO = Path("/proc/cpuinfo")


def choose(wanted: str) -> torch.device:
    """The device for ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Raises:
        ModelError: This machine has no such device.
    """
    if wanted == "auto":
        return loading.choose_device()
    there = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if not there.get(wanted.split(":")[0], False):
        raise ModelError(
            "error.training.no_device",
            device=wanted,
            devices=[name for name, present in there.items() if present],
        )
    return torch.device(wanted)


def describe(device: torch.device, *, bfloat16: bool = False) -> str:
    """Processor or graphics card, cores, threads and the version of torch.

    Args:
        device: Where a run computes.
        bfloat16: Whether a processor multiplies in bfloat16, which is said then; that a graphics
            card does goes without saying.
    """
    torch_version = f"torch {torch.__version__}"
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)}, {torch_version}"
    if device.type == "mps":
        return f"{_processor()} graphics (mps), {torch_version}"
    count = torch.get_num_threads()
    threads = "1 thread" if count == 1 else f"{count} threads"
    half = "bfloat16, " if bfloat16 else ""
    return f"{_processor()}, {os.cpu_count()} cores, {threads}, {half}{torch_version}"


def _processor() -> str:
    """The processor's name where the system tells it, else its kind."""
    try:
        lines = CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # not Linux
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(iter(names), "") or platform.processor() or platform.machine() or "CPU"


def has_bfloat16() -> bool:
    """Whether this processor has instructions that multiply bfloat16 (AVX-512 BF16 or AMX).

    Without them bfloat16 is several times slower than float32.
    """
    try:
        text = CPU_INFO.read_text(encoding="utf-8", errors="replace")
    except OSError:  # not Linux
        return False
    flags = next((line for line in text.splitlines() if line.startswith("flags")), "").split()
    return "avx512_bf16" in flags or "amx_bf16" in flags


def in_bfloat16(device: torch.device, recipe: Recipe) -> bool:
    """Whether products are made in bfloat16."""
    return device.type == "cuda" or (device.type == "cpu" and recipe.bfloat16 and has_bfloat16())


def autocast(device: torch.device, recipe: Recipe) -> torch.autocast:
    """bfloat16 where it is faster and the recipe has nothing against it, nothing elsewhere."""
    return torch.autocast(device.type, torch.bfloat16, enabled=in_bfloat16(device, recipe))
