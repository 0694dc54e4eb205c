"""Inside the tokens: early answers, how far each depth mixes, which layers are alike."""

from __future__ import annotations

from pages import _inside_answers, _inside_distance, _inside_similarity, _ui

VIEWS = {
    "answers": _inside_answers.draw,
    "distance": _inside_distance.draw,
    "similarity": _inside_similarity.draw,
}


def draw() -> None:
    """One of three views; the address keeps which."""
    view = _ui.choose(
        _ui.t("inside.view"),
        tuple(VIEWS),
        key="inside",
        words={name: _ui.t(f"inside.view_{name}") for name in VIEWS},
    )
    _ui.shielded(VIEWS[view])


_ui.page("inside")
_ui.shielded(draw)
