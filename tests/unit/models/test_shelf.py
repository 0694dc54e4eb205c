"""The shelf: a budget that holds, one load for all who wait, and what happens without memory."""

from __future__ import annotations

import gc
import re
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import nn

from vislib import registry
from vislib.models import devices, footprint, loading, shelf
from vislib.models.shelf import Shelf
from vislib.schema import MixScopeError, ModelError, WeightsError
from vislib.weights import files

KEYS = tuple(registry.MODEL_REGISTRY)
SIZE = 4_000
"""Bytes of one fake model."""
CUDA, CPU = torch.device("cuda"), torch.device("cpu")


@dataclass(frozen=True, kw_only=True)
class Fake:
    """What the shelf sees of a loaded model."""

    key: str
    device: torch.device
    module: nn.Module = field(default_factory=lambda: nn.Linear(1_000, 1, bias=False))


class Loader:
    """Loads fakes, counts, and runs out of memory as it is told.

    Attributes:
        loads: (key, device type) of every attempt.
        alive: Weak references to all modules that were made.
    """

    def __init__(self, seconds: float = 0.0) -> None:
        self.loads: list[tuple[str, str]] = []
        self.alive: list[tuple[str, weakref.ref[nn.Module]]] = []
        self.seconds = seconds
        self.fault: Callable[[str, str], BaseException | None] = lambda _key, _kind: None

    def __call__(self, key: str, *, untrained: bool, seed: int, device: Any) -> Any:
        place = device or devices.choose_device()
        self.loads.append((key, place.type))
        error = self.fault(key, place.type)
        if error is not None:
            raise error
        made = Fake(key=key, device=place)
        self.alive.append((key, weakref.ref(made.module)))
        time.sleep(self.seconds)
        return made

    def living(self) -> list[str]:
        """The keys of the modules that still take memory."""
        return [key for key, module in self.alive if module() is not None]


