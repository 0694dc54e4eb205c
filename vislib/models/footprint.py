"""What a model takes in bytes and multiply-adds, counted without its weights.

A model is laid out on torch's meta device, which holds shapes and no values.
"""

from __future__ import annotations

import functools
from itertools import chain

import torch

from vislib.models import loading
from vislib.registry import spec
from vislib.schema import ModelSpec
from vislib.weights import files


@functools.lru_cache(maxsize=128)
def counted(key: str) -> tuple[int, int]:
    """(bytes in float32, multiply-adds) of a registry row, counted on torch's meta device."""
    with torch.device("meta"):
        module = loading.build(spec(key))
    adds = loading.count_multiply_adds(module, loading.input_config(module).size)
    return bytes_of(module), adds


def expected_bytes(key: str) -> int:
    """About what a model will take in float32: twice a bundled file, which is stored in float16."""
    row = spec(key)
    megabytes = files.status(row).megabytes
    if megabytes is None:
        return counted(key)[0]
    return int(1e6 * megabytes * (2 if row.weights == "bundled" else 1))


def bytes_of(module: torch.nn.Module) -> int:
    """Bytes of a module's parameters and buffers."""
    return sum(tensor.nbytes for tensor in chain(module.parameters(), module.buffers()))


def expected_megabytes(row: ModelSpec) -> float:
    """Size that a row's file has or will have (1e6 bytes).

    Of a file that is there, its own size; else computed from the architecture: all parameters and
    buffers as float32 (bundled: float16), without the header.
    """
    found = files.status(row).megabytes
    return _computed_megabytes(row.key) if found is None else found


@functools.lru_cache(maxsize=64)
def _computed_megabytes(key: str) -> float:
    """Bytes of a row's state / 1e6."""
    row = spec(key)
    with torch.device("meta"):
        module = loading.build(row)
    state = (module.half() if row.weights == "bundled" else module).state_dict()
    return float(sum(value.numel() * value.element_size() for value in state.values()) / 1e6)
