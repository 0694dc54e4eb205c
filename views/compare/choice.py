"""What the visitor chooses on Compare; the address keeps all of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from views import frame
from views.frame import asked, links
from vislib.analysis.reading_parts import count_parts, part_of
from vislib.pictures import gallery
from vislib.schema import DecodedImage, MixingSite, MixScopeError

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

DEPTHS = (*frame.DEPTHS, "finer")
PARTS = ("all", "head", "channel")
ENTRY = ("group", "i", "j")
NO_PICTURE = "none"
MOST_ENTRY = 99_999
PERCENT_STEP = 2
"""Every block of a model with up to 51 blocks can be reached."""

Entry = tuple[int | None, int | None, int | None]


@dataclass(frozen=True)
class Choice:
    """What every column shows.

    Attributes:
        accumulated: Through all blocks up to this one (an estimate), or through this one alone.
        part: "all", "head" or "channel".
        number: Which head or channel, from 1.
        at_zero: Whether token MLPs are linearised at zero instead of at this picture.
        second: A picture to set beside, or None.
        second_title: What the list calls it.
        entry: Channel attention's group, i and j, from 1; None for the strongest.
    """

    accumulated: bool
    part: str
    number: int
    at_zero: bool
    second: DecodedImage | None
    second_title: str
    entry: Entry


def sites_at_depth(
    keys: Sequence[str], row: DeltaGenerator
) -> tuple[dict[str, MixingSite], dict[str, MixScopeError]]:
    """Choose a relative depth; each model's block there, or why it has none."""
    with row:
        words = {name: frame.t(f"compare.depth_{name}") for name in DEPTHS}
        depth = frame.choose(
            frame.t("compare.depth"), DEPTHS, key="depth", words=words, default="middle"
        )
        percent = 50
        if depth == "finer":
            percent = frame.choose_percent(
                frame.t("compare.at"), key="at", default=50, step=PERCENT_STEP
            )
    found: dict[str, MixingSite] = {}
    errors: dict[str, MixScopeError] = {}
    for key in keys:
        try:
            found[key] = _site(key, depth, percent)
        except MixScopeError as error:
            errors[key] = error
    return found, errors


def row() -> DeltaGenerator:
    """Choices side by side; they wrap where the page is narrow."""
    return st.container(horizontal=True, vertical_alignment="bottom", gap="medium")


def _site(key: str, depth: str, percent: int) -> MixingSite:
    """The block of a model at a relative depth; only blocks that mix places count."""
    return frame.site_at(frame.spatial_sites(key), frame.DEPTHS.get(depth, percent / 100))


def choose(sites: Mapping[str, MixingSite], first: DeltaGenerator) -> Choice:
    """All other choices; what no chosen model has is not offered.

    Args:
        sites: Each model's block.
        first: The row in which the block was chosen.
    """
    part, number, at_zero = PARTS[0], 1, False
    entry: Entry = (None, None, None)
    with first:
        words = {name: frame.t(f"compare.reads_{name}") for name in ("block", "depth")}
        reads = frame.choose(frame.t("compare.reads"), list(words), key="reads", words=words)
        operators = [role for site in sites.values() for role in site.operators]
        if reads == "block" and "channel_attention" in operators:
            entry = _entry()
    with row():
        if reads == "block":
            part = _part(sites)
        if part != PARTS[0]:
            number = _number(part, sites)
        with st.container(width=230):
            second = _second()
        if reads == "block" and any(site.units for site in sites.values()):
            at_zero = frame.choose_switch(
                frame.t("compare.at_zero"), key="zero", help_text=frame.t("compare.at_zero_help")
            )
    if reads == "block":
        _say_what_is_missing(part, sites)
    if second == st.session_state.get("picture"):
        st.info(frame.t("compare.same_picture"))
    picture, title = None, ""
    if second in gallery.GALLERY:
        first_entry = frame.view().entry
        others = [k for k in gallery.GALLERY if not first_entry or k != first_entry.key]
        beside, picture = frame.second_picture(second, others)
        title = frame.picture_title(beside.key)
    return Choice(
        accumulated=reads == "depth",
        part=part,
        number=number,
        at_zero=at_zero,
        second=picture,
        second_title=title,
        entry=entry,
    )


def _second() -> str:
    """A gallery picture's key, or ``NO_PICTURE``; the visitor's own picture is not offered."""
    words = {NO_PICTURE: frame.t("compare.second_none")}
    words |= {key: frame.picture_title(key) for key in gallery.GALLERY}
    options = [key for key in words if key != st.session_state.get("picture")]
    return frame.choose(
        frame.t("compare.second"),
        _with_asked("second", options, words),
        key="second",
        words=words,
        compact=False,
    )


def _part(sites: Mapping[str, MixingSite]) -> str:
    """All together, one head or one channel: of these, what a chosen model has."""
    words = {name: frame.t(f"compare.only_{name}") for name in PARTS}
    there = {part_of(site) for site in sites.values()}
    options = [name for name in PARTS if name == PARTS[0] or name in there]
    options = _with_asked("only", options, words)
    return frame.choose(frame.t("compare.only"), options, key="only", words=words)


def _with_asked(key: str, options: Sequence[str], words: Mapping[str, str]) -> list[str]:
    """The options, and what a link asks for although it is not among them.

    It stays until the visitor chooses otherwise, so that the page can say what it shows instead.
    """
    named = [asked.key_of(key, part, list(words), words) for part in links.asked(key)]
    held = {st.session_state.get(key), *named}
    return [name for name in words if name in options or name in held]


def _number(part: str, sites: Mapping[str, MixingSite]) -> int:
    """Which head or channel, from 1; a link may ask for more than there are."""
    counts = [
        count_parts(site, frame.weights(key, site.group))
        for key, site in sites.items()
        if part_of(site) == part
    ]
    name = f"nth_{part}"
    most = max([1, *counts, _held_number(name)])
    label = frame.t(f"compare.nth_{part}", count=max([1, *counts]))
    return frame.choose_number(label, most, key=name)


def _held_number(name: str) -> int:
    """The number that the state or a link holds: the columns say that it is too high."""
    link = asked.whole_number(links.asked(name), least=1, most=MOST_ENTRY, default=1).value
    held = st.session_state.get(name)
    return max(link, held if isinstance(held, int) else 1)


def _entry() -> Entry:
    """Which entry of channel attention's tables; empty is the strongest of what is left."""
    names = [f"entry_{name}" for name in ENTRY]
    with st.popover(frame.t("compare.entry")):
        st.markdown(frame.t("compare.entry_help"))
        group, i, j = (
            frame.choose_number_freely(
                frame.t(f"compare.{name}"),
                MOST_ENTRY,
                key=name,
                placeholder=frame.t("compare.entry_strongest"),
            )
            for name in names
        )
    links.say(*names)
    return group, i, j


def _say_what_is_missing(part: str, sites: Mapping[str, MixingSite]) -> None:
    """A link's part that none of the chosen models has."""
    if part != PARTS[0] and sites and all(part_of(site) != part for site in sites.values()):
        st.info(frame.t(f"compare.none_has_{part}"))
