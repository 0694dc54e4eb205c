"""What the selected patch reads on the token-mixing page, for MLPs and for linear layers."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from views import frame
from views.token_mixing.hidden_unit import map_figure
from vislib.analysis import linear_mixing, unit_steps
from vislib.analysis.common_ground import OF_RAW, OF_SHARE, Reading, statistics
from vislib.analysis.reading_at import reading_at
from vislib.figures import colours, overlay
from vislib.pictures import geometry
from vislib.schema import DecodedImage, LabelledArray, MixingSite, ViewBox

OWN_PLACE = "own_place"


def gated(key: str, site: MixingSite) -> None:
    """What the selected patch reads: at this picture, at zero, and through channel mixing."""
    place = frame.cell(key, site)
    if place is None:
        st.info(frame.t("token_mixing.outside"))
        return
    st.markdown(frame.t("token_mixing.left_out"))
    _three(key, site, readings(key, site, place), place)


def linear(key: str, site: MixingSite) -> None:
    """What the selected patch reads, who reads it, and channel mixing: rows and columns."""
    place = frame.cell(key, site)
    if place is None:
        st.info(frame.t("token_mixing.outside"))
        return
    token = place[0] * site.columns + place[1]
    matrix = frame.weights(key, site.group)[f"{site.group}.token_mixing.weight"]
    found = frame.remember(
        ("linear_readings", key, site.group, place), lambda: _linear(matrix, site, place, token)
    )
    alike = frame.remember(
        ("mirror", key, site.group, token), lambda: linear_mixing.mirror(matrix, token=token)
    )
    st.markdown(frame.t("token_mixing.nothing_left_out", r=frame.decimals(alike)))
    _three(key, site, found, place)


def _linear(
    matrix: LabelledArray, site: MixingSite, place: tuple[int, int], token: int
) -> dict[str, Reading]:
    """A patch's row and column, and what channel mixing reads."""
    row, column = place
    grid = {"rows": site.rows, "columns": site.columns}
    arrays = {f"{site.group}.token_mixing.weight": matrix}
    return {
        "row": reading_at(site, arrays, row=row, column=column),
        "read_by": linear_mixing.read_by(matrix, token=token, **grid),
        OWN_PLACE: unit_steps.own_place(row, column, **grid),
    }


def _three(
    key: str, site: MixingSite, found: Mapping[str, Reading], place: tuple[int, int]
) -> None:
    """Three readings side by side on one scale; the raw maps of the first two on demand."""
    arrays = frame.weights(key, site.group)
    mixed = {name: reading for name, reading in found.items() if name != OWN_PLACE}
    limits = colours.limits(*(reading.share for reading in mixed.values()), signed=False)
    frame.legend(
        signed=False, limits=limits, unit=frame.t("token_mixing.share_unit"), key="reading_legend"
    )
    label = frame.t("token_mixing.raw" if site.units else "token_mixing.raw_weights")
    raw = frame.choose_switch(label, key="slopes")
    for column, name in zip(st.columns(len(found), gap="medium"), found, strict=True):
        with column:
            operator = "channel_mixing" if name == OWN_PLACE else "token_mixing"
            count = unit_steps.count_weights(arrays, site.group, operator)
            _reading(key, site, name, found[name], place, limits, count)
            if raw and name in mixed:
                _raw(key, site, name, mixed, place)


def readings(key: str, site: MixingSite, place: tuple[int, int]) -> dict[str, Reading]:
    """The three readings of a patch."""
    digest = frame.view().picture.sha256
    arrays = {**frame.weights(key, site.group), **frame.capture(key, site.group)}
    row, column = place
    return {
        "at_picture": frame.remember(
            ("reading", digest, key, site.group, place),
            lambda: reading_at(site, arrays, row=row, column=column),
        ),
        "at_zero": frame.remember(
            ("reading_at_zero", key, site.group, place),
            lambda: reading_at(site, arrays, row=row, column=column, at_zero=True),
        ),
        OWN_PLACE: unit_steps.own_place(row, column, site.rows, site.columns),
    }