def shelf_of(loader: Loader, room: float, **more: Any) -> Shelf:
    """A shelf with room for so many fakes."""
    return Shelf(int(room * SIZE), load=loader, expected=lambda _key: SIZE, **more)


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that seems to have a graphics card."""
    monkeypatch.setattr(devices, "choose_device", lambda: CUDA)
    monkeypatch.setattr(devices, "release", lambda: None)


def out_of_memory() -> torch.OutOfMemoryError:
    return torch.OutOfMemoryError("CUDA out of memory.")


def test_the_least_recently_used_goes_and_is_freed() -> None:
    loader = Loader()
    kept = shelf_of(loader, 2)
    for key in KEYS[:2]:
        kept.get(key)
    kept.get(KEYS[0])  # used again: the other one is older now
    kept.get(KEYS[2])
    assert [name[0] for name in kept.usage().names] == [KEYS[0], KEYS[2]]
    assert kept.usage().bytes == 2 * SIZE <= kept.usage().budget
    assert loader.living() == [KEYS[0], KEYS[2]]
    assert not kept.holds(KEYS[1])
    roomy = shelf_of(loader := Loader(), 3)
    for key in KEYS[:3]:
        roomy.get(key)
    assert loader.living() == list(KEYS[:3])  # negative control: with room, none goes


def test_what_holds_itself_is_freed_too(monkeypatch: pytest.MonkeyPatch) -> None:
    given_back: list[bool] = []
    monkeypatch.setattr(devices, "release", lambda: given_back.append(True))
    loader = Loader()
    kept = shelf_of(loader, 1)
    lazy = shelf_of(lazily := Loader(), 1, collect=lambda: None)
    gc.disable()
    try:
        for one in (kept, lazy):
            module = one.get(KEYS[0]).module
            module.__dict__["itself"] = module
            del module
            one.get(KEYS[1])
        assert loader.living() == [KEYS[1]]
        assert lazily.living() == [KEYS[0], KEYS[1]]  # negative control: nothing collects it
    finally:
        gc.enable()
    assert given_back == [True, True]


def test_a_models_bytes_are_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[nn.Module] = []

    def counting(module: nn.Module) -> int:
        counted.append(module)
        return SIZE

    monkeypatch.setattr(footprint, "bytes_of", counting)
    kept = shelf_of(Loader(), 3)
    for key in KEYS[:2]:
        kept.get(key)
    for _ in range(3):  # each rerun of a page asks
        assert kept.usage().bytes == 2 * SIZE
    assert len(counted) == 2


def test_room_is_made_before_a_model_comes() -> None:
    loader = Loader()
    kept = shelf_of(loader, 2)
    most: list[int] = []
    loader.fault = lambda _key, _kind: most.append(len(loader.living()))
    for key in KEYS[:5]:
        kept.get(key)
    assert most == [0, 1, 1, 1, 1]  # with the one that comes, never more than two


def test_what_something_else_holds_is_left_to_it() -> None:
    loader = Loader()
    others = [0]
    kept = shelf_of(loader, 3, beside=lambda: others[0])
    for key in KEYS[:3]:
        kept.get(key)
    assert loader.living() == list(KEYS[:3])
    others[0] = SIZE // 2
    kept.make_room()
    assert loader.living() == list(KEYS[1:3])
    assert kept.usage().beside == SIZE // 2
    kept.get(KEYS[3])
    assert loader.living() == list(KEYS[2:4])  # the one that comes finds room in the rest alone
    others[0] = 9 * SIZE
    kept.make_room()
    assert loader.living() == [KEYS[3]]  # the last one stays: it may be at work
    others[0] = 0
    for key in KEYS[:3]:
        kept.get(key)
    assert len(loader.living()) == 3  # negative control: with the room back, so are they


@pytest.mark.usefixtures("card")
def test_on_a_card_nothing_else_is_counted() -> None:
    loader = Loader()
    kept = shelf_of(loader, 2, beside=lambda: 9 * SIZE)
    for key in KEYS[:2]:
        kept.get(key)
    kept.make_room()
    assert loader.living() == list(KEYS[:2])
    assert kept.usage().beside == 0


def test_a_model_larger_than_the_budget_stands_alone() -> None:
    loader = Loader()
    kept = shelf_of(loader, 0.5)
    for _ in range(2):
        kept.get(KEYS[0])
    assert len(loader.loads) == 1  # and is not loaded at every call
    kept.get(KEYS[1])
    assert loader.living() == [KEYS[1]]


def test_what_runs_keeps_its_model_although_it_is_dropped() -> None:
    loader = Loader()
    kept = shelf_of(loader, 1)
    began, may_end = threading.Event(), threading.Event()

    def work(model: Any) -> float:
        began.set()
        assert may_end.wait(20)
        return float(model.module.weight.detach().sum())

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(kept.run, KEYS[0], work)
        assert began.wait(20)
        kept.get(KEYS[1])
        assert not kept.holds(KEYS[0])
        assert KEYS[0] in loader.living()
        may_end.set()
        assert isinstance(running.result(20), float)
    del running
    gc.collect()
    assert loader.living() == [KEYS[1]]  # and goes when the run is over


def test_eight_threads_get_one_load_or_one_error() -> None:
    loader = Loader(seconds=0.1)
    kept = shelf_of(loader, 4)
    start = threading.Barrier(8)

    def ask(number: int) -> Any:
        start.wait(20)
        return kept.get(KEYS[number % 2])

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, range(8)))
    assert sorted(loader.loads) == sorted((key, "cpu") for key in KEYS[:2])
    assert {id(model) for model in found} == {id(found[0]), id(found[1])}
    assert found[0] is not found[1]

    def fail(_key: str, _kind: str) -> WeightsError:
        time.sleep(0.1)
        return WeightsError("damaged")

    loader.fault = fail

    def ask_in_vain(_number: int) -> MixScopeError:
        start.wait(20)
        with pytest.raises(WeightsError, match="damaged") as caught:
            kept.get(KEYS[3])
        return caught.value

    with ThreadPoolExecutor(8) as pool:
        errors = list(pool.map(ask_in_vain, range(8)))
    assert len({id(error) for error in errors}) == 1
    assert len(loader.loads) == 3


def test_an_error_is_kept_for_a_moment_and_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    loader = Loader()
    kept = shelf_of(loader, 2)
    loader.fault = lambda _key, _kind: WeightsError("not there")
    for _ in range(3):
        with pytest.raises(WeightsError):
            kept.get(KEYS[0])
    assert len(loader.loads) == 1
    loader.fault = lambda _key, _kind: None
    with pytest.raises(WeightsError):
        kept.get(KEYS[0])  # negative control: still the old answer
    kept.drop(KEYS[0])
    assert kept.get(KEYS[0]).device == CPU
    monkeypatch.setattr(shelf, "ERROR_SECONDS", 0.0)
    loader.fault = lambda _key, _kind: WeightsError("not there")
    for _ in range(2):
        with pytest.raises(WeightsError):
            kept.get(KEYS[1])
    assert len(loader.loads) == 4
    assert (kept._flights, kept._coming) == ({}, {})


def test_a_programming_error_is_no_lack_of_memory() -> None:
    loader = Loader()
    kept = shelf_of(loader, 2)
    kept.get(KEYS[0])

    def work(_model: Any) -> None:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="mat1"):
        kept.run(KEYS[1], work)
    assert kept.holds(KEYS[0])  # nothing was dropped for it


@pytest.mark.usefixtures("card")
def test_without_card_memory_a_load_drops_the_others_and_tries_again() -> None:
    loader = Loader()
    kept = shelf_of(loader, 9)
    for key in KEYS[:3]:
        kept.get(key)
    loader.fault = lambda _key, _kind: out_of_memory() if len(loader.living()) > 1 else None
    assert kept.get(KEYS[3]).device == CUDA
    assert loader.living() == [KEYS[2], KEYS[3]]  # the two oldest went, and no more
    assert kept.usage().moved == ()


@pytest.mark.usefixtures("card")
def test_a_load_that_never_fits_goes_to_the_processor() -> None:
    loader = Loader()
    kept = shelf_of(loader, 9)
    kept.get(KEYS[0])
    loader.fault = lambda key, kind: out_of_memory() if (key, kind) == (KEYS[1], "cuda") else None
    assert kept.get(KEYS[1]).device == CPU
    assert [name[0] for name in kept.usage().moved] == [KEYS[1]]
    assert kept.get(KEYS[2]).device == CUDA  # others still go to the card
    attempts = len(loader.loads)
    assert kept.get(KEYS[1]).device == CPU
    assert len(loader.loads) == attempts
    kept.drop(KEYS[1])
    assert kept.usage().moved == ()


@pytest.mark.usefixtures("card")
def test_a_run_without_card_memory_drops_others_then_moves() -> None:
    loader = Loader()
    kept = shelf_of(loader, 9)
    for key in KEYS[:3]:
        kept.get(key)
    seen: list[tuple[str, int]] = []

    def hungry(model: Any) -> str:
        seen.append((model.device.type, len(loader.living())))
        if model.device.type == "cuda":
            scratch = torch.ones(8)  # what a frame holds must not outlive the error
            raise out_of_memory() from RuntimeError(str(scratch.sum()))
        return "done"

    assert kept.run(KEYS[0], hungry) == "done"
    assert seen == [("cuda", 3), ("cuda", 2), ("cuda", 1), ("cpu", 1)]
    assert [name[0] for name in kept.usage().moved] == [KEYS[0]]
    assert kept.get(KEYS[0]).device == CPU
    # Negative control: a run that fits stays on the card and drops nobody.
    kept.get(KEYS[1])
    assert kept.run(KEYS[1], lambda model: model.device.type) == "cuda"
    assert kept.holds(KEYS[0])


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A card that may be given up."""
    monkeypatch.setattr(devices, "_gone", threading.Event())
    monkeypatch.setattr(devices, "choose_device", lambda: CPU if devices.is_given_up() else CUDA)
    monkeypatch.setattr(devices, "release", lambda: None)


