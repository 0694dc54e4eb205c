"""What the pinned place reads in one model, in this picture and in a second one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from views import frame
from views.compare.controls import Choice
from views.compare.depths import block_at
from views.compare.maps import arrays, part
from vislib.analysis.common_ground import Reading, statistics
from vislib.analysis.reading_at import reading_at
from vislib.analysis.reading_parts import one_part
from vislib.analysis.receptive import field_reading, share_moved
from vislib.schema import DecodedImage, LabelledArray, MixingSite

if TYPE_CHECKING:
    from vislib.models.loading import LoadedModel

CELLS = 16
"""Estimates are summed over cells of 1/16 of the view box, the same for all models."""

Place = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What stands below one map.

    Attributes:
        site: The block.
        place: The pinned place's cell (row, column) on the reading's grid; None outside the crop.
        token: The token (row, column) whose reading this is; finer or coarser than the place.
        reading: What it reads in the visitor's picture; None outside the crop.
        other: What the same cell reads in the second picture, if there is one.
        said: Which head or channel this is, or why there is none.
        index: The head or channel, from 0; None for all together.
        estimate: Whether it goes through all blocks up to this one, by gradients.
    """

    site: MixingSite
    place: Place | None = None
    token: Place | None = None
    reading: Reading | None = None
    other: Reading | None = None
    said: str = ""
    index: int | None = None
    estimate: bool = False

    @property
    def moved(self) -> float | None:
        """How much of the reading lies elsewhere in the second picture, percent."""
        if self.reading is None or self.other is None:
            return None
        return share_moved(self.reading.share, self.other.share)


def answer(key: str, chosen: Choice, *, estimate: bool = False) -> Answer:
    """What the pinned place reads in one model.

    Args:
        key: Registry key.
        chosen: What the stage shows.
        estimate: Through all blocks up to this one, by gradients.

    Raises:
        MixScopeError: The model cannot be run; the message is for the visitor.
    """
    site = block_at(key, chosen.depth)
    place = frame.cell(key, site)
    if place is None:
        return Answer(site=site, estimate=estimate)
    index, said = (None, "") if estimate else part(key, site, chosen)
    token = place
    if estimate:
        token = place[0] // site.step, place[1] // site.step
        place = frame.cell(key, replace(site, rows=CELLS, columns=CELLS))
        read = partial(_accumulated, key, site, token)
    else:
        read = partial(_of_block, key, site, place, index=index, at_zero=chosen.at_zero)
    return Answer(
        site=site,
        place=place,
        token=token,
        reading=read(frame.view().picture),
        other=read(chosen.second) if chosen.second is not None else None,
        said=said,
        index=index,
        estimate=estimate,
    )


def facts(key: str, found: Answer) -> list[tuple[str, str]]:
    """A reading in numbers."""
    assert found.reading is not None
    assert found.place is not None
    cell_px = frame.box(key).width / found.reading.share.shape[1]
    row, column = found.place
    numbers = statistics(found.reading.share, row=row, column=column, cell_px=cell_px)
    rows = [
        (frame.t("compare.reach"), f"{numbers.reach_px:.0f} px"),
        (frame.t("compare.entropy"), f"{numbers.entropy_bits:.1f} bit"),
        (frame.t("compare.local"), f"{numbers.local_percent:.1f} %"),
    ]
    if not found.estimate and (found.site.prefix or found.site.window):
        name = "to_class" if found.site.prefix else "beyond"
        rows.append((frame.t(f"compare.{name}"), f"{found.reading.outside:.1f} %"))
    if found.moved is not None:
        rows.append((frame.t("compare.moved"), f"{found.moved:.1f} %"))
    return rows


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
    fixed = site.mixing == "fixed" or at_zero
    name = ("reading", "" if fixed else picture.sha256, key, site.group, place, index, at_zero)

    def make() -> Reading:
        used = arrays(key, site, picture, fixed=fixed)
        used = used if index is None else one_part(site, used, index)
        return reading_at(site, used, row=place[0], column=place[1], at_zero=at_zero)

    return frame.remember(name, make)


def _accumulated(key: str, site: MixingSite, token: Place, picture: DecodedImage) -> Reading:
    """Through all blocks up to this one: an estimate, summed over cells."""
    bar = st.empty()

    def report(done: int, total: int) -> None:
        words = frame.t(
            "compare.progress", picture=frame.plain(picture.name), done=done, total=total
        )
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
        field = frame.run(key, work, long=True)
        return field_reading(field, rows=CELLS, columns=CELLS)

    name = ("receptive_field", picture.sha256, key, site.group, token)
    found = frame.remember(name, make, busy=frame.t("compare.busy_field"))
    bar.empty()
    return found
