"""Where models run, how much memory they may take, and float32 without shortcuts."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from vislib.models import devices, loading
from vislib.schema import ModelError

ROOT = Path(__file__).resolve().parents[3]
GIB = 2**30


def facts(kind: str, free: int) -> devices.DeviceFacts:
    return devices.DeviceFacts(kind=kind, name="", cores=2, total_bytes=2 * free, free_bytes=free)


@pytest.fixture
def two_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that seems to have two graphics cards."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _device: (100 * GIB, 139 * GIB))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _device: 9 * GIB)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda _device: 2 * GIB)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _device: "NVIDIA H200")


@pytest.mark.usefixtures("two_cards")
def test_the_best_device_is_chosen_and_the_variable_overrides_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(devices.DEVICE, raising=False)
    assert devices.choose_device() == torch.device("cuda")
    for wanted in ("cpu", "cuda", "cuda:1", " CUDA:0 "):
        monkeypatch.setenv(devices.DEVICE, wanted)
        assert devices.choose_device() == torch.device(wanted.strip().lower())
    for wanted in ("cuda:2", "cuda:", "mps", "tpu", "cpu:1", "cuda:1; rm"):
        monkeypatch.setenv(devices.DEVICE, wanted)
        with pytest.raises(ModelError, match="this machine has cuda:0, cuda:1, cpu"):
            devices.choose_device()


def test_without_a_card_it_is_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.delenv(devices.DEVICE, raising=False)
    assert devices.choose_device() == torch.device("cpu")
    monkeypatch.setenv(devices.DEVICE, "cuda")
    with pytest.raises(ModelError, match=r"this machine has cpu\."):
        devices.choose_device()
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.delenv(devices.DEVICE)
    assert devices.choose_device() == torch.device("mps")


@pytest.mark.usefixtures("two_cards")
def test_a_device_is_described() -> None:
    card = devices.describe(torch.device("cuda"))
    assert (card.kind, card.name, card.total_bytes) == ("cuda", "NVIDIA H200", 139 * GIB)
    assert card.free_bytes == 107 * GIB  # with what torch has set aside and does not use
    here = devices.describe(torch.device("cpu"))
    assert here.kind == "cpu"
    assert here.cores >= 1
    assert 0 < here.free_bytes < here.total_bytes


@pytest.mark.usefixtures("two_cards")
def test_unused_memory_goes_back_to_the_card(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[bool] = []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: calls.append(True))
    devices.release()
    assert calls == [True]


def test_the_processors_facts_need_neither_torch_nor_psutil() -> None:
    code = (
        "import sys; sys.modules['torch'] = None; sys.modules['psutil'] = None\n"
        "from vislib import devices; print(devices.processor().total_bytes)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == pytest.approx(devices.processor().total_bytes, rel=0.05)


def test_apples_fallback_is_set_before_torch_comes() -> None:
    code = (
        "import os, sys; from vislib import devices\n"
        "print(os.environ['PYTORCH_ENABLE_MPS_FALLBACK'], 'torch' in sys.modules)"
    )
    clean = {n: v for n, v in os.environ.items() if n != "PYTORCH_ENABLE_MPS_FALLBACK"}
    for chosen, expected in (({}, "1 False"), ({"PYTORCH_ENABLE_MPS_FALLBACK": "0"}, "0 False")):
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**clean, **chosen},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout.strip() == expected, done.stderr


def test_the_budget_is_a_share_of_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(devices.MEMORY, raising=False)
    assert devices.memory_budget(facts("cpu", 2 * GIB)) == GIB
    assert devices.memory_budget(facts("cpu", 64 * GIB)) == 4 * GIB  # never more than that
    assert devices.memory_budget(facts("cuda", 100 * GIB)) == 60 * GIB
    monkeypatch.setenv(devices.MEMORY, "0.5")
    assert devices.memory_budget(facts("cuda", 100 * GIB)) == GIB // 2
    for bad in ("0", "-1", "much", "nan", "1e9", "2 GB"):
        monkeypatch.setenv(devices.MEMORY, bad)
        with pytest.raises(ModelError, match=r"must be a number of gigabytes above 0"):
            devices.memory_budget(facts("cpu", GIB))


@pytest.fixture
def parts() -> Iterator[list[Any]]:
    """The switches of torch's backends, set to TF32 for the test."""
    found: list[Any] = [torch.backends.cuda.matmul]
    found += [getattr(torch.backends.cudnn, name) for name in ("conv", "rnn")]
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    for part in found:
        part.fp32_precision = "tf32"
    yield found
    devices.use_exact_float32()


def test_float32_is_computed_without_tf32(parts: list[Any]) -> None:
    assert [part.fp32_precision for part in parts] == ["tf32"] * 3  # negative control
    loading.load("mixer_mini", untrained=True)
    assert [part.fp32_precision for part in parts] == ["ieee"] * 3
    # The older flags say the same, and reading or setting them beside the new ones is no error.
    for _ in range(2):
        assert not torch.backends.cuda.matmul.allow_tf32
        assert not torch.backends.cudnn.allow_tf32
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
        devices.use_exact_float32()
    assert torch.get_float32_matmul_precision() == "highest"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), True),
        (MemoryError(), True),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
            True,
        ),
        (RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("out of memory"), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_running_out_of_memory_is_told_from_other_faults(
    error: BaseException, expected: bool
) -> None:
    assert devices.is_out_of_memory(error) is expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.AcceleratorError("CUDA error: unspecified launch failure"), True),
        (RuntimeError("CUDA error: device-side assert triggered"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"), True),
        (RuntimeError("CUDA error: out of memory"), False),
        (torch.OutOfMemoryError("CUDA out of memory."), False),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("CUDA error"), False),
    ],
    ids=str,
)
def test_a_card_that_fails_is_told_from_other_faults(error: BaseException, expected: bool) -> None:
    assert devices.is_gone(error) is expected


@pytest.mark.usefixtures("two_cards")
def test_a_card_that_is_given_up_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(_device: object) -> None:
        raise torch.AcceleratorError("CUDA error: the launch timed out and was terminated")

    monkeypatch.setattr(devices, "_gone", threading.Event())
    monkeypatch.setattr(torch.cuda, "mem_get_info", lost)
    monkeypatch.setenv(devices.DEVICE, "cuda")
    assert devices.choose_device() == torch.device("cuda")
    assert devices.describe().kind == "cpu"
    assert devices.is_given_up()
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: lost(None))
    devices.release()
    assert devices.there() == ("cpu",)
    assert devices.choose_device() == torch.device("cpu")  # although the variable names the card


@pytest.mark.gpu
def test_a_real_card_is_described_and_computes_in_float32() -> None:
    card = devices.describe(torch.device("cuda"))
    assert card.name
    assert 0 < card.free_bytes <= card.total_bytes
    devices.use_exact_float32()
    a, b = torch.randn(2, 512, 512, device="cuda")
    exact = a.double() @ b.double()
    assert float(((a @ b).double() - exact).abs().max()) < 1e-3  # TF32 is off by some 1e-2


@pytest.mark.parametrize(("parts", "threads"), [(1, 6), (2, 3), (4, 1), (100, 1)])
def test_cores_are_shared_and_each_part_has_one(
    parts: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []
    monkeypatch.setattr(devices, "_threads", lambda: 6)
    monkeypatch.setattr(torch, "set_num_threads", told.append)
    devices.share_cores(parts)
    assert told == [threads]
