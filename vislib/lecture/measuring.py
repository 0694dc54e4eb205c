"""What answers a question to the class: measured on the models, never typed.

The models are asked through a ``Source``, so that a page answers with what its visitors share and
a command with models of its own. An answer carries its sentence in every language.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from vislib import registry
from vislib.analysis.answers import verdict
from vislib.analysis.common_ground import Reading
from vislib.analysis.depth import block_at
from vislib.analysis.reading_at import reading_at, spatial_operator
from vislib.analysis.reading_parts import one_part
from vislib.analysis.receptive import share_moved
from vislib.lecture import numbers
from vislib.lecture.steps import DEPTHS, Number, Question, Step
from vislib.pictures import geometry
from vislib.schema import (
    ActivationCache,
    DecodedImage,
    LabelledArray,
    MixingSite,
    ModelError,
    ViewBox,
)
from vislib.tables import papers
from vislib.texts import Message

SQUARES, SEED = 8, 1
"""Squares a side, and the order in which a lecture shuffles them."""
RELATIVE = dict(zip(DEPTHS, (0.0, 0.5, 1.0), strict=True))
"""Name of a depth -> relative depth."""


class Source(Protocol):
    """The models and the class's picture. Each may raise ``MixScopeError``."""

    @property
    def picture(self) -> DecodedImage:
        """The class's picture."""

    @property
    def shows(self) -> str | None:
        """WordNet id of what it shows; None where nobody has said so."""

    def second(self, key: str) -> DecodedImage:
        """A gallery picture; another one where that is the class's own."""

    def sites(self, key: str) -> Sequence[MixingSite]:
        """A model's blocks."""

    def box(self, key: str, picture: DecodedImage) -> ViewBox:
        """What a model sees of a picture, in source pixels."""

    def wordnet(self, key: str) -> Sequence[str]:
        """One WordNet id a class; empty where they are not known."""

    def arrays(
        self, key: str, site: MixingSite, picture: DecodedImage
    ) -> Mapping[str, LabelledArray]:
        """A block's weights and what it computed on a picture."""

    def logits(self, key: str) -> ActivationCache:
        """The answer to the class's picture."""

    def shuffled(self, key: str) -> ActivationCache:
        """The answer to it with its patches shuffled, ``SQUARES`` a side in the order ``SEED``."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A measured answer.

    Attributes:
        said: The sentence, its numbers filled in.
        models: Of "models": the options that are right; there may be none.
        place: Of "place": the middle of the patch, (x, y) in thousandths of the picture.
        area: Of "place": the patch itself, (left, top, width, height) in thousandths.
        number: Of "number".
        values: Option -> what was measured of it, where that is a number.
    """

    said: Message
    models: tuple[str, ...] = ()
    place: tuple[int, int] | None = None
    area: tuple[float, float, float, float] | None = None
    number: float | None = None
    values: Mapping[str, float] = field(default_factory=dict)


def measured(step: Step, source: Source) -> Answer:
    """What answers a step's question.

    Args:
        step: One that asks.
        source: The models and the class's picture.

    Raises:
        MixScopeError: The step asks nothing, a model cannot be run, the place lies outside what a
            model sees, or nobody knows what the picture shows.
    """
    if step.ask is None:
        raise ModelError("error.lecture.asks_nothing", step=step.key)
    return _MEASURES[step.ask.answer](step, step.ask, source)


def block_of(sites: Sequence[MixingSite], where: Mapping[str, object]) -> MixingSite:
    """The block that a view or a question names, or the one nearest to a relative depth.

    Args:
        sites: Those that there are to choose from.
        where: "block" (numbered from 1, "1.2") or "depth"; the middle where it says neither.
    """
    for site in sites:
        if f"{site.stage + 1}.{site.block + 1}" == where.get("block"):
            return site
    depth = where.get("depth", "middle")
    relative = RELATIVE[depth] if isinstance(depth, str) else float(str(depth)) / 100
    return sites[block_at(relative, len(sites))]


