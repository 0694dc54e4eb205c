"""Token mixing: what the selected patch reads, in numbers, and the raw maps behind the shares."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from views import frame
from views.token_mixing.controls import Choice
from views.token_mixing.hidden_unit import arrays_on
from vislib.analysis import linear_mixing, unit_steps
from vislib.analysis.common_ground import OF_RAW, OF_SHARE, Reading, statistics
from vislib.analysis.reading_at import reading_at
from vislib.figures import colours, overlay
from vislib.pictures import geometry
from vislib.schema import DecodedImage, LabelledArray, MixingSite, ViewBox

OWN_PLACE = "own_place"
SIDE = 300
"""Page pixels of a raw map's longer side."""
Place = tuple[int, int]


def numbers(chosen: Choice) -> str:
    """The stage's two readings and channel mixing in numbers; the raw maps on demand."""
    key, site = chosen.key, chosen.site
    place = frame.cell(key, site)
    if place is None:
        st.info(frame.t("token_mixing.outside"))
        return key
    found = readings(key, site, place)
    arrays = frame.weights(key, site.group)
    for column, (name, reading) in zip(st.columns(3, gap="medium"), found.items(), strict=True):
        operator = "channel_mixing" if name == OWN_PLACE else "token_mixing"
        with column:
            count = unit_steps.count_weights(arrays, site.group, operator)
            _numbers(key, site, name, reading, place, count)
    if not site.units:
        token, name = place[0] * site.columns + place[1], f"{site.group}.token_mixing.weight"
        alike = frame.remember(
            ("mirror", key, site.group, token),
            lambda: linear_mixing.mirror(arrays[name], token=token),
        )
        st.markdown(frame.t("token_mixing.nothing_left_out", r=frame.decimals(alike)))
    label = frame.t("token_mixing.raw" if site.units else "token_mixing.raw_weights")
    if frame.choose_switch(label, key="slopes"):
        _raw_maps(key, site, found, place)
    return key


def readings(key: str, site: MixingSite, place: Place) -> dict[str, Reading]:
    """What a patch reads in two ways, and through channel mixing."""
    picture = frame.view().picture
    found = {"own_place": unit_steps.own_place(*place, site.rows, site.columns)}
    if site.units:
        zero = reading(key, site, place, picture, at_zero=True)
        return {"at_picture": reading(key, site, place, picture), "at_zero": zero, **found}
    matrix = frame.weights(key, site.group)[f"{site.group}.token_mixing.weight"]
    token, size = place[0] * site.columns + place[1], {"rows": site.rows, "columns": site.columns}
    by = linear_mixing.read_by(matrix, token=token, **size)
    return {"row": reading(key, site, place, picture), "read_by": by, **found}


def reading(
    key: str, site: MixingSite, place: Place, picture: DecodedImage, *, at_zero: bool = False
) -> Reading:
    """What a patch reads on a picture; where no picture goes in, none is run."""
    fixed = at_zero or not site.units

    def make() -> Reading:
        used = frame.weights(key, site.group) if fixed else arrays_on(key, site, picture)
        return reading_at(site, used, row=place[0], column=place[1], at_zero=at_zero)

    name = ("reading", "" if fixed else picture.sha256, key, site.group, place, at_zero)
    return frame.remember(name, make)


def box_on(key: str, picture: DecodedImage) -> ViewBox:
    """What a model sees of a picture, in pixels of that picture."""
    config = frame.model(key).config
    return geometry.view_box(picture.width, picture.height, size=config.size, crop=config.crop)


def facts(key: str, site: MixingSite, found: Reading, place: Place) -> list[tuple[str, str]]:
    """A reading's numbers in words, comparable between models."""
    cell_px = box_on(key, frame.view().picture).width / site.columns
    own = statistics(found.share, row=place[0], column=place[1], cell_px=cell_px)
    return [
        (frame.t("token_mixing.reach"), f"{own.reach_px:.0f}\u00a0px"),
        (frame.t("token_mixing.entropy"), f"{own.entropy_bits:.1f}\u00a0bit"),
        (frame.t("token_mixing.local"), f"{own.local_percent:.1f}\u00a0%"),
    ]


