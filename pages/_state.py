"""What all pages share: the picture, the models and the point, and where they are kept.

The address bar holds the choice: widgets are bound to query parameters in the frame. The point is a
place of the upright picture in thousandths; each model finds its own cell.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import streamlit as st

from pages._store import ResultStore
from pages._text import languages
from pages._text import text as _text
from vislib import gallery, images, registry
from vislib.schema import (
    ActivationCache,
    DecodedImage,
    ImageError,
    LabelledArray,
    MixingSite,
    MixScopeError,
    ViewBox,
)

if TYPE_CHECKING:
    from vislib.models import LoadedModel

T = TypeVar("T")

DEFAULT_PICTURE = "cat"
DEFAULT_MODELS = ("mixer_mini", "convmixer_mini", "davit_mini")
MOST_MODELS = 5
OWN = "own"
STORE_BYTES = 512 * 2**20
STORE_MINUTES = 60
RUNS_TO_WRITE = 3
"""Of the runs after a link, those that are cut short (a model was loaded) write no address."""


@dataclass(frozen=True)
class View:
    """What the visitor has chosen.

    Attributes:
        picture: The upright picture.
        models: Registry keys, in the visitor's order.
        point: (x, y) in thousandths of the upright picture.
    """

    picture: DecodedImage
    models: tuple[str, ...]
    point: tuple[int, int]


def t(key: str, **values: Any) -> str:
    """The text of a dotted key in the visitor's language, placeholders filled in."""
    chosen = st.session_state.get("lang", "en")
    return _text(chosen if chosen in languages() else "en", key, **values)


@st.cache_resource(show_spinner=False)
def _store() -> ResultStore:
    return ResultStore(STORE_BYTES, STORE_MINUTES * 60)


def remember(key: Hashable, make: Callable[[], T], busy: str = "") -> T:
    """A result that all visitors share; computed when it is not there, with a word on the page.

    Args:
        key: Everything that the result depends on: digest of the uploaded bytes, model key,
            untrained or not, and what is computed. Never an array.
        make: Computes it. Arrays in it must be read-only.
        busy: What to say meanwhile; empty for what takes a moment.
    """
    store = _store()
    if busy and not store.holds(key):
        with st.spinner(busy):
            return store.get(key, make)
    return store.get(key, make)


@st.cache_resource(max_entries=8, show_spinner=False)
def _loaded(key: str, untrained: bool) -> LoadedModel | MixScopeError:
    """The model, or the error as a value: a function that raises runs once for each visitor."""
    from vislib import models

    try:
        model = models.load(key, untrained=untrained)
    except MixScopeError as error:
        return error
    gc.collect()
    gc.freeze()  # otherwise every rerun walks through torch's half a million objects
    _ready.add((key, untrained))
    return model


_ready: set[tuple[str, bool]] = set()


def is_ready(key: str, untrained: bool = False) -> bool:
    """Whether the model has been loaded, so that asking for it costs nothing."""
    return (key, untrained) in _ready


def model(key: str, untrained: bool = False) -> LoadedModel:
    """A loaded model, shared by all visitors.

    Raises:
        MixScopeError: It cannot be loaded; the message is for the visitor.
    """
    if is_ready(key, untrained):
        found = _loaded(key, untrained)
    else:
        with st.spinner(t("busy.model", title=title(key))):
            found = _loaded(key, untrained)
    if isinstance(found, MixScopeError):
        _loaded.clear(key, untrained)
        raise found
    return found


def capture(
    key: str, group: str | None, *, untrained: bool = False, picture: DecodedImage | None = None
) -> ActivationCache:
    """What a model computed on the visitor's picture, for one hook group; run once for all.

    Raises:
        MixScopeError: It cannot be run; the message is for the visitor.
    """
    shown = picture or view().picture
    loaded = model(key, untrained)

    def run() -> ActivationCache:
        from vislib import capture as capturing
        from vislib import models

        return capturing.run_with_cache(loaded, models.prepare(loaded, shown), group)

    return remember(
        ("capture", shown.sha256, key, untrained, group),
        run,
        busy=t("busy.capture", title=title(key)),
    )


