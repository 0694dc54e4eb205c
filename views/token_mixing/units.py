"""Views of the token-mixing page: a block's hidden units, and the first blocks side by side."""

from __future__ import annotations

import streamlit as st

from views import frame
from views.token_mixing import hidden_unit
from views.token_mixing.controls import Choice
from vislib.analysis.arrays import by_own_largest, spread
from vislib.analysis.token_units import UnitPair
from vislib.figures import colours
from vislib.schema import LabelledArray, MixingSite

MORE_DATA = "mixer_b16_224.goog_in21k"
"""The published Mixer that saw the most pictures: its first blocks are full of pairs."""
LEGEND = 360
MOST_OF_A_BLOCK = 24
"""Pairs, and single units, that a block shows where blocks stand side by side."""


def sheet(
    maps: LabelledArray,
    order: list[int],
    *,
    key: str,
    seen: tuple[object, ...],
    limits: tuple[float, float] | None,
    unit: int,
    block: str | None = None,
    captions: list[str] | None = None,
    paired: bool = False,
) -> None:
    """Units as small maps that can be chosen, in the given order; pairs lie side by side.

    Args:
        maps: All of the block's units, axes (unit, row, column).
        order: The units to show, from 0.
        key: Of the component.
        seen: What the numbers depend on: model and block.
        limits: One scale for all; None takes each unit's own.
        unit: The chosen unit, from 0; -1 for none.
        block: What a click chooses besides the unit, as in the address.
        captions: One a tile.
        paired: Whether two tiles belong together.
    """
    own = limits is None
    pair = limits or (-1.0, 1.0)
    indices = frame.remember(
        ("unit_tiles", *seen, tuple(order), own),
        lambda: colours.to_indices(
            (by_own_largest(maps.values) if own else maps.values)[order], pair
        ),
    )
    frame.tile_canvas(
        indices,
        colours.table(True),
        limits=pair,
        unit=frame.t("token_mixing.own_unit") if own else frame.t("unit.weight"),
        labels=[frame.t("token_mixing.unit_label", unit=u + 1) for u in order],
        selected=order.index(unit) if unit in order else None,
        key=key,
        alt=frame.t("token_mixing.pairs_alt" if paired else "token_mixing.singles_alt"),
        tile_px=30 if not captions else 64 if paired else 52,
        group=2 if paired else 1,
        gap=6 if captions else 3,
        captions=captions or (),
        texts=frame.tile_texts(),
        on_change=lambda tile: hidden_unit.choose_unit(order[tile], block),
    )


def units(chosen: Choice) -> str:
    """All units of the block in pairs, beside the training that made them; the key as of then."""
    site = chosen.site
    side, body = st.columns([1, 2.2], gap="medium")
    with side:
        facts = st.container()
        needs = f"{site.group}.token_mixing.fc1"
        (key,) = frame.choose_epoch([chosen.key], needs=needs)
    pairs = hidden_unit.pairs_of(key, site)
    with facts:
        hidden_unit.summary(key, site, chosen.unit, pairs)
    with body:
        _tiles(key, chosen, pairs)
    return key


def _tiles(key: str, chosen: Choice, pairs: list[UnitPair]) -> None:
    """Pairs, then units without a partner, and their colours."""
    site, maps = chosen.site, hidden_unit.unit_maps(key, chosen.site)
    choice, colour_bar, files = st.columns([1.3, 1.4, 0.5], vertical_alignment="bottom")
    with choice:
        words = {name: frame.t(f"token_mixing.scale_{name}") for name in ("shared", "own")}
        label = frame.t("token_mixing.scale")
        own = frame.choose(label, list(words), key="unit_scale", words=words) == "own"
    limits = None if own else colours.limits(maps.values, signed=True)
    unit = frame.t("token_mixing.own_unit") if own else frame.t("unit.weight")
    with colour_bar:
        ends = limits or (-1.0, 1.0)
        frame.legend(signed=True, limits=ends, unit=unit, key="unit_legend", width=LEGEND)
    with files:
        name = f"{key}.{site.group}.token_mixing.fc1"
        frame.strip(maps, key="units.strip", name=name, note=unit if own else "")
    options = {"seen": (key, site.group), "limits": limits, "unit": chosen.unit}
    twos = [pair for pair in pairs if pair.second is not None]
    if twos:
        count = frame.t("token_mixing.pairs", count=len(twos))
        st.markdown(f"**{count}** {frame.t('token_mixing.pairs_how')}")
        order = hidden_unit.in_order(twos)
        sheet(maps, order, key="unit_pairs", captions=_captions(twos), paired=True, **options)
    else:
        st.info(frame.t("token_mixing.no_pairs"))
    order = [pair.first for pair in pairs if pair.second is None]
    if order:
        st.markdown(f"**{frame.t('token_mixing.singles', count=len(order))}**")
        captions = [str(u + 1) for u in order]
        sheet(maps, order, key="unit_singles", captions=captions, **options)
    frame.offer(MORE_DATA, frame.t("token_mixing.offer_more_data"))


def _captions(pairs: list[UnitPair]) -> list[str]:
    """Two a pair: its units, and their correlation."""
    found: list[str] = []
    for pair in pairs:
        second = "" if pair.second is None else pair.second + 1
        found += [f"{pair.first + 1} | {second}", f"r {frame.decimals(pair.correlation)}"]
    return found


def blocks(chosen: Choice) -> str:
    """The first three blocks side by side, as in the paper's Figure 5; the key as of the epoch."""
    site = chosen.site
    side, body = st.columns([1, 2.6], gap="medium")
    with side:
        needs = "stage0.block0.token_mixing.fc1"
        (key,) = frame.choose_epoch([chosen.key], needs=needs)
    with body:
        st.markdown(frame.t("token_mixing.block_shown"))
        first = frame.model(chosen.key).sites[:3]
        # A row of columns for each kind, so that the blocks stay level.
        for kind in ("pairs", "singles"):
            for column, other in zip(st.columns(len(first), gap="medium"), first, strict=True):
                with column:
                    _block(key, other, kind, chosen.unit if other == site else -1)
        own, maps = frame.t("token_mixing.own_unit"), hidden_unit.unit_maps(key, site)
        colour_bar, files = st.columns([2.2, 1], vertical_alignment="bottom")
        with colour_bar:
            frame.legend(signed=True, limits=(-1.0, 1.0), unit=own, key="block_legend")
        with files:
            name = f"{key}.{site.group}.token_mixing.fc1"
            frame.strip(maps, key="blocks.strip", name=name, note=own)
        frame.offer(MORE_DATA, frame.t("token_mixing.offer_more_data"))
    return key


def _block(key: str, site: MixingSite, kind: str, chosen: int) -> None:
    """Some of one block's pairs or single units."""
    paired = kind == "pairs"
    found = [
        pair for pair in hidden_unit.pairs_of(key, site) if (pair.second is not None) == paired
    ]
    shown = [found[i] for i in spread(len(found), MOST_OF_A_BLOCK)] if found else []
    name = frame.block_name(site)
    title = frame.t("token_mixing.block_title", block=site.block + 1)
    words = frame.t(f"token_mixing.{kind}_word", shown=len(shown), count=len(found))
    st.markdown(f"**{title}** · {words}")
    if shown:
        sheet(
            hidden_unit.unit_maps(key, site),
            hidden_unit.in_order(shown),
            key=f"block-{name}-{kind}",
            seen=(key, site.group),
            limits=None,
            unit=chosen,
            block=name,
            paired=paired,
        )
