"""The faithfulness meter: probabilities over the share of the picture that came or went, as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from vislib.figures.curve import GREY
from vislib.figures.fonts import svg_text
from vislib.schema import ShapeError

LEFT, RIGHT, TOP, BOTTOM = 50, 16, 30, 50
FONT = 17
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


@dataclass(frozen=True, kw_only=True)
class MeterLine:
    """One curve.

    Attributes:
        name: What the title of the line says.
        values: Probabilities, 0 to 1, evenly spaced from 0 to 100 % of the picture.
        colour: CSS colour.
        dashed: Whether it is a comparison.
    """

    name: str
    values: Sequence[float]
    colour: str
    dashed: bool = False


def nice_top(largest: float) -> float:
    """The end of a scale of probabilities: 1, 2, 5, 10, 20, 50 or 100 %."""
    return next((step for step in _STEPS if step >= largest), 1.0)


def meter(
    lines: Sequence[MeterLine],
    *,
    top: float,
    x_title: str,
    y_title: str,
    width: int = 300,
    height: int = 240,
) -> str:
    """Draw insertion and deletion curves.

    Args:
        lines: Those in front last.
        top: Probability at the upper end, the same for charts that are compared (``nice_top``).
        x_title: Below the axis.
        y_title: Above the axis, with its unit.
        width: Of the drawing, in its own units.
        height: The same.

    Returns:
        SVG text; the x axis goes from 0 to 100 %.

    Raises:
        ShapeError: A line has fewer than two points, or one above the top or below 0.
    """
    for line in lines:
        if len(line.values) < 2 or min(line.values) < 0 or max(line.values) > top + 1e-9:
            raise ShapeError("error.figure.meter", name=line.name, top=top)

    def x(share: float) -> float:
        return round(LEFT + (width - LEFT - RIGHT) * share, 1)

    def y(value: float) -> float:
        return round(height - BOTTOM - (height - TOP - BOTTOM) * value / top, 1)

    def text(x_at: float, y_at: float, words: str, anchor: str = "middle") -> str:
        return svg_text(words, x_at, y_at, anchor=anchor, size=FONT)

    parts = [
        f'<path d="M{LEFT} {y(top)}V{y(0)}H{width - RIGHT}" fill="none" stroke="{GREY}"/>',
        text(LEFT - 6, y(top) + 7, f"{100 * top:g}", "end"),
        text(LEFT - 6, y(top / 2) + 7, f"{50 * top:g}", "end"),
        text(LEFT - 6, y(0) + 7, "0", "end"),
        text(0, 16, y_title, "start"),
        text((LEFT + width - RIGHT) / 2, height - 6, x_title),
    ]
    parts += [text(x(share), y(0) + 21, f"{100 * share:g}") for share in (0, 0.5, 1)]
    for line in lines:
        last = len(line.values) - 1
        path = " ".join(f"{x(i / last)},{y(value)}" for i, value in enumerate(line.values))
        dash = ' stroke-dasharray="3 5"' if line.dashed else ""
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{line.colour}" '
            f'stroke-width="{2.5 if line.dashed else 4}"{dash}>'
            f"<title>{escape(line.name)}</title></polyline>"
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}"><g fill="{GREY}" font-family="sans-serif" '
        f'font-size="{FONT}">{"".join(parts)}</g></svg>'
    )