def weights(key: str, group: str, *, untrained: bool = False) -> dict[str, LabelledArray]:
    """The parameters of a group of a model ("stem" or a block)."""
    loaded = model(key, untrained)
    return remember(("weights", key, untrained, group), lambda: loaded.weights(group))


def title(key: str, untrained: bool = False) -> str:
    """What the page calls a model; untrained ones say so."""
    name = registry.spec(key).title
    return f"{name} ({t('models.untrained')})" if untrained else name


def box(key: str, untrained: bool = False) -> ViewBox:
    """The part of the visitor's picture that a model sees, in pixels of the upright picture."""
    config, shown = model(key, untrained).config, view().picture
    return images.view_box(shown.width, shown.height, size=config.size, crop=config.crop)


def cell(
    key: str, site: MixingSite | None = None, untrained: bool = False
) -> tuple[int, int] | None:
    """The selected point's (row, column) on a model's grid, from 0, or None outside its crop.

    Args:
        key: Registry key.
        site: A block, whose grid may be coarser; None for the first tokens.
        untrained: As in ``model``.
    """
    grid = site or model(key, untrained).grid
    shown = view()
    return images.cell_at(
        box(key, untrained),
        picture=(shown.picture.width, shown.picture.height),
        x=shown.point[0],
        y=shown.point[1],
        rows=grid.rows,
        columns=grid.columns,
    )


def view() -> View:
    """What the visitor has chosen so far; complete on every run."""
    state = st.session_state
    chosen = state.get("picture", DEFAULT_PICTURE)
    own: DecodedImage | None = state.get("own_picture")
    if chosen == OWN and own is not None:
        picture = own
    else:
        key = chosen if chosen in gallery.GALLERY else DEFAULT_PICTURE
        picture = _gallery_picture(key)
    chosen_models = tuple(state.get("models") or DEFAULT_MODELS)
    point = (int(state.get("x", 500)), int(state.get("y", 500)))
    return View(picture=picture, models=chosen_models, point=point)


@st.cache_resource(max_entries=40, show_spinner=False)
def _gallery_picture(key: str) -> DecodedImage:
    return gallery.load(key)


def select(point: tuple[int, int]) -> None:
    """Move the selected point (in a callback, before the bound inputs are drawn)."""
    st.session_state["x"], st.session_state["y"] = point


def take(data: bytes, name: str) -> None:
    """Decode an upload; on failure keep the picture that is shown and remember the message."""
    try:
        st.session_state["own_picture"] = images.decode(data, name=name)
    except ImageError as error:
        st.session_state["picture_error"] = str(error)
        return
    st.session_state.pop("picture_error", None)
    st.session_state["picture"] = OWN


def of_family(family: str, keys: Sequence[str]) -> list[str]:
    """Those of the keys that belong to a family."""
    return [key for key in keys if registry.spec(key).family == family]


def from_link(key: str, options: Sequence[str], *, many: bool = False) -> None:
    """Let a link name an option by its stable key; Streamlit itself writes the option's words.

    Call it before the widget is drawn. A key counts once: the visitor's next choice is not undone.
    Streamlit drops a key from the address, since it is none of its words, and writes what is set
    after a run that came to its end: so the value is set again in the next runs, and the address
    is whole again with the visitor's first action.

    Args:
        key: The widget's key and its name in the address.
        options: The stable keys.
        many: Whether the widget holds a list.
    """
    state = st.session_state
    named = tuple(name for name in st.query_params.get_all(key) if name in options)
    seen: dict[str, tuple[str, ...]] = state.setdefault("_linked", {})
    unwritten: dict[str, int] = state.setdefault("_unwritten", {})
    if named and seen.get(key) != named:
        seen[key] = named
        state[key] = list(named) if many else named[0]
        unwritten[key] = RUNS_TO_WRITE
    elif unwritten.get(key, 0) > 0 and key in state:
        unwritten[key] -= 1
        state[key] = state[key]
