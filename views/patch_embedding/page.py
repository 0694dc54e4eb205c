"""Patch embedding: how each model turns the picture into tokens, and what a token keeps."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from views import frame
from views.patch_embedding import columns, tokens

VIEWS = ("patches", "filters", "similarity", "components", "reconstruction")
ORDERS = ("frequency", "norm")


def choose_words(name: str, options: tuple[str, ...], *, key: str, default: str = "") -> str:
    """A choice whose words stand in the page's own section."""
    return frame.choose(
        columns.words(name),
        options,
        key=key,
        words={option: columns.words(f"{name}_{option}") for option in options},
        default=default or options[0],
    )


def drawing(view: str) -> Callable[[str, int], None]:
    """What draws one model's column, after the view's own choices and its legend."""
    if view == "filters":
        choose_words("order", ORDERS, key="filter_order")
        st.markdown(columns.words("filters_how"))
        frame.legend(
            signed=True, limits=(-1.0, 1.0), unit=columns.words("filter_unit"), key="filterbar"
        )
        return lambda key, number: columns.filter_view(key, number)
    if view in ("similarity", "components"):
        depth = choose_words("depth", tokens.DEPTHS, key="token_depth")
        st.markdown(columns.words(f"{view}_how"))
        if view == "components":
            return lambda key, number: tokens.component_view(key, depth)
        frame.legend(
            signed=True, limits=tokens.COSINES, unit=columns.words("cosine_unit"), key="cosinebar"
        )
        return lambda key, number: tokens.similarity_view(key, depth)
    st.markdown(columns.words(f"{view}_how"))
    if view == "reconstruction":
        return lambda key, number: columns.reconstruction_view(key)
    return lambda key, number: columns.patch_view(key)


def draw() -> None:
    """One column a model; only the chosen view is computed."""
    view = choose_words("view", VIEWS, key="view")
    draw_one = drawing(view)
    keys = list(frame.view().models)
    if view == "filters":
        keys = frame.choose_epoch(keys, needs="stem.filters")
    for number, (column, key) in enumerate(zip(st.columns(len(keys)), keys, strict=True), 1):
        with column:
            frame.shielded(lambda key=key, number=number: draw_one(key, number))
    if view == "filters":
        by = st.session_state.get("filter_order", ORDERS[0])
        for number, key in enumerate(keys, 1):
            frame.shielded(lambda key=key, number=number: columns.all_filters(key, number, by))
