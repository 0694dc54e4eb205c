"""Beside DaViT's attentions: Swin's windows and ViT's global attention for the same place."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from views import frame
from views.dual_attention import columns, reach
from views.dual_attention.chosen import Chosen
from views.dual_attention.columns import Column, words
from vislib.analysis import attentions
from vislib.analysis.depth import depth_of
from vislib.figures import colours
from vislib.registry import spec
from vislib.schema import MixingSite, MixScopeError

VIEWS = ("maps", "depth")
DEPTHS = ("same", *frame.DEPTHS)
ALL = "all"
OFFERED = {
    "swin": "swin_tiny_patch4_window7_224.ms_in1k",
    "vit": "deit_small_patch16_224.fb_in1k",
}
"""The model of a family that is offered where none is on this machine."""


def draw(chosen: Chosen) -> None:
    """The maps of the selected place, or the reach over depth; loads up to two more models."""
    view = frame.choose(
        words("beside_view"), VIEWS, key="beside", words={v: words(f"beside_{v}") for v in VIEWS}
    )
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
    found = _columns(chosen, others, slots)
    shares = {column: columns.share_of(column) for column in found}
    drawn = [share.values for share, _ in filter(None, shares.values())]
    if not drawn:
        st.info(words("outside"))
        return
    limits = colours.limits(*drawn, signed=False)
    frame.legend(signed=False, limits=limits, unit=words("beside_unit"), key="beside-sharebar")
    st.caption(words("beside_frame"))
    # Two in a row: large enough for the last row of a hall, and the same place at the same height.
    for first in range(0, len(found), 2):
        for place, column in zip(st.columns(2, gap="medium"), found[first:], strict=False):
            with place:
                columns.draw(column, shares[column], limits)


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
