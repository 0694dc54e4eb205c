"""Decoding against another program's: Chromium draws each file on a canvas.

The canvas follows orientation, profiles and transparency itself: it is white before, converts to
sRGB and holds 8 bits a colour.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.browser.conftest import Server, run_server
from tests.browser.hostile import NAMES
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


SIGNS = "h1, h2, h3, h4, a, img, svg.emoji, code, pre, li, blockquote, em, del, table, .katex, hr"
ICONS = '[data-testid="stIconMaterial"], [role="img"], span[style*="color"]'


@pytest.fixture(scope="module")
def shown_names(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from run_server(tmp_path_factory.mktemp("names"), "tests/browser/markup_app.py")


def test_names_are_shown_letter_by_letter(
    page: Page, shown_names: Server, settle: Callable[..., None]
) -> None:
    page.goto(shown_names.url)
    settle(page)
    for number, name in enumerate(NAMES):
        place = page.locator(f".st-key-shown-{number}")
        bodies = place.locator('[data-testid="stMarkdownContainer"]')
        texts = [text.replace("\u2060", "") for text in bodies.all_inner_texts()]
        collapsed = " ".join(name.split())
        assert len(texts) >= 7, name
        assert all(collapsed in " ".join(text.split()) for text in texts), (name, texts)
        assert bodies.locator(SIGNS).count() == 0, name
        assert bodies.locator(ICONS).count() == 0, name


def test_without_care_names_are_read_as_markup(
    page: Page, shown_names: Server, settle: Callable[..., None]
) -> None:
    """Negative control."""
    page.goto(f"{shown_names.url}/?raw=1")
    settle(page)
    page.complaints.forgive("example.org|Failed to load|ERR_")  # type: ignore[attr-defined]
    changed = []
    for number, name in enumerate(NAMES):
        bodies = page.locator(f'.st-key-shown-{number} [data-testid="stMarkdownContainer"]')
        whole = [" ".join(text.split()) for text in bodies.all_inner_texts()]
        changed.append(
            bodies.locator(SIGNS).count() > 0
            or bodies.locator(ICONS).count() > 0
            or not all(" ".join(name.split()) in text for text in whole)
        )
    assert sum(changed) > len(NAMES) // 2, changed
