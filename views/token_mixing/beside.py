"""ResMLP beside MLP-Mixer: the same place, the same scale, and what another picture changes."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from views import frame
from views.token_mixing import hidden_unit, reads
from vislib.analysis import receptive
from vislib.analysis.common_ground import Reading
from vislib.analysis.depth import same_depth
from vislib.analysis.reading_at import reading_at
from vislib.figures import colours
from vislib.pictures import gallery
from vislib.registry import spec
from vislib.schema import DecodedImage, MixingSite

FAMILIES = ("resmlp", "mixer")
PUBLISHED = {"resmlp": "resmlp_24_224.fb_in1k", "mixer": "mixer_b16_224.goog_in21k_ft_in1k"}
"""The model of each family that is offered where none is there."""
SIDE = 340
"""Longer side of a map in pixels: four maps stay under 300 kB."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """What one model reads at the selected place on two pictures; None outside its crop."""

    key: str
    site: MixingSite
    place: tuple[int, int] | None
    here: Reading | None
    there: Reading | None


def beside(key: str, site: MixingSite) -> None:
    """Two columns on one scale: the visitor's picture above, another one below.

    Where the other family is not on this machine it is offered, and one model is shown alone.
    """
    family = next(name for name in FAMILIES if name != spec(key).family)
    left, right = st.columns(2, gap="medium")
    with left:
        partner = _partner(key, family)
    with right:
        title, other = _other_picture()
    pair = {spec(key).family: (key, site)}
    if partner is None:
        frame.offer(PUBLISHED[family], frame.t(f"token_mixing.offer_{family}"))
    else:
        pair[family] = (partner, _same_depth(site, key, partner))
    found = [_read(*pair[name], other) for name in FAMILIES if name in pair]
    shares = [r.share for c in found for r in (c.here, c.there) if r is not None]
    if not shares:
        st.info(frame.t("token_mixing.outside"))
        return
    limits = colours.limits(*shares, signed=False)
    unit = frame.t("token_mixing.beside_unit")
    frame.legend(signed=False, limits=limits, unit=unit, key="beside_legend")
    # A row of columns for each kind, so that they stay level; a model alone has one row of maps.
    for column, entry in zip(st.columns(len(found), gap="medium"), found, strict=True):
        with column:
            _head(entry)
    columns = st.columns(2, gap="medium")
    for column, entry in zip(columns, found, strict=False):
        with column:
            _here(entry, limits)
    below = st.columns(2, gap="medium") if len(found) > 1 else columns[1:]
    for column, entry in zip(below, found, strict=True):
        with column:
            _there(entry, limits, other, title)


def _partner(key: str, family: str) -> str | None:
    """The model of the other family: one that is compared, else one of the same kind of weights."""
    options = [name for name in frame.available() if spec(name).family == family]
    if not options:
        return None
    alike = [name for name in options if spec(name).weights == spec(key).weights]
    chosen = [name for name in frame.view().models if name in options]
    return frame.choose(
        frame.t("token_mixing.beside_model"),
        options,
        key=f"beside_{family}",
        words={name: spec(name).title for name in options},
        default=[*chosen, *alike, *options][0],
        compact=False,
    )


def _other_picture() -> tuple[str, DecodedImage]:
    """A picture of the gallery that is not the one shown: its title, and the picture."""
    current = st.session_state.get("picture")
    options = [name for name in gallery.GALLERY if name != current]
    chosen = frame.choose(
        frame.t("token_mixing.other_picture"),
        options,
        key="other_picture",
        words={name: frame.picture_title(name) for name in options},
        compact=False,
    )
    entry, picture = frame.second_picture(chosen, options)
    return frame.picture_title(entry.key), picture


def _same_depth(site: MixingSite, key: str, partner: str) -> MixingSite:
    """The partner's block at the same relative depth."""
    own, sites = frame.model(key).sites, frame.model(partner).sites
    return sites[same_depth(own.index(site), len(own), len(sites))]


def _read(key: str, site: MixingSite, other: DecodedImage) -> Column:
    """One patch on two pictures."""
    place = frame.cell(key, site)
    if place is None:
        return Column(key=key, site=site, place=None, here=None, there=None)
    both = [_reading(key, site, place, picture) for picture in (frame.view().picture, other)]
    return Column(key=key, site=site, place=place, here=both[0], there=both[1])


def _reading(key: str, site: MixingSite, place: tuple[int, int], picture: DecodedImage) -> Reading:
    """What a patch reads on a picture. A linear layer needs none, but is asked in the same way."""
    captured = frame.capture(key, site.group, picture=picture)
    arrays = {**frame.weights(key, site.group), **captured}
    return frame.remember(
        ("reading", picture.sha256, key, site.group, place),
        lambda: reading_at(site, arrays, row=place[0], column=place[1]),
    )


def _head(entry: Column) -> None:
    """Name, block, badge and formula."""
    site = entry.site
    block = frame.block_words(entry.key, site)
    grid = frame.t("compare.grid", rows=site.rows, columns=site.columns)
    frame.model_head(entry.key, f"{block} · {grid}")
    frame.badge(site.mixing)
    frame.formula(frame.t(f"token_mixing.formula_{hidden_unit.kind(site)}"))


def _here(entry: Column, limits: tuple[float, float]) -> None:
    """What the patch reads on the visitor's picture."""
    row, site = spec(entry.key), entry.site
    if entry.here is None or entry.place is None:
        st.info(frame.t("token_mixing.outside"))
        return
    name, heading = f"here-{row.family}", row.title
    st.markdown(f"**{frame.t('token_mixing.here')}**")
    reads.share_map(
        entry.key, site, name, entry.here, entry.place, limits, heading=heading, side=SIDE
    )
    frame.html_table(reads.facts(entry.key, site, entry.here, entry.place))
    st.caption(reads.how(site, entry.here))
    frame.strip(
        reads.as_array(site, entry.here, raw=False),
        key=f"beside.{row.family}",
        name=f"{entry.key}.{site.group}.reading",
        title=heading,
    )


def _there(entry: Column, limits: tuple[float, float], other: DecodedImage, title: str) -> None:
    """The same patch of the grid on the other picture, and how much of its reading moved."""
    if entry.here is None or entry.there is None or entry.place is None:
        return
    moved = receptive.share_moved(entry.here.share, entry.there.share)
    st.markdown(f"**{frame.t('token_mixing.there', picture=title)}**")
    reads.share_map(
        entry.key,
        entry.site,
        f"there-{spec(entry.key).family}",
        entry.there,
        entry.place,
        limits,
        heading=spec(entry.key).title,
        other=other,
        side=SIDE,
    )
    frame.html_table([(frame.t("token_mixing.moved"), f"{moved:.1f}\u00a0%")])
