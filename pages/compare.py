"""Compare: the same place of the picture in every model, side by side."""

from __future__ import annotations

import html

import streamlit as st

from pages import _ui
from vislib.analysis.common_ground import Reading, statistics
from vislib.analysis.reading_at import reading_at, spatial_operator
from vislib.figures import colours, overlay
from vislib.registry import spec
from vislib.schema import LabelledArray, MixingSite, MixScopeError

DEPTHS = ("first", "middle", "last")
SIDES = {1: 400, 2: 400, 3: 400, 4: 340, 5: 300}
"""Columns -> longer side of a map in pixels: a click stays under 300 kB with five models too."""

LEGENDS = {1: 420, 2: 420, 3: 420, 4: 300, 5: 250}
"""Columns -> width of a legend in pixels: it is not made smaller to fit, so it can be read."""


def site_at(key: str, depth: str) -> MixingSite:
    """The block of a model at a depth that all models have; only blocks that mix places count."""
    sites = [site for site in _ui.model(key).sites if spatial_operator(site)]
    place = {"first": 0, "middle": (len(sites) - 1) // 2, "last": len(sites) - 1}[depth]
    return sites[place]


def read(key: str, depth: str) -> tuple[MixingSite, Reading | None, tuple[int, int] | None]:
    """The block, what the selected place reads there, and the place's cell."""
    site = site_at(key, depth)
    place = _ui.cell(key, site)
    if place is None:
        return site, None, None
    arrays = {**_ui.weights(key, site.group), **_ui.capture(key, site.group)}
    digest = _ui.view().picture.sha256
    found = _ui.remember(
        ("reading", digest, key, site.group, place),
        lambda: reading_at(site, arrays, row=place[0], column=place[1]),
    )
    return site, found, place


def head(key: str) -> None:
    """Name, where in the depth, and the badge."""
    row = spec(key)
    st.html(
        f'<div class="model-title" style="border-color:{colours.family_colour(row.family)}">'
        f"{html.escape(row.title)}</div>"
    )


def maps(
    key: str,
    site: MixingSite,
    reading: Reading,
    place: tuple[int, int],
    limits: tuple[float, float],
    *,
    columns: int,
    beyond: bool,
) -> None:
    """Share of reading over the picture, its numbers, and the raw map.

    Args:
        key: Registry key.
        site: The block.
        reading: What the place reads there.
        place: The place's cell.
        limits: Of the share, the same for all columns.
        columns: Models side by side.
        beyond: Whether to say how much is read outside the picture (in all columns or in none).
    """
    picture, seen = _ui.view().picture, _ui.box(key)
    digest, side = picture.sha256, SIDES[columns]
    png = _ui.remember(
        ("overlay", digest, key, site.group, place, limits, side),
        lambda: overlay.share_overlay(
            picture.pixels, reading.share, box=seen, limits=limits, cell=place, side=side
        ),
    )
    _ui.image(png, key=f"share-{key}", alt=_ui.t("compare.share_alt", model=spec(key).title))
    numbers = statistics(
        reading.share, row=place[0], column=place[1], cell_px=seen.width / site.columns
    )
    _ui.html_table(
        [
            (_ui.t("compare.reach"), f"{numbers.reach_px:.0f} px"),
            (_ui.t("compare.entropy"), f"{numbers.entropy_bits:.1f} bit"),
            (_ui.t("compare.local"), f"{numbers.local_percent:.1f} %"),
        ]
        + ([outside(site, reading)] if beyond else [])
    )
    how = _ui.t(f"compare.how_{reading.note}")
    if site.step > 1:
        how = f"{how} {_ui.t('compare.how_step', step=site.step)}"
    st.html(f'<div class="how">{html.escape(how)}</div>')
    raw = LabelledArray(
        values=reading.raw,
        axes=("row", "column"),
        role=spatial_operator(site) or "tokens",
        unit=reading.raw_unit,
        signed=reading.raw_signed,
        provenance=reading.provenance,
        source=f"{site.group}, {reading.note}",
    )
    own = colours.limits(raw.values, signed=raw.signed)
    plain = _ui.remember(
        ("raw", digest, key, site.group, place, side),
        lambda: overlay.plain_map(
            raw.values,
            picture_shape=(picture.height, picture.width),
            box=seen,
            limits=own,
            signed=raw.signed,
            cell=place,
            side=side,
        ),
    )
    st.markdown(f"**{_ui.t('compare.raw')}**")
    _ui.image(plain, key=f"raw-{key}", alt=_ui.t("compare.raw_alt", model=spec(key).title))
    _ui.legend(
        signed=raw.signed,
        limits=own,
        unit=_ui.t(f"unit.{raw.unit}"),
        key=f"rawbar-{key}",
        width=LEGENDS[columns],
    )
    _ui.strip(raw, key=f"raw.{key}", name=f"{key}.{site.group}", title=spec(key).title)


def outside(site: MixingSite, reading: Reading) -> tuple[str, str]:
    """The share that goes to tokens without a place in the picture, named and in percent."""
    name = _ui.t("compare.to_class" if site.prefix else "compare.beyond")
    return name, f"{reading.outside:.1f} %" if site.prefix or site.window else "–"


def answers(key: str) -> None:
    """The five most probable classes, and what the model is."""
    cache = _ui.capture(key, "logits")
    colour = colours.family_colour(spec(key).family)
    rows = "".join(
        f'<div class="row"><div class="bar" style="width:{100 * p:.2f}%;background:{colour}"></div>'
        f'<span class="label" title="{html.escape(name)}">{html.escape(name)}</span>'
        f'<span class="value">{100 * p:.1f} %</span></div>'
        for name, p in cache.top(5)
    )
    st.markdown(f"**{_ui.t('compare.top5', count=len(cache.labels))}**")
    st.html(f'<div class="answers">{rows}</div>')
    model = _ui.model(key)
    adds = _ui.remember(("multiply_adds", key), lambda: _ui.multiply_adds(key))
    _ui.html_table(
        [
            (_ui.t("compare.parameters"), f"{model.parameters / 1e6:.2f} M"),
            (_ui.t("compare.multiply_adds"), f"{adds / 1e9:.3g} G"),
            (_ui.t("compare.seconds"), f"{1000 * cache.seconds:.0f} ms"),
            (_ui.t("compare.input"), f"{model.config.size} × {model.config.size}"),
            (_ui.t("compare.tokens"), f"{model.grid.rows} × {model.grid.columns}"),
        ]
    )


def draw() -> None:
    """One column a model; the shares on one scale."""
    depth = _ui.choose(
        _ui.t("compare.depth"),
        DEPTHS,
        key="depth",
        words={name: _ui.t(f"compare.depth_{name}") for name in DEPTHS},
        default="middle",
    )
    keys = _ui.view().models
    found: dict[str, tuple[MixingSite, Reading | None, tuple[int, int] | None]] = {}
    errors: dict[str, MixScopeError] = {}
    for key in keys:
        try:
            found[key] = read(key, depth)
        except MixScopeError as error:
            errors[key] = error
    shares = [reading.share for _, reading, _ in found.values() if reading is not None]
    limits = colours.limits(*shares, signed=False) if shares else (0.0, 1.0)
    if shares:
        _ui.legend(signed=False, limits=limits, unit=_ui.t("compare.share_unit"), key="sharebar")
    beyond = any(site.prefix or site.window for site, _, _ in found.values())
    for column, key in zip(st.columns(len(keys)), keys, strict=True):
        with column:
            head(key)
            if key in errors:
                _ui.problem(errors[key])
                continue
            site, reading, place = found[key]
            staged = len({s.stage for s in _ui.model(key).sites}) > 1
            words = "stage_block" if staged else "block_only"
            where = _ui.t(f"site.{words}", stage=site.stage + 1, block=site.block + 1)
            grid = _ui.t("compare.grid", rows=site.rows, columns=site.columns)
            st.html(f'<div class="model-sub">{where} · {grid}</div>')
            _ui.badge(site.mixing)
            if reading is None or place is None:
                st.info(_ui.t("compare.outside"))
            else:
                maps(key, site, reading, place, limits, columns=min(len(keys), 5), beyond=beyond)
            answers(key)


_ui.page("compare")
_ui.shielded(draw)
