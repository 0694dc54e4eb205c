"""What all pages share: the picture, the models and the point, and where they are kept.

The point is a place of the upright picture in thousandths; each model finds its own cell.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

import streamlit as st

from views.frame import server, uploads
from views.frame.results import ResultStore
from vislib import registry
from vislib.pictures import gallery, geometry
from vislib.schema import (
    ActivationCache,
    DecodedImage,
    ImageError,
    LabelledArray,
    MixingSite,
    MixScopeError,
    ModelError,
    ViewBox,
    WeightsError,
)
from vislib.texts import Message, joined, languages
from vislib.texts import text as _text
from vislib.weights import film

if TYPE_CHECKING:
    from vislib.models.loading import LoadedModel
    from vislib.pictures.gallery import GalleryPicture
    from vislib.weights.film import Film

T = TypeVar("T")

DEFAULT_PICTURE = "coffee"
"""Of all photographs the one that the bundled models are surest of, and right: 88 % and more."""
DEFAULT_MODELS = ("mixer_mini", "convmixer_mini", "davit_mini")
MOST_MODELS = 5
OWN = "own"
SWITCH = "untrained"
"""The switch between trained and seeded random weights, and its name in the address."""
STORE_BYTES = 512 * 2**20


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
    chosen = st.session_state.get("lang", "en")
    return _text(chosen if chosen in languages() else "en", key, **values)


def said(what: MixScopeError | Message) -> str:
    """An error or a note in the visitor's language."""
    message = what.message if isinstance(what, MixScopeError) else what
    return message.text(st.session_state.get("lang", "en"))


@st.cache_resource(show_spinner=False)
def _store() -> ResultStore:
    return ResultStore(STORE_BYTES, uploads.STORE_MINUTES * 60, uploads.UPLOADS.end_of)


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
    if busy and not store.holds(key):
        with st.spinner(busy):
            return store.get(key, make)
    return store.get(key, make)


def is_remembered(key: Hashable) -> bool:
    """Whether ``remember`` has this result at this moment."""
    return _store().holds(key)


def _split(key: str) -> tuple[str, bool]:
    """The registry key of a key that may name a variant, and whether its weights are random.

    The model of a variant of the film is the trained one: frames hold parameters alone.
    """
    return registry.base_key(key), registry.is_untrained(key)


def _loaded(key: str, untrained: bool) -> LoadedModel | MixScopeError:
    """The model, or the error as a value."""
    shelf = server.shelf()
    fresh = not shelf.holds(key, untrained=untrained)
    try:
        found = shelf.get(key, untrained=untrained)
    except MixScopeError as error:
        return error
    if (key, untrained) not in _known:
        name = registry.untrained(key) if untrained else key
        _known[key, untrained] = server.facts_of(found, lambda: _fetch(name))
    if fresh:
        server.agree(key)  # it may come back without a question
        server.settle_memory()
    return found


_known: dict[tuple[str, bool], server.KnownModel] = {}


def is_ready(key: str) -> bool:
    """Whether the model is loaded at this moment, so that asking for it costs nothing."""
    return server.holds(*_split(key))


def is_known(key: str) -> bool:
    """Whether the model has been loaded once: its grid and its view box can be drawn."""
    return _split(key) in _known


class CostQuestionError(MixScopeError):
    """A model is large for this machine; the visitor is asked before it is loaded.

    Attributes:
        key: Its registry key.
    """

    def __init__(self, key: str, question: Message) -> None:
        super().__init__("error.model.asks_first", question=question)
        self.key = key


def asks_first(key: str) -> Message | None:
    """What a model will cost where that is much for this machine, else None."""
    price = server.price(key)
    if price is None:
        return None
    parts = [
        Message(
            "models.costs",
            title=title(key),
            megabytes=f"{price.cost.bytes / 1e6:,.0f}",
            adds=f"{price.cost.multiply_adds / 1e9:.3g}",
        )
    ]
    if price.seconds is not None:
        parts.append(Message("models.costs_seconds", seconds=max(1, round(price.seconds))))
    if not price.cost.fits:
        share = f"{100 * price.cost.share_of_available:.0f}"
        parts.append(Message("models.costs_memory", percent=share))
    return joined("error.text.then", parts)


def _fetch(key: str) -> LoadedModel:
    """The model itself, with a word on the page while it is loaded.

    Raises:
        CostQuestionError: It is large for this machine, and nobody has agreed to it yet.
        MixScopeError: It cannot be loaded; the message is for the visitor.
    """
    base, untrained = _split(key)
    if is_ready(key):
        found = _loaded(base, untrained)
    else:
        with st.spinner(t("busy.model", title=title(key))):
            question = asks_first(base)
            found = CostQuestionError(base, question) if question else _loaded(base, untrained)
    if isinstance(found, MixScopeError):
        raise found
    return found


