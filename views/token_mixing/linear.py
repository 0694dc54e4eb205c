"""ResMLP on the token-mixing page: all rows of a block's matrix, and one patch at every depth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st

from views import frame
from views.token_mixing.controls import Choice
from views.token_mixing.reads import facts, map_figure, reading
from vislib.analysis import linear_mixing, unit_steps
from vislib.analysis.arrays import by_own_largest
from vislib.analysis.linear_mixing import LinearDepth
from vislib.figures import colours
from vislib.pictures import geometry
from vislib.registry import spec
from vislib.schema import LabelledArray, MixingSite

ACROSS = 16
"""Maps side by side at most: a finer grid shows every second patch, and stays a light page."""


def rows(chosen: Choice) -> str:
    """Every row of the matrix as a map, each at its own patch's place; the selected one signed."""
    key, site = chosen.key, chosen.site
    matrix = frame.weights(key, site.group)[f"{site.group}.token_mixing.weight"]
    place = frame.cell(key, site)
    side, body = st.columns([1, 2.4], gap="medium")
    with side:
        if place is None:
            st.info(frame.t("token_mixing.outside"))
        else:
            _selected(key, site, matrix, place)
    with body:
        words = {name: frame.t(f"token_mixing.row_scale_{name}") for name in ("own", "shared")}
        label = frame.t("token_mixing.scale")
        own = frame.choose(label, list(words), key="row_scale", words=words) == "own"
        limits = None if own else colours.limits(matrix.values, signed=True)
        _row_tiles(key, site, matrix, place, limits)
        unit = frame.t("token_mixing.own_row") if own else frame.t("unit.weight")
        frame.legend(signed=True, limits=limits or (-1.0, 1.0), unit=unit, key="row_legend")
    return key


def _selected(key: str, site: MixingSite, matrix: LabelledArray, place: tuple[int, int]) -> None:
    """The selected patch's row: in numbers, and its signed weights."""
    found = reading(key, site, place, frame.view().picture)
    st.markdown(f"**{frame.t('token_mixing.row_of', row=place[0] + 1, column=place[1] + 1)}**")
    frame.html_table(facts(key, site, found, place))
    token = place[0] * site.columns + place[1]
    row = unit_steps.on_grid(matrix.select(token_out=token), site.rows, site.columns)
    map_figure(
        row,
        key="row-raw",
        seen=(frame.view().picture.sha256, key, site.group, place),
        name=f"{key}.{site.group}.token_mixing.weight.row{token}",
        heading=frame.t("token_mixing.row_raw"),
        unit=frame.t("unit.weight"),
        limits=colours.limits(row.values, signed=True),
        model=key,
    )


