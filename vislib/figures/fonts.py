"""The typeface of all figures: it has Latin, Hangul and mathematics, and comes with the project.

Text that is drawn here into files and pictures needs no font of the machine. For what a browser
draws it stands last in the list of families, behind the visitor's own.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from xml.sax.saxutils import escape

FAMILY = "MixScope Sans"
FILES = {
    weight: Path(__file__).resolve().parents[2] / "assets" / "fonts" / f"mixscope-sans-{weight}.otf"
    for weight in ("regular", "bold")
}
"""Weight -> file, made by tools/make_fonts.py."""
OF_PAGE = f"system-ui, 'Segoe UI', Roboto, 'Noto Sans', '{FAMILY}', sans-serif"
"""CSS's ``font-family`` of what the browser draws."""


def columns(text: str) -> int:
    """How wide a text is: Latin letters count one, Hangul and its like two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def wrap(text: str, width: int) -> list[str]:
    """Break a text at its spaces.

    Args:
        text: Words; those that are wider than a line get one of their own.
        width: Of a line, in letters of Latin.
    """
    lines: list[str] = []
    for word in text.split():
        if lines and columns(lines[-1]) + 1 + columns(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def svg_text(text: str, x: float, y: float, *, anchor: str = "start", size: float = 16) -> str:
    """Words of an SVG picture, which a browser draws with the machine's fonts alone.

    Args:
        text: Where it has letters beyond Latin and its like, it becomes outlines.
        x: The place of the anchor.
        y: Of the base line.
        anchor: "start", "middle" or "end".
        size: Of the letters, in the units of the drawing; plain text takes the drawing's own.
    """
    if columns(text) == len(text):
        return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'
    outline, width = _outline(text, size)
    left = x - {"start": 0.0, "middle": width / 2, "end": width}[anchor]
    return f'<path transform="translate({left:.1f} {y})" d="{outline}"/>'


@lru_cache(maxsize=64)
def _outline(text: str, size: float) -> tuple[str, float]:
    """A text as the data of an SVG path that begins at 0, 0, and its width."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    drawn = TextPath((0, 0), text, size=size, prop=FontProperties(fname=FILES["regular"]))
    letters = {1: "M", 2: "L", 3: "Q", 4: "C", 79: "Z"}
    parts = [
        letters[int(code)] + ("" if code == 79 else " ".join(f"{v:.1f}" for v in _flipped(points)))
        for points, code in drawn.iter_segments(simplify=False)
    ]
    return "".join(parts), float(drawn.get_extents().x1)


def _flipped(points: Iterable[float]) -> list[float]:
    """Pairs of x and y with y downwards, as SVG has it."""
    return [-float(value) if place % 2 else float(value) for place, value in enumerate(points)]
