"""What the numbers of Dual attention are, and files of them."""

from __future__ import annotations

import streamlit as st

from views import frame
from views.dual_attention.chosen import Chosen, group_maps, score_places, window
from views.dual_attention.tiles import fed
from vislib.analysis import attentions
from vislib.registry import spec


def draw(chosen: Chosen) -> None:
    """The window's numbers at the left, the channels' at the right."""
    left, right = st.columns(2, gap="medium")
    with left:
        frame.model_head(chosen.key, title=frame.t("dual_attention.window"))
        _window(chosen)
    with right:
        frame.model_head(chosen.key, title=frame.t("dual_attention.channels"))
        _channels(chosen)


def _window(chosen: Chosen) -> None:
    if chosen.place is None:
        st.info(frame.t("dual_attention.outside"))
        return
    title = spec(chosen.key).title
    reading, rows = window(chosen, chosen.place)
    for head, what in ((None, "share"), (chosen.head, f"share.head{chosen.head}")):
        share = attentions.share_of(reading, chosen.site, head)
        name = f"{chosen.file('window')}.{what}"
        frame.strip(share, key=f"dual.{what}", name=name, title=title)
    name = chosen.file("window.pattern")
    frame.strip(rows.maps, key="dual.heads", name=name, title=title)


def _channels(chosen: Chosen) -> None:
    title, (queries, mixed) = spec(chosen.key).title, group_maps(chosen)
    i, j, group = chosen.channel, chosen.read, chosen.group
    places = score_places(chosen)
    arrays = {"queries": queries, "product": places}
    name = f"{chosen.file('channel')}.score{i}.{j}"
    frame.strip(places, key="dual.score", name=name, title=title, arrays=arrays)
    name = f"{chosen.file('channel')}.fed{i}"
    frame.strip(fed(chosen)[0], key="dual.feeders", name=name, title=title)
    name = f"{chosen.file('channel.mixed')}.group{group}"
    frame.strip(mixed, key="dual.channels", name=name, title=title)
    table, scores = chosen.table(), chosen.table("scores")
    name = f"{chosen.file('channel.pattern')}.group{group}"
    arrays = {"pattern": table, "scores": scores}
    frame.strip(table, key="dual.table", name=name, title=title, arrays=arrays)
