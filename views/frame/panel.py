"""The left part of every page: the visitor's picture with the picker, and what is chosen once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from views.frame import links, model_choice, notices, offers, uploads
from views.frame.amounts import choose_number
from views.frame.captures import box, cell
from views.frame.choices import choose
from views.frame.markup import plain
from views.frame.models import available, is_known, model
from views.frame.patch_picker import PICKER_TEXTS, Box, patch_picker
from views.frame.state import (
    DEFAULT_PICTURE,
    OWN,
    gallery_picture,
    own_picture,
    remember,
    said,
    select,
    t,
    take,
    view,
)
from views.frame.verdicts import picture_title, say_instead
from views.frame.wire import is_recent
from vislib import registry
from vislib.figures.colours import family_colour
from vislib.pictures import encoding, gallery, geometry, limits

PICTURE_SIDE = 760
"""Longer side of the picture in the picker, in pixels: one small JPEG, sent once a picture."""
MORE_WIDTH = 190
"""Of the list of other models in a row of choices, in pixels."""
MOST_LINES = 64
"""Cells a side up to which the picker draws a grid; finer lines would cover the picture."""


def draw() -> None:
    """Draw the panel. The choices run first, so that a link counts from the first run."""
    top = st.container()
    with st.container(key="picture_controls"):
        cells = st.container()
        _point_inputs()
        model_choice.choice(available())
        notes = st.container()
    with top:
        away = offers.away(available())
        with st.container(key="panel_buttons"):
            places = st.columns(2 if away else 1, gap="small")
        with places[0], st.popover(t("picture.change"), width="stretch"):
            _picture_choice()
        if away:
            with places[1]:
                offers.more(away)
        _messages()
        _picker()
    with cells:
        if _known():
            _cell_inputs(_known()[0])
    with notes:
        _picture_notes()
        notices.device_line()
    st.session_state["_boxes_known"] = _known()


@contextmanager
def row_of_choices(
    *, picture: bool = True, models: bool = True, more: bool = False
) -> Iterator[None]:
    """A row of choices that begins with picture and models, where no panel holds them.

    What links or uploads have to be told stands below the row: nobody sees it in a closed list.

    Args:
        picture: Whether the picture changes what the page shows. It is kept in any case.
        models: Whether the models do.
        more: Whether other models can be had here.
    """
    st.session_state.pop("_boxes_known", None)  # no picker is drawn that would miss a box
    with links.held_back() as names:
        with st.container(horizontal=True, gap="small", key="controls"):
            with st.popover(t("picture.change")) if picture else st.container(key="kept_picture"):
                _picture_choice()
                _picture_notes()
                _point_inputs()
            _models(shown=models)
            if more:
                _other_models()
            yield
    _messages()
    links.say(*names)


def _models(*, shown: bool) -> None:
    """Which models are compared."""
    label = t("models.button", count=len(view().models))
    with st.popover(label) if shown else st.container(key="kept_models"):
        model_choice.choice(available())
        notices.device_line()


def _other_models() -> None:
    """Those that can be had."""
    away = offers.away(available())
    if away:
        with st.container(width=MORE_WIDTH):
            offers.more(away)


def _picker() -> None:
    """The picture with each model's view box and the selected point."""
    shown = view()
    picture = shown.picture
    jpeg = remember(
        ("picker", picture.sha256),
        lambda: encoding.encode_jpeg(encoding.thumbnail(picture, PICTURE_SIDE)),
    )
    clicked = patch_picker(
        jpeg,
        size=(picture.width, picture.height),
        point=shown.point,
        boxes=_boxes(),
        label=f"{t('picture.heading')}: {picture.name}. {t('picture.pick')}",
        key="picker",
        texts={name: t(f"picker.{name}") for name in PICKER_TEXTS},
        on_change=select,
    )
    # A new server knows no callback yet: the first click after its start comes back here alone.
    if clicked not in (None, shown.point) and links.is_first_run() and is_recent("picker", "point"):
        links.choose_later(x=clicked[0], y=clicked[1])
    with st.container(key="picture_hint"):
        st.caption(t("picture.pick"))


def _boxes() -> list[Box]:
    """One view box a model that has been loaded; the first grid that is not too fine is drawn."""
    picture, found = view().picture, []
    for key in _known():
        seen, grid = box(key), model(key).grid
        row = registry.spec(key)
        found.append(
            Box(
                label=row.title,
                colour=family_colour(row.family),
                left=1000 * seen.left / picture.width,
                top=1000 * seen.top / picture.height,
                width=1000 * seen.width / picture.width,
                height=1000 * seen.height / picture.height,
                across=geometry.edges(seen.left, seen.width, picture.width),
                down=geometry.edges(seen.top, seen.height, picture.height),
                rows=grid.rows,
                columns=grid.columns,
                grid_lines=grid.rows <= MOST_LINES and not any(b.grid_lines for b in found),
            )
        )
    return found


