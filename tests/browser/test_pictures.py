"""Decoding against another program's: Chromium draws each file on a canvas.

The canvas follows orientation, profiles and transparency itself: it is white before, converts to
sRGB and holds 8 bits a colour.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from tests.unit.pictures import made
from vislib.pictures import decoding

if TYPE_CHECKING:
    from playwright.sync_api import Page

NEAR = 2
DRAW = """async (files) => Promise.all(files.map(async (file) => {
    const image = new Image();
    image.src = 'data:;base64,' + file;
    try { await image.decode(); } catch { return null; }
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    const context = canvas.getContext('2d', {colorSpace: 'srgb', willReadFrequently: true});
    context.fillStyle = 'white';
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(image, 0, 0);
    const pixels = context.getImageData(0, 0, canvas.width, canvas.height).data;
    return [canvas.width, canvas.height, btoa(String.fromCharCode(...pixels))];
}))"""

TURNED = {
    "2": np.fliplr,
    "3": lambda a: np.rot90(a, 2),
    "4": np.flipud,
    "5": lambda a: np.rot90(np.fliplr(a)),
    "6": lambda a: np.rot90(a, -1),
    "7": lambda a: np.rot90(np.fliplr(a), -1),
    "8": np.rot90,
}


def drawn(page: Page, files: list[bytes]) -> Iterator[np.ndarray | None]:
    """What the browser shows: uint8, axes (row, column, rgb); None for what it cannot read."""
    for start in range(0, len(files), 50):
        some = [base64.b64encode(data).decode() for data in files[start : start + 50]]
        for found in page.evaluate(DRAW, some):
            if found is None:
                yield None
                continue
            width, height, text = found
            flat = np.frombuffer(base64.b64decode(text), dtype=np.uint8)
            yield flat.reshape(height, width, 4)[:, :, :3]


def difference(ours: np.ndarray, theirs: np.ndarray | None) -> float:
    """The largest difference, of 255; of other shapes, more than there can be."""
    if theirs is None or ours.shape != theirs.shape:
        return 999.0
    return float(np.abs(ours.astype(int) - theirs).max())


BEYOND = "code points 9 16"
"""PQ: the canvas maps brightness beyond white; here it is not followed, and said so."""


def test_every_file_is_read_as_chromium_reads_it(page: Page) -> None:
    cases = dict(made.all_for_browsers())
    page.goto("about:blank")
    far = {}
    for (name, data), theirs in zip(cases.items(), drawn(page, list(cases.values())), strict=True):
        picture = decoding.decode(data, name=name)
        if name.startswith("WEBP") and name[-1] in TURNED:  # Chromium reads no EXIF there
            theirs = TURNED[name[-1]](theirs)
        found = difference(picture.pixels, theirs)
        if found > NEAR:
            far[name] = (found, [str(note) for note in picture.notes])
    print(f"{len(cases)} cases, {len(cases) - len(far)} within {NEAR} of 255, {len(far)} not:")
    unexplained = {name: why for name, why in far.items() if not name.endswith(BEYOND)}
    assert unexplained == {}
    assert len(far) == 3
    assert all("could not be followed" in " ".join(notes) for _, notes in far.values())
    assert len(cases) > 800


def test_the_comparison_sees_a_wrong_picture(page: Page) -> None:
    """Negative control: unread statements make a difference on the canvas."""
    page.goto("about:blank")
    bare = decoding.decode(made.png(2, 8), name="bare").pixels
    told = [
        made.png(2, 8, clear=made.key_of(2, 8)),
        made.png(2, 8, orientation=2),
        *(made.png(2, 8, chunks=made.PNG_COLOURS[name]) for name in ("cICP", "iCCP", "gAMA")),
    ]
    assert all(difference(bare, theirs) > NEAR for theirs in drawn(page, told))
    assert difference(bare, next(drawn(page, [made.png(2, 8)]))) <= NEAR
