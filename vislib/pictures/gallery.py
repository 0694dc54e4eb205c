"""The gallery: free photographs from assets/gallery, and patterns that are drawn when asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import numpy as np

from vislib.pictures import decoding, encoding
from vislib.schema import DecodedImage, ImageError
from vislib.texts import FALLBACK, Message, look_up

SIDE = 448
"""Side of a pattern in source pixels: 14 x 32, 8 x 56 and 16 x 28."""
FOLDER = Path(__file__).resolve().parents[2] / "assets" / "gallery"


@dataclass(frozen=True, kw_only=True)
class GalleryPicture:
    """One picture of the gallery.

    Attributes:
        key: What an address bar carries.
        title: What the page calls it.
        credit: Who made it.
        licence: Under which terms it is here.
        kind: "photograph" (a file) or "pattern" (drawn by code).
        shows: Its class, by its name on the bundled models' cards; None where it is none of them.
        wordnet: That class's WordNet id, by which models with other names know it; None likewise.
        why: Why it is here, where it shows no class or some models are known to miss it.
    """

    key: str
    title: Message
    credit: str
    licence: str
    kind: Literal["photograph", "pattern"]
    shows: str | None = None
    wordnet: str | None = None
    why: Message | None = None


def _blank(side: int = SIDE) -> np.ndarray:
    """A black square; uint8, axes (row, column, rgb)."""
    return np.zeros((side, side, 3), dtype=np.uint8)


def _two_tone(bright: np.ndarray) -> np.ndarray:
    """White where ``bright``, axes (row, column), and black elsewhere."""
    return np.repeat(np.where(bright, 255, 0).astype(np.uint8)[:, :, None], 3, axis=2)


def _stripes_vertical() -> np.ndarray:
    """Vertical stripes, period 56 source pixels: a cell of an 8 x 8 grid."""
    _, x = np.indices((SIDE, SIDE))
    return _two_tone(x % 56 < 28)


def _stripes_diagonal() -> np.ndarray:
    """Stripes at 45 degrees, rising to the right, period 56 source pixels along a row."""
    y, x = np.indices((SIDE, SIDE))
    return _two_tone((x + y) % 56 < 28)


def _checker(cell: int) -> np.ndarray:
    """A checkerboard of squares of ``cell`` source pixels; the first one is white."""
    y, x = np.indices((SIDE, SIDE))
    return _two_tone((x // cell + y // cell) % 2 == 0)


def _two_dots() -> np.ndarray:
    """Two white dots on black, each inside one cell of an 8 x 8 and of a 14 x 14 grid."""
    y, x = np.indices((SIDE, SIDE)) + 0.5
    return _two_tone(np.minimum(np.hypot(x - 80, y - 80), np.hypot(x - 368, y - 368)) < 14)


def _patch_14() -> np.ndarray:
    """White on row 4, column 9 of a 14 x 14 grid; on an 8 x 8 grid, inside row 2, column 5.

    Exact where the model's view box is the whole picture. A model that crops sees it off its grid,
    and one that scales the picture blurs the edge by a model pixel or two.
    """
    pixels = _blank()
    pixels[128:160, 288:320] = 255
    return pixels


def _patch_8() -> np.ndarray:
    """White on row 2, column 5 of an 8 x 8 grid; 64 x 64 source pixels.

    The size is that of the bundled models' input, so that nothing is scaled and the patch lights
    exactly one of their 8 x 8 cells.
    """
    pixels = _blank(64)
    pixels[16:24, 40:48] = 255
    return pixels


def _colour_wheel() -> np.ndarray:
    """Hue around, saturation outwards from white, on mid-grey."""
    y, x = (np.indices((SIDE, SIDE)) + 0.5) / SIDE * 2.0 - 1.0
    radius = np.hypot(x, y) / 0.95
    sixth = (np.arctan2(-y, x) / (2.0 * np.pi) % 1.0) * 6.0
    shift = np.array([0.0, 4.0, 2.0])
    pure = np.clip(np.abs((sixth[:, :, None] + shift) % 6.0 - 3.0) - 1.0, 0.0, 1.0)
    mixed = 1.0 + np.minimum(radius, 1.0)[:, :, None] * (pure - 1.0)
    mixed[radius > 1.0] = 0.5
    wheel: np.ndarray = np.rint(mixed * 255.0).astype(np.uint8)
    return wheel


def _gradient() -> np.ndarray:
    """Red grows to the right, green downwards, blue stays at 128."""
    ramp = np.rint(np.linspace(0.0, 255.0, SIDE)).astype(np.uint8)
    pixels = np.full((SIDE, SIDE, 3), 128, dtype=np.uint8)
    pixels[:, :, 0] = ramp[None, :]
    pixels[:, :, 1] = ramp[:, None]
    return pixels


_DRAWN: Mapping[str, Callable[[], np.ndarray]] = {
    "patch_14": _patch_14,
    "patch_8": _patch_8,
    "two_dots": _two_dots,
    "stripes_vertical": _stripes_vertical,
    "stripes_diagonal": _stripes_diagonal,
    "checker_coarse": lambda: _checker(112),
    "checker_middle": lambda: _checker(56),
    "checker_fine": lambda: _checker(14),
    "colour_wheel": _colour_wheel,
    "gradient": _gradient,
}
_DRAWN_BY = "Drawn by MixScope"
_PD = "public domain"
_FILES: Mapping[str, tuple[str, str, str | None, str | None]] = {
    "coffee": ("Rachel Michetti", "CC0", "espresso", "n07920052"),
    "german_shepherd": ("Hans Kemperman", _PD, "German shepherd", "n02106662"),
    "brandenburg_gate": ("Evans1551", _PD, "triumphal arch", "n04486054"),
    "red_panda": ("Mathias Appel", "CC0-1.0", "lesser panda", "n02509815"),
    "bee": ("John Severns", _PD, "bee", "n02206856"),
    "koala": ("BurningWell", _PD, "koala", "n01882714"),
    "pig": ("Teinesavaii", _PD, "hog", "n02395406"),
    "goldfish": ("Necrophorus", _PD, "goldfish", "n01443537"),
    "picos_de_europa": ("Aitzol Berasategi", "CC-BY-4.0", "alp", "n09193705"),
    "orange": ("US Department of Agriculture", _PD, "orange", "n07747607"),
    "lemon": ("US Department of Agriculture", _PD, "lemon", "n07749582"),
    "citrus": ("US Department of Agriculture", _PD, "orange", "n07747607"),
    "bison": ("Kurt Kaiser", "CC0-1.0", "bison", "n02410509"),
    "pont_du_gard": ("Mimova", _PD, "viaduct", "n04532670"),
    "cliff_palace": ("Author not named, rawpixel 8802835", "CC0", "cliff dwelling", "n03042490"),
    "coral": ("Author not named, rawpixel 8799931", "CC0", "coral reef", "n09256479"),
    "cat": ("Stefan van der Walt", "CC0", "tabby", "n02123045"),
    "astronaut": ("NASA", _PD, None, None),
    "rocket": ("SpaceX", _PD, None, None),
    "galaxies": ("NASA, Hubble Space Telescope", _PD, None, None),
    "camera": ("Lav Varshney", "CC0", None, None),
    "bricks": ("CC0Textures", "CC0", None, None),
}
"""Key -> credit, licence, class and its WordNet id; those that the models know best come first."""


def _rows() -> dict[str, GalleryPicture]:
    """Photographs first, then patterns, in the order in which the page shows them."""
    rows = [
        GalleryPicture(
            key=key,
            title=Message(f"gallery.title.{key}"),
            credit=credit,
            licence=licence,
            kind="photograph",
            shows=shows,
            wordnet=wordnet,
            why=_why(key),
        )
        for key, (credit, licence, shows, wordnet) in _FILES.items()
    ]
    rows += [
        GalleryPicture(
            key=key,
            title=Message(f"gallery.title.{key}"),
            credit=_DRAWN_BY,
            licence="MIT",
            kind="pattern",
            why=_why(key),
        )
        for key in _DRAWN
    ]
    return {row.key: row for row in rows}


def _why(key: str) -> Message | None:
    """The sentence that says why a picture is here; None where the texts have none."""
    there = look_up(FALLBACK, f"gallery.why.{key}")
    return Message(f"gallery.why.{key}") if there else None


GALLERY: Mapping[str, GalleryPicture] = MappingProxyType(_rows())
"""Key -> picture."""


def load(key: str) -> DecodedImage:
    """Decode one picture of the gallery, through the same door as an upload.

    Args:
        key: A key of GALLERY.

    Returns:
        The picture; ``sha256`` is of the file's bytes, for a pattern of its PNG bytes.

    Raises:
        ImageError: No such picture (the message names what there is), or its file is missing or
            damaged.
    """
    if key not in GALLERY:
        raise ImageError("error.picture.no_entry", asked=key, keys=list(GALLERY))
    if key in _DRAWN:
        data = encoding.encode_png(_DRAWN[key]())
        return decoding.decode(data, name=f"{key}.png")
    name = f"{key}.jpg"
    try:
        data = (FOLDER / name).read_bytes()
    except OSError:
        raise ImageError("error.picture.missing", name=name) from None
    try:
        return decoding.decode(data, name=name)
    except ImageError as error:
        raise ImageError("error.picture.spoilt", name=name, size=len(data)) from error
