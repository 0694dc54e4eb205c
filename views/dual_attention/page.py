"""Dual attention: DaViT's window attention over places and group attention over channels."""

from __future__ import annotations

import streamlit as st

from views import frame
from views.dual_attention import beside, closer, halves, tiles
from vislib.schema import MixingSite

ALL = "all"


def header(key: str, half: str) -> None:
    """Which of the two attentions, its formula and its badge."""
    frame.model_head(key, title=frame.t(f"dual_attention.{half}"))
    st.markdown(frame.t(f"dual_attention.{half}_sentence"))
    frame.formula(frame.t(f"dual_attention.{half}_formula"))
    frame.badge("computed")


def choose_head(site: MixingSite) -> int | None:
    """The head that is shown, from 0, or None for all together."""
    options = [ALL, *(str(head + 1) for head in range(site.heads))]
    words = {ALL: frame.t("dual_attention.head_all")}
    chosen = frame.choose(frame.t("dual_attention.head"), options, key="head", words=words)
    return None if chosen == ALL else int(chosen) - 1


def choose_entry(site: MixingSite) -> tuple[int, int, int]:
    """Group, channel and rank of the feeding channel, from 0."""
    size = site.channels // site.heads
    columns = st.columns(3)
    with columns[0]:
        options = [str(group + 1) for group in range(site.heads)]
        group = frame.choose(frame.t("dual_attention.group"), options, key="group", compact=False)
    with columns[1]:
        label = frame.t("dual_attention.channel")
        said = frame.t("dual_attention.channel_help", count=size)
        channel = frame.choose_number(label, size, key="group_channel", help_text=said)
    with columns[2]:
        said = frame.t("dual_attention.feeder_help")
        label = frame.t("dual_attention.feeder")
        rank = frame.choose_number(label, size, key="feeder", help_text=said)
    return int(group) - 1, channel - 1, rank - 1


def draw() -> None:
    """Two halves in rows, so that the same thing stands at the same height."""
    blocks, models = st.columns(2)
    with models:
        key = frame.choose_model("davit")
    with blocks:
        site = frame.choose_site(key, name="block", operator="channel_attention")
    left, right = st.columns(2, gap="medium")
    with left:
        header(key, "window")
        head = choose_head(site)
    with right:
        header(key, "channels")
        entry = choose_entry(site)
    chosen = halves.look_up(key, site, head, entry)
    for upper, lower in (
        (halves.window_map, halves.channel_table),
        (tiles.head_tiles, tiles.channel_tiles),
    ):
        left, right = st.columns(2, gap="medium")
        with left:
            upper(chosen)
        with right:
            lower(chosen)
    tiles.group_tiles(chosen)
    closer.draw(chosen)
    beside.draw(chosen)
