"""What the visitor has chosen: the picture, the models and the point; and the store of results.

The point is a place of the upright picture in thousandths; each model finds its own cell.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import streamlit as st

from views.frame import memory, server, turns, uploads
from views.frame.language import language
from views.frame.results import ResultStore
from vislib import registry
from vislib.pictures import gallery
from vislib.schema import DecodedImage, ImageError, MixScopeError
from vislib.texts import Message
from vislib.texts import text as _text

if TYPE_CHECKING:
    from vislib.pictures.gallery import GalleryPicture

T = TypeVar("T")

DEFAULT_PICTURE = "coffee"
"""Of all photographs the one that the bundled models are surest of, and right: 88 % and more."""
DEFAULT_MODELS = ("mixer_mini", "convmixer_mini", "davit_mini")
MOST_MODELS = 5
OWN = "own"
SWITCH = "untrained"
"""The switch between trained and seeded random weights, and its name in the address."""
STORE_BYTES = memory.share(memory.RESULTS, 512 * 2**20)
_ahead: ContextVar[tuple[str | None, tuple[int, int] | None]] = ContextVar(
    "mixscope_ahead", default=(None, None)
)


@dataclass(frozen=True)
class View:
    """What the visitor has chosen.

    Attributes:
        picture: The upright picture.
        models: Registry keys, in the visitor's order; with the switch on, of untrained variants.
        point: (x, y) in thousandths of the upright picture.
        entry: What the gallery says of the picture; None of the visitor's own.
    """

    picture: DecodedImage
    models: tuple[str, ...]
    point: tuple[int, int]
    entry: GalleryPicture | None


def t(key: str, /, **values: Any) -> str:
    """The text of a dotted key in the visitor's language, placeholders filled in."""
    return _text(language(), key, **values)


def said(what: MixScopeError | Message) -> str:
    """An error or a note in the visitor's language."""
    message = what.message if isinstance(what, MixScopeError) else what
    return message.text(language())


@st.cache_resource(show_spinner=False)
def _store() -> ResultStore:
    store = ResultStore(STORE_BYTES, uploads.STORE_MINUTES * 60, uploads.UPLOADS.end_of)
    memory.counts("results", lambda: store.nbytes)
    return store


def forget() -> None:
    """Empty the store of what is over (on any thread)."""
    _store().expire()


def remember(key: Hashable, make: Callable[[], T], busy: str = "") -> T:
    """A result that all visitors share; computed when it is not there, with a word on the page.

    Args:
        key: Everything that the result depends on: digest of the uploaded bytes, model key,
            untrained or not, and what is computed. Never an array.
        make: Computes it. Arrays in it must be read-only.
        busy: What to say meanwhile; empty for what takes a moment.
    """
    store = _store()
    if store.holds(key):
        return store.get(key, make)
    with turns.asking(busy) as wait:
        found = store.get(key, make, wait)
    server.make_room()
    return found


def is_remembered(key: Hashable) -> bool:
    """Whether ``remember`` has this result at this moment."""
    return _store().holds(key)


def view() -> View:
    """What the visitor has chosen so far; complete on every run."""
    state = st.session_state
    picture_ahead, point_ahead = _ahead.get()
    chosen = picture_ahead or state.get("picture", DEFAULT_PICTURE)
    own = own_picture() if chosen == OWN else None
    if own is not None:
        picture, entry = own, None
    else:
        entry, picture, _ = gallery_picture(chosen if chosen in gallery.GALLERY else "")
    chosen_models = tuple(state.get("models") or default_models(server.present()))
    chosen_models = tuple(as_switched(key) for key in chosen_models)
    point = point_ahead or (int(state.get("x", 500)), int(state.get("y", 500)))
    return View(picture=picture, models=chosen_models, point=point, entry=entry)


@contextmanager
def as_if(picture: str | None, point: tuple[int, int] | None) -> Iterator[None]:
    """Meanwhile ``view`` gives what will be chosen: for what is drawn ahead.

    Args:
        picture: Key of the gallery; None for the visitor's choice.
        point: (x, y) in thousandths; None for the visitor's choice.
    """
    token = _ahead.set((picture, point))
    try:
        yield
    finally:
        _ahead.reset(token)


def own_picture() -> DecodedImage | None:
    """The visitor's own picture, None when there is none or its time is over."""
    return uploads.UPLOADS.get(st.session_state.get("own_upload"))


def as_switched(key: str) -> str:
    """The key as it is, or of its untrained variant while the switch is on."""
    return registry.untrained(key) if st.session_state.get(SWITCH) else key


def default_models(present: Sequence[str]) -> tuple[str, ...]:
    """What is compared at first: published models once one of each family is there, else minis."""
    families = [registry.spec(key).family for key in DEFAULT_MODELS]
    published = [key for key in present if registry.spec(key).weights == "timm"]
    best = [next(iter(of_family(family, published)), "") for family in families]
    return tuple(best) if all(best) else DEFAULT_MODELS


def gallery_picture(
    key: str, instead: Sequence[str] = ()
) -> tuple[GalleryPicture, DecodedImage, ImageError | None]:
    """A picture of the gallery; where its file cannot be used, another one.

    Args:
        key: Of the gallery; empty for the default.
        instead: Those that may stand for it, the best first; empty for the default and all others.

    Returns:
        What the gallery says of the picture that is shown, the picture, and why it is another one
        than was asked for; None where it is not.

    Raises:
        ImageError: None of them can be used.
    """
    wrong: ImageError | None = None
    key = key or DEFAULT_PICTURE
    for name in (key, *(instead or (DEFAULT_PICTURE, *gallery.GALLERY))):
        try:
            return gallery.GALLERY[name], _decoded(name), wrong
        except ImageError as error:
            wrong = wrong or error
    raise wrong or ImageError("error.picture.no_entry", asked=key, keys=list(gallery.GALLERY))


@st.cache_resource(max_entries=40, show_spinner=False)
def _decoded(key: str) -> DecodedImage:
    return gallery.load(key)


def select(point: tuple[int, int]) -> None:
    """Move the selected point (in a callback, before the bound inputs are drawn)."""
    st.session_state["x"], st.session_state["y"] = point


def take(file: object) -> bool:
    """Decode an upload; on failure keep the picture that is shown and remember the message.

    Args:
        file: The value of an uploader or a camera; what was taken before changes nothing.

    Returns:
        Whether anything came.
    """
    try:
        came = uploads.take(file)
        if came is None:
            return False
        st.session_state["own_upload"] = uploads.keep(*came)
        server.make_room()
    except ImageError as error:
        st.session_state["picture_error"] = error.message
        return True
    st.session_state.pop("picture_error", None)
    st.session_state["picture"] = OWN
    return True


def of_family(family: str, keys: Sequence[str]) -> list[str]:
    """Those of the keys that belong to a family."""
    return [key for key in keys if registry.spec(key).family == family]