def model(key: str) -> LoadedModel:
    """A loaded model, shared by all visitors; of one that has left the memory, its known facts.

    Raises:
        CostQuestionError: It is large for this machine, and nobody has agreed to it yet.
        MixScopeError: It cannot be loaded; the message is for the visitor.
    """
    known = _known.get(_split(key))
    if known is not None:
        return cast("LoadedModel", known)
    return _fetch(key)


def run(key: str, work: Callable[[LoadedModel], T]) -> T:
    """A piece of work with a shared model, which it leaves as it is.

    Where the graphics card's memory ends it is done again on the processor. The visitor is not
    asked about the model's cost: ``capture`` or ``model`` has done that before.

    Args:
        key: Registry key; it may name the untrained variant.
        work: Is given the loaded model.
    """
    base, untrained = _split(key)
    return server.shelf().run(base, work, untrained=untrained)


def capture(key: str, group: str | None, *, picture: DecodedImage | None = None) -> ActivationCache:
    """What a model computed on the visitor's picture, for one hook group; run once for all.

    Raises:
        MixScopeError: It cannot be run; the message is for the visitor.
    """
    if registry.epoch_of(key) is not None:
        raise ModelError("film.no_run", title=registry.spec(key).title)
    base, untrained = _split(key)
    shown = picture or view().picture
    name = ("capture", shown.sha256, key, group)
    loaded = None if _store().holds(name) else _fetch(key)

    def work(place: LoadedModel) -> ActivationCache:
        from vislib.models import loading
        from vislib.observe import capture as capturing

        return capturing.run_with_cache(place, loading.prepare(place, shown), group)

    def run() -> ActivationCache:
        found = server.shelf().run(base, work, untrained=untrained, model=loaded)
        server.measured(base, found.seconds)
        return found

    return remember(name, run, busy=t("busy.capture", title=title(key)))


def multiply_adds(key: str) -> int:
    """Of one forward pass at the model's input size, counted without running it."""
    return server.shelf().cost(registry.spec(registry.base_key(key))).multiply_adds


def weights(key: str, group: str) -> dict[str, LabelledArray]:
    """The parameters of a group of a model ("stem" or a block), of the epoch that a key names."""
    if registry.epoch_of(key) is not None:
        return {n: a for n, a in film_frame(key).items() if n.startswith(f"{group}.")}
    name = ("weights", key, group)
    loaded = None if _store().holds(name) else _fetch(key)
    return remember(name, lambda: (loaded or _fetch(key)).weights(group))


@st.cache_resource(show_spinner=False)
def film_of(key: str) -> Film | None:
    """The film of a bundled model's training; it never changes while the app runs."""
    return film.read(key)


def film_frame(key: str) -> dict[str, LabelledArray]:
    """All arrays of the frame that a key names ("mixer_mini@epoch2").

    Raises:
        WeightsError: There is no such frame.
    """
    epoch, reel = registry.epoch_of(key), film_of(registry.base_key(key))
    if reel is None or epoch is None:
        raise WeightsError("film.none", title=registry.spec(registry.base_key(key)).title)
    return remember(("film", key), lambda: reel.frame(epoch))


def title(key: str) -> str:
    """What the page calls a model; variants say so."""
    return registry.spec(key).title


def box(key: str) -> ViewBox:
    """The part of the visitor's picture that a model sees, in pixels of the upright picture."""
    config, shown = model(key).config, view().picture
    return geometry.view_box(shown.width, shown.height, size=config.size, crop=config.crop)


def cell(key: str, site: MixingSite | None = None) -> tuple[int, int] | None:
    """The selected point's (row, column) on a model's grid, from 0, or None outside its crop.

    Args:
        key: Registry key.
        site: A block, whose grid may be coarser; None for the first tokens.
    """
    grid = site or model(key).grid
    shown = view()
    return geometry.cell_at(
        box(key),
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
    own = own_picture() if chosen == OWN else None
    if own is not None:
        picture, entry = own, None
    else:
        entry = gallery.GALLERY.get(chosen, gallery.GALLERY[DEFAULT_PICTURE])
        picture = _gallery_picture(entry.key)
    chosen_models = tuple(state.get("models") or default_models(server.present()))
    chosen_models = tuple(as_switched(key) for key in chosen_models)
    point = (int(state.get("x", 500)), int(state.get("y", 500)))
    return View(picture=picture, models=chosen_models, point=point, entry=entry)


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


@st.cache_resource(max_entries=40, show_spinner=False)
def _gallery_picture(key: str) -> DecodedImage:
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
    except ImageError as error:
        st.session_state["picture_error"] = error.message
        return True
    st.session_state.pop("picture_error", None)
    st.session_state["picture"] = OWN
    return True


def of_family(family: str, keys: Sequence[str]) -> list[str]:
    """Those of the keys that belong to a family."""
    return [key for key in keys if registry.spec(key).family == family]
