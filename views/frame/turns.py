"""A visitor's turns at heavy work, and what the page says until it comes.

Work is done by the visitor's own run of the script. Whoever leaves or moves on while waiting gives
the place up, and what stood there is never begun; whoever waits for what another visitor computes
shares it, and takes its place over where that one leaves.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from contextvars import ContextVar
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from views.frame.language import language
from views.frame.line import Line
from vislib.texts import text

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

SAY_SECONDS = 1.0
"""A place in line is written anew this often at most: every visitor's changes with every turn."""
LINE = Line()
"""Of this process."""


class _NotNowError(BaseException):
    """What was to be prepared would have to wait: no part of a page handles it."""


class Asking:
    """What a visitor asks for at this moment, and what the page says of its place in line."""

    def __init__(self) -> None:
        self.since = LINE.now()
        self._shown = ExitStack()
        self._said: tuple[float, int | None] = (time.monotonic(), None)

    def wait(self, before: int | None) -> None:
        """Say a place in line; Streamlit ends the run here when the visitor leaves or moves on.

        Args:
            before: How many come before; None where the turn has come.
        """
        go_on()
        at, said = self._said
        late = before is None or time.monotonic() - at >= SAY_SECONDS
        if before != said and late:
            self._said = (time.monotonic(), before)
            self._shown.close()
            if before is not None:
                words = text(language(), "busy.line" if before else "busy.line_next", count=before)
                spot = _spot.get()
                self._shown.enter_context((st if spot is None else spot).spinner(words))

    def close(self) -> None:
        """Take the words away."""
        self._shown.close()


_spot: ContextVar[DeltaGenerator | None] = ContextVar("mixscope_turn", default=None)
_asking: ContextVar[Asking | None] = ContextVar("mixscope_asking", default=None)
_ahead: ContextVar[bool] = ContextVar("mixscope_ahead_of_time", default=False)
_at_work: ContextVar[bool] = ContextVar("mixscope_at_work", default=False)


def go_on() -> None:
    """Let Streamlit end the run if the visitor has left or moved on."""
    st.session_state.get("_goes_on")  # reading it is a point at which it may


def draw() -> None:
    """Where the place in line is said on the page; a fragment that runs alone says it itself."""
    _spot.set(st.container(key="turn"))


@contextmanager
def asking(busy: str) -> Iterator[Callable[[int], None]]:
    """Wait for something: with words on the page, and with the same place however it is made.

    Args:
        busy: What the page says meanwhile; empty for what takes a moment.

    Yields:
        What to call with the thread that computes it, as long as another one does.
    """
    if _ahead.get():
        yield _give_up
        return
    own, outer = Asking(), _asking.get()
    own.since = outer.since if outer else own.since
    token = _asking.set(own)
    try:
        with st.spinner(busy) if busy else nullcontext():
            yield lambda thread: own.wait(LINE.before(thread))
    finally:
        _asking.reset(token)
        own.close()


def _give_up(_thread: int) -> None:
    raise _NotNowError


@contextmanager
def turn(*, long: bool = False) -> Iterator[None]:
    """Hold a turn at heavy work; within one there is no waiting for another.

    Args:
        long: Whether it takes many forward passes.
    """
    if _at_work.get():
        yield
        return
    context = get_script_run_ctx()
    visitor = context.session_id if context else threading.get_ident()
    now = None if _ahead.get() else _asking.get()
    with ExitStack() as held:
        if now is None and not _ahead.get():
            held.enter_context(asking(""))
            now = _asking.get()
        wait, since = (now.wait, now.since) if now else (None, None)
        if not held.enter_context(LINE.turn(visitor, wait, long=long, since=since)):
            raise _NotNowError
        if now is not None:
            now.wait(None)
        token = _at_work.set(True)
        try:
            yield
        finally:
            _at_work.reset(token)


@contextmanager
def ahead() -> Iterator[None]:
    """What is made here is for later: it waits for nobody, and is left out where it had to."""
    token = _ahead.set(True)
    try:
        yield
    except _NotNowError:
        pass
    finally:
        _ahead.reset(token)
