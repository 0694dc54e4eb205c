"""Token mixing: a hidden unit, what it reads and where it writes, and one channel followed."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from views import frame
from views.token_mixing.controls import Choice
from vislib.analysis import unit_steps
from vislib.analysis.token_units import UnitPair, pair_units
from vislib.analysis.unit_steps import ChannelActivity, UnitSteps
from vislib.figures import colours
from vislib.schema import DecodedImage, LabelledArray, MixingSite

SIDES = {"reads": "fc1", "writes": "fc2"}
"""What a unit's weights are, and the layer that holds them."""
STEPS = ("reads", "sees", "product", "writes")
"""The maps from what a unit looks for to what it adds: names in ``UnitSteps``."""
STRONGEST = 12
"""Channels that are offered for a unit."""


def kind(site: MixingSite) -> str:
    """Units for an MLP over the tokens, linear for one linear layer: also how texts end."""
    return "units" if site.units else "linear"


def in_order(pairs: Sequence[UnitPair]) -> list[int]:
    """The pairs' units, members side by side."""
    return [u for pair in pairs for u in (pair.first, pair.second) if u is not None]


def unit_maps(key: str, site: MixingSite) -> LabelledArray:
    """fc1 as maps, axes (unit, row, column)."""
    fc1 = frame.weights(key, site.group)[f"{site.group}.token_mixing.fc1"]
    return unit_steps.on_grid(fc1, site.rows, site.columns)


def side_of(key: str, site: MixingSite, unit: int, what: str) -> LabelledArray:
    """A unit's row of W1 ("reads") or its column of W2 ("writes"), axes (row, column)."""
    layer = frame.weights(key, site.group)[f"{site.group}.token_mixing.{SIDES[what]}"]
    return unit_steps.on_grid(layer.select(unit=unit), site.rows, site.columns)


def pairs_of(key: str, site: MixingSite) -> list[UnitPair]:
    """The block's units in pairs, lowest frequency first; one order while a film is played."""
    name = f"{site.group}.token_mixing.fc1"
    fc1, like = (frame.weights(k, site.group)[name] for k in (key, frame.deciding(key)))
    return frame.remember(
        ("unit_pairs", key, site.group),
        lambda: pair_units(fc1, site.rows, site.columns, like=like),
    )


def choose_unit(unit: int, block: str | None = None) -> None:
    """Choose a unit, from 0, in a callback."""
    st.session_state["unit"] = unit + 1
    if block is not None:
        st.session_state["mixer_block"] = block


def summary(key: str, site: MixingSite, unit: int, pairs: list[UnitPair]) -> None:
    """The chosen unit: its opposite, its frequency, its mean."""
    pair = next(entry for entry in pairs if unit in (entry.first, entry.second))
    r = frame.decimals(pair.correlation)
    if pair.second is None:
        partner = frame.t("token_mixing.partner_none", r=r)
    else:
        other = pair.second if unit == pair.first else pair.first
        partner = frame.t("token_mixing.partner_value", unit=other + 1, r=r)
    st.markdown(f"**{frame.t('token_mixing.unit_of', unit=unit + 1)}**")
    frame.html_table(
        [
            (frame.t("token_mixing.partner"), partner),
            (frame.t("token_mixing.frequency"), f"{pair.frequency:.1f}"),
            (frame.t("token_mixing.mean_share"), f"{pair.mean_share:.0f} %"),
        ]
    )
    st.caption(frame.t("token_mixing.per_picture"))


def arrays_on(key: str, site: MixingSite, picture: DecodedImage) -> dict[str, LabelledArray]:
    """A block's weights and what it computes on a picture."""
    captured = frame.capture(key, site.group, picture=picture)
    return {**frame.weights(key, site.group), **captured}


def activity(key: str, site: MixingSite, unit: int, picture: DecodedImage) -> list[ChannelActivity]:
    """The channels on which a unit is active, the strongest first."""
    hidden = arrays_on(key, site, picture)[f"{site.group}.token_mixing.hidden"]
    return frame.remember(
        ("unit_activity", picture.sha256, key, site.group, unit),
        lambda: unit_steps.activity(hidden, unit),
    )