def _site(source: Source, key: str, ask: Question) -> MixingSite:
    """The block that is asked about, of those that mix places."""
    return block_of([s for s in source.sites(key) if spatial_operator(s)], ask.where)


def _cell(
    source: Source, key: str, site: MixingSite, place: tuple[int, int] | None, picture: DecodedImage
) -> tuple[int, int]:
    """(row, column) of a place on a block's grid."""
    x, y = place or (500, 500)
    found = geometry.cell_at(
        source.box(key, picture),
        picture=(picture.width, picture.height),
        x=x,
        y=y,
        rows=site.rows,
        columns=site.columns,
    )
    if found is None:
        raise ModelError("error.lecture.place_outside", model=_title(key), x=x, y=y)
    return found


def _title(key: str) -> str:
    return registry.spec(key).title


def _reading(
    step: Step, source: Source, key: str, ask: Question, picture: DecodedImage | None = None
) -> tuple[MixingSite, tuple[int, int], Reading]:
    """The block, the place's cell, and what it reads there."""
    picture = picture or source.picture
    site = _site(source, key, ask)
    row, column = _cell(source, key, site, step.view.place, picture)
    arrays = source.arrays(key, site, picture)
    return site, (row, column), reading_at(site, arrays, row=row, column=column)


def _survives(_step: Step, ask: Question, source: Source) -> Answer:
    kept, told = [], []
    for key in ask.options:
        before, after = (cache.top(1)[0][0] for cache in (source.logits(key), source.shuffled(key)))
        title = _title(key)
        if before == after:
            kept.append(key)
            told.append(Message("lecture.answer_stays", model=title, before=before))
        else:
            told.append(Message("lecture.answer_goes", model=title, before=before, after=after))
    return Answer(said=Message("lecture.answer_shuffled", each=told), models=tuple(kept))


def _right(_step: Step, ask: Question, source: Source) -> Answer:
    found, told = [], []
    for key in ask.options:
        classes, cache, title = source.wordnet(key), source.logits(key), _title(key)
        judged = verdict(classes, cache.logits, source.shows) if classes else "unknown"
        if judged == "unknown":
            raise ModelError("error.lecture.shows_unknown", model=title)
        label, share = cache.top(1)[0]
        percent = 100 * share
        if judged == "right":
            found.append(key)
            said = Message("lecture.answer_right", model=title, label=label, percent=percent)
        else:
            said = Message("lecture.answer_wrong", model=title, label=label, percent=percent)
        told.append(said)
    return Answer(said=Message("lecture.answer_each", each=told), models=tuple(found))


def _best(values: Mapping[str, float]) -> tuple[str, ...]:
    """Those with the largest value; none where all are zero."""
    most = max(values.values())
    return tuple(key for key, value in values.items() if value == most > 0)


def _listed(values: Mapping[str, float]) -> list[Message]:
    """Options with their percentages, the largest first."""
    order = sorted(values, key=lambda key: -values[key])
    return [
        Message("lecture.answer_percent", model=_title(key), percent=values[key]) for key in order
    ]


def _accurate(_step: Step, ask: Question, _source: Source) -> Answer:
    values = {key: numbers.value(Number(model=key, column="val_top1")) for key in ask.options}
    said = Message("lecture.answer_accurate", each=_listed(values))
    return Answer(said=said, models=_best(values), values=values)


def _moves(step: Step, ask: Question, source: Source) -> Answer:
    other = source.second(ask.second)
    values = {}
    for key in ask.options:
        one, two = (_reading(step, source, key, ask, p)[2] for p in (source.picture, other))
        values[key] = share_moved(one.share, two.share)
    said = Message("lecture.answer_moves", each=_listed(values))
    return Answer(said=said, models=_best(values), values=values)


