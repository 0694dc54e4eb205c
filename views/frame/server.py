"""What one server has, for all its visitors: loaded models, downloads, and what they cost.

Nothing here imports torch before a model is asked for.
"""

from __future__ import annotations

import gc
import os
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from views.frame import memory
from vislib import registry
from vislib.models import devices
from vislib.schema import (
    Cut,
    LabelledArray,
    MixingSite,
    MixScopeError,
    ModelSpec,
    TokenAxis,
    TokenGrid,
)
from vislib.weights import files

if TYPE_CHECKING:
    from vislib.models.loading import InputConfig, LoadedModel
    from vislib.models.shelf import LoadCost, Shelf
    from vislib.weights.downloads import Downloads, DownloadState

LARGE_BYTES = 10**9
MANY_TIMES = 20
"""Times the multiply-adds of the largest model that has run here."""
LONG_SECONDS = 3.0
"""Less than this is not worth a question, however many times it is."""

ELSEWHERE = ("192.0.2.1", 9)
"""An address that RFC 5737 keeps for examples: no machine has it, and any way out leads to it."""

_guard = threading.Lock()
_made: dict[str, Any] = {}
_seconds: dict[str, float] = {}
_agreed: set[str] = set()
_megabytes: dict[str, float] = {}


# ---------------------------------------------------------------- loaded models


@dataclass(frozen=True)
class KnownModel:
    """What is known of a model that has been loaded once, whether it still is there or not.

    A page that draws grids and boxes needs no weights: these facts stay when the model goes. What
    else can be read off it loads it again. It has neither module nor lock: between two questions
    the model may be loaded anew, so a forward pass is work for ``Shelf.run``.
    """

    spec: ModelSpec
    grid: TokenGrid
    sites: tuple[MixingSite, ...]
    config: InputConfig
    labels: tuple[str, ...]
    wordnet: tuple[str, ...]
    parameters: int
    untrained: bool
    load: Callable[[], LoadedModel]

    @property
    def cuts(self) -> tuple[Cut, ...]:
        """What can be switched off in it."""
        return self.load().cuts

    @property
    def token_axes(self) -> tuple[TokenAxis, ...]:
        """The axes of its weights that run over tokens."""
        return self.load().token_axes

    def weights(self, group: str) -> dict[str, LabelledArray]:
        """The parameters of a group."""
        return self.load().weights(group)


def facts_of(loaded: LoadedModel, load: Callable[[], LoadedModel]) -> KnownModel:
    """What stays known of a model, and how it comes back."""
    return KnownModel(
        load=load,
        spec=loaded.spec,
        grid=loaded.grid,
        sites=loaded.sites,
        config=loaded.config,
        labels=loaded.labels,
        wordnet=loaded.wordnet,
        parameters=loaded.parameters,
        untrained=loaded.untrained,
    )


def shelf() -> Shelf:
    """The one shelf of loaded models; imports torch."""
    with _guard:
        if "shelf" not in _made:
            from vislib.models.shelf import Shelf

            _made["shelf"] = Shelf(
                collect=settle_memory,
                on_processor=memory.budget(),
                beside=memory.beside_models,
            )
        found: Shelf = _made["shelf"]
        return found


