"""Parts of the token-mixing page: a hidden unit in detail, and a map on its place."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from views import frame
from vislib.analysis import unit_steps
from vislib.analysis.token_units import UnitPair, pair_units
from vislib.analysis.unit_steps import UnitSteps
from vislib.figures import colours, overlay
from vislib.schema import LabelledArray, MixingSite

STRONGEST = 12
"""Channels that are offered for a unit."""
SIDE = 300
"""Page pixels of a map's longer side where four stand together."""


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


def stored_unit(site: MixingSite) -> int:
    """The chosen unit, from 0, brought into this block's range."""
    return min(max(int(st.session_state.get("unit") or 1), 1), site.units) - 1


def unit_input(site: MixingSite) -> int:
    """Which unit, from 0."""
    label = frame.t("token_mixing.unit", count=site.units)
    said = frame.t("token_mixing.unit_help")
    return frame.choose_number(label, site.units, key="unit", help_text=said) - 1


def map_figure(
    array: LabelledArray,
    *,
    key: str,
    seen: tuple[object, ...],
    name: str,
    heading: str,
    unit: str = "",
    limits: tuple[float, float] | None = None,
    model: str,
    width: int = SIDE,
) -> None:
    """One map where it lies on the picture: heading, legend, strip.

    Args:
        array: Axes (row, column).
        key: Of the widgets.
        seen: What the numbers depend on.
        name: The tensor's name.
        heading: Above the map.
        unit: On the legend; the array's own if empty.
        limits: Shared with other maps; None takes them from this one.
        model: Registry key.
        width: Page pixels.
    """
    picture, place = frame.view().picture, frame.cell(model)
    shape, box = (picture.height, picture.width), frame.box(model)
    ends = limits or colours.limits(array.values, signed=array.signed)
    png = frame.remember(
        ("token_map", key, shape, place, ends, *seen),
        lambda: overlay.plain_map(
            array.values,
            picture_shape=shape,
            box=box,
            limits=ends,
            signed=array.signed,
            cell=place,
        ),
    )
    st.markdown(f"**{heading}**")
    alt = frame.t("token_mixing.map_alt", what=heading)
    frame.image(png, key=f"pixel-{key}", alt=alt, width=width)
    words = unit or frame.t(f"unit.{array.unit}")
    frame.legend(signed=array.signed, limits=ends, unit=words, key=f"{key}-bar", width=width)
    frame.strip(array, key=f"{key}.strip", name=name, title=heading)


def summary(key: str, site: MixingSite, unit: int, pairs: list[UnitPair]) -> None:
    """The chosen unit: its opposite, its frequency, what it reads and where it writes."""
    pair = next(entry for entry in pairs if unit in (entry.first, entry.second))
    r = frame.decimals(pair.correlation)
    if pair.second is None:
        partner = frame.t("token_mixing.partner_none", r=r)
    else:
        other = pair.second if unit == pair.first else pair.first
        partner = frame.t("token_mixing.partner_value", unit=other + 1, r=r)
    frame.html_table(
        [
            (frame.t("token_mixing.partner"), partner),
            (frame.t("token_mixing.frequency"), f"{pair.frequency:.1f}"),
            (frame.t("token_mixing.mean_share"), f"{pair.mean_share:.0f} %"),
        ]
    )
    arrays = frame.weights(key, site.group)
    for site_name, what in (("fc1", "reads"), ("fc2", "writes")):
        name = f"{site.group}.token_mixing.{site_name}"
        column = unit_steps.on_grid(arrays[name].select(unit=unit), site.rows, site.columns)
        map_figure(
            column,
            key=f"unit-{what}",
            seen=(key, site.group, unit),
            name=f"{key}.{name}.unit{unit}",
            heading=frame.t(f"token_mixing.{what}", unit=unit + 1),
            model=key,
        )
    st.caption(frame.t("token_mixing.per_picture"))


