"""Find the disagreement: the pictures on which the chosen models differ most."""

from __future__ import annotations

from pages import _disagreement_ranking, _ui

_ui.page("disagreement")
_ui.shielded(_disagreement_ranking.draw)