def _known() -> tuple[str, ...]:
    """Those of the chosen models that have been loaded: their boxes and grids can be drawn."""
    return tuple(key for key in view().models if is_known(key))


def redraw_when_boxes_are_known() -> None:
    """Run once more when the page has loaded a model whose view box the picker could not draw."""
    notices.end_of_run()
    if st.session_state.get("_boxes_known", _known()) != _known():
        st.rerun()


def _picture_choice() -> None:
    """Gallery, upload and camera."""
    options = [*gallery.GALLERY, OWN]
    choose(
        t("picture.gallery"),
        options,
        key="picture",
        words={key: _picture_title(key) for key in options},
        default=DEFAULT_PICTURE,
        compact=False,
        quiet=True,
    )
    st.file_uploader(
        t("picture.upload"),
        key="upload",
        help=t("picture.upload_help", minutes=uploads.STORE_MINUTES),
        max_upload_size=limits.MAX_BYTES // 2**20,
        on_change=_take,
        args=("upload",),
    )
    _camera()


def _camera() -> None:
    """The camera, where the browser gives it to a page: over https, or on this very machine."""
    if not uploads.is_secure(st.context.url):
        st.caption(t("picture.camera_insecure"))
    elif st.toggle(t("picture.camera_open"), key="camera_open"):
        st.camera_input(
            t("picture.camera"),
            key="camera",
            resolution="720p",
            on_change=_take,
            args=("camera",),
        )


def _picture_title(key: str) -> str:
    """What the list calls a gallery picture, or the visitor's own."""
    return t("picture.own") if key == OWN else picture_title(key)


def _take(widget: str) -> None:
    """Decode what came, before the script runs."""
    if take(st.session_state.get(widget)):
        st.session_state["camera_open"] = False  # the picture is shown; the camera goes off


def _messages() -> None:
    """What went wrong with an upload or a link, and what the picture shown is."""
    links.say("picture", "x", "y")
    problem = st.session_state.get("picture_error")
    if problem:
        st.error(f"{plain(said(problem))} {t('picture.kept')}")
    chosen = st.session_state.get("picture")
    entry = view().entry
    if entry:
        _, _, wrong = gallery_picture(chosen if chosen in gallery.GALLERY else "")
        if wrong:
            say_instead(wrong, entry)
    if chosen == OWN and own_picture() is None:
        gone = "own_upload" in st.session_state
        minutes = uploads.STORE_MINUTES
        st.info(t("picture.removed", minutes=minutes) if gone else t("picture.missing_upload"))


def _point_inputs() -> None:
    """The point in thousandths."""
    with st.popover(t("picture.exact"), width="stretch"):
        for name, label in (("x", "across"), ("y", "down")):
            choose_number(
                t(f"picture.{label}"),
                1000,
                key=name,
                least=0,
                default=500,
                step=25,
                help_text=t(f"picture.{label}_help"),
                quiet=True,
            )


def _cell_inputs(key: str) -> None:
    """Row and column on a model's grid, from 1; empty for a point outside its crop."""
    grid, place = model(key).grid, cell(key)
    sides = (("row", grid.rows), ("column", grid.columns))
    for part, (column, (name, side)) in enumerate(zip(st.columns(2), sides, strict=True)):
        st.session_state[f"cell_{name}"] = place[part] + 1 if place else None
        column.number_input(
            t(f"picture.{name}", count=side),
            min_value=1,
            max_value=side,
            value=None,
            step=1,
            key=f"cell_{name}",
            help=t("picture.cell_help", model=registry.spec(key).title),
            on_change=_select_cell,
            args=(key,),
        )


def _select_cell(key: str) -> None:
    """Move the point to the middle of the cell whose row and column were typed."""
    row, column = (st.session_state.get(f"cell_{name}") for name in ("row", "column"))
    grid, shown = model(key).grid, view()
    point = geometry.point_at(
        box(key),
        picture=(shown.picture.width, shown.picture.height),
        row=(row or (grid.rows + 1) // 2) - 1,
        column=(column or (grid.columns + 1) // 2) - 1,
        rows=grid.rows,
        columns=grid.columns,
    )
    select(point)


def _picture_notes() -> None:
    """What decoding changed, and whose picture it is."""
    picture = view().picture
    if st.session_state.get("picture") == OWN and own_picture() is not None:
        size = t("picture.whole", width=picture.width, height=picture.height)
        st.caption(f"{plain(picture.name)} · {size}")
    for note in picture.notes:
        st.caption(said(note))
    entry = view().entry
    if entry and st.session_state.get("picture") in gallery.GALLERY:
        title = picture_title(entry.key)
        st.caption(t("picture.credit", title=title, credit=entry.credit, licence=entry.licence))
        if entry.why:
            st.caption(t(entry.why.key))
