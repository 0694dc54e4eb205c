"""What the components written in JavaScript share: how actions and arrays travel.

Each is mounted as a pair. The large part (picture, tiles, texts) goes to the component itself and
stays byte for byte the same while the visitor clicks, so Streamlit sends a short reference instead
of it. What changes with a click goes to a *relay*, a second component of a few hundred bytes that
hands it over in the browser.

Who is right, when both sides can move the selection? Every action of the visitor carries a number
that rises. They return an action once and never again, so an old click cannot undo a
newer choice made in Python; the number goes back to the browser, which in turn ignores answers to
actions older than its own last one. A page merges like this:

* ``on_change`` runs before the script, where bound widgets may still be set: write the new
  point (or tile) into ``st.session_state`` there.
* The returned value is the same action. A page with ``on_change`` can ignore it; a test that puts
  a state into ``st.session_state`` runs no callback and sees the returned value only.
"""

from __future__ import annotations

import hashlib
import json
import struct
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import streamlit as st

Action = TypeVar("Action")
RECENT_SECONDS = 15.0
"""As long as the browser waits for an answer (Patience in wire.js)."""
_FOLDER = Path(__file__).resolve().parents[2] / "assets" / "components"


def text(name: str) -> str:
    """One file of the components' folder."""
    return (_FOLDER / name).read_text(encoding="utf-8")


# Registered once, when this module is imported: a registration inside a page would be repeated
# with every rerun.
relay = st.components.v2.component("mixscope_relay", js=text("wire.js") + text("relay.js"))


def pack(header: Mapping[str, Any], body: bytes) -> bytes:
    """Header and raw bytes as one payload: raw bytes cannot travel beside JSON otherwise."""
    words = json.dumps(header, sort_keys=True).encode()
    stamp = hashlib.blake2b(words + body, digest_size=12).hexdigest()
    words = json.dumps({**header, "stamp": stamp}, sort_keys=True).encode()
    return struct.pack("<I", len(words)) + words + body


def _state(key: str, name: str) -> Any:
    """What the browser (or a test) last put into the component's state."""
    state = st.session_state.get(key)
    return state.get(name) if isinstance(state, Mapping) else None


def number(key: str, name: str) -> int | None:
    """The number of the visitor's last action, for the browser to compare."""
    value = _state(key, name)
    number = value.get("n") if isinstance(value, Mapping) else None
    return number if type(number) is int else None


def is_recent(key: str, name: str) -> bool:
    """Whether the visitor's last action is a few seconds old: its number is the browser's clock."""
    last = number(key, name)
    return last is not None and abs(time.time() - last / 1000) < RECENT_SECONDS


def unseen(key: str, reader: str, name: str, read: Callable[[Any], Action | None]) -> Action | None:
    """The last action if this reader has not had it yet."""
    value = _state(key, name)
    action = read(value)
    if action is None:
        return None
    # Kept under a key of its own: Streamlit forgets a component's state when its page is left, and
    # the browser may send the old state again when it comes back.
    memory = f"{key}.{reader}"
    seen = json.dumps(value, sort_keys=True, default=str)
    if st.session_state.get(memory) == seen:
        return None
    st.session_state[memory] = seen
    return action


def announce(
    key: str,
    name: str,
    read: Callable[[Any], Action | None],
    on_change: Callable[[Action], None] | None,
) -> None:
    """Streamlit's callback: pass a new action on."""
    action = unseen(key, "announced", name, read)
    if action is not None and on_change is not None:
        on_change(action)
