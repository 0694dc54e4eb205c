"""What if: proofs by shuffling, surgery, and how much the answer hangs on each block."""

from __future__ import annotations

from pages import _ui, _what_if_ranking, _what_if_shuffle, _what_if_surgery

VIEWS = {
    "shuffle": _what_if_shuffle.draw,
    "surgery": _what_if_surgery.draw,
    "ranking": _what_if_ranking.draw,
}


def draw() -> None:
    """One of three views; the address keeps which."""
    view = _ui.choose(
        _ui.t("what_if.view"),
        tuple(VIEWS),
        key="what_if",
        words={name: _ui.t(f"what_if.view_{name}") for name in VIEWS},
    )
    _ui.shielded(VIEWS[view])


_ui.page("what_if")
_ui.shielded(draw)