def card_error() -> torch.AcceleratorError:
    return torch.AcceleratorError("CUDA error: unspecified launch failure")


@pytest.mark.usefixtures("failing")
def test_when_the_card_fails_all_models_go_to_the_processor() -> None:
    loader = Loader()
    kept = shelf_of(loader, 9)
    for key in KEYS[:3]:
        kept.get(key)

    def work(model: Any) -> str:
        if model.device.type == "cuda":
            raise card_error()
        return "done"

    assert kept.run(KEYS[0], work) == "done"
    assert loader.living() == [KEYS[0]]  # the others cannot be used any more, and are not kept
    assert kept.get(KEYS[1]).device == CPU
    assert [kind for _, kind in loader.loads] == ["cuda"] * 3 + ["cpu"] * 2
    assert kept.usage().moved == ()  # none of them was too large
    assert kept.run(KEYS[1], work) == "done"  # nothing is left locked
    assert (kept._flights, kept._coming) == ({}, {})


@pytest.mark.usefixtures("failing")
def test_a_card_that_fails_while_a_model_comes() -> None:
    loader = Loader()
    kept = shelf_of(loader, 9)
    loader.fault = lambda _key, kind: card_error() if kind == "cuda" else None
    assert kept.get(KEYS[0]).device == CPU
    assert devices.is_given_up()
    loader.fault = lambda _key, kind: card_error()  # on the processor it is no card's fault
    with pytest.raises(torch.AcceleratorError):
        kept.get(KEYS[1])
    assert (kept._flights, kept._coming) == ({}, {})