def share_map(
    key: str,
    site: MixingSite,
    name: str,
    reading: Reading,
    place: tuple[int, int],
    limits: tuple[float, float],
    *,
    heading: str,
    other: DecodedImage | None = None,
    side: int = overlay.DEFAULT_SIDE,
) -> None:
    """One share of reading over a picture.

    Args:
        key: Registry key of the model.
        site: The block.
        name: Of the map, unique among the maps of this model and block.
        reading: What is drawn.
        place: The reader's cell.
        limits: Shared with the maps beside it.
        heading: For screen readers.
        other: Another picture than the visitor's.
        side: Longer side of the file, in its own pixels.
    """
    picture = other or frame.view().picture
    box = box_on(key, picture)
    png = frame.remember(
        ("token_reading", picture.sha256, key, site.group, name, place, limits, side),
        lambda: overlay.share_overlay(
            picture.pixels, reading.share, box=box, limits=limits, cell=place, side=side
        ),
    )
    alt = frame.t("token_mixing.reading_alt", what=heading)
    frame.image(png, key=f"reading-{name}", alt=alt)


def box_on(key: str, picture: DecodedImage) -> ViewBox:
    """What a model sees of a picture, in pixels of that picture."""
    config = frame.model(key).config
    return geometry.view_box(picture.width, picture.height, size=config.size, crop=config.crop)


def facts(
    key: str, site: MixingSite, reading: Reading, place: tuple[int, int]
) -> list[tuple[str, str]]:
    """A reading's numbers in words, comparable between models."""
    box = box_on(key, frame.view().picture)
    numbers = statistics(
        reading.share, row=place[0], column=place[1], cell_px=box.width / site.columns
    )
    return [
        (frame.t("token_mixing.reach"), f"{numbers.reach_px:.0f}\u00a0px"),
        (frame.t("token_mixing.entropy"), f"{numbers.entropy_bits:.1f}\u00a0bit"),
        (frame.t("token_mixing.local"), f"{numbers.local_percent:.1f}\u00a0%"),
    ]


def how(site: MixingSite, reading: Reading) -> str:
    """What a reading is, in a sentence."""
    words = frame.reduction(OF_SHARE, reading.over)
    return frame.t(f"token_mixing.how_{reading.note}", reduction=words, channels=site.channels)


def as_array(site: MixingSite, reading: Reading, *, raw: bool) -> LabelledArray:
    """A reading's share or raw map with its names."""
    return LabelledArray(
        values=reading.raw if raw else reading.share,
        axes=("row", "column"),
        role="channel_mixing" if reading.note == OWN_PLACE else "token_mixing",
        unit=reading.raw_unit if raw else "percent",
        signed=raw and reading.raw_signed,
        provenance=reading.provenance,
        source=f"{site.group}, {reading.note}",
    )


def _reading(
    key: str,
    site: MixingSite,
    name: str,
    reading: Reading,
    place: tuple[int, int],
    limits: tuple[float, float],
    count: int,
) -> None:
    """One share of reading over the picture, with its numbers and those of its layer's weights."""
    heading = frame.t(f"token_mixing.{name}")
    st.html(f'<div class="model-sub"><b>{heading}</b></div>')
    share_map(key, site, name, reading, place, limits, heading=heading)
    users = frame.t("token_mixing.on_channels", count=site.channels)
    if name == OWN_PLACE:
        users = frame.t("token_mixing.on_patches", count=site.rows * site.columns)
    frame.html_table(
        [
            *facts(key, site, reading, place),
            (frame.t("token_mixing.weights"), frame.whole(count)),
            (frame.t("token_mixing.used_on"), users.replace(" ", "\u00a0")),
        ]
    )
    st.caption(how(site, reading))
    if name != OWN_PLACE:  # that map is no measurement: it says what the layer can reach
        frame.strip(
            as_array(site, reading, raw=False),
            key=f"reading.{name}",
            name=f"{key}.{site.group}.{name}",
            title=heading,
        )


def _raw(
    key: str,
    site: MixingSite,
    name: str,
    mixed: Mapping[str, Reading],
    place: tuple[int, int],
) -> None:
    """The signed map behind a share; both maps on one scale."""
    kind = "slope" if site.units else "weight"
    unit = (frame.t(f"token_mixing.{kind}_unit"), frame.reduction(OF_RAW, mixed[name].over))
    map_figure(
        as_array(site, mixed[name], raw=True),
        key=f"slope-{name}",
        seen=(frame.view().picture.sha256, key, site.group, place),
        name=f"{key}.{site.group}.{name}.raw",
        heading=frame.t(f"token_mixing.raw_{kind}_title"),
        unit=", ".join(filter(None, unit)),
        limits=colours.limits(*(reading.raw for reading in mixed.values()), signed=True),
        model=key,
    )
