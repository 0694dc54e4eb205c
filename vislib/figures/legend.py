"""A small horizontal colour bar as a picture, for tile sheets and overlays."""

from __future__ import annotations

import io
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from vislib.figures import colours
from vislib.figures.fonts import FILES
from vislib.figures.strip import three_digits

TEXT_PX = 18
_BAR, _TICK, _SPACE = 20, 6, 4


@lru_cache(maxsize=4)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The project's own typeface; Pillow's where its file is missing."""
    path = FILES["regular"]
    return ImageFont.truetype(path, size) if path.is_file() else ImageFont.load_default(size)


def _ticks(pair: tuple[float, float]) -> list[tuple[float, str]]:
    """Three places along the bar (0 to 1) with their values: the ends and the middle."""
    low, high = pair
    return [(share, three_digits(low + share * (high - low))) for share in (0.0, 0.5, 1.0)]


def colour_bar_png(
    signed: bool,
    limits: tuple[float, float],
    unit: str,
    width: int = 420,
    *,
    dark: bool = False,
    note: str = "",
) -> bytes:
    """Draw the legend of a map.

    Args:
        signed: Which colour table.
        limits: Values of the first and the last colour.
        unit: What the colour means, with its unit, in the page's language.
        width: Pixels; show the picture at this width so that its text is 18 px high.
        dark: Light text for a dark page; else dark text.
        note: One more line: a clip or a normalisation.

    Returns:
        PNG, transparent around the bar. Texts that are too long for the width are set smaller;
        the number in the middle is left out where it would run into those at the ends.
    """
    pair = colours.check_limits(limits)
    lines = [line for line in (unit, note) if line]
    line_height = TEXT_PX + 6
    height = len(lines) * line_height + _BAR + _TICK + _SPACE + line_height
    canvas = Image.new("RGBA", (width, height), (0, 0, 0, 0))
    draw = ImageDraw.Draw(canvas)
    ink = (*colours.rgb(colours.text_colour(dark)), 255)
    top = 0
    for line in lines:
        font = _fitting(line, width - 4)
        draw.text((2, top + line_height // 2), line, font=font, fill=ink, anchor="lm")
        top += line_height
    places = np.rint(np.linspace(0, colours.LEVELS - 1, width - 4)).astype(np.int64)
    bar = np.broadcast_to(colours.table(signed)[places], (_BAR, width - 4, 3))
    canvas.paste(Image.fromarray(np.ascontiguousarray(bar)), (2, top))
    # A frame, so that the white middle or a pale end has an edge on a white page.
    draw.rectangle((1, top - 1, width - 2, top + _BAR), outline=ink)
    ticks = _ticks(pair)
    for (share, text), anchor in zip(ticks, ("la", "ma", "ra"), strict=True):
        x = 2 + round(share * (width - 5))
        draw.line((x, top + _BAR, x, top + _BAR + _TICK), fill=ink, width=2)
        if anchor == "ma" and not _middle_fits([words for _, words in ticks], width):
            continue  # long numbers would run into each other; the ends say it all
        draw.text(
            (x, top + _BAR + _TICK + _SPACE), text, font=_font(TEXT_PX), fill=ink, anchor=anchor
        )
    buffer = io.BytesIO()
    canvas.save(buffer, format="PNG", optimize=False)
    return buffer.getvalue()


def _middle_fits(texts: list[str], width: int) -> bool:
    """Whether the middle number keeps clear of those at the ends."""
    first, middle, last = (_font(TEXT_PX).getlength(text) for text in texts)
    return max(first, last) + middle / 2 + _TICK < width / 2


def _fitting(text: str, room: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The font at 18 px, or smaller where the text would not fit."""
    size = TEXT_PX
    while size > 11 and _font(size).getlength(text) > room:
        size -= 1
    return _font(size)
