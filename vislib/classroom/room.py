"""The room: the present step, what is asked, who answered what. One a server, for all threads."""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from vislib.classroom.asked import (
    Answer,
    Asked,
    Measured,
    RefusedError,
    asked_of,
    measured_of,
)
from vislib.classroom.leading import Live, State
from vislib.classroom.rights import Rights
from vislib.classroom.tally import Tally, rows, tally
from vislib.classroom.votes import VoteFile

Phase = Literal["waiting", "open", "closed", "revealed"]
DEVICE = re.compile(r"[A-Za-z0-9_-]{16,64}")
"""The name that a browser gives itself: random, so that nobody knows another one's."""
MOST_DEVICES = 1000
"""Votes of one question; a room has fewer people."""
_log = logging.getLogger("mixscope.classroom")


@dataclass(frozen=True, kw_only=True)
class Told:
    """A step as phones show it.

    Attributes:
        key: Its name.
        title: Language -> title.
        words: Language -> what the class reads.
        asked: What it asks; None at most steps.
    """

    key: str
    title: Mapping[str, str]
    words: Mapping[str, str]
    asked: Asked | None = None


@dataclass(frozen=True, kw_only=True)
class Question:
    """How far a question is.

    Attributes:
        phase: "waiting" before it was opened, then "open", "closed", "revealed".
        round: Rises when it is reset: a vote of an earlier round is none.
        measured: What the model answered; None before it is revealed.
    """

    phase: Phase = "waiting"
    round: int = 1
    measured: Measured | None = None


