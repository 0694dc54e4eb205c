"""The work of the page Estimates, in pieces: what each costs, makes and is called in the store.

All runs are made with a private copy of the model, so that no other page waits for them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from views import frame
from vislib import registry
from vislib.analysis import faithfulness as judging
from vislib.analysis.faithfulness import CELLS, SEEDS, STEPS, Curves
from vislib.schema import LabelledArray
from vislib.tables import prepared

if TYPE_CHECKING:
    from vislib.models.loading import LoadedModel

T = TypeVar("T")
Report = Callable[[int, int], None]

BACKWARD = 2
"""A backward pass takes about as long as this many forward passes."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked; it stands in the keys of what is kept.

    Attributes:
        key: Registry key of the model.
        target: The class, from 0.
        stand_in: What stands where the picture is taken away.
    """

    key: str
    target: int
    stand_in: str


@dataclass(frozen=True, kw_only=True)
class Found:
    """A map, and by how much the class's logit lies above that of the stand-in."""

    array: LabelledArray
    difference: float


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A part of the work that is kept by itself.

    Attributes:
        name: Everything that the result depends on.
        forwards: Passes over one picture.
        backwards: The same.
        what: The key of the words that are shown meanwhile, and the method's name.
        make: Does it.
        bundled: Whether its result comes with the project, so that nothing has to be run.
    """

    name: Hashable
    forwards: int
    backwards: int
    what: tuple[str, str]
    make: Callable[[Report], Any]
    bundled: bool = False

    @property
    def weight(self) -> int:
        """About how many forward passes it takes as long as."""
        return self.forwards + BACKWARD * self.backwards


def can_be_checked(key: str) -> bool:
    """Whether there is something learned whose loss could be seen."""
    return not registry.is_untrained(key)


def pieces(question: Question, methods: Sequence[str]) -> list[Piece]:
    """All that the page shows for these methods, in the order in which it is needed."""
    found = [ends_piece(question, untrained=False)]
    found += [map_piece(question, method, untrained=False) for method in methods]
    found += [curves_piece(question, method) for method in methods]
    found += [random_piece(question, seed) for seed in SEEDS]
    if can_be_checked(question.key):
        found.append(ends_piece(question, untrained=True))
        found += [map_piece(question, method, untrained=True) for method in methods]
    return found


def stored(question: Question) -> str:
    """The name under which this question's results are bundled; empty where they are not."""
    found = frame.beforehand()
    digest = frame.view().picture.sha256
    if found is None or registry.is_untrained(question.key):
        return ""
    return found.estimate(question.key, digest, question.target, question.stand_in)


def _bundled() -> prepared.Prepared:
    found = frame.beforehand()
    assert found is not None
    return found


def _or_stored(piece: Piece, take: Callable[[str], Any], question: Question) -> Piece:
    """The piece; where its result is bundled, one that takes it from there."""
    name = stored(question)
    if not name:
        return piece
    return replace(piece, make=lambda _report: take(name), bundled=True)


def result(piece: Piece) -> Any:
    """Kept; or made again, where it has left the store meanwhile."""
    return frame.remember(piece.name, partial(piece.make, lambda _done, _total: None))


def found_map(question: Question, method: str, *, untrained: bool = False) -> Found:
    """A method's map, or that of the same architecture with random weights."""
    found: Found = result(map_piece(question, method, untrained=untrained))
    return found


def _name(question: Question, *what: Hashable) -> Hashable:
    return ("estimates", frame.view().picture.sha256, question, *what)


def _with(question: Question, work: Callable[[LoadedModel], T], *, untrained: bool = False) -> T:
    """Work with a private copy: its modules and its lock are no other visitor's."""

    def privately(place: LoadedModel) -> T:
        from vislib.observe import intervention

        return work(intervention.private(place))

    key = registry.untrained(question.key) if untrained else question.key
    return frame.run(key, privately, long=True)


def ends_piece(question: Question, *, untrained: bool) -> Piece:
    """The answers to the picture and to its stand-in, which maps and curves are held against."""
    picture = frame.view().picture

    def make(_report: Report) -> np.ndarray:
        def work(place: LoadedModel) -> np.ndarray:
            from vislib.attribution import estimates
            from vislib.models import loading

            inputs = loading.prepare(place, picture)
            return estimates.ends_of(place, inputs, stand_in=question.stand_in)

        return _with(question, work, untrained=untrained)

    return Piece(
        name=_name(question, "ends", untrained),
        forwards=2,
        backwards=0,
        what=("starting", ""),
        make=make,
        bundled=bool(stored(question)),  # what is held against them comes from there
    )


def map_piece(question: Question, method: str, *, untrained: bool) -> Piece:
    """A method's map, or that of the same architecture with random weights."""
    from vislib.attribution import methods as ways

    picture = frame.view().picture

    def make(report: Report) -> Found:
        ends: np.ndarray = result(ends_piece(question, untrained=untrained))

        def work(place: LoadedModel) -> Found:
            from vislib.attribution import estimates
            from vislib.models import loading

            array = estimates.map_of(
                place,
                loading.prepare(place, picture),
                method,
                target=question.target,
                stand_in=question.stand_in,
                report=report,
            )
            return Found(array=array, difference=float(np.subtract(*ends[:, question.target])))

        return _with(question, work, untrained=untrained)

    size = frame.model(question.key).config.size
    forwards, backwards = ways.passes(method, size)  # type: ignore[arg-type]
    variant = "untrained" if untrained else "map"

    def take(name: str) -> Found:
        array, difference = _bundled().map_of(name, method, variant)
        return Found(array=array, difference=difference)

    piece = Piece(
        name=_name(question, method, variant),
        forwards=forwards,
        backwards=backwards,
        what=("step_untrained" if untrained else "step_map", method),
        make=make,
    )
    return _or_stored(piece, take, question)


def curves_piece(question: Question, method: str) -> Piece:
    """The meter's curves in the order of a method's map."""

    def order() -> np.ndarray:
        return judging.order_of(found_map(question, method).array, CELLS)

    piece = Piece(
        name=_name(question, method, "curves"),
        forwards=2 * (STEPS - 1),  # the ends are known
        backwards=0,
        what=("step_curves", method),
        make=partial(_curves_of, question, order, frame.view().picture),
    )
    return _or_stored(piece, lambda name: _bundled().curves(name, method), question)


def random_piece(question: Question, seed: int) -> Piece:
    """The same in a random order."""
    piece = Piece(
        name=_name(question, "random", seed),
        forwards=2 * (STEPS - 1),  # the ends are known
        backwards=0,
        what=("step_random", ""),
        make=partial(
            _curves_of, question, lambda: judging.random_order(CELLS, seed), frame.view().picture
        ),
    )
    return _or_stored(piece, lambda name: _bundled().curves(name, f"random.{seed}"), question)


def _curves_of(
    question: Question, order: Callable[[], np.ndarray], picture: Any, report: Report
) -> Curves:
    """Both curves in an order of the cells."""
    cells = order()
    ends: np.ndarray = result(ends_piece(question, untrained=False))

    def work(place: LoadedModel) -> Curves:
        from vislib.attribution import estimates
        from vislib.models import loading

        size = place.config.size
        insertion, deletion = estimates.curves_of(
            place,
            loading.prepare(place, picture),
            judging.masks(cells, cells=CELLS, steps=STEPS, shape=(size, size)),
            target=question.target,
            stand_in=question.stand_in,
            ends=ends,
            report=report,
        )
        return Curves(insertion=insertion, deletion=deletion)

    return _with(question, work)
