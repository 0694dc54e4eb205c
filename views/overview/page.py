"""Overview: the models themselves, side by side, from the whole down to one block."""

from __future__ import annotations

import streamlit as st

from views import frame
from views.frame import diagram as component
from views.frame import diagram_models as models
from views.frame import links
from views.frame.diagram import Gone
from views.frame.diagram_models import Shown
from views.overview import descent
from vislib.analysis.fields import ReadingField, reading_field
from vislib.pictures import encoding
from vislib.schema import MixingSite, MixScopeError

PICTURE_SIDE = 480
"""Longer side of the picture in the diagram, in pixels."""


def draw() -> None:
    """Picture, models and the ways in, in one row; then the diagram; then what went wrong."""
    with frame.row_of_choices():
        found = models.shown()
        _ways_in(found)
    into = descent.choose(found)
    _diagram(found, into)
    for model in found:
        if model.error is not None:
            frame.problem(model.error)


def _ways_in(found: list[Shown]) -> None:
    """Explore, compare your picture, and the lecture where there is one."""
    first = next((model.key for model in found if model.diagram is not None), "")
    st.button(
        frame.t("overview.way_explore"),
        key="way_explore",
        on_click=lambda: st.session_state.update({models.NAME: first}),
    )
    for page in ("compare", "lecture"):
        if page in frame.PAGES:
            st.button(
                frame.t(f"overview.way_{page}"),
                key=f"way_{page}",
                type="primary" if page == "compare" else "secondary",
                on_click=frame.go,
                args=(page,),
            )


def _diagram(found: list[Shown], into: str) -> None:
    picture = frame.view().picture
    jpeg = frame.remember(
        ("overview", picture.sha256),
        lambda: encoding.encode_jpeg(encoding.thumbnail(picture, PICTURE_SIDE)),
    )
    described = [models.described(model) for model in found]

    def moved(gone: Gone) -> None:
        frame.select(gone.point)
        st.session_state[models.NAME] = gone.into
        if gone.open:
            descent.open_page(found, gone.into, gone.open)

    came = component.draw(
        jpeg,
        described,
        models.kinds(described),
        into=into,
        point=frame.view().point,
        shown=_map_of(found, into),
        on_change=moved,
    )
    if came is not None:
        x, y = came.point
        links.choose_later(x=x, y=y, **{models.NAME: came.into})


def _map_of(found: list[Shown], into: str) -> frame.StageShown | None:
    """What every place of the block reads, where the visitor is at a block."""
    place = descent.site_in(found, into)
    if place is None:
        return None
    model, site = place
    if not model.works:
        return frame.StageShown(sub=into, message=frame.t("overview.no_map"))
    try:
        return frame.StageShown(sub=into, field=_field(model.run, site))
    except MixScopeError as error:
        return frame.StageShown(sub=into, message=frame.said(error))


def _field(key: str, site: MixingSite) -> ReadingField:
    sha256 = "" if site.mixing == "fixed" else frame.view().picture.sha256

    def make() -> ReadingField:
        captured = frame.capture(key, site.group) if sha256 else {}
        return reading_field(site, {**frame.weights(key, site.group), **captured})

    return frame.remember(("field", sha256, key, site.group, None, False), make)
