"""What a changed model reads, before and after: on the stage, in numbers, and as files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import streamlit as st

from views import frame
from views.what_if import runs
from views.what_if.words import words
from vislib.analysis import attentions, receptive
from vislib.analysis.common_ground import Reading
from vislib.analysis.fields import ReadingField, reading_field
from vislib.analysis.reading_at import reading_at, spatial_operator
from vislib.schema import Change, LabelledArray, MixingSite

Place = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """A change to a model.

    Attributes:
        key: Registry key.
        site: The block that is looked at.
        change: What is changed.
        scale: The stage's.
    """

    key: str
    site: MixingSite
    change: Change
    scale: str = "root"

    @property
    def sites(self) -> tuple[MixingSite, ...]:
        """The block, and the last one that mixes places."""
        last = frame.spatial_sites(self.key)[-1]
        return (self.site,) if last.group == self.site.group else (self.site, last)

    def run(self) -> runs.ChangedRun:
        """What the changed model computes; done once for all."""
        return runs.changed(self.key, self.change, self.sites)


def maps(chosen: Operation) -> list[frame.StageMap]:
    """Of the block and of the last one: before, and after."""
    return [
        frame.model_map(
            chosen.key,
            partial(_shown, chosen, site, when),
            alt=words("map_alt", when=words(when)),
            name=words(f"tile_{when}" if site.group == chosen.site.group else f"tile_last_{when}"),
        )
        for site in chosen.sites
        for when in ("before", "after")
    ]


def _shown(chosen: Operation, site: MixingSite, when: str, *_: object) -> frame.StageShown:
    where = frame.block_words(chosen.key, site)
    if when == "before":
        return frame.StageShown(field=_intact(chosen, site, reading_field, "field"), sub=where)
    field = _changed(chosen, site, reading_field, "field")
    if field is None:
        return frame.StageShown(message=words("nothing_read"), sub=where)
    return frame.StageShown(field=field, sub=where)


Compute = Callable[[MixingSite, Mapping[str, LabelledArray]], ReadingField | Reading]


def _intact(chosen: Operation, site: MixingSite, compute: Compute, *what: object) -> Any:
    """What a block of the model as it is reads."""
    arrays = {**frame.weights(chosen.key, site.group), **frame.capture(chosen.key, site.group)}
    name = ("intact", frame.view().picture.sha256, chosen.key, site.group, *what)
    return frame.remember(name, lambda: compute(site, arrays))


def _changed(chosen: Operation, site: MixingSite, compute: Compute, *what: object) -> Any:
    """What a block of the changed model reads; None where it reads nothing."""
    if _is_off(chosen.change, site):
        return None
    arrays = _in_use(chosen.change, site, chosen.run().arrays[site.group])
    digest = frame.view().picture.sha256
    name = ("changed", digest, chosen.key, chosen.change, site.group, *what)
    return frame.remember(name, lambda: compute(site, arrays))


def _readings(chosen: Operation, site: MixingSite, place: Place) -> tuple[Reading, Reading | None]:
    """What the selected place reads, before and after."""
    row, column = place
    compute = partial(_reading, row=row, column=column)
    before: Reading = _intact(chosen, site, compute, "reading", place)
    after: Reading | None = _changed(chosen, site, compute, "reading", place)
    return before, after


def _reading(
    site: MixingSite, arrays: Mapping[str, LabelledArray], *, row: int, column: int
) -> Reading:
    return reading_at(site, arrays, row=row, column=column)


def numbers(chosen: Operation) -> None:
    """How much is read elsewhere than before."""
    for column, site in zip(st.columns(2, gap="medium"), chosen.sites, strict=False):
        with column:
            st.markdown(f"**{_where(chosen, site)}**")
            place = frame.cell(chosen.key, site)
            if place is None:
                st.info(words("outside"))
                continue
            before, after = _readings(chosen, site, place)
            facts = [(words("reading_scale"), f"{before.share.max():.1f}\u00a0%")]
            if after is None:
                st.info(words("nothing_read"))
            else:
                moved = receptive.share_moved(before.share, after.share)
                facts.append((words("reading_moved"), f"{moved:.1f}\u00a0%"))
            frame.html_table(facts)


def _where(chosen: Operation, site: MixingSite) -> str:
    """Which of the two blocks, in words."""
    name = "map_here" if site.group == chosen.site.group else "map_last"
    return words(name, block=frame.block_words(chosen.key, site))


def source(chosen: Operation) -> None:
    """What the maps are, and files of them."""
    for column, site in zip(st.columns(2, gap="medium"), chosen.sites, strict=False):
        place = frame.cell(chosen.key, site)
        with column:
            if place is None:
                st.info(words("outside"))
                continue
            st.markdown(f"**{_where(chosen, site)}**")
            for when, reading in zip(
                ("before", "after"), _readings(chosen, site, place), strict=True
            ):
                if reading is not None:
                    _strip(chosen, site, reading, when)


def _strip(chosen: Operation, site: MixingSite, reading: Reading, when: str) -> None:
    array = LabelledArray(
        values=reading.share,
        axes=("row", "column"),
        role=spatial_operator(site) or "tokens",
        unit="percent",
        signed=False,
        provenance=reading.provenance,
        source=f"{site.group}, {reading.note}",
    )
    frame.strip(
        array,
        key=f"surgery.{site.group}-{when}",
        name=f"{chosen.key}.{site.group}.{when}",
        title=f"{frame.title(chosen.key)}: {words(when)}",
        note=words("not_retrained") if when == "after" else "",
    )


def _is_off(change: Change, site: MixingSite) -> bool:
    """Whether nothing is read any more by a block's operator that mixes places."""
    role = spatial_operator(site)
    if change.what == f"all.{role}":
        return True
    here = change.group == site.group
    only_head = change.what.startswith("head.") and site.heads == 1
    return here and (change.what in ("block", f"operator.{role}") or only_head)


def _in_use(
    change: Change, site: MixingSite, arrays: Mapping[str, LabelledArray]
) -> dict[str, LabelledArray]:
    """The arrays without a head that is off: its pattern is still computed, but nobody gets it."""
    if change.group != site.group or not change.what.startswith("head."):
        return dict(arrays)
    return {
        name: attentions.without_head(array, change.index) if name.endswith(".pattern") else array
        for name, array in arrays.items()
    }
