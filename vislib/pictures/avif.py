"""AVIF: what the boxes of its first picture state."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vislib.pictures import colour

_MOST_BOXES = 4096


@dataclass(frozen=True, kw_only=True)
class Header:
    """What matters before decoding.

    Attributes:
        colours: What the colour box with code points states, where there is one.
        depth: Bits a sample: 8, 10 or 12.
        planes: Samples a pixel that the decoder keeps, without alpha: 1 to 3.
        cut: Whether the file asks for a part of the picture only.
    """

    colours: colour.Stated | None = None
    depth: int = 8
    planes: float = 3.0
    cut: bool = False


def header(data: bytes) -> Header:
    """Read the properties of the main picture; whatever is damaged is left out."""
    meta = dict(_boxes(data)).get(b"meta", b"")[4:]
    inner = dict(_boxes(meta))
    parts = dict(_boxes(inner.get(b"iprp", b"")))
    every = list(_boxes(parts.get(b"ipco", b"")))
    wanted = _associated(parts.get(b"ipma", b""), _main(inner.get(b"pitm", b"")))
    own = [every[index - 1] for index in wanted if 0 < index <= len(every)]
    codes = [body for kind, body in every if kind == b"av1C" and len(body) >= 3]
    stated = next(
        (b for kind, b in own if kind == b"colr" and b[:4] == b"nclx" and len(b) >= 8), b""
    )
    return Header(
        colours=_colours(stated),
        depth=max((_depth(body[2]) for body in codes), default=8),
        planes=max((_planes(body[2]) for body in codes), default=3.0),
        cut=any(kind == b"clap" for kind, _ in own),
    )


def _colours(body: bytes) -> colour.Stated | None:
    """From a colour box with code points; the curves of video count as sRGB, as browsers do."""
    if not body:
        return None
    primaries, curve = int.from_bytes(body[4:6]), int.from_bytes(body[6:8])
    return colour.of_code_points(primaries, curve, "nclx", video=colour.SRGB_CURVE)


def _depth(flags: int) -> int:
    """Bits a sample, from the flags of a codec box (AV1 in ISOBMFF, 2.3.3)."""
    return (12 if flags & 0x20 else 10) if flags & 0x40 else 8


def _planes(flags: int) -> float:
    """Samples a pixel, from the same flags."""
    if flags & 0x10:  # monochrome
        return 1.0
    return {0b1100: 1.5, 0b1000: 2.0}.get(flags & 0b1100, 3.0)


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Type and body of each box (ISO 14496-12, 4.2); stops where one breaks off."""
    at = 0
    for _ in range(_MOST_BOXES):
        size, start = int.from_bytes(data[at : at + 4]), at + 8
        if start > len(data):
            return
        if size == 1:
            size, start = int.from_bytes(data[start : start + 8]), at + 16
        elif size == 0:
            size = len(data) - at
        if size < start - at or at + size > len(data):
            return
        yield data[at + 4 : at + 8], data[start : at + size]
        at += size


def _main(body: bytes) -> int:
    """The number of the main picture."""
    return int.from_bytes(body[4:6] if body[:1] == b"\0" else body[4:8])


def _associated(body: bytes, item: int) -> list[int]:
    """Which properties, from 1, belong to an item (ISO 23008-12, 9.3.1)."""
    wide, size = (4 if body[:1] > b"\0" else 2), (2 if body[3:4] > b"\0" and body[3] & 1 else 1)
    at, count = 8, min(int.from_bytes(body[4:8]), _MOST_BOXES)
    for _ in range(count):
        number, many = int.from_bytes(body[at : at + wide]), body[at + wide : at + wide + 1]
        at += wide + 1
        length = size * (many[0] if many else 0)
        entries = body[at : at + length]
        if number == item:
            mask = (1 << (8 * size - 1)) - 1
            return [
                int.from_bytes(entries[n : n + size]) & mask for n in range(0, len(entries), size)
            ]
        at += length
    return []
