"""The line for heavy work: so much at a time, and fair turns among visitors.

Turns go by a clock of rounds, as in fair queueing (doi:10.1145/75246.75248): a round is a turn for
each visitor who has work here, and a visitor's next job counts as coming a round after the last one
that began. So ten jobs of one visitor stand between those of the others and not before them, and a
stream of new visitors passes nobody for longer than a round.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

AT_ONCE = 2
"""Pieces of work at a time, of all visitors."""
LONG_AT_ONCE = 1
"""Of them, such as take many forward passes: the rest is kept for what takes one."""
LOOK_SECONDS = 0.25
"""How often a visitor who waits is asked whether to go on waiting."""


@dataclass(eq=False)
class Ticket:
    """A place in the line.

    Attributes:
        visitor: Whose.
        long: Whether it takes many forward passes.
        since: When it was asked for: the line's clock in rounds, and a running number.
        thread: The thread that waits.
        before: How many have their turn before it.
        begins: Set when the turn has come.
    """

    visitor: Hashable
    long: bool
    since: tuple[float, int]
    thread: int = field(default_factory=threading.get_ident)
    before: int = 0
    begins: threading.Event = field(default_factory=threading.Event)


class Line:
    """Who is at work and who waits; for all threads.

    Args:
        at_once: Pieces of work at a time.
        long_at_once: Of them, long ones.
    """

    def __init__(self, at_once: int = AT_ONCE, long_at_once: int = LONG_AT_ONCE) -> None:
        self._at_once, self._long_at_once = at_once, long_at_once
        self._numbers = itertools.count()
        self._clock = 0.0
        self._next: dict[Hashable, float] = {}
        self._waiting: list[Ticket] = []
        self._working: list[Ticket] = []
        self._guard = threading.Lock()

    def now(self) -> tuple[float, int]:
        """This moment, for ``turn``: whoever asks now and takes a place later has waited since."""
        with self._guard:
            return self._clock, next(self._numbers)

    @contextmanager
    def turn(
        self,
        visitor: Hashable,
        wait: Callable[[int], object] | None,
        *,
        long: bool = False,
        since: tuple[float, int] | None = None,
    ) -> Iterator[bool]:
        """Wait for a turn, and hold it.

        Args:
            visitor: Whose work it is.
            wait: Called a few times a second with how many come before; what it raises gives the
                place up. None: there is no waiting.
            long: Whether it takes many forward passes.
            since: What ``now`` gave when it was asked for; this moment if None.

        Yields:
            Whether there is a turn: always, unless there is no waiting and no place is free.
        """
        ticket = Ticket(visitor, long, since or self.now())
        with self._guard:
            self._waiting.append(ticket)
            self._settle()
            if wait is None and not ticket.begins.is_set():
                self._waiting.remove(ticket)
        if wait is None and not ticket.begins.is_set():
            yield False
            return
        try:
            while wait is not None and not ticket.begins.wait(LOOK_SECONDS):
                wait(ticket.before)
            yield True
        finally:
            with self._guard:
                (self._working if ticket in self._working else self._waiting).remove(ticket)
                self._settle()

    def before(self, thread: int) -> int | None:
        """How many come before the place that a thread waits for; None where it waits for none."""
        with self._guard:
            return next((one.before for one in self._waiting if one.thread == thread), None)

    def __len__(self) -> int:
        """How many wait."""
        with self._guard:
            return len(self._waiting)

    def _settle(self) -> None:
        """Let those begin whose turn it is, and tell the others their places."""
        while begins := next(filter(self._may_begin, self._in_order()), None):
            self._waiting.remove(begins)
            self._working.append(begins)
            start = self._start(begins)
            here = {one.visitor for one in (*self._working, *self._waiting)}
            self._clock = max(self._clock + 1 / len(here), start)
            self._next[begins.visitor] = start + 1
            begins.begins.set()
        wait = {ticket.visitor for ticket in self._waiting}
        self._next = {n: at for n, at in self._next.items() if at > self._clock or n in wait}
        counted = {True: 0, False: 0}
        free = self._long_at_once - self._working_long()
        for ticket in self._in_order():
            # Of the long ones before a short one, those for which there is no place let it pass.
            ticket.before = counted[False] + (
                counted[True] if ticket.long else min(counted[True], max(0, free))
            )
            counted[ticket.long] += 1

    def _may_begin(self, ticket: Ticket) -> bool:
        if len(self._working) >= self._at_once:
            return False
        return not ticket.long or self._working_long() < self._long_at_once

    def _working_long(self) -> int:
        return sum(one.long for one in self._working)

    def _start(self, ticket: Ticket) -> float:
        """The moment, on the line's clock, from which on a visitor's next job counts."""
        return max(ticket.since[0], self._next.get(ticket.visitor, 0))

    def _in_order(self) -> list[Ticket]:
        """Those who wait, the next one first."""
        ahead: dict[Hashable, int] = {}
        turns: dict[Ticket, float] = {}
        for ticket in sorted(self._waiting, key=lambda one: one.since[1]):
            turns[ticket] = self._start(ticket) + ahead.get(ticket.visitor, 0)
            ahead[ticket.visitor] = ahead.get(ticket.visitor, 0) + 1
        return sorted(turns, key=lambda one: (turns[one], one.since[1]))
