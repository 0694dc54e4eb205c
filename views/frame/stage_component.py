"""The stage as Streamlit's component: a frame that stays, packets of fields, and the way back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from views.frame import links, stage_packets
from views.frame.following import follows_place
from views.frame.stage_packets import StageMoved, StageRow, StageShown
from views.frame.state import view
from views.frame.wire import announce, is_recent, number, relay, text, unseen

_stage = st.components.v2.component(
    "mixscope_stage",
    js="".join(map(text, ("wire.js", "stage.js", "signed_field.js", "stage_mount.js"))),
    css=text("stage.css"),
)


class Stage:
    """The component behind ``stage``.

    Args:
        rows: One picture, or two with the same maps.
        order: All blocks that can be stepped through, first to last.
        key: Streamlit's key of the component.
    """

    def __init__(self, rows: Sequence[StageRow], *, order: Sequence[str], key: str) -> None:
        self._rows, self._order, self._key = rows, order, key
        self._target = f"{key}.{stage_packets.identity(rows)}"

    def draw(
        self,
        shown: Sequence[StageShown],
        *,
        block: str,
        scale: str,
        label: str,
        on_change: Callable[[StageMoved], None],
    ) -> StageMoved | None:
        """Draw it with one block.

        Args:
            shown: One entry a tile, row after row.
            block: Which block that is, of ``order``.
            scale: "root", "linear" or "own".
            label: What the stage shows, for screen readers.
            on_change: Called before the script runs with what the visitor did.

        Returns:
            What the visitor did just before this visit's first run, None if there is nothing: a
            server that has started anew calls no ``on_change`` for it.
        """
        key = self._key

        def read(value: Any) -> StageMoved | None:
            return stage_packets.read(value, self._order)

        _stage(
            key=key,
            data=stage_packets.payload(self._rows, self._order, self._target, label),
            on_chosen_change=lambda: announce(key, "chosen", read, on_change),
        )
        self.ahead(block, shown)
        choice = {"target": self._target, "block": block, "scale": scale}

        def answer() -> None:
            x, y = view().point
            ack = number(key, "chosen")
            relay(key=f"{key}.relay", data={**choice, "x": x, "y": y, "ack": ack})

        follows_place(answer)
        came = unseen(key, "returned", "chosen", read)
        return came if links.is_first_run() and is_recent(key, "chosen") else None

    def ahead(self, block: str, shown: Sequence[StageShown]) -> None:
        """Send the fields of a block, for when the visitor steps to it."""
        stage_packets.send(f"{self._key}.{block}", f"{self._target}.{block}", shown)
