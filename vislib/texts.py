"""The words of MixScope: one TOML file a language under assets/text.

A ``Message`` is a sentence that is not yet in any language: a key of that table and the values of
its placeholders. Errors and notes are messages, so that a page can word them in its visitor's
language; ``str()`` is English, and on the command line what it was told to speak. Imports nothing
of the project.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import string
import tomllib
import warnings
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from babel import Locale

FOLDER = Path(__file__).resolve().parents[1] / "assets" / "text"
FALLBACK, GLOSSARY = "en", "glossary"
LANGUAGE = "MIXSCOPE_LANG"
"""Environment variable: the language of the command line, before those of the machine."""
FORMS = frozenset({"zero", "one", "two", "few", "many", "other"})
"""The plural forms of all languages (CLDR); a text that has some is a table of them."""
_spoken: ContextVar[str] = ContextVar("mixscope_spoken", default=FALLBACK)
_CODE = re.compile(r"[a-z]{2,3}(_[A-Z][A-Za-z]+)?")


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
        return self.text(_spoken.get())

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
        if _CODE.fullmatch(path.stem)
    }


def best(wanted: Iterable[str | None]) -> str:
    """The language that is there for what a person's browser or machine asks for.

    Args:
        wanted: Names of languages, the dearest first: "ko-KR", "ko_KR.UTF-8", "de".
    """
    names = [re.split("[.@]", name)[0].replace("-", "_") for name in wanted if name]
    from babel import negotiate_locale

    return negotiate_locale(names, list(languages())) or FALLBACK


def speak(language: str) -> None:
    """Let ``str()`` of messages be in a language from now on: a command's, never a page's."""
    _spoken.set(language)


def spoken() -> str:
    """The language of ``str()``: English where nobody has said otherwise."""
    return _spoken.get()


def counterparts(section: str) -> dict[str, str]:
    """English text -> the same in the language spoken, of all texts of a section."""
    words, own = _load(FALLBACK).get(section, {}), _load(spoken()).get(section, {})
    return {text: own.get(key, text) for key, text in words.items() if isinstance(text, str)}


def of_machine() -> str:
    """The language of the command line, from its environment."""
    names = (LANGUAGE, "LC_ALL", "LC_MESSAGES", "LANG")
    return best([next((value for name in names if (value := os.environ.get(name))), None)])


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


@dataclass(frozen=True, kw_only=True)
class Term:
    """A word of the field.

    Attributes:
        key: Its name in links.
        pages: Where it is used.
        by_language: Language code -> the term and a sentence on it.
    """

    key: str
    pages: tuple[str, ...]
    by_language: Mapping[str, tuple[str, str]]

    def words(self, language: str) -> tuple[str, str]:
        """The term and its sentence, in English where the language has none."""
        return self.by_language.get(language) or self.by_language[FALLBACK]


@functools.cache
def glossary() -> dict[str, Term]:
    """The terms of assets/text/glossary.toml by their keys, in its order."""
    return {
        key: Term(
            key=key,
            pages=tuple(entry["pages"]),
            by_language={code: (one[0], one[1]) for code, one in entry.items() if code != "pages"},
        )
        for key, entry in _load(GLOSSARY).items()
    }


def look_up(language: str, key: str) -> str | None:
    """The text of a dotted key, or None when this language's file has none.

    Of a text with plural forms it is the general one ("other").
    """
    node = _node(language, key)
    return node.get("other") if isinstance(node, dict) and is_plural(node) else _text(node)


def is_plural(node: Mapping[str, Any]) -> bool:
    """Whether a table is one text in its plural forms: ``{one = "...", other = "..."}``."""
    return "other" in node and FORMS.issuperset(node)


def _text(node: Any) -> str | None:
    return node if isinstance(node, str) else None


def _node(language: str, key: str) -> Any:
    node: Any = _load(language)
    for part in key.split("."):
        if not isinstance(node, dict) or part not in node:
            return None
        node = node[part]
    return node


def text(language: str, key: str, /, **values: Any) -> str:
    """The text of a dotted key ("compare.title") with {placeholders} filled in.

    A text that a translation lacks comes from the English file. Values that are messages, or errors
    that carry one, are worded in the same language; a list is written with commas; numbers have
    the language's own signs. Of a text with plural forms ``count`` chooses one.

    Where no file has the key, the key itself is the text: a page with one strange word is more use
    than none.
    """
    code, found = language, _chosen(language, key, values.get("count"))
    if not found:
        code, found = FALLBACK, _chosen(FALLBACK, key, values.get("count"))
    if found is None:
        return key
    said = {name: _said(language, value) for name, value in values.items()}
    return _Wording(code).vformat(found, (), said) if values else found


def _chosen(language: str, key: str, count: Any) -> str | None:
    """A text, in the plural form that goes with a number."""
    node = _node(language, key)
    if not isinstance(node, dict) or not is_plural(node):
        return _text(node)
    plain = count if isinstance(count, int | float) else 0
    return _text(node.get(_locale(language).plural_form(plain), node["other"]))


@functools.cache
def _locale(language: str) -> Locale:
    from babel import Locale  # where the library alone is used there may be none

    return Locale.parse(language)


@functools.cache
def _signs(language: str) -> dict[int, str]:
    """What a language writes for Python's comma and point in a number."""
    if language == FALLBACK:
        return {}  # as Python writes it
    from babel import numbers

    locale = _locale(language)
    group, point = numbers.get_group_symbol(locale), numbers.get_decimal_symbol(locale)
    return str.maketrans({",": group, ".": point})


def numeral(language: str, written: str) -> str:
    """A number as Python writes it ("1,048.5"), with the language's own signs."""
    return written.translate(_signs(language))


class _Wording(string.Formatter):
    """Fills in placeholders; numbers have the language's own signs."""

    def __init__(self, language: str) -> None:
        self._language = language

    def format_field(self, value: Any, format_spec: str) -> Any:
        """One value in its format."""
        written = super().format_field(value, format_spec)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return numeral(self._language, written) if is_number else written


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
