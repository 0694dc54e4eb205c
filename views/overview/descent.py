"""Where the visitor is: all models, one model, one block; the address keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from views import frame
from views.frame import asked, links
from views.frame.diagram_models import MOST, NAME, OWN_PAGES, Shown, page_of
from vislib import registry
from vislib.schema import MixingSite


def choose(models: Sequence[Shown]) -> str:
    """Where the visitor is; what is not there becomes the nearest that is."""
    options = places(models)

    def read(parts: Sequence[str]) -> asked.Found[str]:
        return asked.one_of(
            parts, name=NAME, options=options, words={}, default="", nearest=_nearest
        )

    start = links.take(NAME, "", read, _in_words)
    held = str(st.session_state.setdefault(NAME, start))
    chosen = held if held in options else _nearest(options, held)
    st.session_state[NAME] = chosen
    links.settle(NAME, chosen, chosen or None)
    links.say(NAME)
    return chosen


def places(models: Sequence[Shown]) -> list[str]:
    """All that can be gone into."""
    found = [""]
    for model in models:
        if model.diagram is not None:
            names = [frame.block_name(block.site) for block in model.diagram.blocks]
            found += [model.key, *(f"{model.key},{name}" for name in names)]
    return found


def _nearest(options: Sequence[str], asked_for: str) -> str:
    """The model of a block that is not there, else all models."""
    model = asked_for.partition(",")[0]
    return model if model in options else ""


def _in_words(place: str) -> str:
    key, _, block = place.partition(",")
    if not key:
        return frame.t("overview.all")
    return " ".join(filter(None, (registry.spec(key).title, block)))


def site_in(models: Sequence[Shown], place: str) -> tuple[Shown, MixingSite] | None:
    """The model and the block of a place; None above the blocks."""
    key, _, name = place.partition(",")
    for model in models:
        if model.key == key and name and model.diagram is not None:
            sites = [block.site for block in model.diagram.blocks]
            return model, next(site for site in sites if frame.block_name(site) == name)
    return None


def open_page(models: Sequence[Shown], place: str, kind: str) -> None:
    """Open an operator's page with this model and this block chosen (in a callback)."""
    found = site_in(models, place)
    if found is None:
        return
    model, site = found
    family = registry.spec(model.key).family
    page = page_of(family, kind)
    choices: dict[str, Any] = {}
    if (family, kind) in OWN_PAGES:
        _, of_model, of_block = OWN_PAGES[family, kind]
        choices = {of_model: model.key, of_block: frame.block_name(site)}
    elif page:
        sites = [block.site for block in model.diagram.blocks] if model.diagram else []
        choices = {"depth": str(round(100 * sites.index(site) / max(1, len(sites) - 1)))}
        compared = [registry.base_key(key) for key in frame.view().models]
        if model.key not in compared:
            choices["models"] = [*compared[: MOST - 1], model.key]
    if page:
        frame.go(page, **choices)
