"""What the stage and the browser send each other, packed as ``wire`` packs it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from views.frame.patch_picker import mime_of
from views.frame.stage_content import StageRow, StageShown, StageTile, StillMap
from views.frame.state import t
from views.frame.wire import pack, relay
from vislib.analysis.fields import ReadingField
from vislib.figures import colours
from vislib.pictures import geometry
from vislib.schema import ViewBox

SCALES = ("root", "linear", "own")
TEXTS = (
    "hint",
    "reads",
    "point",
    "pinned",
    "outside",
    "no_canvas",
    "moved",
    "own_largest",
    "offer_own",
    "scale_root",
    "scale_linear",
    "scale_own",
    "still",
    "still_signed",
    "unit",
    "unit_signed",
)
"""What the browser says, under [stage]; placeholders in braces are filled there."""


@dataclass(frozen=True)
class StageMoved:
    """What the visitor did: the pinned point (thousandths), the block and the colour scale."""

    point: tuple[int, int]
    block: str
    scale: str = SCALES[0]


def identity(rows: Sequence[StageRow]) -> str:
    """Names pictures and maps: a packet that is about others is not taken for theirs."""
    words = [hashlib.sha256(row.picture).hexdigest() for row in rows]
    words += [tile.label for row in rows for tile in row.tiles]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:12]


def payload(rows: Sequence[StageRow], order: Sequence[str], target: str, label: str) -> bytes:
    """Pictures, colours and the frame of the stage."""
    body, pictures, laid = b"", [], []
    for row in rows:
        own = {"label": row.label, "alt": row.alt, "picture": len(pictures), "whole": None}
        for name, picture in (("picture", row.picture), ("whole", row.whole)):
            if not picture:
                continue
            own[name] = len(pictures)
            pictures.append({"mime": mime_of(picture), "offset": len(body), "length": len(picture)})
            body += picture
        own["region"] = _thousandths(row.region, row.size)
        tiles = [{**_tile(tile, row), "picture": own["picture"]} for tile in row.tiles]
        laid.append([own, *tiles])
    table, signs = (colours.table(signed)[: colours.LEVELS].tobytes() for signed in (False, True))
    header = {
        "key": target,
        "aspect": rows[0].region.width / rows[0].region.height,
        "pictures": pictures,
        "table": {"offset": len(body), "length": len(table)},
        "signs": {"offset": len(body) + len(table), "length": len(signs)},
        "rows": laid,
        "order": list(order),
        "label": label,
        "texts": {name: t(f"stage.{name}") for name in TEXTS},
    }
    return pack(header, body + table + signs)


def send(key: str, target: str, shown: Sequence[StageShown]) -> None:
    """A block's fields behind one header."""
    body, entries = b"", []
    for one in shown:
        entry: dict[str, Any] = {"sub": one.sub, "message": one.message, "word": one.word}
        if isinstance(one.field, StillMap):
            values = one.field.values.astype(np.float32).tobytes()
            entry["field"] = _still(one.field, len(body), len(values))
            body += values
        elif one.field is not None:
            values = one.field.values.tobytes()
            entry["field"] = _meta(one.field, len(body), len(values))
            body += values
            if one.field.outside is not None:
                outside = one.field.outside.tobytes()
                entry["field"]["outside"] = {"offset": len(body), "length": len(outside)}
                body += outside
        if one.image:
            size = {"offset": len(body), "length": len(one.image)}
            entry["image"] = {"mime": mime_of(one.image), **size}
            body += one.image
        entries.append(entry)
    relay(key=key, data=pack({"target": target, "entries": entries}, body))


def read(value: Any, order: Sequence[str]) -> StageMoved | None:
    """What the browser sent, or None where it is nothing that can be: it may send anything."""
    if not isinstance(value, Mapping):
        return None
    x, y, block = value.get("x"), value.get("y"), value.get("block")
    if type(x) is not int or type(y) is not int or block not in order:
        return None
    scale = value.get("scale")
    point = min(1000, max(0, x)), min(1000, max(0, y))
    return StageMoved(point, block, scale if scale in SCALES else SCALES[0])


def _thousandths(box: ViewBox, size: tuple[int, int]) -> dict[str, float]:
    width, height = size
    return {
        "left": 1000 * box.left / width,
        "top": 1000 * box.top / height,
        "width": 1000 * box.width / width,
        "height": 1000 * box.height / height,
    }


def _tile(tile: StageTile, row: StageRow) -> dict[str, Any]:
    """A tile's words; where its map lies in the region (percent), and its edges in the picture."""
    found: dict[str, Any] = {"label": tile.label, "colour": tile.colour, "map": tile.alt}
    if tile.box is None:
        return found
    box, region = tile.box, row.region
    found["area"] = {
        "left": 100 * (box.left - region.left) / region.width,
        "top": 100 * (box.top - region.top) / region.height,
        "width": 100 * box.width / region.width,
        "height": 100 * box.height / region.height,
    }
    found["across"] = geometry.edges(box.left, box.width, row.size[0])
    found["down"] = geometry.edges(box.top, box.height, row.size[1])
    return found


def _still(shown: StillMap, offset: int, length: int) -> dict[str, Any]:
    rows, columns = shown.values.shape
    low, high = shown.limits
    own = {"kind": "map", "packing": "float32", "rows": rows, "columns": columns}
    return {**own, "low": low, "high": high, "unit": shown.unit, "offset": offset, "length": length}


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
