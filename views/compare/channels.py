"""Channel attention on Compare: no map of places, but where an entry of its table comes from."""

from __future__ import annotations

import html

import streamlit as st

from views import frame
from views.compare.choice import Entry
from vislib.analysis.channel_groups import strongest_entry
from vislib.analysis.dual_attention import score_map, total
from vislib.figures import colours, overlay
from vislib.registry import spec
from vislib.schema import LabelledArray, MixingSite


def draw(key: str, site: MixingSite, asked: Entry, side: int, legend_width: int) -> None:
    """Where the chosen entry, or the strongest, of the block's channel tables comes from.

    Args:
        key: Registry key.
        site: A block with channel attention.
        asked: Group, i and j, from 1; None for the strongest.
        side: Longer side of the map in pixels.
        legend_width: In pixels.
    """
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
        (*name, cell, side),
        lambda: overlay.plain_map(
            places.values,
            picture_shape=(picture.height, picture.width),
            box=frame.box(key),
            limits=limits,
            signed=True,
            cell=cell,
            side=side,
        ),
    )
    frame.image(
        png,
        key=f"channel-{key}",
        alt=frame.t("compare.channel_alt", model=spec(key).title, **numbers),
    )
    unit = frame.t("compare.channel_unit")
    frame.legend(signed=True, limits=limits, unit=unit, key=f"channelbar-{key}", width=legend_width)
    frame.html_table(
        [
            (frame.t("compare.channel_score"), f"{total(places):.3f}"),
            (frame.t("compare.channel_share"), f"{100 * float(pattern.values[group, i, j]):.1f} %"),
        ]
    )
    with st.popover(frame.t("compare.maths"), key=f"maths-channel-{key}"):
        st.markdown(f"`{frame.t('compare.maths_channel_formula')}`")
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
