"""Inside the tokens: early answers, how far each depth mixes, which layers are alike."""

from __future__ import annotations

import streamlit as st

from views import frame
from views.inside import answers, distance, similarity
from views.inside.runs import words

VIEWS = ("answers", "distance", "similarity")


def draw() -> None:
    """One of three views: its choices in one row, its figure, and the rest in tabs."""
    row, below = st.container(), st.container(gap=None)
    pictured = frame.choice_ahead("inside", VIEWS) != "similarity"
    with row, frame.row_of_choices(picture=pictured):
        keys = frame.view().models  # what a link says of them has been read now
        with st.container(width=290):
            view = frame.choose(
                words("view"),
                VIEWS,
                key="inside",
                words={name: words(f"view_{name}") for name in VIEWS},
                compact=False,
            )
        if view == "distance":
            with below:
                place = frame.stage_place(len(keys))
            chosen = distance.choose(place)
        elif view == "similarity":
            pair = similarity.choose(keys)
    if view == "answers":
        frame.shielded(answers.draw)
    elif view == "distance":
        frame.shielded(lambda: distance.draw(chosen, place))
    else:
        frame.shielded(lambda: similarity.draw(*pair))
