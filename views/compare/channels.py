"""Channel attention on Compare: no map of places, but where an entry of its table comes from."""

from __future__ import annotations

import html

import streamlit as st

from views import frame
from views.compare.controls import MOST_ENTRY, Choice
from views.compare.depths import block_at
from views.compare.raw import LEGEND, SIDE
from views.frame import links
from vislib.analysis.channel_groups import strongest_entry
from vislib.analysis.dual_attention import score_map, total
from vislib.figures import colours, overlay
from vislib.registry import spec
from vislib.schema import LabelledArray, MixingSite

ENTRY = ("group", "i", "j")
Entry = tuple[int | None, int | None, int | None]


def draw(keys: tuple[str, ...], chosen: Choice) -> None:
    """The entry's inputs, and each model's map beside them."""
    sites = {key: block_at(key, chosen.depth) for key in keys}
    sites = {key: site for key, site in sites.items() if "channel_attention" in site.operators}
    if not sites:
        st.info(frame.t("compare.no_channels"))
        return
    inputs, *places = st.columns(1 + len(sites))
    with inputs:
        asked = _asked()
    for place, (key, site) in zip(places, sites.items(), strict=True):
        with place:
            frame.model_head(key)
            _one(key, site, asked)


def _asked() -> Entry:
    """Which entry of channel attention's tables; empty is the strongest of what is left."""
    names = [f"entry_{name}" for name in ENTRY]
    st.markdown(frame.t("compare.entry_help"))
    group, i, j = (
        frame.choose_number_freely(
            frame.t(f"compare.{name}"),
            MOST_ENTRY,
            key=name,
            placeholder=frame.t("compare.entry_strongest"),
        )
        for name in names
    )
    links.say(*names)
    return group, i, j


def _one(key: str, site: MixingSite, asked: Entry) -> None:
    """Where the chosen entry, or the strongest, of the block's channel tables comes from."""
    picture = frame.view().picture
    arrays = frame.capture(key, site.group)
    pattern = arrays[f"{site.group}.channel.pattern"]
    (group, i, j), nearest = _entry(pattern, asked)
    name = ("channel_entry", picture.sha256, key, site.group, group, i, j)
    places = frame.remember(name, lambda: score_map(arrays, site, group=group, out=i, read=j))
    numbers = {"group": group + 1, "i": i + 1, "j": j + 1}
    st.markdown(f"**{frame.t('compare.channel_title')}**")
    st.html(f'<div class="model-sub">{html.escape(frame.t("compare.channel_sentence"))}</div>')
    words = frame.t("compare.channel_entry", **numbers)
    if nearest:
        words = f"{frame.t('compare.channel_nearest')} {words}"
    st.html(f'<div class="model-sub"><b>{html.escape(words)}</b></div>')
    limits = colours.limits(places.values, signed=True)
    cell = frame.cell(key, site)
    png = frame.remember(
        (*name, SIDE, cell),
        lambda: overlay.plain_map(
            places.values,
            picture_shape=(picture.height, picture.width),
            box=frame.box(key),
            limits=limits,
            signed=True,
            cell=cell,
            side=SIDE,
        ),
    )
    alt = frame.t("compare.channel_alt", model=spec(key).title, **numbers)
    frame.image(png, key=f"channel-{key}", alt=alt)
    unit = frame.t("compare.channel_unit")
    frame.legend(signed=True, limits=limits, unit=unit, key=f"channelbar-{key}", width=LEGEND)
    frame.html_table(
        [
            (frame.t("compare.channel_score"), f"{total(places):.3f}"),
            (frame.t("compare.channel_share"), f"{100 * float(pattern.values[group, i, j]):.1f} %"),
        ]
    )
    frame.formula(frame.t("compare.maths_channel_formula"))
    st.markdown(frame.t("compare.maths_channel"))
    frame.strip(
        places, key=f"channel.{key}", name=f"{key}.{site.group}.channel", title=spec(key).title
    )


def _entry(pattern: LabelledArray, asked: Entry) -> tuple[tuple[int, int, int], bool]:
    """The entry from 0, and whether a number was asked for that is not there."""
    kept = [
        None if number is None else min(number, size)
        for number, size in zip(asked, pattern.values.shape, strict=True)
    ]
    group, out, read = (None if number is None else number - 1 for number in kept)
    return strongest_entry(pattern, group=group, out=out, read=read), tuple(kept) != asked