def steps(key: str, site: MixingSite, chosen: Choice, picture: DecodedImage) -> UnitSteps:
    """The chosen unit on the chosen channel, or on the most active one."""
    channel = chosen.channel
    if channel is None:
        channel = activity(key, site, chosen.unit, picture)[0].channel
    arrays = arrays_on(key, site, picture)
    return unit_steps.unit_steps(site, arrays, unit=chosen.unit, channel=channel)


def one_unit(chosen: Choice) -> str:
    """One unit on one channel of the picture: the sum in numbers, and the channels to choose."""
    key, site, picture = chosen.key, chosen.site, frame.view().picture
    found = steps(key, site, chosen, picture)
    entries = activity(key, site, chosen.unit, picture)
    left, right = st.columns([1, 1.9], gap="medium")
    with left:
        channel = found.activity.channel + 1
        said = frame.t("token_mixing.unit_on", unit=chosen.unit + 1, channel=channel)
        st.markdown(f"**{said}**")
        _equation(found)
        opened = sum(entry.slope > 0.5 for entry in entries)
        value = frame.t("token_mixing.open_value", count=opened, channels=site.channels)
        frame.html_table([(frame.t("token_mixing.open"), value.replace(" ", "\u00a0"))])
        _enlarged(key, found, chosen.unit)
    with right:
        _channels(chosen, entries, found.activity.channel)
    return key


def _channels(chosen: Choice, entries: Sequence[ChannelActivity], channel: int) -> None:
    """The channels on which the unit is most active; a click chooses one."""
    key, site, picture = chosen.key, chosen.site, frame.view().picture
    best = [entry.channel for entry in entries[:STRONGEST]]
    what = frame.t("token_mixing.strongest", count=len(best), unit=chosen.unit + 1)
    st.markdown(f"**{what}**")
    arrays = arrays_on(key, site, picture)
    maps = unit_steps.on_grid(arrays[f"{site.group}.token_mixing.in"], site.rows, site.columns)
    limits = colours.limits(maps.values[best], signed=True)
    frame.tile_canvas(
        frame.remember(
            ("unit_channels", picture.sha256, key, site.group, chosen.unit),
            lambda: colours.to_indices(maps.values[best], limits),
        ),
        colours.table(True),
        limits=limits,
        unit=frame.t("token_mixing.input_unit"),
        labels=[frame.t("token_mixing.channel_label", channel=c + 1) for c in best],
        selected=best.index(channel) if channel in best else None,
        key="unit_channels",
        alt=frame.t("token_mixing.strongest_alt"),
        tile_px=72,
        gap=8,
        captions=[f"{e.channel + 1} | {frame.decimals(e.after)}" for e in entries[:STRONGEST]],
        texts=frame.tile_texts(),
        on_change=lambda tile: st.session_state.update(unit_channel=best[tile] + 1),
    )
    words = frame.t("token_mixing.input_unit")
    frame.legend(signed=True, limits=limits, unit=words, key="channel_legend")
    st.caption(frame.t("token_mixing.strongest_how"))


def _equation(found: UnitSteps) -> None:
    """The numbers between the maps."""
    done = found.activity
    words = frame.t(
        "token_mixing.equation",
        total=f"{float(found.product.values.sum()):.3f}",
        bias=f"{'-' if found.bias < 0 else '+'} {abs(found.bias):.3f}",
        before=f"{done.before:.3f}",
        after=f"{done.after:.3f}",
        slope=f"{done.slope:.2f}",
    )
    st.markdown(f"**{words.replace('-', chr(0x2212))}**")


def _enlarged(key: str, found: UnitSteps, unit: int) -> None:
    """The unit's weights as one large chart with the raw number under the pointer, on demand."""
    label = frame.t("token_mixing.enlarge")
    if not frame.choose_switch(label, key="unit_raw"):
        return
    from vislib.figures import heatmap

    title = frame.t("token_mixing.enlarged", unit=unit + 1)
    figure = heatmap.heatmap(
        found.reads,
        title=title,
        cell=frame.cell(key),
        x_title=frame.t("axis.column"),
        y_title=frame.t("axis.row"),
        language=frame.language(),
    )
    frame.plot(figure, key="unit_heatmap", alt=title)
