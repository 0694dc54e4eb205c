"""The relative depth on Compare: percent from the first block that mixes places to the last."""

from __future__ import annotations

from collections.abc import Sequence

from views import frame
from views.frame import asked, links
from vislib.schema import MixingSite

EARLIER = ("first", "middle", "last", "finer")
"""Words of earlier links."""


def block_at(key: str, depth: str) -> MixingSite:
    """The block of a model that is nearest to a relative depth in percent."""
    return frame.site_at_step(key, depth)


def offered(keys: Sequence[str]) -> tuple[str, ...]:
    """As many steps as the deepest model has blocks."""
    return frame.depth_steps(keys)


def choose(depths: Sequence[str]) -> str:
    """One of the depths; the address keeps its percent."""
    _read_link(depths)
    return frame.choose(
        frame.t("compare.depth"),
        depths,
        key="depth",
        words={depth: frame.t("compare.depth_at", percent=depth) for depth in depths},
        default=asked.nearest_number(depths, "50"),
        compact=False,
    )


def _read_link(depths: Sequence[str]) -> None:
    """Any percent of a link stands for the nearest block, and so do the words of earlier links.

    They named a depth with a word, or said "finer" with its percent beside it.
    """
    link = links.memory().link
    parts = link.get("depth", [])
    word = asked.key_of("depth", parts[0], EARLIER, {}) if len(parts) == 1 else None
    if word == "finer":
        parts = link["depth"] = link.pop("at", ["50"])
    elif word is not None:
        parts = [{"first": "0", "middle": "50", "last": "100"}[word]]
    found = asked.whole_number(parts, least=0, most=100, default=50)
    if found.exact:
        link["depth"] = [asked.nearest_number(depths, str(found.value)) or depths[0]]
