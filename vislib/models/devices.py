"""Where models run: cuda, mps or cpu, how much memory is there, and float32 without shortcuts.

torch is imported when it is first needed, so that a page can import this module at once.
"""

from __future__ import annotations

import functools
import os
import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vislib.schema import ModelError

if TYPE_CHECKING:
    import torch

# Apple's GPU lacks some operators; torch reads this while it is imported.
os.environ.setdefault("PYTORCH_ENABLE_MPS_FALLBACK", "1")

DEVICE = "MIXSCOPE_DEVICE"
"""Environment variable: cpu, cuda, cuda:1 or mps instead of the one that is found."""
MEMORY = "MIXSCOPE_MEMORY_GB"
"""Environment variable: the memory that may be taken on the device, in units of 2**30 bytes."""
MOST_ON_CPU = 4 * 2**30
CPU_SHARE, GPU_SHARE = 0.5, 0.6
"""Of the memory that is free: the rest is for activations, results and other programs."""
_FAULTS = re.compile("CUDA error|cuDNN error|CUDNN_STATUS|CUBLAS_STATUS")
_gone = threading.Event()
_counting = threading.Lock()


@dataclass(frozen=True, kw_only=True)
class DeviceFacts:
    """What models run on.

    Attributes:
        kind: "cuda", "mps" or "cpu".
        name: The graphics card's name; empty for a processor.
        cores: Cores that this process may use.
        total_bytes: Memory of the card, or of the machine.
        free_bytes: Of it, what was free when this was asked.
    """

    kind: str
    name: str
    cores: int
    total_bytes: int
    free_bytes: int


def share_cores(parts: int) -> None:
    """Let what this thread runs next on the processor use a part of the cores, at least one.

    Where two passes have all cores each, their threads wait for each other at every layer: on two
    cores a pass of 20 ms took ten times as long.

    Args:
        parts: How many may run at a time; 1 for all cores (or what OMP_NUM_THREADS says).
    """
    import torch

    with _counting:  # nobody has changed it before it is known
        every = _threads()
    torch.set_num_threads(max(1, every // parts))


@functools.cache
def _threads() -> int:
    """What torch uses by itself."""
    import torch

    return torch.get_num_threads()


def there() -> tuple[str, ...]:
    """The devices of this machine, the preferred one first, as MIXSCOPE_DEVICE names them."""
    import torch

    found: list[str] = []
    if _gone.is_set():
        return ("cpu",)
    if torch.cuda.is_available():
        found += [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        found.append("mps")
    return (*found, "cpu")


def choose_device() -> torch.device:
    """cuda, mps or cpu, whichever is there; MIXSCOPE_DEVICE overrides it.

    The processor once a graphics card has been given up, whatever the variable says.

    Raises:
        ModelError: MIXSCOPE_DEVICE names a device that is not there.
    """
    import torch

    wanted = os.environ.get(DEVICE, "").strip().lower()
    present = there()
    if not wanted or _gone.is_set():
        return torch.device(present[0].partition(":")[0])
    if wanted not in (*present, *(name.partition(":")[0] for name in present)):
        raise ModelError(
            "error.model.device_setting", variable=DEVICE, device=wanted, devices=list(present)
        )
    return torch.device(wanted)


def describe(device: torch.device | None = None) -> DeviceFacts:
    """What a device is and how much of its memory is free now.

    Args:
        device: The chosen one if None.

    Raises:
        ModelError: MIXSCOPE_DEVICE names a device that is not there.
    """
    import torch

    chosen = device or choose_device()
    if chosen.type == "cuda":
        try:
            free, total = torch.cuda.mem_get_info(chosen)
        except RuntimeError as error:
            if not is_gone(error):
                raise
            give_up()
            return processor()
        # What torch has set aside and does not use counts as free: it takes it before more.
        free += torch.cuda.memory_reserved(chosen) - torch.cuda.memory_allocated(chosen)
        name = torch.cuda.get_device_name(chosen)
        return _facts("cuda", name, total, free)
    if chosen.type == "mps":
        total = torch.mps.recommended_max_memory()
        return _facts("mps", "", total, total - torch.mps.driver_allocated_memory())
    return processor()


def processor() -> DeviceFacts:
    """The processor's facts, without torch."""
    try:
        import psutil  # type: ignore[import-untyped]
    except ImportError:  # a training machine may go without it
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return _facts("cpu", "", total, total // 2)
    memory = psutil.virtual_memory()
    return _facts("cpu", "", int(memory.total), int(memory.available))


def _facts(kind: str, name: str, total: int, free: int) -> DeviceFacts:
    affinity = getattr(os, "sched_getaffinity", None)  # not on macOS and Windows
    cores = len(affinity(0)) if affinity else (os.cpu_count() or 1)
    return DeviceFacts(
        kind=kind, name=name, cores=cores, total_bytes=total, free_bytes=max(0, free)
    )


def memory_budget(facts: DeviceFacts) -> int:
    """Bytes that loaded models, and on a processor what the app keeps beside them, may take.

    Args:
        facts: The device, with what is free now.

    Raises:
        ModelError: MIXSCOPE_MEMORY_GB is no positive number.
    """
    stated = os.environ.get(MEMORY, "").strip()
    if stated:
        if not re.fullmatch(r"\d+(\.\d+)?", stated) or float(stated) <= 0:
            raise ModelError("error.model.memory_setting", variable=MEMORY, memory=stated)
        return int(float(stated) * 2**30)
    if facts.kind == "cpu":
        return min(MOST_ON_CPU, int(CPU_SHARE * facts.free_bytes))
    return int(GPU_SHARE * facts.free_bytes)


def use_exact_float32() -> None:
    """Ask for IEEE float32 in products and convolutions; cuDNN would use TF32 otherwise.

    Exactness:
        TF32 keeps 10 bits of 23: maps rebuilt from a module's parts would be off by 1e-3.
    """
    import torch

    matmul: Any = torch.backends.cuda.matmul
    cudnn: Any = torch.backends.cudnn
    # The older flags first: whoever reads them later makes torch raise if they contradict.
    matmul.allow_tf32 = False
    cudnn.allow_tf32 = False
    if hasattr(matmul, "fp32_precision"):  # torch 2.9 and later
        for part in (matmul, cudnn.conv, cudnn.rnn):
            part.fp32_precision = "ieee"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that a graphics card or the machine has no memory left."""
    import torch

    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    words = str(error)
    return isinstance(error, RuntimeError) and (
        "can't allocate memory" in words or "out of memory" in words
    )


def is_gone(error: BaseException) -> bool:
    """Whether an error says that a graphics card fails: it was lost, or a kernel broke its context.

    CUDA answers every later call of the process with such an error, too.
    """
    return (
        isinstance(error, RuntimeError)
        and not is_out_of_memory(error)
        and _FAULTS.search(str(error)) is not None
    )


def give_up() -> None:
    """Run on the processor from now on, as long as this process lives."""
    _gone.set()


def is_given_up() -> bool:
    """Whether a graphics card has failed here."""
    return _gone.is_set()


def release() -> None:
    """Give memory that torch holds without using it back to the graphics card."""
    import torch

    if _gone.is_set():
        return
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    elif torch.backends.mps.is_available():
        torch.mps.empty_cache()