def how(site: MixingSite, found: Reading) -> str:
    """What a reading is, in a sentence."""
    words = frame.reduction(OF_SHARE, found.over)
    return frame.t(f"token_mixing.how_{found.note}", reduction=words, channels=site.channels)


def as_array(site: MixingSite, found: Reading, *, raw: bool) -> LabelledArray:
    """A reading's share or raw map with its names."""
    return LabelledArray(
        values=found.raw if raw else found.share,
        axes=("row", "column"),
        role="channel_mixing" if found.note == OWN_PLACE else "token_mixing",
        unit=found.raw_unit if raw else "percent",
        signed=raw and found.raw_signed,
        provenance=found.provenance,
        source=f"{site.group}, {found.note}",
    )


def _numbers(
    key: str, site: MixingSite, name: str, found: Reading, place: Place, count: int
) -> None:
    """One reading in numbers, with those of its layer's weights."""
    st.markdown(f"**{frame.t(f'token_mixing.{name}')}**")
    users = frame.t("token_mixing.on_channels", count=site.channels)
    if name == OWN_PLACE:
        users = frame.t("token_mixing.on_patches", count=site.rows * site.columns)
    frame.html_table(
        [
            *facts(key, site, found, place),
            (frame.t("token_mixing.weights"), frame.whole(count)),
            (frame.t("token_mixing.used_on"), users.replace(" ", "\u00a0")),
        ]
    )
    st.caption(how(site, found))


def _raw_maps(key: str, site: MixingSite, found: Mapping[str, Reading], place: Place) -> None:
    """The signed maps behind the shares, on one scale."""
    mixed = {name: one for name, one in found.items() if name != OWN_PLACE}
    limits = colours.limits(*(one.raw for one in mixed.values()), signed=True)
    what = "slope" if site.units else "weight"
    for column, (name, one) in zip(st.columns(3, gap="medium"), mixed.items(), strict=False):
        words = frame.t(f"token_mixing.{what}_unit"), frame.reduction(OF_RAW, one.over)
        with column:
            map_figure(
                as_array(site, one, raw=True),
                key=f"slope-{name}",
                seen=(frame.view().picture.sha256, key, site.group, place),
                name=f"{key}.{site.group}.{name}.raw",
                heading=frame.t(f"token_mixing.raw_{what}_title"),
                unit=", ".join(filter(None, words)),
                limits=limits,
                model=key,
            )


def map_figure(
    array: LabelledArray,
    *,
    key: str,
    seen: tuple[object, ...],
    name: str,
    heading: str,
    unit: str,
    limits: tuple[float, float],
    model: str,
) -> None:
    """One signed map where it lies on the picture: heading, legend, strip.

    Args:
        array: Axes (row, column).
        key: Of the widgets.
        seen: What the numbers depend on.
        name: The tensor's name.
        heading: Above the map.
        unit: On the legend.
        limits: Of the colours.
        model: Registry key.
    """
    picture, place = frame.view().picture, frame.cell(model)
    shape, box = (picture.height, picture.width), frame.box(model)
    png = frame.remember(
        ("token_map", key, shape, place, limits, *seen),
        lambda: overlay.plain_map(
            array.values, picture_shape=shape, box=box, limits=limits, signed=True, cell=place
        ),
    )
    st.markdown(f"**{heading}**")
    alt = frame.t("token_mixing.map_alt", what=heading)
    frame.image(png, key=f"pixel-{key}", alt=alt, width=SIDE)
    frame.legend(signed=True, limits=limits, unit=unit, key=f"{key}-bar", width=SIDE)
    frame.strip(array, key=f"{key}.strip", name=name, title=heading)
