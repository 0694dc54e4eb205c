"""What every page's row of choices begins with: the visitor's picture, the point, the models."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import streamlit as st

from views.frame import links, model_choice, notices, offers, uploads
from views.frame.amounts import choose_number
from views.frame.choices import choose
from views.frame.following import follows_place
from views.frame.markup import plain
from views.frame.models import available
from views.frame.state import (
    DEFAULT_PICTURE,
    OWN,
    gallery_picture,
    own_picture,
    said,
    t,
    take,
    view,
)
from views.frame.verdicts import picture_title, say_instead
from vislib.pictures import gallery, limits

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

MORE_WIDTH = 190
"""Of the list of other models in a row of choices, in pixels."""


@contextmanager
def row_of_choices(
    *, picture: bool = True, models: bool = True, more: bool = False
) -> Iterator[None]:
    """A row of choices that begins with picture and models.

    What links or uploads have to be told stands below the row: nobody sees it in a closed list.

    Args:
        picture: Whether the picture changes what the page shows. It is kept in any case.
        models: Whether the models do.
        more: Whether other models can be had here.
    """
    with links.held_back() as names:
        with st.container(horizontal=True, gap="small", key="controls"):
            with _picture_place(shown=picture):
                _picture_choice()
                _picture_notes()
                with st.popover(t("picture.exact"), width="stretch"):
                    follows_place(_point_inputs)
            _models(shown=models)
            if more:
                _other_models()
            yield
    _messages()
    links.say(*names)


def _picture_place(*, shown: bool) -> DeltaGenerator:
    """Where the picture is chosen; what changes nothing on a page is kept and not seen."""
    if shown:
        return st.popover(t("picture.change"), key="picture_choice")
    return st.container(key="kept_picture")


def _models(*, shown: bool) -> None:
    """Which models are compared."""
    label = t("models.button", count=len(view().models))
    with st.popover(label, key="models_choice") if shown else st.container(key="kept_models"):
        model_choice.choice(available())
        notices.device_line()


def _other_models() -> None:
    """Those that can be had."""
    away = offers.away(available())
    if away:
        with st.container(width=MORE_WIDTH):
            offers.more(away)


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