@pytest.mark.usefixtures("failing")
def test_eight_threads_on_a_card_that_fails_all_get_an_answer() -> None:
    loader = Loader(seconds=0.05)
    kept = shelf_of(loader, 9)
    held = [kept.get(key) for key in KEYS[:2]]
    start = threading.Barrier(8)

    def work(model: Any) -> Any:
        if model.device.type == "cuda":
            raise card_error()
        return model

    def ask(number: int) -> Any:
        start.wait(20)
        return kept.run(KEYS[number % 2], work, model=held[number % 2])

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, range(8)))
    assert len({id(model) for model in found}) == 2
    assert sorted(loader.loads[2:]) == [(key, "cpu") for key in sorted(KEYS[:2])]


@pytest.mark.usefixtures("card")
def test_eight_hungry_threads_move_a_model_once() -> None:
    loader = Loader(seconds=0.05)
    kept = shelf_of(loader, 9)
    held = kept.get(KEYS[0])
    start = threading.Barrier(8)

    def hungry(model: Any) -> Any:
        if model.device.type == "cuda":
            raise out_of_memory()
        return model

    def ask(_number: int) -> Any:
        start.wait(20)
        return kept.run(KEYS[0], hungry, model=held)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, range(8)))
    assert {id(model) for model in found} == {id(found[0])}
    assert loader.loads == [(KEYS[0], "cuda"), (KEYS[0], "cpu")]


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")], ids=repr
)
def test_without_memory_on_the_processor_the_message_says_how_much(error: Exception) -> None:
    loader = Loader()
    kept = Shelf(9 * SIZE, load=loader, expected=lambda _key: 833_000_000)
    loader.fault = lambda _key, _kind: error
    with pytest.raises(ModelError, match=r"833 MB.*Close other programs"):
        kept.get(KEYS[5])
    loader.fault = lambda _key, _kind: None

    def hungry(_model: Any) -> None:
        raise error

    with pytest.raises(ModelError, match=re.escape(registry.spec(KEYS[6]).title)):
        kept.run(KEYS[6], hungry)


def test_dropped_models_of_the_library_are_freed() -> None:
    kept = Shelf(1_000_000)  # less than two of them
    first = weakref.ref(kept.get("mixer_mini", untrained=True).module)
    assert first() is not None
    second = kept.get("convmixer_mini", untrained=True)
    assert first() is None
    assert kept.get("convmixer_mini", untrained=True) is second
    assert kept.get("convmixer_mini", untrained=True, seed=1) is not second


def test_the_cost_is_what_the_model_has(monkeypatch: pytest.MonkeyPatch) -> None:
    row = registry.spec("davit_mini")
    loaded = loading.load(row.key, untrained=True)
    cost = Shelf(10_000_000).cost(row)
    assert cost.bytes == sum(
        tensor.nbytes for tensor in (*loaded.module.parameters(), *loaded.module.buffers())
    )
    assert cost.multiply_adds == loading.multiply_adds(loaded)
    assert cost.fits
    assert not Shelf(1_000_000).cost(row).fits
    free = devices.DeviceFacts(
        kind="cpu", name="", cores=1, total_bytes=10**9, free_bytes=2 * cost.bytes
    )
    monkeypatch.setattr(devices, "describe", lambda *_: free)
    assert Shelf(10).cost(row).share_of_available == 0.5


def test_the_cost_of_a_large_model_needs_none_of_its_weights() -> None:
    row = registry.spec("mixer_l16_224.goog_in21k_ft_in1k")
    cost = Shelf(10).cost(row)
    assert cost.bytes == pytest.approx(4 * 208.2e6, rel=1e-3)
    assert cost.multiply_adds == pytest.approx(44.5e9, rel=1e-2)


def test_what_a_file_will_take_is_read_off_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    def there(row: Any) -> Any:
        return files.WeightsStatus(
            key=row.key, path=None, megabytes=3.0, source=row.weights, licence=""
        )

    monkeypatch.setattr(files, "status", there)
    assert footprint.expected_bytes("mixer_mini") == 6_000_000  # stored in float16
    assert footprint.expected_bytes("resnet50.tv_in1k") == 3_000_000


def test_a_bad_budget_is_said_and_nothing_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(devices.MEMORY, "plenty")
    loader = Loader()
    kept = Shelf(load=loader, expected=lambda _key: SIZE)
    with pytest.raises(ModelError, match="'plenty'"):
        kept.get(KEYS[0])
    assert loader.loads == []
    monkeypatch.setenv(devices.MEMORY, "1")
    assert Shelf(load=loader).budget() == 2**30
