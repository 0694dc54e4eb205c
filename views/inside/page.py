"""Inside the tokens: early answers, how far each depth mixes, which layers are alike."""

from __future__ import annotations

from views import frame
from views.inside import answers, distance, similarity

VIEWS = {
    "answers": answers.draw,
    "distance": distance.draw,
    "similarity": similarity.draw,
}


def draw() -> None:
    """One of three views; the address keeps which."""
    view = frame.choose(
        frame.t("inside.view"),
        tuple(VIEWS),
        key="inside",
        words={name: frame.t(f"inside.view_{name}") for name in VIEWS},
    )
    frame.shielded(VIEWS[view])
