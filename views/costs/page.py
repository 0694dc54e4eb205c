"""What it costs: multiply-adds as the input grows, and two identities of mixing layers."""

from __future__ import annotations

from views import frame
from views.costs import curves, identities

VIEWS = {"curves": curves.draw, "identities": identities.draw}


def draw() -> None:
    """One of two views; the address keeps which."""
    view = frame.choose(
        frame.t("costs.view"),
        tuple(VIEWS),
        key="cost_view",
        words={name: frame.t(f"costs.view_{name}") for name in VIEWS},
    )
    frame.shielded(VIEWS[view])