def _reads_most(step: Step, ask: Question, source: Source) -> Answer:
    site, (row, column), reading = _reading(step, source, ask.model, ask)
    others = reading.share.copy()
    others[row, column] = -1.0
    most = np.unravel_index(int(np.argmax(others)), others.shape)
    at, picture = (int(most[0]), int(most[1])), source.picture
    grid = {"row": at[0], "column": at[1], "rows": site.rows, "columns": site.columns}
    box, size = source.box(ask.model, picture), (picture.width, picture.height)
    cell = geometry.cell_box(box, **grid)
    across, down = 1000 / size[0], 1000 / size[1]
    said = Message(
        "lecture.answer_most",
        model=_title(ask.model),
        percent=float(others[at]),
        own=float(reading.share[row, column]),
        row=at[0] + 1,
        column=at[1] + 1,
    )
    area = (cell.left * across, cell.top * down, cell.width * across, cell.height * down)
    return Answer(said=said, place=geometry.point_at(box, picture=size, **grid), area=area)


def _own_share(step: Step, ask: Question, source: Source) -> Answer:
    _, cell, reading = _reading(step, source, ask.model, ask)
    own, model = float(reading.share[cell]), _title(ask.model)
    even = 100.0 / reading.share.size
    said = Message("lecture.answer_own", model=model, own=own, even=even)
    return Answer(said=said, number=own)


def _reads_count(step: Step, ask: Question, source: Source) -> Answer:
    _, _, reading = _reading(step, source, ask.model, ask)
    count, model = int((reading.share > 0).sum()), _title(ask.model)
    said = Message("lecture.answer_count", model=model, count=count, all=reading.share.size)
    return Answer(said=said, number=float(count))


def _reads_far(step: Step, ask: Question, source: Source) -> Answer:
    _, (row, column), reading = _reading(step, source, ask.model, ask)
    rows, columns = np.nonzero(reading.share > 0)
    away = np.maximum(np.abs(rows - row), np.abs(columns - column))
    far, model = int(away.max(initial=0)), _title(ask.model)
    side = reading.share.shape[1]
    said = Message("lecture.answer_far", model=model, count=far, columns=side)
    return Answer(said=said, number=float(far))


def _head(step: Step, ask: Question, source: Source) -> Answer:
    key, picture = ask.model, source.picture
    site = _site(source, key, ask)
    row, column = _cell(source, key, site, step.view.place, picture)
    target = _cell(source, key, site, ask.target, picture)
    arrays = source.arrays(key, site, picture)
    shares = [
        float(reading_at(site, one_part(site, arrays, head), row=row, column=column).share[target])
        for head in range(site.heads)
    ]
    best = int(np.argmax(shares))
    each = [
        Message("lecture.answer_head_percent", head=head + 1, percent=share)
        for head, share in enumerate(shares)
    ]
    said = Message("lecture.answer_head", model=_title(key), head=best + 1, each=each)
    return Answer(said=said, number=float(best + 1))


def _fact(_step: Step, ask: Question, _source: Source) -> Answer:
    if ask.number is None:
        raise ModelError("error.lecture.number", name="number")
    value, where = numbers.value(ask.number), ask.number
    if where.table:
        arxiv = papers.table(where.table).arxiv
        said = Message("lecture.answer_fact", value=value, model=where.model, arxiv=arxiv)
    else:
        said = Message("lecture.answer_card", value=value, model=_title(where.model))
    return Answer(said=said, number=value)


_MEASURES: Mapping[str, Callable[[Step, Question, Source], Answer]] = {
    "survives_shuffle": _survives,
    "right": _right,
    "most_accurate": _accurate,
    "moves_most": _moves,
    "reads_most": _reads_most,
    "own_share": _own_share,
    "reads_count": _reads_count,
    "reads_far": _reads_far,
    "head": _head,
    "fact": _fact,
}
"""Name of ``steps.MEASURES`` -> what measures it."""
