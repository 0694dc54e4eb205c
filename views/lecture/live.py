"""The lecture that is being given: one state for the whole server, led from one window."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class State:
    """What the windows of a lecture share.

    Attributes:
        leader: Name of the window that leads; empty while nobody does.
        path: Key of the path.
        step: Key of the leader's step.
        frozen: The step that the followers see meanwhile; empty where they see the leader's.
        black: Whether screens are black.
        started: When it began, seconds since 1970; 0 before.
        version: Rises with every change.
    """

    leader: str = ""
    path: str = ""
    step: str = ""
    frozen: str = ""
    black: bool = False
    started: float = 0.0
    version: int = 0

    @property
    def shown(self) -> str:
        """The step that followers see."""
        return self.frozen or self.step


class Live:
    """Keeps the state; only the window that leads changes it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state = State()

    @property
    def state(self) -> State:
        """As it is now."""
        return self._state

    def lead(self, window: str, path: str, step: str) -> None:
        """Let a window lead from now on, whoever did before: this is how it is handed over."""
        with self._lock:
            now = self._state
            same = now.path == path
            self._state = State(
                leader=window,
                path=path,
                step=step,
                started=now.started if same and now.started else time.time(),
                version=now.version + 1,
            )

    def change(self, window: str, *, step: str, black: bool, frozen: bool) -> bool:
        """What the leader did; nothing where another window leads.

        Args:
            window: Who asks.
            step: Where it is.
            black: Whether screens are to be black.
            frozen: Whether followers stay where they are.

        Returns:
            Whether the window leads.
        """
        with self._lock:
            now = self._state
            if not window or now.leader != window:
                return False
            kept = (now.frozen or now.step) if frozen else ""
            new = replace(now, step=step, black=black, frozen=kept)
            if new != now:
                self._state = replace(new, version=now.version + 1)
            return True

    def end(self, window: str) -> None:
        """The leader leaves off; nothing is kept of the lecture."""
        with self._lock:
            if window and self._state.leader == window:
                self._state = State(version=self._state.version + 1)


LIVE = Live()
"""The server's one lecture."""
