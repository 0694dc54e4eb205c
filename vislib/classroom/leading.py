"""The lecture that is being given: one state for the whole server, led from one window."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
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
    """Keeps the state; only the window that leads changes it.

    Args:
        state: What it begins with.
        changed: Called with each new state, before anybody else can change it again.
        lock: Held meanwhile; it may be taken twice by one thread.
    """

    def __init__(
        self,
        state: State | None = None,
        changed: Callable[[State], None] = lambda _state: None,
        lock: threading.RLock | None = None,
    ) -> None:
        self._lock = lock or threading.RLock()
        self._state = state or State()
        self._changed = changed

    @property
    def state(self) -> State:
        """As it is now."""
        return self._state

    def _set(self, state: State) -> None:
        self._state = replace(state, version=self._state.version + 1)
        self._changed(self._state)

    def lead(self, window: str, path: str, step: str) -> None:
        """Let a window lead from now on, whoever did before: this is how it is handed over."""
        with self._lock:
            now = self._state
            same = now.path == path
            began = now.started if same and now.started else time.time()
            self._set(State(leader=window, path=path, step=step, started=began))

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
                self._set(new)
            return True

    def end(self, window: str) -> None:
        """The leader leaves off; nothing is kept of the lecture."""
        with self._lock:
            if window and self._state.leader == window:
                self._set(State())
