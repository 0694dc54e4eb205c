"""The words of MixScope: one TOML file a language under assets/text.

A ``Message`` is a sentence that is not yet in any language: a key of that table and the values of
its placeholders. Errors and notes are messages, so that a page can word them in its visitor's
language; ``str()`` is English. Imports nothing of the project.
"""

from __future__ import annotations

import contextlib
import functools
import tomllib
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "assets" / "text"
FALLBACK = "en"


class Message:
    """A sentence for a person, in no language yet.

    Args:
        key: A dotted key of the table of texts ("error.picture.too_small").
        values: What its placeholders stand for: numbers, names, other messages, errors that carry
            one, or a list of these, which is written with commas. A tuple is written as such: a
            shape, the names of axes.
    """

    def __init__(self, key: str, /, **values: Any) -> None:
        self.key = key
        self.values = {name: _carried(value) for name, value in values.items()}

    def text(self, language: str) -> str:
        """The sentence in a language (code such as "en"), or in English where that fails.

        Never raises, since that would hide what is to be said: where no language has the key it is
        the key itself, and where values are missing the text with its placeholders.
        """
        for code in (language, FALLBACK):
            with contextlib.suppress(Exception):
                return text(code, self.key, **self.values)
        with contextlib.suppress(Exception):
            return look_up(FALLBACK, self.key) or self.key
        return self.key

    def __str__(self) -> str:
        return self.text(FALLBACK)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.key!r}, **{self.values!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Message) and repr(self) == repr(other)

    def __hash__(self) -> int:
        return hash(repr(self))


def joined(key: str, values: Iterable[Any]) -> Any:
    """Values in a row with a word between each two: "a or b or c".

    Args:
        key: Of a text with the places {first} and {last} ("error.text.or").
        values: One or more; a single one is returned as it is.
    """
    return functools.reduce(lambda first, last: Message(key, first=first, last=last), values)


@functools.cache
def languages() -> dict[str, str]:
    """Language code -> its name in itself, for every file that is there."""
    return {
        path.stem: _load(path.stem).get("language", path.stem)
        for path in sorted(FOLDER.glob("*.toml"))
    }


@functools.cache
def _load(language: str) -> dict[str, Any]:
    path = FOLDER / f"{language}.toml"
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        # No table, no words: this one sentence cannot come from it.
        problem = getattr(error, "strerror", None) or str(error)
        warnings.warn(
            f"The table of texts {path.name} in assets/text cannot be read ({problem}). Get a "
            "complete copy of the project; until then keys stand in place of words.",
            stacklevel=2,
        )
        return {}


def look_up(language: str, key: str) -> str | None:
    """The text of a dotted key, or None when this language's file has none."""
    node: Any = _load(language)
    for part in key.split("."):
        if not isinstance(node, dict) or part not in node:
            return None
        node = node[part]
    return node if isinstance(node, str) else None


def text(language: str, key: str, /, **values: Any) -> str:
    """The text of a dotted key ("compare.title") with {placeholders} filled in.

    A text that a translation lacks comes from the English file. Values that are messages, or errors
    that carry one, are worded in the same language; a list is written with commas.

    Where no file has the key, the key itself is the text: a page with one strange word is more use
    than none.
    """
    found = look_up(language, key) or look_up(FALLBACK, key)
    if found is None:
        return key
    said = {name: _said(language, value) for name, value in values.items()}
    return found.format(**said) if values else found


def _said(language: str, value: Any) -> Any:
    """A value as a placeholder shows it; numbers stay numbers, for their formats."""
    value = _carried(value)
    if isinstance(value, Message):
        return value.text(language)
    if isinstance(value, list):
        return ", ".join(str(_said(language, one)) for one in value)
    return value


def _carried(value: Any) -> Any:
    """The message that an error carries (the error holds frames, and they hold tensors)."""
    if isinstance(value, list):
        return [_carried(one) for one in value]
    message = getattr(value, "message", None)
    return message if isinstance(message, Message) else value
