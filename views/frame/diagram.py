"""The overview's figure: what travels to the browser, and what the visitor does there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from views import frame
from views.frame import links
from views.frame.stage_packets import send
from views.frame.wire import announce, is_recent, number, pack, relay, text, unseen
from vislib.figures.colours import LEVELS, sequential_table
from vislib.pictures.encoding import mime_of

KEY = "overview"
TEXTS = (
    *("all", "one", "enter", "back_all", "picture", "pixels", "pixels_short"),
    *("patches", "patches_short", "overlap", "shape", "shape_long", "channels", "stage"),
    *("stage_block", "block", "repeats", "merge", "answer", "parameters", "adds"),
    *("map", "reads", "outside", "waits", "open", "save"),
)
"""What the browser says, under [overview]; placeholders in braces are filled there."""

_overview = st.components.v2.component(
    "mixscope_overview",
    js=text("wire.js") + text("stage.js") + text("overview.js") + text("overview_mount.js"),
    css=text("overview.css"),
)


@dataclass(frozen=True)
class Gone:
    """What the visitor did: where to, the pinned point (thousandths), an operator to open."""

    into: str
    point: tuple[int, int]
    open: str = ""


def draw(
    picture: bytes,
    models: list[dict[str, Any]],
    kinds: Mapping[str, Mapping[str, str]],
    *,
    into: str,
    point: tuple[int, int],
    shown: frame.StageShown | None,
    on_change: Callable[[Gone], None],
    key: str = KEY,
) -> Gone | None:
    """Draw it.

    Args:
        picture: JPEG or PNG bytes of the upright picture; it travels once.
        models: From ``models.described``.
        kinds: From ``models.kinds``.
        into: Where the visitor is.
        point: The pinned point (x, y), thousandths of the upright picture.
        shown: The field of the block where the visitor is, its ``sub`` says where; None above.
        on_change: Called before the script runs with what the visitor did.
        key: Streamlit's key of the component.

    Returns:
        What the visitor did just before this visit's first run, None if there is nothing.
    """
    table = sequential_table()[:LEVELS].tobytes()
    header = {
        "key": key,
        "picture": {"mime": mime_of(picture), "offset": 0, "length": len(picture)},
        "table": {"offset": len(picture), "length": len(table)},
        "models": models,
        "kinds": kinds,
        "label": frame.t("overview.label"),
        "texts": {name: frame.t(f"overview.{name}") for name in TEXTS},
    }
    with st.container(gap=None, key=f"{key}_place"):
        _overview(
            key=key,
            data=pack(header, picture + table),
            on_gone_change=lambda: announce(key, "gone", _read, on_change),
        )
        message = {"target": key, "into": into, "x": point[0], "y": point[1]}
        relay(key=f"{key}.relay", data={**message, "ack": number(key, "gone")})
        if shown is not None:
            send(f"{key}.map", f"{key}.map", [shown])
    came = unseen(key, "returned", "gone", _read)
    return came if links.is_first_run() and is_recent(key, "gone") else None


def _read(value: Any) -> Gone | None:
    """What the browser sent, or None where it is nothing that can be: it may send anything."""
    if not isinstance(value, Mapping):
        return None
    x, y, into, opened = (value.get(name) for name in ("x", "y", "into", "open"))
    if type(x) is not int or type(y) is not int or not isinstance(into, str):
        return None
    point = min(1000, max(0, x)), min(1000, max(0, y))
    return Gone(into[:200], point, opened[:40] if isinstance(opened, str) else "")
