"""The class's answers on the projector: bars for models and numbers, a heat map for places."""

from __future__ import annotations

import html
from collections.abc import Sequence

import streamlit as st

from views import frame
from vislib import registry
from vislib.classroom.asked import Measured
from vislib.classroom.here import room
from vislib.classroom.tally import CELLS, Tally
from vislib.figures import colours
from vislib.lecture.steps import Step
from vislib.schema import ModelError

LIVE_SECONDS = 0.25
"""How often the tally is added up anew while answers come."""
PLAIN = "#0b57a4"
Row = tuple[str, int, str, bool]
"""What it is, its votes, its colour, whether it is what was measured."""


def draw(step: Step) -> None:
    """The tally; while the question is open it is a live one."""
    if room().question(step.key).phase == "open":
        _live(step)
    else:
        _draw(step)


@st.fragment(run_every=LIVE_SECONDS)
def _live(step: Step) -> None:
    _draw(step)


def _draw(step: Step) -> None:
    with room().lock:
        found, now = room().tally(step.key), room().question(step.key)
    if found is None or step.ask is None:
        return
    st.html(f'<p class="votes">{html.escape(frame.t("lecture.votes", count=found.count))}</p>')
    if step.ask.kind == "place":
        st.html(_heat_map(step, found, now.measured))
    else:
        st.html(_bars(_rows(step, found, now.measured)))


def _rows(step: Step, found: Tally, measured: Measured | None) -> list[Row]:
    assert step.ask is not None
    if found.options:
        right = measured.options if measured else ()
        return [(_title(key), votes, _colour(key), key in right) for key, votes in found.options]
    edges, unit = found.edges, frame.t(f"lecture.unit_{step.ask.unit}") if _has_unit(step) else ""
    value = measured.number if measured else None
    rows = []
    for number, votes in enumerate(found.bars):
        low, high = edges[number], edges[number + 1]
        last = number == len(found.bars) - 1
        right = value is not None and (low <= value < high or (last and value == high))
        upper = min(high - 1, step.ask.limits[1]) if found.whole and step.ask.limits else high
        span = f"{low:g}" if upper == low else f"{low:g} – {upper:g}"
        rows.append((f"{span} {unit}".strip(), votes, PLAIN, right))
    return rows


def _has_unit(step: Step) -> bool:
    return step.ask is not None and bool(step.ask.unit)


def _title(key: str) -> str:
    try:
        return registry.spec(key).title
    except ModelError:
        return key


def _colour(key: str) -> str:
    try:
        return colours.family_colour(registry.spec(key).family)
    except ModelError:
        return PLAIN


def _bars(rows: Sequence[Row]) -> str:
    """Bars beside one another, the longest full; what was measured has a frame."""
    most = max((votes for _, votes, _, _ in rows), default=0) or 1
    parts = []
    for words, votes, colour, right in rows:
        name = html.escape(words)
        parts.append(
            f'<div class="row{" right" if right else ""}"><div class="bar" style="width:'
            f'{100 * votes / most:.2f}%;background:{colour}"></div>'
            f'<span class="label">{name}</span><span class="value">{votes}</span></div>'
        )
    return f'<div class="answers tally">{"".join(parts)}</div>'


def _heat_map(step: Step, found: Tally, measured: Measured | None) -> str:
    """The class's guesses on the picture that the phones show, the most guessed cell brightest."""
    name, table, side = room().picture[0], colours.table(False), 100 / CELLS
    most = max((votes for row in found.cells for votes in row), default=0) or 1
    cells = [
        f'<i style="left:{x * side:.3f}%;top:{y * side:.3f}%;width:{side:.3f}%;'
        f"height:{side:.3f}%;background:rgb({','.join(map(str, table[_shade(votes, most)]))})"
        f'"></i>'
        for y, row in enumerate(found.cells)
        for x, votes in enumerate(row)
        if votes
    ]
    box = ""
    if measured and measured.box:
        left, top, right, bottom = (one / 10 for one in measured.box)
        box = (
            f'<b style="left:{left}%;top:{top}%;width:{right - left}%;height:{bottom - top}%"></b>'
        )
    alt = html.escape(frame.t("lecture.guesses", count=found.count))
    for name_of, place in (("mark", step.view.place), ("target", step.ask and step.ask.target)):
        if place:
            left, top = (one / 10 for one in place)
            box += f'<u class="{name_of}" style="left:{left}%;top:{top}%"></u>'
    image = f'<img src="room/picture/{name}.jpg" alt="{alt}">' if name else ""
    return f'<div class="guesses">{image}{"".join(cells)}{box}</div>'


def _shade(votes: int, most: int) -> int:
    """An entry of the colour table: never its first, which is no guess at all."""
    return round((0.25 + 0.75 * votes / most) * 254)
