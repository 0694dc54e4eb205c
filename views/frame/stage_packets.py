"""What the stage and the browser send each other, packed as ``wire`` packs it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from views.frame.state import t
from views.frame.wire import pack, relay
from vislib.analysis.fields import ReadingField
from vislib.analysis.signed_fields import SignedField
from vislib.figures.colours import LEVELS, table
from vislib.pictures import geometry
from vislib.pictures.encoding import mime_of
from vislib.schema import ViewBox

SCALES = ("root", "linear", "own")
TEXTS = (
    "hint",
    "reads",
    "alike",
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
    "scale_signed",
    "here",
    "products",
    "scale_cosine",
)
"""What the browser says, under [stage]; placeholders in braces are filled there."""


@dataclass(frozen=True, kw_only=True)
class StageTile:
    """One square of the stage, on which a map lies.

    Attributes:
        label: The map's title.
        colour: CSS colour of its family.
        box: What the model sees, in pixels of the upright picture; None where that is not known.
        alt: What the map shows, for screen readers.
    """

    label: str
    colour: str
    box: ViewBox | None
    alt: str


@dataclass(frozen=True, kw_only=True)
class StageShown:
    """What a tile shows of one block: a field, a picture, or the words in its place.

    Attributes:
        field: What every place reads, or a signed map; None where there is none.
        unit: What the numbers of a signed map count, in words.
        image: PNG or JPEG bytes that fill the view box in the map's place.
        word: Below the picture.
        sub: Beside the title: which block.
        message: Why there is no map.
    """

    field: ReadingField | SignedField | None = None
    unit: str = ""
    image: bytes = b""
    word: str = ""
    sub: str = ""
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class StageRow:
    """A picture and its maps.

    Attributes:
        picture: JPEG or PNG bytes of ``region``.
        whole: The same of the whole picture, small; empty where the region is all of it.
        label: Above the picture.
        alt: What the picture is.
        size: Width and height of the upright picture, in its own pixels.
        region: The part that the models see, in pixels of the upright picture.
        tiles: One a map, in the same order in every row.
    """

    picture: bytes
    whole: bytes
    label: str
    alt: str
    size: tuple[int, int]
    region: ViewBox
    tiles: Sequence[StageTile]


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
    tables = [table(signed)[:LEVELS].tobytes() for signed in (False, True)]
    places = [len(body), len(body) + len(tables[0])]
    header = {
        "key": target,
        "aspect": rows[0].region.width / rows[0].region.height,
        "pictures": pictures,
        "tables": [
            {"offset": place, "length": len(one)} for place, one in zip(places, tables, strict=True)
        ],
        "rows": laid,
        "order": list(order),
        "label": label,
        "texts": {name: t(f"stage.{name}").replace(" %", "\N{NO-BREAK SPACE}%") for name in TEXTS},
    }
    return pack(header, body + tables[0] + tables[1])


def send(key: str, target: str, shown: Sequence[StageShown]) -> None:
    """A block's fields behind one header."""
    body, entries = b"", []
    for one in shown:
        entry: dict[str, Any] = {"sub": one.sub, "message": one.message, "word": one.word}
        if isinstance(one.field, SignedField):
            entry["field"], values = _signed(one.field, one.unit, len(body))
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


def _signed(field: SignedField, unit: str, offset: int) -> tuple[dict[str, Any], bytes]:
    """A signed map's header, and its arrays behind one another."""
    found: dict[str, Any] = {
        "kind": field.kind,
        "rows": field.rows,
        "columns": field.columns,
        "largest": field.largest,
        "bias": field.bias,
        "unit": unit,
        "signed": True,
    }
    body = b""
    for name, array in (("values", field.values), ("kernel", field.kernel)):
        if array is not None:
            part = array.tobytes()
            found[name] = {"offset": offset + len(body), "length": len(part)}
            body += part
    if field.kernel is not None:
        found["sides"] = list(field.kernel.shape)
    return found, body
