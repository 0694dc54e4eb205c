"""Patch embedding: one filter of each model, and all of them, beside the training."""

from __future__ import annotations

import html
from collections.abc import Sequence
from functools import partial

import numpy as np
import streamlit as st

from views import frame
from views.patch_embedding.columns import head, stem, words
from vislib.analysis import embedding, patches
from vislib.figures import patches as pictures
from vislib.figures import tiles
from vislib.registry import spec
from vislib.schema import LabelledArray

EXACT_NUMBERS = 60_000
"""Filters with more numbers are sent in 255 colours: a third of the bytes."""
LEGEND = 260
ORDERS = ("frequency", "norm")


def draw(keys: Sequence[str]) -> None:
    """A column a model, then all filters; beside them the training that made them."""
    side, body = st.columns([1, 3], gap="medium")
    with side:
        shown = frame.choose_epoch(keys, needs="stem.filters")
        by = frame.choose(
            words("order"),
            ORDERS,
            key="filter_order",
            words={order: words(f"order_{order}") for order in ORDERS},
        )
        st.caption(words("filters_how"))
        unit = words("filter_unit")
        frame.legend(signed=True, limits=(-1.0, 1.0), unit=unit, key="filterbar", width=LEGEND)
    with body:
        for number, (column, key) in enumerate(zip(st.columns(len(shown)), shown, strict=True), 1):
            with column:
                frame.shielded(partial(filter_view, key, number))
        for number, key in enumerate(shown, 1):
            frame.shielded(partial(all_filters, key, number, by))


def filter_order(key: str, by: str) -> tuple[int, ...]:
    """Filters, from 0, in the order in which they are shown."""
    key = frame.deciding(key)
    filters = stem(key)[0]
    chosen: embedding.FilterOrder = "norm" if by == "norm" else "frequency"
    return frame.remember(
        ("filter order", key, chosen),
        lambda: tuple(int(i) for i in embedding.filter_order(filters, chosen)),
    )


def filter_name(number: int) -> str:
    """The name of a column's filter in the address; columns count from 1."""
    return f"filter_{number}"


def filter_view(key: str, number: int) -> None:
    """One filter enlarged with its parts.

    Args:
        key: Registry key.
        number: The model's place among the columns, from 1: part of the widget's name.
    """
    filters = stem(key)[0]
    count, _, side, _ = filters.values.shape
    head(key, words("filters_sub", count=count, side=side), "fixed")
    strongest = filter_order(key, "norm")[0] + 1
    label, name = words("filter", count=count), filter_name(number)
    frame.choose_number(label, count, key=name, default=strongest)
    _one_filter(key, filters, chosen_filter(key, number))


def chosen_filter(key: str, number: int) -> int:
    """The filter, from 0, that a column's input names."""
    kept = st.session_state.get(filter_name(number))
    return int(kept) - 1 if isinstance(kept, int) else filter_order(key, "norm")[0]


def _one_filter(key: str, filters: LabelledArray, index: int) -> None:
    """The chosen filter in its colours and as three signed maps, with its numbers."""
    taps = filters.select(channel=index)
    png = frame.remember(("one filter", key, index), lambda: pictures.filter_png(taps.values))
    frame.image(png, key=f"pixel-filter-{key}", alt=words("filter_alt", number=index + 1))
    st.html(
        '<div class="parts">'
        + "".join(f"<span>{html.escape(words(part))}</span>" for part in PARTS)
        + "</div>"
    )
    norm, fine = filter_numbers(key)
    frame.html_table(
        [
            (words("norm"), f"{norm[index]:.3g}"),
            (words("frequency"), f"{fine[index]:.2f}"),
            (words("largest"), f"{float(np.abs(taps.values).max()):.3g}"),
        ]
    )
    frame.strip(
        taps,
        key=f"filter.{key}",
        name=f"{key}.stem.filter{index + 1}",
        title=f"{spec(key).title}: {words('tile', number=index + 1)}",
        arrays={"stem.filters": filters},
    )


PARTS = ("part_colour", "part_red", "part_green", "part_blue")


def filter_numbers(key: str) -> tuple[np.ndarray, np.ndarray]:
    """Norm and frequency of each filter."""
    filters = stem(key)[0]
    return frame.remember(
        ("filter numbers", key),
        lambda: (patches.filter_norms(filters), embedding.filter_frequency(filters)),
    )


def filter_colours(
    filters: LabelledArray, order: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray | None]:
    """The filters as colours for the tile canvas, exact where that is small enough to be sent."""
    sorted_filters = embedding.as_rgb_tiles(filters)[list(order)]
    if filters.values.size <= EXACT_NUMBERS:
        return tiles.rgb_shades(sorted_filters)[0], None
    rows, table, _, _ = tiles.rgb_rows(sorted_filters)
    return rows, table


def all_filters(key: str, number: int, by: str) -> None:
    """All filters of a model as colour tiles in the page's whole width; a click chooses one.

    Args:
        key: Registry key.
        number: The model's place among the columns, from 1.
        by: "frequency" or "norm".
    """
    filters, name = stem(key)[0], filter_name(number)
    order = filter_order(key, by)
    norm, fine = filter_numbers(key)
    shown, table = frame.remember(("filter tiles", key, by), lambda: filter_colours(filters, order))
    labels = [
        words("tile_label", number=i + 1, norm=f"{norm[i]:.2g}", frequency=f"{fine[i]:.1f}")
        for i in order
    ]
    count = len(order)
    st.markdown(
        f"**{words('all_filters', model=spec(key).title, count=count)}** {words(f'sorted_{by}')}"
    )
    frame.tile_canvas(
        shown,
        table,
        limits=None,
        unit="",
        labels=labels,
        selected=order.index(chosen_filter(key, number)),
        key=f"filter-tiles-{key}",
        alt=words("tiles_alt", model=spec(key).title),
        gap=5,  # small patches would run into one another
        tile_px=56 if count <= 100 else 40 if count <= 300 else 24,
        texts=frame.tile_texts(),
        on_change=lambda tile: st.session_state.update({name: order[tile] + 1}),
    )
