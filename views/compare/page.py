"""Compare: the same place of the picture in every model, side by side."""

from __future__ import annotations

from functools import partial

import streamlit as st

from views import frame
from views.compare import choice, column
from views.compare.reading import Answer, answer
from vislib.figures import colours
from vislib.schema import MixScopeError


def draw() -> None:
    """One column a model; the shares on one scale."""
    keys = frame.view().models
    first = choice.row()
    sites, errors = choice.sites_at_depth(keys, first)
    chosen = choice.choose(sites, first)
    bar, spots = st.container(), {}
    for place, key in zip(st.columns(len(keys)), keys, strict=True):
        with place:
            frame.model_head(key)
            spots[key] = st.container()
    found: dict[str, Answer] = {}
    for key, site in sites.items():
        try:
            with spots[key]:
                found[key] = answer(key, site, chosen)
        except MixScopeError as error:
            errors[key] = error
    shared = common(found, chosen, len(keys))
    if any(one.reading is not None for one in found.values()):
        unit = frame.t("compare.estimate_unit" if chosen.accumulated else "compare.share_unit")
        with bar:
            frame.legend(signed=False, limits=shared.limits, unit=unit, key="sharebar")
    for key in keys:
        with spots[key]:
            if key in errors:
                frame.problem(errors[key])
                continue
            frame.shielded(partial(column.draw, key, found[key], chosen, shared))


def common(found: dict[str, Answer], chosen: choice.Choice, columns: int) -> column.Column:
    """What all columns have in common: one scale, and the same rows."""
    readings = [one for a in found.values() for one in (a.reading, a.other) if one is not None]
    limits = colours.limits(*(one.share for one in readings), signed=False)
    blocks = [] if chosen.accumulated else [one.site for one in found.values()]
    return column.Column(
        limits=limits,
        columns=min(columns, max(column.SIDES)),
        beyond=any(site.prefix or site.window for site in blocks),
        noted=any(one.said for one in found.values()),
    )
