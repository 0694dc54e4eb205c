"""The models that all visitors share: asked about, loaded once, run.

A page draws with what is known of a model. A forward pass is work for ``run``: between two
questions a model may leave the memory and come back, with another module and another lock.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import streamlit as st

from views.frame import cores, server, turns
from views.frame.state import t
from vislib import registry
from vislib.schema import MixScopeError
from vislib.texts import Message, joined

if TYPE_CHECKING:
    from vislib.models.loading import LoadedModel

T = TypeVar("T")

_known: dict[tuple[str, bool], server.KnownModel] = {}


def split(key: str) -> tuple[str, bool]:
    """The registry key of a key that may name a variant, and whether its weights are random.

    The model of a variant of the film is the trained one: frames hold parameters alone.
    """
    return registry.base_key(key), registry.is_untrained(key)


def _loaded(key: str, untrained: bool) -> LoadedModel | MixScopeError:
    """The model, or the error as a value."""
    shelf = server.shelf()
    fresh = not shelf.holds(key, untrained=untrained)
    try:
        found = shelf.get(key, untrained=untrained)
    except MixScopeError as error:
        return error
    if fresh:
        server.agree(key)  # it may come back without a question
        server.settle_memory()
    return found


def available() -> tuple[str, ...]:
    """Registry keys of the models whose weights are on this machine."""
    return server.present()


def is_ready(key: str) -> bool:
    """Whether the model is loaded at this moment, so that asking for it costs nothing."""
    return server.holds(*split(key))


def is_known(key: str) -> bool:
    """Whether the model has been loaded once: its grid and its view box can be drawn."""
    return split(key) in _known


def title(key: str) -> str:
    """What the page calls a model; variants say so."""
    return registry.spec(key).title


class CostQuestionError(MixScopeError):
    """A model is large for this machine; the visitor is asked before it is loaded.

    Attributes:
        key: Its registry key.
    """

    def __init__(self, key: str, question: Message) -> None:
        super().__init__("error.model.asks_first", question=question)
        self.key = key


def asks_first(key: str) -> Message | None:
    """What a model will cost where that is much for this machine, else None."""
    price = server.price(key)
    if price is None:
        return None
    parts = [
        Message(
            "models.costs",
            title=title(key),
            megabytes=f"{price.cost.bytes / 1e6:,.0f}",
            adds=f"{price.cost.multiply_adds / 1e9:.3g}",
        )
    ]
    if price.seconds is not None:
        parts.append(Message("models.costs_seconds", seconds=max(1, round(price.seconds))))
    if not price.cost.fits:
        share = f"{100 * price.cost.share_of_available:.0f}"
        parts.append(Message("models.costs_memory", percent=share))
    return joined("error.text.then", parts)


def fetch(key: str) -> LoadedModel:
    """The model itself, with a word on the page while it is loaded.

    Raises:
        CostQuestionError: It is large for this machine, and nobody has agreed to it yet.
        MixScopeError: It cannot be loaded; the message is for the visitor.
    """
    base, untrained = split(key)
    if is_ready(key):
        found = _loaded(base, untrained)
    else:
        with st.spinner(t("busy.model", title=title(key))):
            question = asks_first(base)
            found = CostQuestionError(base, question) if question else _loaded(base, untrained)
    if isinstance(found, MixScopeError):
        raise found
    _known.setdefault((base, untrained), server.facts_of(found, lambda: fetch(key)))
    return found


def model(key: str) -> server.KnownModel:
    """What is known of a model, which is loaded for it once; to run it there is ``run``.

    Raises:
        CostQuestionError: It is large for this machine, and nobody has agreed to it yet.
        MixScopeError: It cannot be loaded; the message is for the visitor.
    """
    if not is_known(key):
        fetch(key)
    return _known[split(key)]


def run(key: str, work: Callable[[LoadedModel], T], *, long: bool = False) -> T:
    """A piece of work with a shared model, which it leaves as it is, when the visitor's turn comes.

    Where the graphics card's memory ends it is done again on the processor. The visitor is not
    asked about the model's cost: ``capture`` or ``model`` has done that before.

    Args:
        key: Registry key; it may name the untrained variant.
        work: Is given the loaded model. It asks for nothing that is remembered: another visitor may
            be computing that, and wait for a turn.
        long: Whether it takes many forward passes.
    """
    base, untrained = split(key)
    with turns.turn(long=long):
        cores.share()
        return server.shelf().run(base, work, untrained=untrained)
