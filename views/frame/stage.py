"""The stage: the picture and one map a model in which the browser itself moves the place.

What travels is packed as ``wire`` packs it: the pictures and the frame of the stage once,
the fields of each block in a packet of its own (the next block's come ahead), and what is chosen
through the relay. ``docs/stage.md`` says how a page puts a figure on it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from views.frame import links
from views.frame.patch_picker import mime_of
from views.frame.state import t
from views.frame.wire import announce, is_recent, number, pack, relay, text, unseen
from vislib.analysis.fields import ReadingField
from vislib.figures.colours import LEVELS, sequential_table
from vislib.pictures import geometry
from vislib.schema import ViewBox

SCALES = ("root", "linear", "own")


@dataclass(frozen=True, kw_only=True)
class StageTile:
    """One square of the stage, on which a model's map lies.

    Attributes:
        label: The model's name.
        colour: CSS colour of its family.
        box: What the model sees of the picture, in pixels of the upright picture.
        alt: What the map shows, for screen readers.
    """

    label: str
    colour: str
    box: ViewBox
    alt: str


@dataclass(frozen=True, kw_only=True)
class StageShown:
    """What a tile shows of one block: a field, or the words in its place.

    Attributes:
        field: What every place reads; None where nothing can be drawn.
        sub: Beside the model's name: which block.
        message: Why there is no map.
    """

    field: ReadingField | None = None
    sub: str = ""
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class StageRow:
    """A picture and its maps.

    Attributes:
        picture: JPEG or PNG bytes of the upright picture.
        label: Above the picture.
        alt: What the picture is.
        size: Width and height of the upright picture, in its own pixels.
        tiles: One a model, in the same order in every row.
    """

    picture: bytes
    label: str
    alt: str
    size: tuple[int, int]
    tiles: Sequence[StageTile]


@dataclass(frozen=True)
class StageMoved:
    """What the visitor did on the stage: the pinned point (thousandths) and the block."""

    point: tuple[int, int]
    block: str


_stage = st.components.v2.component(
    "mixscope_stage",
    js=text("wire.js") + text("stage.js") + text("stage_mount.js"),
    css=text("stage.css"),
)


TEXTS = (
    "hint",
    "reads",
    "point",
    "pinned",
    "outside",
    "no_canvas",
    "moved",
    "own_largest",
    "scale_root",
    "scale_linear",
    "scale_own",
)
"""What the browser says, under [stage]; placeholders in braces are filled there."""


class Stage:
    """The stage of one page.

    Args:
        rows: One picture, or two with the same maps.
        order: All blocks that can be stepped through, first to last.
        key: Streamlit's key of the component.
    """

    def __init__(self, rows: Sequence[StageRow], *, order: Sequence[str], key: str) -> None:
        self._rows, self._order, self._key = rows, order, key
        self._target = f"{key}.{_identity(rows)}"

    def draw(
        self,
        shown: Sequence[StageShown],
        *,
        block: str,
        point: tuple[int, int],
        scale: str,
        label: str,
        on_change: Callable[[StageMoved], None],
    ) -> StageMoved | None:
        """Draw it with one block.

        Args:
            shown: One entry a tile, row after row.
            block: Which block that is, of ``order``.
            point: The pinned point (x, y), thousandths of the upright picture.
            scale: "root" (square root, one scale for all), "linear" (one for all) or "own".
            label: What the stage shows, for screen readers.
            on_change: Called before the script runs with what the visitor pinned or stepped to.

        Returns:
            What the visitor did just before this visit's first run, None if there is nothing: a
            server that has started anew calls no ``on_change`` for it.
        """
        key = self._key

        def read(value: Any) -> StageMoved | None:
            return _read(value, self._order)

        self._place = st.container(gap=None, key=f"{key}_place")
        with self._place:
            _stage(
                key=key,
                data=self._payload(label),
                on_chosen_change=lambda: announce(key, "chosen", read, on_change),
            )
            _send(f"{key}.{block}", f"{self._target}.{block}", shown)
            choice = {"x": point[0], "y": point[1], "block": block, "scale": scale}
            ack = number(key, "chosen")
            relay(key=f"{key}.relay", data={"target": self._target, **choice, "ack": ack})
        came = unseen(key, "returned", "chosen", read)
        return came if links.is_first_run() and is_recent(key, "chosen") else None

    def ahead(self, block: str, shown: Sequence[StageShown]) -> None:
        """Send the fields of a block, for when the visitor steps to it."""
        with self._place:
            _send(f"{self._key}.{block}", f"{self._target}.{block}", shown)

    def _payload(self, label: str) -> bytes:
        """Pictures, colours and the frame of the stage."""
        body, pictures, laid = b"", [], []
        for place, row in enumerate(self._rows):
            part = {"mime": mime_of(row.picture), "offset": len(body), "length": len(row.picture)}
            pictures.append(part)
            body += row.picture
            own = {"label": row.label, "alt": row.alt, "picture": place}
            laid.append([own, *(_tile(tile, row.size, place) for tile in row.tiles)])
        table = sequential_table()[:LEVELS].tobytes()
        width, height = self._rows[0].size
        header = {
            "key": self._target,
            "aspect": width / height,
            "pictures": pictures,
            "table": {"offset": len(body), "length": len(table)},
            "rows": laid,
            "order": list(self._order),
            "label": label,
            "texts": {name: t(f"stage.{name}") for name in TEXTS},
        }
        return pack(header, body + table)


def _identity(rows: Sequence[StageRow]) -> str:
    """Names pictures and models: a packet that is about others is not taken for theirs."""
    words = [hashlib.sha256(row.picture).hexdigest() for row in rows]
    words += [tile.label for row in rows for tile in row.tiles]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:12]


def _tile(tile: StageTile, size: tuple[int, int], picture: int) -> dict[str, Any]:
    width, height = size
    return {
        "label": tile.label,
        "colour": tile.colour,
        "alt": "",
        "picture": picture,
        "map": tile.alt,
        "box": {
            "left": 1000 * tile.box.left / width,
            "top": 1000 * tile.box.top / height,
            "width": 1000 * tile.box.width / width,
            "height": 1000 * tile.box.height / height,
            "across": geometry.edges(tile.box.left, tile.box.width, width),
            "down": geometry.edges(tile.box.top, tile.box.height, height),
        },
    }


def _send(key: str, target: str, shown: Sequence[StageShown]) -> None:
    """A block's fields behind one header."""
    body, entries = b"", []
    for one in shown:
        entry: dict[str, Any] = {"sub": one.sub, "message": one.message}
        if one.field is not None:
            values = one.field.values.tobytes()
            entry["field"] = _meta(one.field, len(body), len(values))
            body += values
            if one.field.outside is not None:
                outside = one.field.outside.tobytes()
                entry["field"]["outside"] = {"offset": len(body), "length": len(outside)}
                body += outside
        entries.append(entry)
    relay(key=key, data=pack({"target": target, "entries": entries}, body))


def _meta(field: ReadingField, offset: int, length: int) -> dict[str, Any]:
    return {
        "kind": field.kind,
        "rows": field.rows,
        "columns": field.columns,
        "packing": field.packing,
        "scale": field.scale,
        "largest": field.largest,
        "window": field.window,
        "shift": field.shift,
        "step": field.step,
        "taps": list(field.values.shape) if field.kind == "kernel" else [],
        "offset": offset,
        "length": length,
        "outside": None,
    }


def _read(value: Any, order: Sequence[str]) -> StageMoved | None:
    """What the browser sent, or None where it is nothing that can be: it may send anything."""
    if not isinstance(value, Mapping):
        return None
    x, y, block = value.get("x"), value.get("y"), value.get("block")
    if type(x) is not int or type(y) is not int or block not in order:
        return None
    return StageMoved((min(1000, max(0, x)), min(1000, max(0, y))), block)