def settle_memory() -> None:
    """Free what was dropped, and spare the collector the rest.

    Otherwise every rerun walks through torch's half a million objects, and frozen garbage stays.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def holds(key: str, untrained: bool) -> bool:
    """Whether a model is loaded at this moment."""
    return "shelf" in _made and shelf().holds(key, untrained=untrained)


def make_room() -> None:
    """Let models go for what visitors have brought or computed since the last one came."""
    if "shelf" in _made:
        shelf().make_room()


def memory_in_use() -> tuple[int, int] | None:
    """(bytes in use, budget) of the device that models run on; None where it cannot be said.

    On the processor models share it with pictures and results; a graphics card has them alone.
    """
    try:
        usage = shelf().usage() if "shelf" in _made else None
    except MixScopeError:
        return None
    return usage and (usage.bytes + (memory.held() if usage.beside else 0), usage.budget)


def moved() -> tuple[str, ...]:
    """Keys of the models that did not fit on the graphics card and run on the processor."""
    try:
        return tuple(name[0] for name in shelf().usage().moved) if "shelf" in _made else ()
    except MixScopeError:
        return ()


def device() -> devices.DeviceFacts | MixScopeError | None:
    """Where models run; None before torch is there, the error as a value if it cannot be said."""
    if "shelf" not in _made:
        return None
    if "device" not in _made or (card_is_gone() and _made["device"].kind != "cpu"):
        try:
            _made["device"] = devices.describe()
        except MixScopeError as error:
            return error
    found: devices.DeviceFacts = _made["device"]
    return found


def card_is_gone() -> bool:
    """Whether the graphics card has failed since the start: models run on the processor."""
    return devices.is_given_up()


# ---------------------------------------------------------------- what a model costs


@dataclass(frozen=True)
class Cost:
    """What a page says before it loads a large model.

    Attributes:
        cost: Counted without the weights.
        seconds: One run, from the speed of the largest model that has run here; None if none has.
    """

    cost: LoadCost
    seconds: float | None


def measured(key: str, seconds: float) -> None:
    """Note how long a run of a model took; the shortest counts, since a first one warms up."""
    _seconds[key] = min(seconds, _seconds.get(key, seconds))


def agree(key: str) -> None:
    """A visitor has said that a large model may be loaded; asked once a server."""
    _agreed.add(key)


def price(key: str) -> Cost | None:
    """What to say before a model is loaded, None where it needs no question.

    Raises:
        MixScopeError: MIXSCOPE_DEVICE or MIXSCOPE_MEMORY_GB cannot be followed.
    """
    if key in _agreed or registry.spec(key).weights == "bundled":
        return None
    cost = shelf().cost(registry.spec(key))
    speeds = [(shelf().cost(registry.spec(k)).multiply_adds, s) for k, s in _seconds.copy().items()]
    seconds: float | None = None
    many = False
    if speeds:
        # A small model keeps a machine less busy than a large one, so the best speed is still low.
        seconds = cost.multiply_adds / max(adds / max(s, 1e-9) for adds, s in speeds)
        largest = max(adds for adds, _ in speeds)
        many = cost.multiply_adds > MANY_TIMES * largest and seconds > LONG_SECONDS
    if cost.fits and cost.bytes <= LARGE_BYTES and not many:
        return None
    return Cost(cost=cost, seconds=seconds)


# ---------------------------------------------------------------- weights and downloads


def downloads() -> Downloads:
    """The one list of downloads."""
    with _guard:
        if "downloads" not in _made:
            from vislib.weights.downloads import Downloads

            _made["downloads"] = Downloads()
        found: Downloads = _made["downloads"]
        return found


def has_network() -> bool:
    """Whether a download can be offered: this machine has a way out, and nobody forbids its use.

    Nothing is sent: a datagram socket that is connected only looks the way up.
    """
    if os.environ.get("HF_HUB_OFFLINE", "0").upper() in ("1", "ON", "YES", "TRUE"):
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        try:
            way.connect(ELSEWHERE)
        except OSError:
            return False
    return True


def download_states() -> tuple[DownloadState, ...]:
    """All downloads that were ordered since the server started."""
    return tuple(downloads().states()) if "downloads" in _made else ()


def present() -> tuple[str, ...]:
    """Registry keys whose weights are on this machine.

    Looked up once a minute, and at once when a download has come to its end.
    """
    return _present(tuple(state.key for state in download_states() if state.status == "done"))


@st.cache_resource(ttl=60, show_spinner=False)
def _present(arrived: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(row.key for row in registry.MODEL_REGISTRY.values() if files.status(row).present)


def megabytes(key: str) -> float | None:
    """Size of a published model's weights; None while it is counted, for which torch must come."""
    if key not in _megabytes and "shelf" in _made:
        from vislib.models import footprint

        _megabytes[key] = footprint.expected_megabytes(registry.spec(key))
    elif key not in _megabytes:
        with _guard:
            if "counting" not in _made:
                _made["counting"] = threading.Thread(target=_count_all, daemon=True)
                _made["counting"].start()
    return _megabytes.get(key)


def _count_all() -> None:
    from vislib.models import footprint

    for row in registry.MODEL_REGISTRY.values():
        if row.weights == "timm":
            _megabytes[row.key] = footprint.expected_megabytes(row)
