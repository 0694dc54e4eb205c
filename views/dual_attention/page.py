"""Dual attention: DaViT's window attention over places and group attention over channels."""

from __future__ import annotations

import streamlit as st

from views import frame
from views.dual_attention import controls, details, maps

TILES = 4


def draw() -> None:
    """The choices in one row, both attentions on the stage, and below it what stands in tabs."""
    row = st.container()
    place = frame.stage_place(TILES)
    with row:
        choice = controls.draw()
    frame.stage(
        maps.maps(choice),
        label=frame.t("dual_attention.title"),
        blocks=choice.blocks,
        block=choice.block,
        block_key="block",
        scale=choice.scale,
        place=place,
    )
    details.draw(choice.at(choice.block))
