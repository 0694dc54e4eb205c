"""Papers: the three papers' result tables and figures, and who wins with equal data and budget."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from views import frame
from views.papers import equal, figures, scale, specification, tables
from vislib.tables import papers

SHOWS: Mapping[str, Callable[[str], None]] = {
    "tables": tables.draw,
    "figures": figures.draw,
    "scale": scale.draw,
    "specification": specification.draw,
    "equal": equal.draw,
}
MIXER_ALONE = ("scale", "specification")


def draw() -> None:
    """One paper at a time: its numbers are not those of another one's machine."""
    with frame.row_of_choices(picture=False, models=False):
        paper = frame.choose(
            frame.t("papers.paper"),
            papers.KEYS,
            key="paper",
            words={key: frame.t(f"papers.paper_{key}") for key in papers.KEYS},
        )
        show = frame.choose(
            frame.t("papers.show"),
            [name for name in SHOWS if paper == papers.KEYS[0] or name not in MIXER_ALONE],
            key="paper_show",
            words={name: frame.t(f"papers.show_{name}") for name in SHOWS},
        )
    frame.shielded(lambda: SHOWS[show](paper))
