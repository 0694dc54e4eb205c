"""The frame around several cells of a map: a window on the picture, a row of a table."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from vislib.figures import overlay
from vislib.schema import ViewBox

BOX = ViewBox(left=0.0, top=0.0, width=80.0, height=80.0)


def drawn(region: tuple[int, int, int, int] | None) -> np.ndarray:
    """A map of 8 x 8 cells, each 10 pixels wide, all of the lowest value."""
    png = overlay.plain_map(
        np.zeros((8, 8)),
        picture_shape=(80, 80),
        box=BOX,
        limits=(0.0, 1.0),
        signed=False,
        side=80,
        region=region,
    )
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def test_region_is_framed_from_outside() -> None:
    framed, plain = drawn((2, 4, 3, 2)), drawn(None)
    changed = np.flatnonzero((framed != plain).any(axis=2).any(axis=1))
    across = np.flatnonzero((framed != plain).any(axis=2).any(axis=0))
    # A frame of 3 pixels and a halo of 1 around rows 20 to 49 and columns 40 to 59.
    assert (changed[0], changed[-1]) == (16, 53)
    assert (across[0], across[-1]) == (36, 63)
    np.testing.assert_array_equal(framed[20:50, 40:60], plain[20:50, 40:60])
    white = (framed == overlay.REGION).all(axis=2)
    assert white[18, 45]
    assert not white[30, 50]
    # Negative control: another region is another picture.
    assert not np.array_equal(framed, drawn((2, 4, 2, 3)))


def test_the_cell_is_drawn_over_the_region_in_both_pictures() -> None:
    options = {"box": BOX, "limits": (0.0, 1.0), "cell": (3, 4), "region": (2, 4, 3, 2)}
    values = np.zeros((8, 8))
    plain = overlay.plain_map(values, picture_shape=(80, 80), signed=False, side=80, **options)
    over = overlay.share_overlay(np.zeros((80, 80, 3), np.uint8), values, side=80, **options)
    for png in (plain, over):
        pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
        assert (pixels[28, 45] == overlay.OUTLINE).all()
        assert (pixels == overlay.REGION).all(axis=2).any()


def test_a_region_outside_the_view_is_not_drawn() -> None:
    np.testing.assert_array_equal(drawn((20, 20, 2, 2)), drawn(None))