def _row_tiles(
    key: str,
    site: MixingSite,
    matrix: LabelledArray,
    place: tuple[int, int] | None,
    limits: tuple[float, float] | None,
) -> None:
    """The rows as tiles in the grid's own order; a click moves the point to that patch."""
    places, step = linear_mixing.spaced(site.rows, site.columns, ACROSS)
    across = sum(1 for row, _ in places if row == 0)
    order = [row * site.columns + column for row, column in places]
    maps = unit_steps.on_grid(matrix, site.rows, site.columns)
    shown = replace(maps, values=maps.values[order])
    pair = limits or (-1.0, 1.0)
    indices = frame.remember(
        ("row_tiles", key, site.group, limits is None),
        lambda: colours.to_indices(
            by_own_largest(shown.values) if limits is None else shown.values, pair
        ),
    )

    def move(tile: int) -> None:
        _move(key, site, places[tile])

    note = frame.t("token_mixing.rows_spaced", step=step) if step > 1 else ""
    st.markdown(f"{frame.t('token_mixing.rows_how')} {note}".strip())
    own = frame.t("token_mixing.own_row")
    frame.tile_canvas(
        indices,
        colours.table(True),
        limits=pair,
        unit=own if limits is None else frame.t("unit.weight"),
        labels=[frame.t("token_mixing.row_label", row=r + 1, column=c + 1) for r, c in places],
        selected=None if place is None else (place[0] // step) * across + place[1] // step,
        key="matrix_rows",
        alt=frame.t("token_mixing.rows_alt"),
        tile_px=56,
        per_row=across,
        gap=2,
        texts=frame.tile_texts(),
        on_change=move,
    )
    name = f"{key}.{site.group}.token_mixing.weight"
    frame.strip(shown, key="rows.strip", name=name, note=own if limits is None else "")


def _move(key: str, site: MixingSite, place: tuple[int, int]) -> None:
    """Select a patch, in a callback: the point moves to its middle."""
    picture = frame.view().picture
    point = geometry.point_at(
        frame.box(key),
        picture=(picture.width, picture.height),
        row=place[0],
        column=place[1],
        rows=site.rows,
        columns=site.columns,
    )
    frame.select(point)


def matrices(key: str) -> list[LabelledArray]:
    """The matrix of every block; the blocks' other weights are not kept."""
    model = frame.model(key)
    return frame.remember(
        ("linear_matrices", key),
        lambda: [
            model.weights(site.group)[f"{site.group}.token_mixing.weight"] for site in model.sites
        ],
        busy=frame.t("token_mixing.busy_depth"),
    )


def depth(chosen: Choice) -> str:
    """One patch's row in every block, and how far all patches read by depth."""
    key, site = chosen.key, chosen.site
    found = matrices(key)
    numbers = frame.remember(
        ("linear_depth", key),
        lambda: linear_mixing.over_depth(found, rows=site.rows, columns=site.columns),
    )
    left, right = st.columns([1.12, 1], gap="medium")
    with left:
        _row_by_block(key, site, found)
    with right:
        _chart(key, site, found, numbers, "reach")
        _chart(key, site, found, numbers, "local")
    return key


def _row_by_block(key: str, site: MixingSite, found: list[LabelledArray]) -> None:
    """The selected patch's row in each block, as it lies on the grid; a click goes there."""
    place = frame.cell(key, site)
    if place is None:
        st.info(frame.t("token_mixing.outside"))
        return
    token = place[0] * site.columns + place[1]
    rows_of = {
        f"stage0.block{j}.token_mixing.weight.row{token}": unit_steps.on_grid(
            matrix.select(token_out=token), site.rows, site.columns
        )
        for j, matrix in enumerate(found)
    }
    indices = frame.remember(
        ("row_by_block", key, token),
        lambda: colours.to_indices(
            by_own_largest(np.stack([row.values for row in rows_of.values()])),
            (-1.0, 1.0),
        ),
    )
    where = frame.t("token_mixing.row_of", row=place[0] + 1, column=place[1] + 1)
    st.markdown(f"**{where}** {frame.t('token_mixing.by_block')}")
    unit = frame.t("token_mixing.own_row")
    names = [frame.block_name(other) for other in frame.model(key).sites]
    frame.tile_canvas(
        indices,
        colours.table(True),
        limits=(-1.0, 1.0),
        unit=unit,
        labels=[frame.block_words(key, other) for other in frame.model(key).sites],
        selected=site.block,
        key="row_blocks",
        alt=frame.t("token_mixing.by_block_alt"),
        tile_px=98,
        gap=8,
        captions=[str(j + 1) for j in range(len(found))],
        texts=frame.tile_texts(),
        on_change=lambda tile: st.session_state.update(mixer_block=names[tile]),
    )
    frame.legend(signed=True, limits=(-1.0, 1.0), unit=unit, key="block_row_legend")
    name = f"{site.group}.token_mixing.weight.row{token}"
    frame.strip(
        rows_of[name], key="row_blocks.strip", name=f"{key}.{name}", note=unit, arrays=rows_of
    )


def _chart(
    key: str, site: MixingSite, found: list[LabelledArray], numbers: LinearDepth, what: str
) -> None:
    """Quartiles over the patches by block, beside reading all patches alike."""
    from vislib.figures import charts

    values = numbers.reach if what == "reach" else numbers.local
    lower, median, upper = linear_mixing.quartiles(values)
    even = numbers.even_reach if what == "reach" else numbers.even_local
    names = [frame.t(f"token_mixing.{name}") for name in ("median", "upper", "lower", "even")]
    columns = (median, upper, lower, np.full(len(values), even))
    heading = frame.t(f"token_mixing.depth_{what}")
    st.markdown(f"**{heading}** {frame.t(f'token_mixing.depth_{what}_how')}")
    figure = charts.line_over_depth(
        {name: (numbers.block, column) for name, column in zip(names, columns, strict=True)},
        x_title=frame.t("token_mixing.block_axis"),
        y_title=frame.t(f"token_mixing.depth_{what}_axis"),
        colours=dict.fromkeys(names[:3], colours.family_colour(spec(key).family)),
        marker=float(site.block + 1),
        height=300,
        dark=frame.dark(),
    )
    frame.plot(figure, key=f"depth_{what}", alt=heading)
    arrays = {
        f"stage0.block{j}.token_mixing.{what}": LabelledArray(
            values=entry.reshape(site.rows, site.columns),
            axes=("row", "column"),
            role="token_mixing",
            unit="cells" if what == "reach" else "percent",
            signed=False,
            provenance="parameter",
            source=found[j].source,
        )
        for j, entry in enumerate(values)
    }
    name = f"{site.group}.token_mixing.{what}"
    frame.strip(arrays[name], key=f"{what}.strip", name=f"{key}.{name}", arrays=arrays)
