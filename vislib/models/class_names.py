"""Class names that are unique within a model, also when only the part before a comma is shown."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

LONGEST = 48
"""Characters of a meaning that are shown at most."""


def told_apart(classes: Iterable[tuple[str, str, str]]) -> tuple[str, ...]:
    """Names of classes; where several share their first word, its meaning in brackets behind it.

    Args:
        classes: Of each class its key ("n02012849"), its name with synonyms after commas, and what
            it means (WordNet's gloss; may be empty).

    Returns:
        Names in the same order, each with another first part: "crane (large long-necked wading
        bird of marshes…)". Where meanings do not tell classes apart, or end alike, their keys do.
    """
    rows = [(key, *_parts(name), _short(meaning)) for key, name, meaning in classes]
    shared = Counter(first for _, first, _, _ in rows)
    firsts = [
        f"{first} ({meaning or key})" if shared[first] > 1 else first
        for key, first, _, meaning in rows
    ]
    again = Counter(firsts)
    firsts = [
        f"{first} ({key})" if again[called] > 1 else called
        for called, (key, first, _, _) in zip(firsts, rows, strict=True)
    ]
    return tuple(called + rest for called, (_, _, rest, _) in zip(firsts, rows, strict=True))


def _parts(name: str) -> tuple[str, str]:
    """The first of the synonyms, and the others with their comma."""
    first, comma, rest = name.partition(",")
    return first, comma + rest


def _short(meaning: str) -> str:
    """The beginning of a meaning, without brackets, up to a comma, a few words long."""
    clause = re.split(r"[,;:(]", meaning)[0].strip()
    if len(clause) <= LONGEST:
        return clause
    return clause[: LONGEST + 1].rpartition(" ")[0] + "…"
