"""One model's column on Compare: what the selected place reads there, and the model's answer."""

from __future__ import annotations

import html
from dataclasses import dataclass

import streamlit as st

from views import frame
from views.compare import channels
from views.compare.choice import Choice
from views.compare.reading import CELLS, Answer
from vislib.analysis.common_ground import OF_SHARE, Reading, statistics
from vislib.analysis.reading_at import spatial_operator
from vislib.figures import colours, overlay
from vislib.pictures import geometry
from vislib.registry import spec
from vislib.schema import DecodedImage, LabelledArray, MixingSite, ViewBox

SIDES = {1: 400, 2: 400, 3: 400, 4: 340, 5: 280}
"""Columns -> longer side of a map in pixels: a click stays under 300 kB with five models too."""

SMALL_SIDES = {1: 200, 2: 200, 3: 200, 4: 150, 5: 120}
"""The same of the second picture's map."""

LEGENDS = {1: 420, 2: 420, 3: 420, 4: 300, 5: 250}
"""Columns -> width of a legend in pixels: it is not made smaller to fit, so it can be read."""


@dataclass(frozen=True)
class Column:
    """What all columns have in common.

    Attributes:
        limits: Of the shares, the same for all columns and both pictures.
        columns: Models side by side, at most five.
        beyond: Whether to say how much is read outside the picture (in all columns or in none).
        noted: Whether a column has something to say of its head or channel.
    """

    limits: tuple[float, float]
    columns: int
    beyond: bool
    noted: bool


def draw(key: str, found: Answer, chosen: Choice, shared: Column) -> None:
    """Where in the depth, the badge, the maps and their numbers, the answer."""
    site = found.site
    st.html(f'<div class="model-sub">{html.escape(_where(key, site, chosen.accumulated))}</div>')
    if chosen.accumulated:
        words = html.escape(frame.t("compare.badge_estimate"))
        st.html(f'<span class="badge" style="border-style:dashed">{words}</span>')
    else:
        frame.badge(site.mixing)
    if shared.noted:
        words = html.escape(found.said) or "&nbsp;"
        st.html(f'<div class="model-sub" style="min-height:3.9em">{words}</div>')
    if found.reading is None or found.place is None:
        st.info(frame.t("compare.outside"))
    else:
        _share(key, found, found.reading, found.place, chosen, shared)
        _raw(key, found, found.reading, found.place, chosen, shared)
    answers(key)
    if "channel_attention" in site.operators and not chosen.accumulated:
        channels.draw(key, site, chosen.entry, SIDES[shared.columns], LEGENDS[shared.columns])


def _where(key: str, site: MixingSite, accumulated: bool) -> str:
    """Stage and block, and the grid of the map."""
    where = frame.block_words(key, site)
    if accumulated:
        return frame.t("compare.up_to", where=where, cells=CELLS)
    return f"{where} · {frame.t('compare.grid', rows=site.rows, columns=site.columns)}"


def _named(found: Answer) -> tuple[object, ...]:
    """What a column's pictures depend on besides digest, model and sizes."""
    reading = found.reading
    note = reading.note if reading else ""
    return found.site.group, found.place, found.token, note, found.index


def _share(
    key: str,
    found: Answer,
    reading: Reading,
    place: tuple[int, int],
    chosen: Choice,
    shared: Column,
) -> None:
    """The share of reading over the picture, beside it over the second one, and the numbers."""
    kind = "estimate" if chosen.accumulated else "share"
    if chosen.accumulated:
        st.markdown(f"**{frame.t('compare.title_estimate')}**")
    picture, seen = frame.view().picture, frame.box(key)
    alt = frame.t(f"compare.{kind}_alt", model=spec(key).title)
    side = SIDES[shared.columns]
    png = _overlay(key, found, reading, picture, seen, shared.limits, side)
    frame.image(png, key=f"share-{key}", alt=alt)
    if found.other is not None and chosen.second is not None:
        st.html(f'<div class="model-sub">{html.escape(chosen.second_title)}</div>')
        small = SMALL_SIDES[shared.columns]
        box = _box_on(key, chosen.second)
        png = _overlay(key, found, found.other, chosen.second, box, shared.limits, small)
        frame.image(png, key=f"second-{key}", alt=f"{alt}: {chosen.second_title}", width=small)
    _numbers(found, reading, place, seen, shared)
    _how(key, found, reading, chosen)


def _overlay(
    key: str,
    found: Answer,
    reading: Reading,
    picture: DecodedImage,
    box: ViewBox,
    limits: tuple[float, float],
    side: int,
) -> bytes:
    """A share of reading over a picture, as PNG."""
    return frame.remember(
        ("overlay", picture.sha256, key, *_named(found), limits, side),
        lambda: overlay.share_overlay(
            picture.pixels, reading.share, box=box, limits=limits, cell=found.place, side=side
        ),
    )


def _box_on(key: str, picture: DecodedImage) -> ViewBox:
    """What a model sees of a picture, in pixels of that picture."""
    config = frame.model(key).config
    return geometry.view_box(picture.width, picture.height, size=config.size, crop=config.crop)


