"""Keys, clock and black screen of the lecture: what travels to the browser and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from views import frame
from views.frame.wire import announce, number, text

KEY = "clicker"
_clicker = st.components.v2.component(
    "mixscope_clicker", js=text("wire.js") + text("clicker.js"), css=text("clicker.css")
)


@dataclass(frozen=True)
class Press:
    """What the browser says after a key: where it is now."""

    step: str
    black: bool
    frozen: bool


def window() -> str:
    """The name that this browser window gave itself; empty before it did."""
    state = st.session_state.get(KEY)
    named = state.get("window") if isinstance(state, Mapping) else None
    return named[:80] if isinstance(named, str) else ""


def draw(
    steps: Sequence[str],
    *,
    step: str,
    black: bool,
    frozen: bool,
    screen: bool,
    started: float,
    until: float,
    total: float,
    on_press: Callable[[Press], None],
) -> None:
    """Draw the clock, and hear the keys.

    Args:
        steps: Keys of all steps, in order.
        step: The one that is shown.
        black: Whether screens are black.
        frozen: Whether followers stay behind.
        screen: Whether this window turns black with them; the lecturer's notes do not.
        started: Seconds since 1970; 0 before the lecture began.
        until: Planned minutes up to the end of this step.
        total: Planned minutes of all.
        on_press: Called before the script runs.
    """

    def read(value: Any) -> Press | None:
        if not isinstance(value, Mapping) or value.get("step") not in steps:
            return None
        return Press(value["step"], value.get("black") is True, value.get("frozen") is True)

    _clicker(
        key=KEY,
        data={
            "steps": list(steps),
            "step": step,
            "black": black,
            "frozen": frozen,
            "screen": screen,
            "started": started,
            "until": until,
            "total": total,
            "window": window(),
            "ack": number(KEY, "pressed"),
            "texts": {name: frame.t(f"lecture.{name}") for name in ("clock", "black")},
        },
        on_pressed_change=lambda: announce(KEY, "pressed", read, on_press),
        on_window_change=lambda: None,
    )
