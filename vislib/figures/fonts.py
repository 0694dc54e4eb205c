"""The typeface of all figures: it has Latin, Hangul and mathematics, and comes with the project.

Text that is drawn here into files and pictures needs no font of the machine. For what a browser
draws it stands last in the list of families, behind the visitor's own.
"""

from __future__ import annotations

import unicodedata
from pathlib import Path

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
