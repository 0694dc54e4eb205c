"""What the views of the page What if share: its texts, answers, links that ask too much."""

from __future__ import annotations

import html
from collections.abc import Sequence

from views import frame
from vislib.figures import colours
from vislib.registry import spec
from vislib.schema import ActivationCache


def words(name: str, /, **values: object) -> str:
    """A text of the page's own section."""
    return frame.t(f"what_if.{name}", **values)


def answers(
    cache: ActivationCache, key: str, heading: str, *, before: ActivationCache | None = None
) -> None:
    """The five most probable classes as bars from 0 to 100 %.

    Args:
        cache: The answer.
        key: Whose it is: the bars have its family's colour.
        heading: Above the bars.
        before: The answer to compare with: each class gets the place that it had there.
    """
    earlier = [] if before is None else before.top(5)  # a cache without arrays counts as empty
    places = {label: place for place, (label, _) in enumerate(earlier, 1)}
    colour = colours.family_colour(spec(key).family)
    rows = []
    for label, share in cache.top(5):
        place = words("was", place=places[label]) if label in places else words("was_not")
        rows.append((label, share, place if earlier else ""))
    frame.put_html(f'<div class="judged of">{html.escape(heading)}</div>')
    frame.verdict(key, cache)
    frame.answer_bars(rows, colour)


def rank_options(options: Sequence[str], asked: str) -> str:
    """The option nearest to one that is not there: the same kind, another part of a block, any."""
    kind = asked.partition(".")[0]
    parts = ("unit", "kernel", "head", "channel_group")
    for alike in ((kind,), parts if kind in parts else ()):
        for option in options:
            if option.partition(".")[0] in alike:
                return option
    return next((option for option in options if option.startswith("operator")), options[0])
