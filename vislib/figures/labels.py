"""Where names stand beside points so that none lies on another or is cut at the edge."""

from __future__ import annotations

from collections.abc import Sequence

LETTER_PX, LINE_PX, POINT_PX = 9.0, 20.0, 14.0
"""Width of a letter and height of a line of the names, and what a point takes."""
_ACROSS = {"left": -1.0, "center": -0.5, "right": 0.0}
_DOWN = {"top": -1.0, "middle": -0.5, "bottom": 0.0}
POSITIONS = (
    "top center", "bottom center", "middle right", "middle left",
    "top right", "top left", "bottom right", "bottom left",
)  # fmt: skip
"""Plotly's words, the best first."""
Box = tuple[float, float, float, float]


def box(x: float, y: float, name: str, position: str) -> Box:
    """What a name takes: left, top, right, bottom, in pixels.

    Args:
        x: Its point's place, in pixels from the left.
        y: The same from the top.
        name: The words.
        position: One of ``POSITIONS``.
    """
    down, across = position.split()
    width, gap = LETTER_PX * len(name), POINT_PX / 2
    left = x + _ACROSS[across] * width + {"left": -gap, "right": gap}.get(across, 0.0)
    top = y + _DOWN[down] * LINE_PX + {"top": -gap, "bottom": gap}.get(down, 0.0)
    return left, top, left + width, top + LINE_PX


def meet(one: Box, other: Box) -> bool:
    """Whether two boxes share any area."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def place(
    points: Sequence[tuple[float, float]], names: Sequence[str], *, width: float, height: float
) -> list[str]:
    """A position for each name, the first names first; empty where there is no room for it.

    Args:
        points: (x, y) in pixels from the left and from the top.
        names: One a point; empty for none.
        width: Of the plot, in pixels.
        height: The same.
    """
    half = POINT_PX / 2
    taken = [(x - half, y - half, x + half, y + half) for x, y in points]
    found = []
    for (x, y), name in zip(points, names, strict=True):
        chosen = ""
        for position in POSITIONS if name else ():
            own = box(x, y, name, position)
            inside = own[0] >= 0 and own[1] >= 0 and own[2] <= width and own[3] <= height
            if inside and not any(meet(own, other) for other in taken):
                taken.append(own)
                chosen = position
                break
        found.append(chosen)
    return found
