"""What stands below the stage on Dual attention, in tabs: only the one that is open is built."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from views import frame
from views.dual_attention import beside, closer, source, tiles
from views.dual_attention.chosen import Chosen, window
from vislib.analysis import attentions, channel_groups
from vislib.analysis.common_ground import statistics

HALVES = ("window", "channels")


def draw(chosen: Chosen) -> None:
    """The tabs."""
    draws: dict[str, Callable[[Chosen], None]] = {
        "channels": tiles.channels,
        "head": tiles.heads,
        "numbers": _numbers,
        "score": closer.score,
        "table": closer.table,
        "depth": closer.depth,
        "beside": beside.draw,
        "maths": _maths,
        "source": source.draw,
    }
    words = {name: frame.t(f"dual_attention.tab_{name}") for name in draws}
    name, place = frame.choose_tab(words, key="closer")
    with place:
        frame.follows_place(partial(draws[name], chosen))


def _numbers(chosen: Chosen) -> None:
    """Of the window at the left, of the channels at the right."""
    for column, half, facts in zip(
        st.columns(2, gap="medium"), HALVES, (_window_facts, _channel_facts), strict=True
    ):
        with column:
            _head(chosen, half)
            facts(chosen)


def _head(chosen: Chosen, half: str) -> None:
    """Which of the two attentions, and its badge."""
    frame.model_head(chosen.key, title=frame.t(f"dual_attention.{half}"))
    st.markdown(frame.t(f"dual_attention.{half}_sentence"))
    frame.badge("computed")


def _window_facts(chosen: Chosen) -> None:
    """Reach and entropy, of all heads together and of the chosen one."""
    site, place = chosen.site, chosen.place
    if place is None:
        st.info(frame.t("dual_attention.outside"))
        return
    reading, rows = window(chosen, place)
    facts = [(frame.t("dual_attention.window_number"), f"{rows.number + 1} / {rows.count}")]
    cell_px = frame.box(chosen.key).width / site.columns
    for head in (None, chosen.head):
        share = attentions.share_of(reading, site, head).values
        numbers = statistics(share, row=place[0], column=place[1], cell_px=cell_px)
        who = frame.t("dual_attention.of_all")
        if head is not None:
            who = frame.t("dual_attention.of_head", head=head + 1)
        bits = frame.bits(numbers.entropy_bits, site.window**2)
        facts.append((f"{frame.t('dual_attention.entropy')}, {who}", bits))
        facts.append((f"{frame.t('dual_attention.reach')}, {who}", f"{numbers.reach_px:.0f} px"))
    frame.html_table(facts)
    local = "whole" if rows.count == 1 else "part"
    said = frame.t(f"dual_attention.window_{local}", side=site.window)
    if reading.outside:
        said += " " + frame.t("dual_attention.padding", share=f"{reading.outside:.1f}")
    st.caption(said)


def _channel_facts(chosen: Chosen) -> None:
    """The chosen entry of the group's table."""
    i, j, table = chosen.channel, chosen.read, chosen.table()
    entropy = float(channel_groups.entropy(table.values[i]))
    score = float(chosen.table("scores").values[i, j])
    frame.html_table(
        [
            (
                frame.t("dual_attention.reads", channel=i + 1, read=j + 1),
                f"{100 * float(table.values[i, j]):.2f} %",
            ),
            (
                frame.t("dual_attention.row_entropy", channel=i + 1),
                frame.bits(entropy, chosen.size),
            ),
            (frame.t("dual_attention.score"), f"{score:.3f}"),
        ]
    )
    st.caption(frame.t("dual_attention.no_places"))


def _maths(chosen: Chosen) -> None:
    """Both formulas, and in which order the code multiplies."""
    for column, half in zip(st.columns(2, gap="medium"), HALVES, strict=True):
        with column:
            _head(chosen, half)
            frame.formula(frame.t(f"dual_attention.{half}_formula"))
    st.markdown(frame.t("dual_attention.notation"))
