"""What the visitor chooses on Compare, in one row above the maps; the address keeps all of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import streamlit as st

from views import frame
from views.compare import depths
from views.frame import asked, links
from vislib.analysis.reading_parts import count_parts, part_of
from vislib.pictures import gallery
from vislib.schema import DecodedImage, MixingSite, MixScopeError

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

PARTS = ("all", "head", "channel")
NO_PICTURE = "none"
MOST_ENTRY = 99_999


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What the stage and all that stands below it show.

    Attributes:
        depths: Relative depths that can be stepped through, percent from first to last block.
        depth: The one that is shown.
        part: "all", "head" or "channel".
        number: Which head or channel, from 1.
        at_zero: Whether token MLPs are linearised at zero instead of at this picture.
        scale: "root", "linear" or "own".
        second: A picture to set beside, or None.
        second_title: What the list calls it.
    """

    depths: tuple[str, ...]
    depth: str
    part: str
    number: int
    at_zero: bool
    scale: str
    second: DecodedImage | None = None
    second_title: str = ""


def draw(place: DeltaGenerator) -> tuple[Choice, dict[str, MixScopeError]]:
    """All choices, and which of the models cannot be shown.

    Args:
        place: The stage's, which says meanwhile that models are being loaded.
    """
    with frame.row_of_choices(more=True):
        errors = frame.load_on_stage(frame.view().models, place)
        keys = [key for key in frame.view().models if key not in errors]
        steps = depths.offered(keys)
        with st.container(width=190):
            depth = depths.choose(steps)
        sites = {key: depths.block_at(key, depth) for key in keys}
        with st.popover(frame.t("compare.more")):
            chosen = _more(steps, depth, sites)
    # Below the row: nobody sees in a closed list why another picture stands there.
    second, title = _beside(st.session_state.get("second", NO_PICTURE))
    chosen = replace(chosen, second=second, second_title=title)
    _say_what_is_missing(chosen.part, sites)
    if st.session_state.get("second") == st.session_state.get("picture"):
        st.info(frame.t("compare.same_picture"))
    return chosen, errors


def asks_second() -> bool:
    """Whether a second picture is chosen, or a link asks for one, before the choice is drawn."""
    return st.session_state.get("second", NO_PICTURE) != NO_PICTURE or bool(links.asked("second"))


def _more(steps: tuple[str, ...], depth: str, sites: Mapping[str, MixingSite]) -> Choice:
    """Heads and channels, second picture, colour scale, Mixer at zero."""
    part, at_zero = _part(sites), False
    number = _number(part, sites) if part != PARTS[0] else 1
    _second()
    scale = frame.choose_scale()
    if any(site.units for site in sites.values()):
        at_zero = frame.choose_switch(
            frame.t("compare.at_zero"), key="zero", help_text=frame.t("compare.at_zero_help")
        )
    return Choice(
        depths=steps,
        depth=depth,
        part=part,
        number=number,
        at_zero=at_zero,
        scale=scale,
    )


def _second() -> None:
    """Choose a gallery picture to set beside, or ``NO_PICTURE``; the visitor's is not offered."""
    words = {NO_PICTURE: frame.t("compare.second_none")}
    words |= {key: frame.picture_title(key) for key in gallery.GALLERY}
    options = [key for key in words if key != st.session_state.get("picture")]
    frame.choose(
        frame.t("compare.second"),
        _with_asked("second", options, words),
        key="second",
        words=words,
        compact=False,
    )


def _beside(key: str) -> tuple[DecodedImage | None, str]:
    """The second picture and what the list calls it; the next one where its file is broken."""
    if key not in gallery.GALLERY or key == st.session_state.get("picture"):
        return None, ""
    first = frame.view().entry
    others = [other for other in gallery.GALLERY if not first or other != first.key]
    entry, picture = frame.second_picture(key, others)
    return picture, frame.picture_title(entry.key)


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


def _say_what_is_missing(part: str, sites: Mapping[str, MixingSite]) -> None:
    """A link's part that none of the chosen models has."""
    if part != PARTS[0] and sites and all(part_of(site) != part for site in sites.values()):
        st.info(frame.t(f"compare.none_has_{part}"))
