"""The words of MixScope: one TOML file a language under assets/text.

A ``Message`` is a sentence that is not yet in any language: a key of that table and the values of
its placeholders. Errors and notes are messages, so that a page can word them in its visitor's
language; ``str()`` is English. Imports nothing of the project.
"""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "assets" / "text"
FALLBACK = "en"


class Message:
    """A sentence for a person, in no language yet.

    Args:
        key: A dotted key of the table of texts ("error.picture.too_small").
        values: What its placeholders stand for: numbers, names, other messages, or a list of
            these, which is written with commas.
    """

    def __init__(self, key: str, /, **values: Any) -> None:
        self.key, self.values = key, values

    def text(self, language: str) -> str:
        """The sentence in a language (code such as "en")."""
        return text(language, self.key, **self.values)

    def __str__(self) -> str:
        return self.text(FALLBACK)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.key!r}, **{self.values!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Message) and repr(self) == repr(other)

    def __hash__(self) -> int:
        return hash(repr(self))


@functools.cache
def languages() -> dict[str, str]:
    """Language code -> its name in itself, for every file that is there."""
    return {path.stem: _load(path.stem)["language"] for path in sorted(FOLDER.glob("*.toml"))}


@functools.cache
def _load(language: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / f"{language}.toml").read_text(encoding="utf-8"))


def look_up(language: str, key: str) -> str | None:
    """The text of a dotted key, or None when this language's file has none."""
    node: Any = _load(language)
    for part in key.split("."):
        if not isinstance(node, dict) or part not in node:
            return None
        node = node[part]
    return node if isinstance(node, str) else None


def text(language: str, key: str, **values: Any) -> str:
    """The text of a dotted key ("compare.title") with {placeholders} filled in.

    A text that a translation lacks comes from the English file. Values that are messages, or errors
    that carry one, are worded in the same language.

    Raises:
        KeyError: No language has the key: a mistake in the code, not of the visitor.
    """
    found = look_up(language, key) or look_up(FALLBACK, key)
    if found is None:
        raise KeyError(f"No text for {key!r} in assets/text.")
    said = {name: _said(language, value) for name, value in values.items()}
    return found.format(**said) if values else found


def _said(language: str, value: Any) -> Any:
    """A value as a placeholder shows it; numbers stay numbers, for their formats."""
    carried = getattr(value, "message", None)
    if isinstance(carried, Message):
        value = carried
    if isinstance(value, Message):
        return value.text(language)
    if isinstance(value, list | tuple):
        return ", ".join(str(_said(language, one)) for one in value)
    return value