def _numbers(
    found: Answer, reading: Reading, place: tuple[int, int], seen: ViewBox, shared: Column
) -> None:
    """Reach, entropy, what stays, and what moved."""
    cell_px = seen.width / reading.share.shape[1]
    numbers = statistics(reading.share, row=place[0], column=place[1], cell_px=cell_px)
    rows = [
        (frame.t("compare.reach"), f"{numbers.reach_px:.0f} px"),
        (frame.t("compare.entropy"), f"{numbers.entropy_bits:.1f} bit"),
        (frame.t("compare.local"), f"{numbers.local_percent:.1f} %"),
    ]
    if shared.beyond:
        rows.append(_outside(found.site, reading))
    if found.moved is not None:
        rows.append((frame.t("compare.moved"), f"{found.moved:.1f} %"))
    frame.html_table(rows)


def _outside(site: MixingSite, reading: Reading) -> tuple[str, str]:
    """The share that goes to tokens without a place in the picture, named and in percent."""
    name = frame.t("compare.to_class" if site.prefix else "compare.beyond")
    return name, f"{reading.outside:.1f} %" if site.prefix or site.window else "–"


def _how(key: str, found: Answer, reading: Reading, chosen: Choice) -> None:
    """What the map is, why it moved or not, and the maths on demand."""
    note = reading.note
    name = f"compare.how_{note}_one" if found.index is not None else f"compare.how_{note}"
    how = frame.t(name, reduction=frame.reduction(OF_SHARE, reading.over))
    if found.site.step > 1 and not chosen.accumulated:
        how = f"{how} {frame.t('compare.how_step', step=found.site.step)}"
    st.html(f'<div class="how">{html.escape(how)}</div>')
    if found.other is not None:
        reason = "estimate" if chosen.accumulated else str(found.site.mixing)
        reason = "at_zero" if note == "mixer_at_zero" else reason
        words = frame.t(f"compare.moved_{reason}")
        st.html(f'<div class="model-sub reads" style="min-height:5.2em">{html.escape(words)}</div>')
    with st.popover(frame.t("compare.maths"), key=f"maths-{key}"):
        st.markdown(f"`{frame.t(f'compare.maths_{note}_formula')}`")
        st.markdown(frame.t(f"compare.maths_{note}"))


def _raw(
    key: str,
    found: Answer,
    reading: Reading,
    place: tuple[int, int],
    chosen: Choice,
    shared: Column,
) -> None:
    """The raw map in its own unit, with its legend."""
    picture, site, side = frame.view().picture, found.site, SIDES[shared.columns]
    raw = _labelled(site, reading, share=False)
    own = colours.limits(raw.values, signed=raw.signed)
    png = frame.remember(
        ("raw", picture.sha256, key, *_named(found), side),
        lambda: overlay.plain_map(
            raw.values,
            picture_shape=(picture.height, picture.width),
            box=frame.box(key),
            limits=own,
            signed=raw.signed,
            cell=place,
            side=side,
        ),
    )
    kind = "raw_estimate" if chosen.accumulated else "raw"
    st.markdown(f"**{frame.t(f'compare.{kind}')}**")
    frame.image(png, key=f"raw-{key}", alt=frame.t(f"compare.{kind}_alt", model=spec(key).title))
    frame.legend(
        signed=raw.signed,
        limits=own,
        unit=frame.t("compare.gradient_unit") if chosen.accumulated else frame.raw_unit(reading),
        key=f"rawbar-{key}",
        width=LEGENDS[shared.columns],
    )
    name = f"{key}.{site.group}"
    title = frame.t("compare.title_estimate") if chosen.accumulated else ""
    frame.strip(
        raw,
        key=f"raw.{key}",
        name=name,
        title=f"{title}: {spec(key).title}" if title else spec(key).title,
        arrays={name: raw, f"{name}.share": _labelled(site, reading, share=True)},
    )


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


def answers(key: str) -> None:
    """The five most probable classes, and what the model is."""
    cache = frame.capture(key, "logits")
    colour = colours.family_colour(spec(key).family)
    st.markdown(f"**{frame.t('compare.top5', count=len(cache.labels))}**")
    frame.verdict(key, cache)
    frame.answer_bars(((name, share, "") for name, share in cache.top(5)), colour)
    model = frame.model(key)
    adds = frame.remember(("multiply_adds", key), lambda: frame.multiply_adds(key))
    frame.html_table(
        [
            (frame.t("compare.parameters"), f"{model.parameters / 1e6:.2f} M"),
            (frame.t("compare.multiply_adds"), f"{adds / 1e9:.3g} G"),
            (frame.t("compare.seconds"), f"{1000 * cache.seconds:.0f} ms"),
            (frame.t("compare.input"), f"{model.config.size} × {model.config.size}"),
            (frame.t("compare.tokens"), f"{model.grid.rows} × {model.grid.columns}"),
        ]
    )
