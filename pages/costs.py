"""What it costs: multiply-adds as the input grows, and two identities of mixing layers."""

from __future__ import annotations

from pages import _costs_curves, _costs_identities, _ui

VIEWS = {"curves": _costs_curves.draw, "identities": _costs_identities.draw}


def draw() -> None:
    """One of two views; the address keeps which."""
    view = _ui.choose(
        _ui.t("costs.view"),
        tuple(VIEWS),
        key="cost_view",
        words={name: _ui.t(f"costs.view_{name}") for name in VIEWS},
    )
    _ui.shielded(VIEWS[view])


_ui.page("costs")
_ui.shielded(draw)
