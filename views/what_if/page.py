"""What if: proofs by shuffling, surgery, and how much the answer hangs on each block."""

from __future__ import annotations

import streamlit as st

from views import frame
from views.frame import links
from views.what_if import ranking, shuffle, surgery
from views.what_if.words import words

VIEWS = ("shuffle", "surgery", "ranking")


def draw() -> None:
    """One of three views: its choices in one row, before and after, and the rest in tabs."""
    _read_link()
    row, below = st.container(), st.container(gap=None)
    with row, frame.row_of_choices(models=frame.choice_ahead("what_if", VIEWS) == "shuffle"):
        with st.container(width=130):
            view = frame.choose(
                words("view"),
                VIEWS,
                key="what_if",
                words={name: words(f"view_{name}") for name in VIEWS},
                compact=False,
            )
        if view == "shuffle":
            with below:
                place = frame.stage_place(len(frame.view().models))
            shuffled = shuffle.choose(place)
        elif view == "surgery":
            with below:
                place = frame.stage_place(4)
            operated = surgery.choose()
        else:
            ranked = ranking.choose()
    if view == "shuffle":
        frame.shielded(lambda: shuffle.draw(shuffled, place))
    elif view == "surgery":
        frame.shielded(lambda: surgery.draw(operated, place))
    else:
        frame.shielded(lambda: ranking.draw(*ranked))


def _read_link() -> None:
    """A link of the time when DaViT's attentions stood at the end of the page opens their tab."""
    if links.asked("proof_block"):
        links.memory().link.setdefault("shuffled", ["proof"])
