"""The runs of the page Estimates: what is missing, what it costs, and doing it.

A piece is kept as soon as it is done, and nothing else is: when a visitor stops, the pieces that
were finished stay and the one under way leaves nothing behind. Each piece has a turn of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from views import frame
from views.estimates import tasks
from views.estimates.tasks import Piece, Question, result
from vislib.analysis.faithfulness import Curves
from vislib.schema import ActivationCache

if TYPE_CHECKING:
    from vislib.models.loading import LoadedModel


def answer(key: str) -> ActivationCache:
    """The model's answer to the visitor's picture."""
    return frame.capture(key, "logits")


def missing(question: Question, methods: Sequence[str]) -> list[Piece]:
    """Those that still have to be done."""
    return [
        piece
        for piece in tasks.pieces(question, methods)
        if not piece.bundled and not frame.is_remembered(piece.name)
    ]


def one_forward(key: str) -> float:
    """Seconds of one forward pass at batch 1: the shorter of two, since a first one warms up."""
    answer(key)  # asks the visitor first where the model is large
    picture = frame.view().picture

    def measure(place: LoadedModel) -> float:
        from vislib.models import loading
        from vislib.observe import capture

        inputs = loading.prepare(place, picture)
        return min(capture.run_with_cache(place, inputs, "logits").seconds for _ in range(2))

    return frame.remember(("estimates pace", key), lambda: frame.run(key, measure))


def seconds_for(work: Sequence[Piece], one_forward: float) -> float:
    """About how long pieces take."""
    return one_forward * sum(piece.weight for piece in work)


def work_through(work: Sequence[Piece], report: Callable[[float, Piece], None]) -> None:
    """Do the pieces one after the other.

    Args:
        work: From ``missing``.
        report: Called with the share that is done, 0 to 1, and the piece under way. Streamlit ends
            the run in it when the visitor stops or goes on.
    """
    whole, before = sum(piece.weight for piece in work), 0
    for piece in work:
        report(before / whole, piece)

        def step(done: int, total: int, piece: Piece = piece, before: int = before) -> None:
            report((before + piece.weight * done / max(1, total)) / whole, piece)

        frame.remember(piece.name, partial(piece.make, step))
        before += piece.weight


def curves(question: Question, method: str) -> Curves:
    """The meter's curves in the order of a method's map."""
    found: Curves = result(tasks.curves_piece(question, method))
    return found


def random_curves(question: Question) -> list[Curves]:
    """The same in random orders, one a seed."""
    return [result(tasks.random_piece(question, seed)) for seed in tasks.SEEDS]