class Room:
    """Everything of a lecture that the server keeps, and the only place that changes it.

    Args:
        path: Its file; None for memory alone. A lecture that stands there goes on.
        key: The lecturer's; empty where nobody is asked for it.
        ticket: Opens once without the key; may be empty.
        cookie: What the lecturer's browser keeps its token in.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        key: str = "",
        ticket: str = "",
        cookie: str = "mixscope_lecturer",
    ) -> None:
        self._lock = threading.RLock()
        self._file = VoteFile(path)
        self._boot = secrets.token_hex(4)
        self._changes = self._turns = 0
        self._listeners: list[Callable[[], None]] = []
        self._picture: bytes | None = None
        live = self._file.fact("live")
        self.rights = Rights(key, ticket, self._file.fact("tokens") or (), cookie)
        self.live = Live(State(**live) if live else None, self._moved, self._lock)
        self._leader = self.live.state.leader
        self._outline = {one["key"]: _told(one) for one in self._file.fact("outline") or ()}
        picture: list[str] = self._file.fact("picture") or ["", ""]
        self._picture_name, self.entry = picture
        questions = self._file.fact("questions") or {}
        self._questions = {name: _question(one) for name, one in questions.items()}

    # ------------------------------------------------------------ what it is now

    @property
    def version(self) -> str:
        """Another one after every change but a vote; never one of an earlier start."""
        return f"{self._boot}-{self._changes}"

    @property
    def turn(self) -> str:
        """Another one whenever another window leads, or none."""
        return f"{self._boot}-{self._turns}"

    @property
    def lock(self) -> threading.RLock:
        """Held while several things are read that belong together."""
        return self._lock

    @property
    def is_on(self) -> bool:
        """Whether a lecture is being given."""
        return bool(self.live.state.leader)

    @property
    def is_unwritten(self) -> bool:
        """Whether the disk takes no more: the lecture goes on, and would not outlast a restart."""
        return bool(self._file.fault)

    @property
    def shown(self) -> Told | None:
        """The step that the class sees; None without a lecture."""
        return self._outline.get(self.live.state.shown) if self.is_on else None

    @property
    def place(self) -> tuple[int, int]:
        """(number of the shown step from 1, number of steps); (0, 0) without a lecture."""
        keys, step = list(self._outline), self.live.state.shown
        return (keys.index(step) + 1, len(keys)) if self.is_on and step in keys else (0, 0)

    @property
    def picture(self) -> tuple[str, bytes | None]:
        """The picture's name and its JPEG; no bytes before the lecturer's window has come back."""
        return self._picture_name, self._picture

    def question(self, step: str) -> Question:
        """How far a step's question is."""
        return self._questions.get(self._name(step), Question())

    def id_of(self, step: str) -> str:
        """What a vote must name: path, step and round."""
        return f"{self._name(step)}#{self.question(step).round}"

    def _name(self, step: str) -> str:
        return f"{self.live.state.path}/{step}"

    def mine(self, step: str, device: str) -> Answer | None:
        """What a device answered; None where it did not, or is no device."""
        with self._lock:
            known = DEVICE.fullmatch(device)
            return self._file.of_device(self._name(step), device) if known else None

    def tally(self, step: str) -> Tally | None:
        """The votes of a step's question, added up; None where it asks nothing."""
        with self._lock:
            told = self._outline.get(step)
            if told is None or told.asked is None:
                return None
            return tally(told.asked, self._file.of_step(self._name(step)))

    def results(self) -> list[list[Any]]:
        """All votes of the lecture as a table (``tally.rows``)."""
        with self._lock:
            asked = {key: told.asked for key, told in self._outline.items() if told.asked}
            return rows(
                (key, one.kind, answer)
                for key, one in asked.items()
                for answer in self._file.of_step(self._name(key))
            )

    # ------------------------------------------------------------ what changes it

    def listen(self, listener: Callable[[], None]) -> None:
        """Call this after every change, from whatever thread made it."""
        self._listeners.append(listener)

    def _rung(self) -> None:
        self._changes += 1
        for listener in self._listeners:
            listener()

    def _moved(self, state: State) -> None:
        """The lecture has begun, moved or ended (its lock is held)."""
        self._turns += state.leader != self._leader
        self._leader = state.leader
        if not state.leader:
            self._file.remove()
            self._outline, self._questions = {}, {}
            self._picture, self._picture_name, self.entry = None, "", ""
        else:
            self._file.note("live", asdict(state))
            self._file.note("tokens", sorted(self.rights.tokens))
            shown = self._name(state.shown)
            for name, question in self._questions.items():
                if question.phase == "open" and name != shown:  # nobody sees it any more
                    self._questions[name] = replace(question, phase="closed")
            self._note_questions()
        self._rung()

    def set_outline(self, steps: Sequence[Told]) -> None:
        """What the phones need of the path that is led."""
        with self._lock:
            new = {told.key: told for told in steps}
            if self.is_on and new != self._outline:
                self._outline = new
                self._file.note("outline", [asdict(told) for told in steps])
                self._rung()

    def set_picture(self, jpeg: bytes, entry: str = "") -> None:
        """The lecturer's picture; it stays in memory, only its name is written.

        Args:
            jpeg: As phones show it.
            entry: Its key in the gallery, for windows that follow; empty for an own one.
        """
        name = hashlib.sha256(jpeg).hexdigest()[:32]
        with self._lock:
            new = (name, entry) != (self._picture_name, self.entry) or self._picture is None
            if self.is_on and new:
                self._picture, self._picture_name, self.entry = jpeg, name, entry
                self._file.note("picture", [name, entry])
                self._rung()

    def _note_questions(self) -> None:
        written = {name: asdict(question) for name, question in self._questions.items()}
        self._file.note("questions", written)

    def _ask(self, step: str, **changes: Any) -> None:
        with self._lock:
            if self.is_on and step in self._outline:
                self._questions[self._name(step)] = replace(self.question(step), **changes)
                self._note_questions()
                self._rung()

    def open(self, step: str) -> None:
        """Take votes; what was revealed is hidden again."""
        self._ask(step, phase="open", measured=None)

    def close(self, step: str) -> None:
        """Take no more votes."""
        self._ask(step, phase="closed", measured=None)

    def reveal(self, step: str, measured: Measured) -> None:
        """Close it and show everybody what was measured, beside the tally."""
        self._ask(step, phase="revealed", measured=measured)

    def reset(self, step: str) -> None:
        """Forget its votes and its answer: it waits again."""
        with self._lock:
            self._file.drop(self._name(step))
            self._ask(step, phase="waiting", measured=None, round=self.question(step).round + 1)

    def vote(self, device: Any, question: Any, raw: Any) -> Answer:
        """Store a device's answer to the open question, in place of the one it gave before.

        Args:
            device: The name that the browser gave itself.
            question: What it answers (``id_of``).
            raw: The answer, as it came.

        Returns:
            What is stored.

        Raises:
            RefusedError: "device", "question" (none such is asked now), "late", "type", "range",
                "full". Nothing has changed.
        """
        with self._lock:
            told = self.shown
            if not isinstance(device, str) or not DEVICE.fullmatch(device):
                raise RefusedError("error.classroom.device")
            if told is None or told.asked is None or question != self.id_of(told.key):
                raise RefusedError("error.classroom.question")
            if self.question(told.key).phase != "open":
                raise RefusedError("error.classroom.late")
            answer, name = told.asked.answer(raw), self._name(told.key)
            new = self._file.of_device(name, device) is None
            if new and self._file.count(name) >= MOST_DEVICES:
                raise RefusedError("error.classroom.full")
            self._file.put(name, device, answer)
            return answer

    def admitted(self) -> None:
        """A browser has been given the lecturer's rights: they outlast the server's restart."""
        with self._lock:
            if self.is_on:
                self._file.note("tokens", sorted(self.rights.tokens))

    def shut(self) -> None:
        """Let go of the file; the lecture goes on when the server is back."""
        with self._lock:
            self._file.close()


def refused(what: str, why: str) -> None:
    """One line in the server's log, and nothing of what came in it."""
    _log.warning("classroom: %s refused (%s)", what, why)


def _told(raw: Mapping[str, Any]) -> Told:
    return Told(**{**raw, "asked": asked_of(raw["asked"]) if raw["asked"] else None})


def _question(raw: Mapping[str, Any]) -> Question:
    measured = measured_of(raw["measured"]) if raw["measured"] else None
    return Question(**{**raw, "measured": measured})
