"""What if: proofs by shuffling, surgery, and how much the answer hangs on each block."""

from __future__ import annotations

from views import frame
from views.what_if import ranking, shuffle, surgery

VIEWS = {
    "shuffle": shuffle.draw,
    "surgery": surgery.draw,
    "ranking": ranking.draw,
}


def draw() -> None:
    """One of three views; the address keeps which."""
    view = frame.choose(
        frame.t("what_if.view"),
        tuple(VIEWS),
        key="what_if",
        words={name: frame.t(f"what_if.view_{name}") for name in VIEWS},
    )
    frame.shielded(VIEWS[view])
