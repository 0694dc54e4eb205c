"""What the visitor chooses on Dual attention, in one row above the maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from views import frame
from views.dual_attention import beside
from views.dual_attention.chosen import Choice, Chosen
from views.frame import asked, links


def draw() -> Choice:
    """Block, head, and the entry of a group's table; the address keeps all of it."""
    _read_link()
    with frame.row_of_choices(models=False):
        key = frame.choose_model("davit", compact=False)
        with st.container(width=210):
            site = frame.choose_site(key, name="block", operator="channel_attention")
        with st.container(width=130):
            head = _numbered("head", site.heads)
        with st.popover(frame.t("dual_attention.entry")):
            group = _numbered("group", site.heads)
            channel = _numbered("group_channel", site.channels // site.heads)
            choice = Choice(key=key, block=frame.block_name(site), head=head, group=group)
            choice = choice.with_entry(channel, rank=0)
            choice = choice.with_entry(channel, rank=_rank(choice.at(choice.block)))
        with st.popover(frame.t("dual_attention.more")):
            choice = choice.with_scale(frame.choose_scale())
    return choice


def _numbered(name: str, count: int) -> int:
    """One of several, from 0; its name stands in the list."""
    options = [str(number + 1) for number in range(count)]
    words = {option: frame.t(f"dual_attention.nth_{name}", number=option) for option in options}
    return _listed(name, options, words)


def _rank(chosen: Chosen) -> int:
    """How many channels feed the chosen one more than the one that is looked at."""
    words = {
        str(rank + 1): frame.t(
            "dual_attention.nth_feeder", channel=channel + 1, percent=f"{100 * weight:.1f}"
        )
        for rank, (channel, weight) in enumerate(chosen.feeders)
    }
    return _listed("feeder", list(words), words)


def _listed(name: str, options: Sequence[str], words: Mapping[str, str]) -> int:
    label = frame.t(f"dual_attention.{name}")
    return int(frame.choose(label, options, key=name, words=words, compact=False)) - 1


def _read_link() -> None:
    """A link of the time when other attentions stood at the end of the page opens their tab."""
    link = links.memory().link
    parts = link.get("beside", [])
    word = (
        asked.key_of("beside", parts[0], (*beside.VIEWS, "closed"), {}) if len(parts) == 1 else None
    )
    if word == "closed":
        del link["beside"]
    elif word is not None:
        link.setdefault("closer", ["beside"])
