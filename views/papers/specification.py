"""Mixer's specification table, with what we count of the same architectures beside it."""

from __future__ import annotations

import streamlit as st

from views.papers.printed import difference
from views.papers.words import grid, words
from vislib.tables import specification

COLUMNS = ("layers", "patch", "hidden", "length", "channel_mlp", "token_mlp", "printed", "counted")


def draw(_paper: str) -> None:
    """A row a model of the family."""
    rows = [[words("model"), *(words(f"spec_{name}") for name in COLUMNS), words("value_off")]]
    for entry in specification.mixer():
        ours = None if entry.ours is None else entry.ours / 1e6
        off = None if ours is None else ours / entry.parameters_millions - 1
        rows.append(
            [
                entry.model,
                f"{entry.layers}",
                f"{entry.patch} × {entry.patch}",
                f"{entry.hidden:,}",
                f"{entry.length}",
                f"{entry.channel_mlp:,}",
                f"{entry.token_mlp}",
                f"{entry.parameters_millions:.0f}",
                "" if ours is None else f"{ours:.2f}",
                "" if off is None else difference(off),
            ]
        )
    grid(rows, label=words("show_specification"))
    st.caption(words("spec_how"))
