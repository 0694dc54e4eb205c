"""What a model computed on the visitor's picture, what its weights are, and where its cells lie."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import streamlit as st

from views.frame import cores, server, turns
from views.frame.models import fetch, model, split, title
from views.frame.state import is_remembered, remember, t, view
from vislib import registry
from vislib.pictures import geometry
from vislib.schema import (
    ActivationCache,
    DecodedImage,
    LabelledArray,
    MixingSite,
    ModelError,
    TableError,
    ViewBox,
    WeightsError,
)
from vislib.tables import prepared
from vislib.weights import files, film

if TYPE_CHECKING:
    from vislib.models.loading import LoadedModel
    from vislib.weights.film import Film

LOGGER = logging.getLogger(__name__)


def capture(key: str, group: str | None, *, picture: DecodedImage | None = None) -> ActivationCache:
    """What a model computed on the visitor's picture, for one hook group; run once for all.

    Raises:
        MixScopeError: It cannot be run; the message is for the visitor.
    """
    if registry.epoch_of(key) is not None:
        raise ModelError("film.no_run", title=registry.spec(key).title)
    base, untrained = split(key)
    shown = picture or view().picture
    name = ("capture", shown.sha256, key, group)
    loaded = None if is_remembered(name) else fetch(key)

    def work(place: LoadedModel) -> ActivationCache:
        from vislib.models import loading
        from vislib.observe import capture as capturing

        cores.share()
        return capturing.run_with_cache(place, loading.prepare(place, shown), group)

    def run() -> ActivationCache:
        with turns.turn():
            found = server.shelf().run(base, work, untrained=untrained, model=loaded)
        server.measured(base, found.seconds)
        return found

    return remember(name, run, busy=t("busy.capture", title=title(key)))


def beforehand() -> prepared.Prepared | None:
    """What comes with the project; None where its file cannot be used, and all is computed."""
    try:
        return prepared.read()
    except TableError:
        LOGGER.exception("what is bundled cannot be used")
        return None


def multiply_adds(key: str) -> int:
    """Of one forward pass at the model's input size, counted without running it."""
    return server.shelf().cost(registry.spec(registry.base_key(key))).multiply_adds


def weights(key: str, group: str) -> dict[str, LabelledArray]:
    """The parameters of a group of a model ("stem" or a block), of the epoch that a key names.

    Raises:
        WeightsError: The film of the training has not kept this group.
    """
    if registry.epoch_of(key) is not None:
        found = {n: a for n, a in film_frame(key).items() if n.startswith(f"{group}.")}
        if not found:
            title = registry.spec(registry.base_key(key)).title
            raise WeightsError("error.film.no_block", model=title, block=group)
        return found
    name = ("weights", key, group)
    loaded = None if is_remembered(name) else fetch(key)
    return remember(name, lambda: (loaded or fetch(key)).weights(group))


@st.cache_resource(show_spinner=False)
def film_of(key: str) -> Film | None:
    """The film of a bundled model's training; it never changes while the app runs.

    It ends with the accuracy on the model's card: that of the weights that are shown.
    """
    reel = film.read(key)
    return reel and film.as_stored(reel, files.read_card(key)["held_out_top1"])


def film_frame(key: str) -> dict[str, LabelledArray]:
    """All arrays of the frame that a key names ("mixer_mini@epoch2").

    Raises:
        WeightsError: There is no such frame.
    """
    epoch, reel = registry.epoch_of(key), film_of(registry.base_key(key))
    if reel is None or epoch is None:
        raise WeightsError("film.none", title=registry.spec(registry.base_key(key)).title)
    return remember(("film", key), lambda: reel.frame(epoch))


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
