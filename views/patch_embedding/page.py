"""Patch embedding: how each model turns the picture into tokens, and what a token keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import streamlit as st

from views import frame
from views.patch_embedding import filters, kept, one_patch, tokens
from views.patch_embedding.columns import words
from vislib.registry import spec
from vislib.schema import DecodedImage, MixScopeError

DEPTH_WIDTH = 265
"""Of the choice of depth, in pixels."""


def draw() -> None:
    """The choices in one row, the stage with each token's similarity, and below it the tabs."""
    row = st.container()
    place = frame.stage_place(len(frame.view().models))
    with row, frame.row_of_choices():
        errors = frame.load_on_stage(frame.view().models, place)
        with st.container(width=DEPTH_WIDTH):
            depth = _depth()
    frame.stage_room(place, len(frame.view().models))
    frame.stage(
        [_map(key, errors) for key in frame.view().models],
        label=words("title"),
        blocks=tokens.DEPTHS,
        block=depth,
        block_key="token_depth",
        place=place,
    )
    keys = [key for key in frame.view().models if key not in errors]
    if keys:
        _tabs(keys, depth)
    for key, error in errors.items():
        frame.model_head(key)
        frame.problem(error)


def _depth() -> str:
    """After the embedding, or after a block: which tokens are compared."""
    names = {depth: words(f"depth_{depth}") for depth in tokens.DEPTHS}
    return frame.choose(
        words("depth"), tokens.DEPTHS, key="token_depth", words=names, compact=False
    )


def _map(key: str, errors: Mapping[str, MixScopeError]) -> frame.StageMap:
    """How alike the selected token and all others of a model are."""

    def shows(_picture: DecodedImage, depth: str) -> frame.StageShown:
        words_below = tokens.where(key, depth, tokens.tokens(key, depth), short=True)
        return frame.StageShown(field=tokens.similar(key, depth), sub=words_below)

    wrong = frame.said(errors[key]) if key in errors else ""
    alt = words("similarity_alt", model=spec(key).title)
    return frame.model_map(key, shows, alt=alt, wrong=wrong)


def _tabs(keys: Sequence[str], depth: str) -> None:
    """What stands below the stage; the old links call the tabs views."""
    draws: dict[str, Callable[[], None]] = {
        "patches": partial(_columns, keys, one_patch.patch_view),
        "filters": partial(filters.draw, keys),
        "similarity": partial(_similar, keys, depth),
        "components": partial(_columns, keys, partial(tokens.component_view, depth=depth)),
        "reconstruction": partial(_columns, keys, kept.reconstruction_view),
        "maths": _maths,
    }
    names = {name: words(f"view_{name}") for name in draws if name != "maths"}
    names["maths"] = frame.t("compare.tab_maths")
    name, place = frame.choose_tab(names, key="view")
    with place:
        if name in ("patches", "components", "reconstruction"):
            st.markdown(words(f"{name}_how"))
        frame.follows_place(draws[name])


def _columns(keys: Sequence[str], column: Callable[[str], None]) -> None:
    """The same for each model, side by side."""
    for place, key in zip(st.columns(len(keys)), keys, strict=True):
        with place:
            frame.shielded(partial(column, key))


def _similar(keys: Sequence[str], depth: str) -> None:
    """The stage's maps in numbers, and alone."""
    _columns(keys, partial(tokens.similarity_view, depth=depth))
    frame.legend(signed=True, limits=tokens.COSINES, unit=words("cosine_unit"), key="cosinebar")


def _maths() -> None:
    """How a token is made, how two are compared, and how the picture is read back."""
    frame.badge("fixed")
    frame.formula(words("formula"))
    st.markdown(words("filters_how"))
    frame.formula(words("cosine_formula"))
    st.markdown(words("similarity_how"))
    frame.formula(words("kept_formula"))
    st.markdown(words("reconstruction_how"))
