"""A small line chart as SVG text: a training's accuracy over its epochs, with a marker.

Plotly would cost a page that needs no other chart 4.7 MB; this is 2 kB.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from vislib.figures.fonts import svg_text
from vislib.schema import ShapeError

GREY = "#7D7D7D"
"""Readable on light and on dark pages (a picture does not know the page's theme)."""
LEFT, RIGHT, TOP, BOTTOM = 58, 14, 12, 40


@dataclass(frozen=True, kw_only=True)
class CurveLine:
    """One model's line.

    Attributes:
        name: What the title of the line says.
        epochs: Ascending.
        percent: One value an epoch, 0 to 100.
        colour: CSS colour.
    """

    name: str
    epochs: Sequence[int]
    percent: Sequence[float]
    colour: str


def training_curve(
    lines: Sequence[CurveLine],
    *,
    marker: int,
    x_title: str,
    y_title: str,
    ticks: Sequence[int] = (),
    width: int = 460,
    height: int = 190,
) -> str:
    """Draw accuracy over epochs.

    Args:
        lines: One a model.
        marker: The epoch that is shown: a vertical line, and a dot on each line that has it.
        x_title: Below the axis.
        y_title: Above the axis, with its unit.
        ticks: Epochs with a number below the axis; the first and the last of all if empty.
        width: Of the drawing, in its own units.
        height: The same.

    Returns:
        SVG text. From 0 to the next ten above the largest value; the same scale for all lines.

    Raises:
        ShapeError: There is no line, or one has not as many values as epochs.
    """
    if not lines or any(len(line.epochs) != len(line.percent) or not line.epochs for line in lines):
        raise ShapeError("error.figure.no_line")
    last = max(max(line.epochs) for line in lines)
    top = 10.0 * max(1, -(-max(max(line.percent) for line in lines) // 10))

    def x(epoch: float) -> float:
        return round(LEFT + (width - LEFT - RIGHT) * epoch / max(1, last), 1)

    def y(percent: float) -> float:
        return round(height - BOTTOM - (height - TOP - BOTTOM) * percent / top, 1)

    def text(x_at: float, y_at: float, words: str, anchor: str = "middle") -> str:
        return svg_text(words, x_at, y_at, anchor=anchor)

    parts = [
        f'<path d="M{LEFT} {y(top)}V{y(0)}H{width - RIGHT}" fill="none" stroke="{GREY}"/>',
        text(LEFT - 6, y(top) + 6, f"{top:.0f}", "end"),
        text(LEFT - 6, y(0) + 6, "0", "end"),
        text(LEFT + 8, TOP + 4, y_title, "start"),
        text((LEFT + width - RIGHT) / 2, height - 4, x_title),
        f'<path d="M{x(marker)} {y(0)}V{TOP}" stroke="{GREY}" stroke-dasharray="4 3"/>',
    ]
    parts += [text(x(tick), y(0) + 18, str(tick)) for tick in (ticks or (0, last))]
    for line in lines:
        points = list(zip(line.epochs, line.percent, strict=True))
        path = " ".join(f"{x(epoch)},{y(value)}" for epoch, value in points)
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{line.colour}" stroke-width="3">'
            f"<title>{escape(line.name)}</title></polyline>"
        )
        parts += [
            f'<circle cx="{x(epoch)}" cy="{y(value)}" r="6" fill="{line.colour}"/>'
            for epoch, value in points
            if epoch == marker
        ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}"><g fill="{GREY}" font-family="sans-serif" '
        f'font-size="16">{"".join(parts)}</g></svg>'
    )


def as_lines(
    curves: Mapping[str, Sequence[tuple[int, float]]], colours: Mapping[str, str]
) -> list[CurveLine]:
    """Lines of (epoch, share 0 to 1) by name.

    Args:
        curves: Name -> points.
        colours: Name -> CSS colour.
    """
    return [
        CurveLine(
            name=name,
            epochs=[epoch for epoch, _ in points],
            percent=[100 * share for _, share in points],
            colour=colours[name],
        )
        for name, points in curves.items()
    ]