def one_unit(key: str, site: MixingSite) -> None:
    """One unit on one channel of the picture, step by step."""
    arrays = {**frame.weights(key, site.group), **frame.capture(key, site.group)}
    digest, name = frame.view().picture.sha256, f"{site.group}.token_mixing"
    left, right, facts = st.columns([1, 1, 1.5], gap="medium")
    with left:
        unit = unit_input(site)
    entries = frame.remember(
        ("unit_activity", digest, key, site.group, unit),
        lambda: unit_steps.activity(arrays[f"{name}.hidden"], unit),
    )
    with right:
        label = frame.t("token_mixing.channel", count=site.channels)
        text = frame.t("token_mixing.channel_help")
        typed = frame.choose_number(
            label, site.channels, key="unit_channel", least=0, help_text=text
        )
    channel = typed - 1 if typed else entries[0].channel
    opened = sum(entry.slope > 0.5 for entry in entries)
    with facts:
        value = frame.t("token_mixing.open_value", count=opened, channels=site.channels)
        frame.html_table([(frame.t("token_mixing.open"), value.replace(" ", "\u00a0"))])
    best = [entry.channel for entry in entries[:STRONGEST]]
    st.markdown(f"**{frame.t('token_mixing.strongest', count=len(best), unit=unit + 1)}**")
    incoming = unit_steps.on_grid(arrays[f"{name}.in"], site.rows, site.columns)
    limits = colours.limits(incoming.values[best], signed=True)
    frame.tile_canvas(
        frame.remember(
            ("unit_channels", digest, key, site.group, unit),
            lambda: colours.to_indices(incoming.values[best], limits),
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
    steps = unit_steps.unit_steps(site, arrays, unit=unit, channel=channel)
    _equation(steps)
    _steps(key, site, steps, unit, channel)
    _enlarged(key, steps, unit)


def _equation(steps: UnitSteps) -> None:
    """The numbers between the maps."""
    done = steps.activity
    words = frame.t(
        "token_mixing.equation",
        total=f"{float(steps.product.values.sum()):.3f}",
        bias=f"{'-' if steps.bias < 0 else '+'} {abs(steps.bias):.3f}",
        before=f"{done.before:.3f}",
        after=f"{done.after:.3f}",
        slope=f"{done.slope:.2f}",
    )
    st.markdown(f"**{words.replace('-', chr(0x2212))}**")


def _steps(key: str, site: MixingSite, steps: UnitSteps, unit: int, channel: int) -> None:
    """Four maps, two a row."""
    digest, base = frame.view().picture.sha256, f"{key}.{site.group}.token_mixing"
    rows = (
        (("reads", steps.reads, ""), ("sees", steps.sees, frame.t("token_mixing.input_unit"))),
        (("product", steps.product, ""), ("writes", steps.writes, "")),
    )
    for row in rows:
        for column, (what, array, words) in zip(st.columns(2, gap="medium"), row, strict=True):
            with column:
                map_figure(
                    array,
                    key=f"step-{what}",
                    seen=(digest, key, site.group, unit, channel),
                    name=f"{base}.unit{unit}.channel{channel}.{what}",
                    heading=frame.t(
                        f"token_mixing.step_{what}", unit=unit + 1, channel=channel + 1
                    ),
                    unit=words,
                    model=key,
                )


def _enlarged(key: str, steps: UnitSteps, unit: int) -> None:
    """The unit's weights as one large chart with the raw number under the pointer, on demand."""
    label = frame.t("token_mixing.enlarge")
    if not frame.choose_switch(label, key="unit_raw"):
        return
    from vislib.figures import heatmap

    title = frame.t("token_mixing.enlarged", unit=unit + 1)
    figure = heatmap.heatmap(
        steps.reads,
        title=title,
        cell=frame.cell(key),
        x_title=frame.t("axis.column"),
        y_title=frame.t("axis.row"),
        language=frame.language(),
    )
    frame.plot(figure, key="unit_heatmap", alt=title)
