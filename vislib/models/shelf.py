"""The shelf: loaded models within a stated budget of memory, least recently used out first.

All visitors share it. Whoever asks first loads; whoever asks for the same model meanwhile waits for
that one load and gets the same model or the same error. When a graphics card has no memory left,
other models go, the least recently used first; if that does not help, the model moves to the
processor. When the card fails, all do.
"""

from __future__ import annotations

import gc
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol, TypeVar
from weakref import WeakKeyDictionary

import torch

from vislib.models import devices, footprint, loading
from vislib.models.loading import LoadedModel
from vislib.registry import spec as row_of
from vislib.schema import MixScopeError, ModelError, ModelSpec

LOGGER = logging.getLogger(__name__)
T = TypeVar("T")
Name = tuple[str, bool, int]
"""Registry key, whether untrained, and the seed of the untrained weights."""

ERROR_SECONDS = 5.0
"""How long an error is kept, so that visitors who wait do not each run into it again."""


class Load(Protocol):
    """How a model gets there."""

    def __call__(
        self, key: str, *, untrained: bool, seed: int, device: torch.device | None
    ) -> LoadedModel:
        """The model on a device, the machine's best if None."""


@dataclass(frozen=True, kw_only=True)
class LoadCost:
    """What a model will cost, counted without its weights.

    Attributes:
        bytes: Of its parameters and buffers in float32.
        multiply_adds: Of one forward pass at its own input size.
        fits: Whether it fits into the budget, beside what else is counted.
        share_of_available: ``bytes`` over the device's free memory; above 1 it cannot fit.
    """

    bytes: int
    multiply_adds: int
    fits: bool
    share_of_available: float


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What stands on the shelf.

    Attributes:
        bytes: Of all models on it, on the device and, after a move, on the processor.
        beside: Of what else is counted there.
        budget: Bytes that all of it may take together on the device.
        names: The models, least recently used first.
        moved: Those that did not fit on the graphics card and run on the processor.
    """

    bytes: int
    beside: int
    budget: int
    names: tuple[Name, ...]
    moved: tuple[Name, ...]


def _load(key: str, *, untrained: bool, seed: int, device: torch.device | None) -> LoadedModel:
    if device is None:
        return loading.load(key, untrained=untrained, seed=seed)
    return loading.load(key, untrained=untrained, seed=seed, device=device)


class _NoRoomError(Exception):
    """Nothing is left to drop, and there still is no memory."""


class _CardGoneError(Exception):
    """The graphics card has failed; what ran on it runs on the processor from now on."""


class Shelf:
    """Loaded models, shared by all threads.

    Args:
        budget: Bytes that models may hold together; see ``devices.memory_budget`` if None. A
            single larger model is loaded all the same, and stands there alone.
        load: How a model gets there.
        expected: Bytes of a model before it is loaded.
        collect: Frees what dropped models leave in cycles.
        on_processor: The same for the processor alone, where that was fixed before.
        beside: Bytes of the processor's budget that something else holds.
    """

    def __init__(
        self,
        budget: int | None = None,
        *,
        load: Load = _load,
        expected: Callable[[str], int] = footprint.expected_bytes,
        collect: Callable[[], object] = gc.collect,
        on_processor: int | None = None,
        beside: Callable[[], int] = lambda: 0,
    ) -> None:
        self._load, self._expected, self._collect = load, expected, collect
        self._beside = beside
        self._budgets = {} if on_processor is None else {"cpu": on_processor}
        self._stated = budget
        self._held: OrderedDict[Name, LoadedModel] = OrderedDict()
        self._sizes: WeakKeyDictionary[torch.nn.Module, int] = WeakKeyDictionary()
        self._coming: dict[Name, tuple[str, int]] = {}
        self._flights: dict[Name, Future[LoadedModel]] = {}
        self._errors: dict[Name, tuple[float, MixScopeError]] = {}
        self._moved: set[Name] = set()
        self._guard = threading.RLock()

    def get(self, key: str, *, untrained: bool = False, seed: int = 0) -> LoadedModel:
        """The model, loaded at most once at a time.

        Raises:
            MixScopeError: It cannot be loaded, at this call or a few seconds before; or there is
                not enough memory, and the message says how much it needs.
        """
        name = (key, untrained, seed)
        with self._guard:
            held = self._held.get(name)
            if held is not None:
                self._held.move_to_end(name)
                return held
            failed = self._errors.get(name)
            if failed and time.monotonic() - failed[0] < ERROR_SECONDS:
                raise failed[1]
            flight = self._flights.get(name)
            if flight is None:
                leading = self._flights[name] = Future()
        return flight.result() if flight is not None else self._lead(name, leading)

    def _lead(self, name: Name, flight: Future[LoadedModel]) -> LoadedModel:
        """Load for all who wait."""
        try:
            loaded = self._load_somewhere(name)
        except BaseException as error:
            with self._guard:
                self._flights.pop(name, None)
                self._coming.pop(name, None)
                if isinstance(error, MixScopeError):
                    self._errors[name] = (time.monotonic(), error)
            flight.set_exception(error)
            raise
        with self._guard:
            self._held[name] = loaded
            self._flights.pop(name, None)
            self._coming.pop(name, None)
            self._errors.pop(name, None)
        flight.set_result(loaded)
        self._make_room(loaded.device.type, besides=name)
        return loaded

    def _load_somewhere(self, name: Name) -> LoadedModel:
        """On the machine's best device, or else on the processor."""
        key, untrained, seed = name
        for device in (None, torch.device("cpu")):
            if device is None and name in self._moved:
                continue
            kind = (device or devices.choose_device()).type
            self._reserve(name, kind)
            try:
                return self._with_room(
                    name,
                    kind,
                    lambda place=device: self._load(  # type: ignore[misc]
                        key, untrained=untrained, seed=seed, device=place
                    ),
                )
            except _CardGoneError:
                continue
            except _NoRoomError:
                if kind == "cpu":
                    break
                with self._guard:
                    self._moved.add(name)
        raise self._too_large(key)

    def run(
        self,
        key: str,
        work: Callable[[LoadedModel], T],
        *,
        untrained: bool = False,
        seed: int = 0,
        model: LoadedModel | None = None,
    ) -> T:
        """Do something with a model; on the processor where the graphics card cannot.

        The card may have no memory left, or have failed.

        Args:
            key: Registry key.
            work: Is given the model, and is called again after that.
            untrained: Whether with seeded random weights.
            seed: Of the random weights.
            model: What ``get`` returned a moment ago, so that it is not asked twice.

        Raises:
            MixScopeError: It cannot be loaded, or there is no memory on the processor either.
        """
        name = (key, untrained, seed)

        def attempt(place: LoadedModel) -> T:
            return self._with_room(name, place.device.type, lambda: work(place))

        held = model or self.get(key, untrained=untrained, seed=seed)
        kind = held.device.type
        come_again = self._move
        try:
            return attempt(held)
        except _CardGoneError:
            come_again = self._get
        except _NoRoomError:
            if kind == "cpu":
                raise self._too_large(key) from None
        del held, model  # its memory is given back before it comes again
        try:
            return attempt(come_again(name))
        except _NoRoomError:
            raise self._too_large(key) from None

    def _move(self, name: Name) -> LoadedModel:
        """Give the place on the graphics card up and load the model on the processor."""
        with self._guard:
            self._moved.add(name)
            held = self._held.get(name)
            if held is not None and held.device.type != "cpu":
                del self._held[name]
        del held
        self._free()
        return self._get(name)

    def _get(self, name: Name) -> LoadedModel:
        key, untrained, seed = name
        return self.get(key, untrained=untrained, seed=seed)

    def _with_room(self, name: Name, kind: str, work: Callable[[], T]) -> T:
        """Try; while there is no memory, drop another model and try again."""
        while True:
            try:
                return work()
            except (RuntimeError, MemoryError) as error:
                gone = kind != "cpu" and devices.is_gone(error)
                if not gone and not devices.is_out_of_memory(error):
                    raise
                if gone:
                    LOGGER.error("the graphics card has failed (%s)", str(error))
            # Out of the handler: the error held the frames, and these held the tensors.
            if gone:
                self._leave_card()
                raise _CardGoneError
            if not self._drop_oldest(kind, besides=name):
                raise _NoRoomError

    def _leave_card(self) -> None:
        """Nothing that lies on the graphics card can be used any more."""
        devices.give_up()
        with self._guard:
            for name in [n for n, m in self._held.items() if m.device.type != "cpu"]:
                del self._held[name]
        self._free()

    def _reserve(self, name: Name, kind: str) -> None:
        """Make room before a model comes, so that the budget holds while it is loaded, too."""
        need = self._expected(name[0])
        with self._guard:
            self._coming[name] = (kind, need)
        self._make_room(kind, besides=name)

    def make_room(self) -> None:
        """Drop models until the rest fits beside what something else has come to hold.

        The one that was used last stays in any case.
        """
        with self._guard:
            last = next(reversed(self._held), None)
        if last is not None:
            self._make_room("cpu", besides=last)

    def room(self, kind: str | None = None) -> int:
        """Bytes that models may hold together on a device at this moment: the budget's rest."""
        return max(0, self.budget(kind) - self._beside_models(kind))

    def _beside_models(self, kind: str | None) -> int:
        return self._beside() if (kind or devices.choose_device().type) == "cpu" else 0

    def _make_room(self, kind: str, *, besides: Name) -> None:
        """Drop models until those that are here and those that are coming fit the budget."""
        while self._bytes(kind) > self.room(kind):
            if not self._drop_oldest(kind, besides=besides):
                return

    def _drop_oldest(self, kind: str, *, besides: Name) -> bool:
        """Let the least recently used model of a device go; False when there is none."""
        with self._guard:
            names = [n for n, m in self._held.items() if m.device.type == kind and n != besides]
            if not names:
                return False
            del self._held[names[0]]
        self._free()
        return True

    def _free(self) -> None:
        self._collect()
        devices.release()

    def _bytes(self, kind: str | None = None) -> int:
        """Of the models that are here or coming, on one device or on all."""
        with self._guard:
            here = [m for m in self._held.values() if kind in (None, m.device.type)]
            coming = [size for place, size in self._coming.values() if kind in (None, place)]
        return sum(map(self._size, here)) + sum(coming)

    def _size(self, model: LoadedModel) -> int:
        """Of one model; counted once, for every rerun of a page asks."""
        if model.module not in self._sizes:
            self._sizes[model.module] = footprint.bytes_of(model.module)
        return self._sizes[model.module]

    def budget(self, kind: str | None = None) -> int:
        """Bytes that models may hold together on a device; fixed when first asked for.

        Args:
            kind: "cuda", "mps" or "cpu"; the machine's best if None.

        Raises:
            ModelError: MIXSCOPE_DEVICE or MIXSCOPE_MEMORY_GB cannot be followed.
        """
        if self._stated is not None:
            return self._stated
        device = torch.device(kind) if kind == "cpu" else devices.choose_device()
        with self._guard:
            if device.type not in self._budgets:
                self._budgets[device.type] = devices.memory_budget(devices.describe(device))
            return self._budgets[device.type]

    def holds(self, key: str, *, untrained: bool = False, seed: int = 0) -> bool:
        """Whether the model is here at this moment, so that asking for it costs nothing."""
        with self._guard:
            return (key, untrained, seed) in self._held

    def drop(self, key: str, *, untrained: bool = False, seed: int = 0) -> bool:
        """Let a model go, and what is known of its failures; whether it was here.

        Who runs it at this moment keeps it to the end.
        """
        name = (key, untrained, seed)
        with self._guard:
            here = self._held.pop(name, None) is not None
            self._errors.pop(name, None)
            self._moved.discard(name)
        if here:
            self._free()
        return here

    def usage(self) -> Usage:
        """What stands on the shelf."""
        budget, beside = self.budget(), self._beside_models(None)
        with self._guard:
            return Usage(
                bytes=self._bytes(),
                beside=beside,
                budget=budget,
                names=tuple(self._held),
                moved=tuple(sorted(self._moved)),
            )

    def cost(self, row: ModelSpec) -> LoadCost:
        """What a model will cost; it is built without weights for that, once.

        Raises:
            ModelError: MIXSCOPE_DEVICE or MIXSCOPE_MEMORY_GB cannot be followed.
        """
        size, adds = footprint.counted(row.key)
        free = devices.describe().free_bytes
        return LoadCost(
            bytes=size,
            multiply_adds=adds,
            fits=size <= self.room(),
            share_of_available=size / max(free, 1),
        )

    def _too_large(self, key: str) -> ModelError:
        need, free = self._expected(key) / 1e6, devices.processor().free_bytes / 1e6
        return ModelError("error.model.no_memory", title=row_of(key).title, need=need, free=free)
