"""Raw maps of the pinned place on Compare, the estimate through all blocks, and downloads."""

from __future__ import annotations

import html

import streamlit as st

from views import frame
from views.compare.controls import Choice
from views.compare.reading import CELLS, Answer, answer, facts
from vislib.analysis.common_ground import Reading
from vislib.analysis.reading_at import spatial_operator
from vislib.figures import colours, overlay
from vislib.pictures import geometry
from vislib.registry import spec
from vislib.schema import DecodedImage, LabelledArray, MixingSite, MixScopeError

SIDE = 400
"""Longer side of a map in pixels."""
LEGEND = 320


def draw(key: str, found: Answer) -> None:
    """The raw map in its own unit, with its legend."""
    if found.reading is None or found.place is None:
        st.info(frame.t("compare.outside"))
        return
    picture = frame.view().picture
    array = _labelled(found.site, found.reading, share=False)
    own = colours.limits(array.values, signed=array.signed)
    png = frame.remember(
        ("raw", picture.sha256, key, *_named(found), SIDE),
        lambda: overlay.plain_map(
            array.values,
            picture_shape=(picture.height, picture.width),
            box=frame.box(key),
            limits=own,
            signed=array.signed,
            cell=found.place,
            side=SIDE,
        ),
    )
    kind = "raw_estimate" if found.estimate else "raw"
    frame.image(png, key=f"{kind}-{key}", alt=frame.t(f"compare.{kind}_alt", model=spec(key).title))
    unit = frame.t("compare.gradient_unit") if found.estimate else frame.raw_unit(found.reading)
    frame.legend(signed=array.signed, limits=own, unit=unit, key=f"{kind}bar-{key}", width=LEGEND)


def strip(key: str, found: Answer) -> None:
    """What the numbers are, and files of them."""
    assert found.reading is not None
    array = _labelled(found.site, found.reading, share=False)
    share = _labelled(found.site, found.reading, share=True)
    name = f"{key}.{found.site.group}"
    title = f"{frame.t('compare.title_estimate')}: " if found.estimate else ""
    frame.strip(
        array,
        key=f"raw.{key}",
        name=name,
        title=f"{title}{spec(key).title}",
        arrays={name: array, f"{name}.share": share},
    )


def estimates(keys: tuple[str, ...], chosen: Choice) -> None:
    """All blocks up to the shown one, by gradients: computed on the server, and marked."""
    words = html.escape(frame.t("compare.badge_estimate"))
    st.html(f'<span class="badge" style="border-style:dashed">{words}</span>')
    st.markdown(frame.t("compare.how_receptive_field"))
    with st.popover(frame.t("compare.maths")):
        frame.formula(frame.t("compare.maths_receptive_field_formula"))
        st.markdown(frame.t("compare.maths_receptive_field"))
    found: dict[str, Answer] = {}
    spots = {}
    for place, key in zip(st.columns(len(keys)), keys, strict=True):
        spots[key] = place.container()
        with spots[key]:
            frame.model_head(key)
            try:
                found[key] = answer(key, chosen, estimate=True)
            except MixScopeError as error:
                frame.problem(error)
    readings = [one for a in found.values() for one in (a.reading, a.other) if one is not None]
    limits = colours.limits(*(one.share for one in readings), signed=False)
    for key, one in found.items():
        with spots[key]:
            _estimate(key, one, chosen, limits)
    if readings:
        unit = frame.t("compare.estimate_unit")
        frame.legend(signed=False, limits=limits, unit=unit, key="sharebar")


def _estimate(key: str, found: Answer, chosen: Choice, limits: tuple[float, float]) -> None:
    if found.reading is None:
        st.info(frame.t("compare.outside"))
        return
    words = frame.t("compare.up_to", where=frame.block_words(key, found.site), cells=CELLS)
    st.html(f'<div class="model-sub">{html.escape(words)}</div>')
    alt = frame.t("compare.estimate_alt", model=spec(key).title)
    png = _overlay(key, found, found.reading, frame.view().picture, limits)
    frame.image(png, key=f"share-{key}", alt=alt)
    if found.other is not None and chosen.second is not None:
        png = _overlay(key, found, found.other, chosen.second, limits)
        frame.image(png, key=f"second-{key}", alt=f"{alt}: {chosen.second_title}", width=SIDE // 2)
    frame.html_table(facts(key, found))
    if found.other is not None:
        words = html.escape(frame.t("compare.moved_estimate"))
        st.html(f'<div class="model-sub">{words}</div>')
    st.markdown(f"**{frame.t('compare.raw_estimate')}**")
    draw(key, found)
    strip(key, found)


def _overlay(
    key: str,
    found: Answer,
    reading: Reading,
    picture: DecodedImage,
    limits: tuple[float, float],
) -> bytes:
    """A share of reading over a picture, as PNG."""
    config = frame.model(key).config
    box = geometry.view_box(picture.width, picture.height, size=config.size, crop=config.crop)
    return frame.remember(
        ("overlay", picture.sha256, key, *_named(found), limits, SIDE),
        lambda: overlay.share_overlay(
            picture.pixels, reading.share, box=box, limits=limits, cell=found.place, side=SIDE
        ),
    )


def _named(found: Answer) -> tuple[object, ...]:
    """What a map depends on besides digest and model."""
    note = found.reading.note if found.reading else ""
    return found.site.group, found.place, found.token, note, found.index


def _labelled(site: MixingSite, reading: Reading, *, share: bool) -> LabelledArray:
    """A reading's share or raw map with its names."""
    estimate = reading.provenance == "attribution"
    return LabelledArray(
        values=reading.share if share else reading.raw,
        axes=("row", "column"),
        role="tokens" if estimate else spatial_operator(site) or "tokens",
        unit="percent" if share else reading.raw_unit,
        signed=reading.raw_signed and not share,
        provenance=reading.provenance,
        source=f"{site.group}, {reading.note}",
    )
