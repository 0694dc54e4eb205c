"""One attention beside the others on Dual attention: its map, its numbers, what differs."""

from __future__ import annotations

import html
from dataclasses import dataclass

import streamlit as st

from views import frame
from vislib.analysis import attentions
from vislib.analysis.common_ground import Reading, statistics
from vislib.analysis.reading_at import reading_at
from vislib.analysis.windows import window_piece
from vislib.figures import colours, overlay
from vislib.registry import spec
from vislib.schema import LabelledArray, MixingSite

SIDE = 360
"""Longer side of a map in pixels: a click that changes four of them stays under 300 kB."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """One attention beside the others.

    Attributes:
        key, site: The model and the block.
        kind: Which words say what differs: "davit", "davit_whole", "vit", "swin", "swin_shifted"
            or "swin_whole" (one window holds the map).
        head: From 0, the nearest that the block has; None for all.
        place: The selected cell of the block's grid, None outside the crop.
    """

    key: str
    site: MixingSite
    kind: str
    head: int | None
    place: tuple[int, int] | None


def words(name: str, **values: object) -> str:
    """A text of this page."""
    return frame.t(f"dual_attention.{name}", **values)


def _reading(column: Column, place: tuple[int, int]) -> Reading:
    """What the selected place reads in the column's block; computed once for all visitors."""
    key, site = column.key, column.site
    arrays = frame.capture(key, site.group)
    return frame.remember(
        ("reading", frame.view().picture.sha256, key, site.group, place),
        lambda: reading_at(site, arrays, row=place[0], column=place[1]),
    )


def share_of(column: Column) -> tuple[LabelledArray, Reading] | None:
    """The share of reading that is drawn, or None outside the crop."""
    if column.place is None:
        return None
    reading = _reading(column, column.place)
    return attentions.share_of(reading, column.site, column.head), reading


def draw(
    column: Column,
    found: tuple[LabelledArray, Reading] | None,
    limits: tuple[float, float],
) -> None:
    """Name, place in the depth, badge, map, numbers, and what differs."""
    site, row = column.site, spec(column.key)
    where = [
        frame.block_words(column.key, site),
        words("beside_grid", rows=site.rows, columns=site.columns),
    ]
    if column.head is not None:
        where.append(words("beside_head_of", head=column.head + 1, count=site.heads))
    colour = colours.family_colour(row.family)
    title = f"{row.title} · {words(f'beside_kind_{column.kind}', shift=site.shift)}"
    st.html(
        f'<div class="model-title" style="border-color:{colour}">{html.escape(title)}</div>'
        f'<div class="model-sub" style="min-height:0">{html.escape(" · ".join(where))}</div>'
    )
    frame.badge(site.mixing)
    if found is None or column.place is None:
        st.info(words("outside"))
        return
    share, reading = found
    _picture(column, share, column.place, limits)
    _numbers(column, share, column.place, attentions.outside_of(reading, column.head))
    said = words(
        f"beside_how_{column.kind}",
        side=site.window,
        shift=site.shift,
        count=site.rows * site.columns,
    )
    st.caption(said)
    frame.strip(
        share,
        key=f"dual.beside-{column.kind}",
        name=f"{column.key}.{attentions.pattern_name(site)}.share",
        title=title,
    )


def _picture(
    column: Column, share: LabelledArray, place: tuple[int, int], limits: tuple[float, float]
) -> None:
    """The share over the picture; a white frame around what can be read."""
    site, picture = column.site, frame.view().picture
    region = _piece(site, place) if site.window else None
    png = frame.remember(
        ("beside", picture.sha256, column.key, site.group, place, column.head, limits),
        lambda: overlay.share_overlay(
            picture.pixels,
            share.values,
            box=frame.box(column.key),
            limits=limits,
            cell=place,
            region=region,
            side=SIDE,
        ),
    )
    alt = words("beside_alt", model=spec(column.key).title)
    frame.image(png, key=f"beside-{column.kind}", alt=alt)


def _piece(site: MixingSite, place: tuple[int, int]) -> tuple[int, int, int, int]:
    """The cells that a place can read: its window, or its own piece of it at an edge."""
    sizes = {"rows": site.rows, "columns": site.columns, "window": site.window}
    return window_piece(*place, **sizes, shift=site.shift)


def _numbers(column: Column, share: LabelledArray, place: tuple[int, int], outside: float) -> None:
    """Reach, entropy, own patch; what goes to the class token or to padding."""
    site = column.site
    numbers = statistics(
        share.values,
        row=place[0],
        column=place[1],
        cell_px=frame.box(column.key).width / site.columns,
    )
    _, _, down, across = _piece(site, place) if site.window else (0, 0, site.rows, site.columns)
    rows = [
        (words("reach"), f"{numbers.reach_px:.0f} px"),
        (words("entropy"), frame.bits(numbers.entropy_bits, down * across)),
        (words("beside_local"), f"{numbers.local_percent:.1f} %"),
    ]
    name = "beside_prefix" if site.prefix else "beside_padding"
    frame.html_table([*rows, (words(name), f"{outside:.1f} %")])
