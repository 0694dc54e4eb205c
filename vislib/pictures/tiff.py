"""TIFF: its directories, raw photographs that look like it, and a reader for what Pillow skips."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from PIL import TiffImagePlugin

WIDTH, BITS, COMPRESSION, PHOTOMETRIC = 256, 258, 259, 262
ORIENTATION, SAMPLES, STRIP_ROWS = 274, 277, 278
SUBFILE, TILE_WIDTH, TILE_ROWS, SUB_DIRECTORIES = 254, 322, 323, 330
SAMPLE_FORMAT, WHITE_POINT, PRIMARIES, DNG_VERSION = 339, 318, 319, 50706
SIGNED, UNSIGNED = 2, 1
_SENSOR = {32803, 34892}  # colour filter array, linear raw
_MOST_DIRECTORIES = 64
_MOST_ENTRIES = 512
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 7: 1, 13: 4, 16: 8, 18: 8}
Directory = dict[int, tuple[int, ...]]
"""Tag -> its integers."""


class TiffFile(TiffImagePlugin.TiffImageFile):
    """Pillow's reader, which is told that black is zero and that nothing is to be turned.

    Pillow follows "white is zero" at some depths and byte orders only, and turns the whole picture
    before it is reduced. Who reads with this does both afterwards.

    Attributes:
        white_is_zero: Whether the least value is white.
        turn: The stated orientation, 1 to 8; 1 where none is.
    """

    white_is_zero = False
    turn = 1

    def _setup(self) -> None:
        turn = self.tag_v2.get(ORIENTATION, 1)
        self.turn = turn if isinstance(turn, int) else 1
        if ORIENTATION in self.tag_v2:
            del self.tag_v2[ORIENTATION]
        compressed = self.tag_v2.get(COMPRESSION, 1)
        self.white_is_zero = self.tag_v2.get(PHOTOMETRIC, 0) == 0 and compressed not in (6, 7)
        if self.white_is_zero:
            self.tag_v2[PHOTOMETRIC] = 1
        super()._setup()

    def load_end(self) -> None:
        """Leave the picture as it lies in the file."""

    def numbers(self, tag: int) -> tuple[float, ...]:
        """A tag's values as numbers; empty where it is missing or holds none."""
        found = self.tag_v2.get(tag, ())
        found = found if isinstance(found, tuple) else (found,)
        return tuple(float(n) for n in found) if all(_is_number(n) for n in found) else ()

    def strip_bytes(self) -> int:
        """Bytes that one strip or tile takes when it is unpacked."""
        wide = self.numbers(TILE_WIDTH) or self.numbers(WIDTH)
        high = self.numbers(TILE_ROWS) or self.numbers(STRIP_ROWS)
        rows = min(high[0] if high else self.size[1], 2 * self.size[1])
        deep = max(self.numbers(BITS) or (1.0,)) * (self.numbers(SAMPLES) or (1.0,))[0]
        return int((wide[0] if wide else self.size[0]) * rows * deep / 8)


def _is_number(value: object) -> bool:
    """Whether a tag's value can be used as a number; fractions may be divided by 0."""
    try:
        float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, ZeroDivisionError):
        return False
    return True


def raw_kind(data: bytes) -> str | None:
    """The name of the raw format ("DNG", else "raw") of a TIFF that holds a sensor's values."""
    if data[8:10] == b"CR":
        return "CR2"
    for found in _directories(data):
        if DNG_VERSION in found:
            return "DNG"
        if _SENSOR & set(found.get(PHOTOMETRIC, ())):
            return "raw"
    return None


def first_is_preview(data: bytes) -> bool:
    """Whether the first page says of itself that it is a smaller version of another one."""
    first = next(_directories(data), {})
    return bool(first.get(SUBFILE, (0,))[0] & 1)


def pages(data: bytes) -> int:
    """Pages in the chain that begins with the first one, at most 64."""
    return sum(1 for _ in _directories(data, below=False))


def _directories(data: bytes, *, below: bool = True) -> Iterator[Directory]:
    """The pages, each followed by those below it; stops where the file breaks off."""
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in (b"+\0", b"\0+")
    waiting = [_at(data, order, 8 if big else 4, 8 if big else 4)]
    seen: set[int] = set()
    while waiting and len(seen) < _MOST_DIRECTORIES:
        place = waiting.pop(0)
        if not 0 < place < len(data) or place in seen:
            continue
        seen.add(place)
        try:
            found, after = _directory(data, order, place, big)
        except struct.error:
            continue
        yield found
        waiting.append(after)
        if below:
            waiting[:0] = found.get(SUB_DIRECTORIES, ())[:8]


def _directory(data: bytes, order: str, place: int, big: bool) -> tuple[Directory, int]:
    """The integers of one directory, and where the next page's lies (0: nowhere)."""
    head, size, room = (8, 20, 8) if big else (2, 12, 4)
    count = _at(data, order, place, head)
    found: Directory = {}
    for number in range(min(count, _MOST_ENTRIES)):
        at = place + head + size * number
        tag, kind = struct.unpack_from(f"{order}HH", data, at)
        many = min(_at(data, order, at + 4, room), 64)
        each = _SIZES.get(kind)
        if each is None:
            continue
        values = at + 4 + room
        if each * _at(data, order, at + 4, room) > room:
            values = _at(data, order, values, room)
        if values + each * many <= len(data):
            found[tag] = tuple(_at(data, order, values + each * n, each) for n in range(many))
    return found, _at(data, order, place + head + size * count, room)


def _at(data: bytes, order: str, place: int, size: int) -> int:
    """An unsigned integer of ``size`` bytes; 0 beyond the end."""
    return int.from_bytes(data[place : place + size], "little" if order == "<" else "big")
