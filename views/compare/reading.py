"""What the selected place reads in one model, in this picture and in a second one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from views import frame
from views.compare.choice import Choice
from vislib.analysis.common_ground import Reading
from vislib.analysis.reading_at import reading_at
from vislib.analysis.reading_parts import count_parts, one_part, part_of
from vislib.analysis.receptive import field_reading, share_moved
from vislib.schema import DecodedImage, LabelledArray, MixingSite

if TYPE_CHECKING:
    from vislib.models.loading import LoadedModel

CELLS = 16
"""Estimates are summed over cells of 1/16 of the view box, the same for all models."""

Place = tuple[int, int]


@dataclass(frozen=True)
class Answer:
    """What one column shows.

    Attributes:
        site: The block.
        place: The selected place's cell (row, column) on the reading's grid; None outside the crop.
        token: The token (row, column) whose reading this is; finer or coarser than the place.
        reading: What it reads in the visitor's picture; None outside the crop.
        other: What the same cell reads in the second picture, if there is one.
        said: Which head or channel this is, or why there is none.
        index: The head or channel, from 0; None for all together.
    """

    site: MixingSite
    place: Place | None = None
    token: Place | None = None
    reading: Reading | None = None
    other: Reading | None = None
    said: str = ""
    index: int | None = None

    @property
    def moved(self) -> float | None:
        """How much of the reading lies elsewhere in the second picture, percent."""
        if self.reading is None or self.other is None:
            return None
        return share_moved(self.reading.share, self.other.share)


def answer(key: str, site: MixingSite, chosen: Choice) -> Answer:
    """What the selected place reads in one model.

    Args:
        key: Registry key.
        site: The block.
        chosen: What every column shows.

    Raises:
        MixScopeError: The model cannot be run; the message is for the visitor.
    """
    place = frame.cell(key, site)
    if place is None:
        return Answer(site=site)
    if chosen.accumulated:
        token = place[0] // site.step, place[1] // site.step
        shown = frame.cell(key, replace(site, rows=CELLS, columns=CELLS))
        read = partial(_accumulated, key, site, token)
        index, said = None, ""
    else:
        token = shown = place
        index, said = _part(key, site, chosen)
        read = partial(_of_block, key, site, place, index=index, at_zero=chosen.at_zero)
    return Answer(
        site=site,
        place=shown,
        token=token,
        reading=read(frame.view().picture),
        other=read(chosen.second) if chosen.second is not None else None,
        said=said,
        index=index,
    )


def _part(key: str, site: MixingSite, chosen: Choice) -> tuple[int | None, str]:
    """The head or channel that is shown, from 0, the nearest that there is; and what to say."""
    if chosen.part == "all":
        return None, ""
    own = part_of(site)
    if own != chosen.part:
        reason = "linear" if own is None else own
        return None, frame.t(f"compare.no_{chosen.part}_{reason}")
    if site.units and chosen.at_zero:
        return None, frame.t("compare.no_channel_at_zero")
    count = count_parts(site, frame.weights(key, site.group))
    number = min(chosen.number, count)
    words = "nearest" if number < chosen.number else "this"
    return number - 1, frame.t(
        f"compare.{words}_{chosen.part}", asked=chosen.number, number=number, count=count
    )


def _of_block(
    key: str,
    site: MixingSite,
    place: Place,
    picture: DecodedImage,
    *,
    index: int | None,
    at_zero: bool,
) -> Reading:
    """Through one block's operator."""
    at_zero = at_zero and site.units > 0
    arrays = frame.weights(key, site.group)
    if site.mixing != "fixed" and not at_zero:  # a fixed map is read without any picture
        arrays = {**arrays, **frame.capture(key, site.group, picture=picture)}
    name: tuple[object, ...] = ("reading", picture.sha256, key, site.group, place)
    if index is not None or at_zero:
        name = (*name, index, at_zero)

    def make() -> Reading:
        used = arrays if index is None else one_part(site, arrays, index)
        return reading_at(site, used, row=place[0], column=place[1], at_zero=at_zero)

    return frame.remember(name, make)


def _accumulated(key: str, site: MixingSite, token: Place, picture: DecodedImage) -> Reading:
    """Through all blocks up to this one: an estimate, summed over cells."""
    bar = st.empty()

    def report(done: int, total: int) -> None:
        words = frame.t("compare.progress", picture=picture.name, done=done, total=total)
        bar.progress(done / total, text=words)

    def work(place: LoadedModel) -> LabelledArray:
        from vislib import attribution
        from vislib.models import loading

        inputs = loading.prepare(place, picture)
        row, column = token
        return attribution.receptive_field(
            place, inputs, site, row=row, column=column, report=report
        )

    def make() -> Reading:
        field = frame.run(key, work)
        return field_reading(field, rows=CELLS, columns=CELLS)

    name = ("receptive_field", picture.sha256, key, site.group, token)
    found = frame.remember(name, make, busy=frame.t("compare.busy_field"))
    bar.empty()
    return found
