"""Beside DaViT's attentions: Swin's windows and ViT's global attention for the same place.

Drawn only when it is opened: it loads up to two more models.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from views import frame
from views.dual_attention import reach
from views.dual_attention.halves import Chosen
from vislib.analysis import attentions
from vislib.analysis.common_ground import Reading, statistics
from vislib.analysis.depth import depth_of
from vislib.analysis.reading_at import reading_at
from vislib.analysis.windows import window_piece
from vislib.figures import colours, overlay
from vislib.registry import spec
from vislib.schema import LabelledArray, MixingSite, MixScopeError

VIEWS = ("closed", "maps", "depth")
DEPTHS = ("same", *frame.DEPTHS)
ALL = "all"
SIDE = 360
"""Longer side of a map in pixels: a click that changes four of them stays under 300 kB."""

OFFERED = {
    "swin": "swin_tiny_patch4_window7_224.ms_in1k",
    "vit": "deit_small_patch16_224.fb_in1k",
}
"""The model of a family that is offered where none is on this machine."""


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


def draw(chosen: Chosen) -> None:
    """Closed, the maps of the selected place, or the reach over depth."""
    st.divider()
    st.subheader(words("beside"), anchor=False)
    view = frame.choose(
        words("beside_view"), VIEWS, key="beside", words={v: words(f"beside_{v}") for v in VIEWS}
    )
    if view == "closed":
        return
    options = {family: frame.of_family(family, frame.available()) for family in OFFERED}
    several = [family for family, keys in options.items() if len(keys) > 1]
    slots = list(st.columns(max(1, len(several) + 2 * (view == "maps")), gap="medium"))
    others = {family: keys[0] for family, keys in options.items() if keys}
    for slot, family in zip(slots[-len(several) :], several, strict=False):
        with slot:
            others[family] = _choose_model(family, options[family])
    ready = {family: key for family, key in others.items() if _is_loaded(key)}
    if view == "maps":
        _maps(chosen, ready, slots)
    else:
        reach.draw(chosen, [chosen.key, *ready.values()])
    for family, keys in options.items():
        if not keys:
            frame.offer(OFFERED[family], words(f"beside_offer_{family}"))


def _is_loaded(key: str) -> bool:
    """Load a model; one that cannot be loaded now says why, and the others are shown."""
    try:
        frame.model(key)
    except MixScopeError as error:
        frame.problem(error)
        return False
    return True


def words(name: str, **values: object) -> str:
    """A text of this page."""
    return frame.t(f"dual_attention.{name}", **values)


def _choose_model(family: str, options: Sequence[str]) -> str:
    """One of several models of a family."""
    compared = [key for key in frame.view().models if key in options]
    return frame.choose(
        words(f"beside_model_{family}"),
        options,
        key=family,
        words={key: spec(key).title for key in options},
        default=(compared or list(options))[0],
        compact=False,
    )


def _maps(chosen: Chosen, others: dict[str, str], slots: Sequence[DeltaGenerator]) -> None:
    """One column an attention, on one scale."""
    columns = _columns(chosen, others, slots)
    shares = {column: _share(column) for column in columns}
    drawn = [share.values for share, _ in filter(None, shares.values())]
    if not drawn:
        st.info(words("outside"))
        return
    limits = colours.limits(*drawn, signed=False)
    frame.legend(signed=False, limits=limits, unit=words("beside_unit"), key="beside-sharebar")
    st.caption(words("beside_frame"))
    # Two in a row: large enough for the last row of a hall, and the same place at the same height.
    for first in range(0, len(columns), 2):
        for place, column in zip(st.columns(2, gap="medium"), columns[first:], strict=False):
            with place:
                _column(column, shares[column], limits)


def _columns(
    chosen: Chosen, others: dict[str, str], slots: Sequence[DeltaGenerator]
) -> list[Column]:
    """The blocks of one relative depth, and the head that is shown of each."""
    with slots[0]:
        depth = _depth(chosen)
    same = _same(chosen.key, depth)
    whole = same.window >= max(same.rows, same.columns)
    found = [("davit_whole" if whole else "davit", chosen.key, same)]
    if "vit" in others:
        found.append(("vit", others["vit"], _same(others["vit"], depth)))
    if "swin" in others:
        pair = attentions.pair_at_depth(frame.model(others["swin"]).sites, depth)
        kinds = ("swin", "swin_shifted" if pair[1].shift else "swin_whole")
        found += [(kind, others["swin"], site) for kind, site in zip(kinds, pair, strict=True)]
    with slots[1]:
        head = _head([site for _, _, site in found])
    return [
        Column(
            key=key,
            site=site,
            kind=kind,
            head=attentions.nearest_head(site, head),
            place=frame.cell(key, site),
        )
        for kind, key, site in found
    ]


def _depth(chosen: Chosen) -> float:
    """The relative depth, 0 to 1: that of the block above, or a fixed one."""
    texts = {name: words(f"beside_depth_{name}") for name in DEPTHS}
    name = frame.choose(
        words("beside_depths"), DEPTHS, key="beside_depth", words=texts, compact=False
    )
    if name == "same":
        sites = frame.model(chosen.key).sites
        return depth_of(sites.index(chosen.site), len(sites))
    return frame.DEPTHS[name]


def _same(key: str, depth: float) -> MixingSite:
    """A model's block at a relative depth."""
    return frame.site_at(frame.model(key).sites, depth)


def _head(sites: Sequence[MixingSite]) -> int | None:
    """The head that is shown, from 0, or None for all; as many as the block with most has."""
    most = max(site.heads for site in sites)
    options = [ALL, *(str(head + 1) for head in range(most))]
    texts = {ALL: words("head_all")}
    chosen = frame.choose(
        words("beside_head"), options, key="beside_head", words=texts, compact=False
    )
    return None if chosen == ALL else int(chosen) - 1


def _reading(column: Column, place: tuple[int, int]) -> Reading:
    """What the selected place reads in the column's block; computed once for all visitors."""
    key, site = column.key, column.site
    arrays = frame.capture(key, site.group)
    return frame.remember(
        ("reading", frame.view().picture.sha256, key, site.group, place),
        lambda: reading_at(site, arrays, row=place[0], column=place[1]),
    )


def _share(column: Column) -> tuple[LabelledArray, Reading] | None:
    """The share of reading that is drawn, or None outside the crop."""
    if column.place is None:
        return None
    reading = _reading(column, column.place)
    return attentions.share_of(reading, column.site, column.head), reading


def _column(
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
