"""What a link asks for, read: each kind of choice takes the nearest to what stands in the address.

An address is typed by anybody. Nothing here raises, and nothing that came is more than text.
"""

from __future__ import annotations

import math
import re
import tomllib
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from views.frame.markup import plain
from vislib import registry
from vislib.texts import Message

T = TypeVar("T")

MOST_QUOTED = 40
"""Characters of an address that a sentence repeats."""
LONGEST_NUMBER = 400
"""Characters of a number that are read: float's largest has 309 digits."""
ON, OFF = ("1", "true", "on", "yes"), ("0", "false", "off", "no")
_OLD_BLOCK = re.compile(r"(?:Stage (\d{1,3}), block|Block) (\d{1,3})")
OLD_WORDS = Path(__file__).resolve().parents[2] / "assets" / "old_links.toml"

Nearest = Callable[[Sequence[str], str], str]
"""(options, what was asked for) -> the option to show instead."""


class Found(NamedTuple, Generic[T]):
    """What a choice takes from a link, and whether that is just what was asked for."""

    value: T
    exact: bool


def quoted(parts: Sequence[str]) -> str:
    """What an address said, to stand in a sentence: short, on one line, and never markup."""
    rows = registry.MODEL_REGISTRY
    text = ", ".join(rows[part].title if part in rows else part for part in parts)
    shown = "".join("\N{REPLACEMENT CHARACTER}" if _hidden(c) else c for c in text[:MOST_QUOTED])
    return f"“{plain(' '.join(shown.split()))}{'…' if len(text) > MOST_QUOTED else ''}”"


def _hidden(character: str) -> bool:
    """Whether a character is a control: it breaks lines, or turns the text round."""
    return unicodedata.category(character).startswith("C")


Words = Mapping[str, Mapping[str, str]]


def old_words() -> tuple[Words, Message | None]:
    """Choice -> word -> key: what the address held before it held keys; and what is wrong with it.

    Where the file cannot be read there are no such words: only old links are read less well.
    """
    path = OLD_WORDS
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else None
        why = said or type(error).__name__
        return {}, Message("error.link.old_words", file=path.name, why=why)
    whole = found and all(
        isinstance(words, dict) and all(isinstance(key, str) for key in words.values())
        for words in found.values()
    )
    return (found, None) if whole else ({}, Message("error.link.no_words", file=path.name))


def key_of(name: str, text: str, options: Sequence[str], words: Mapping[str, str]) -> str | None:
    """The option that a text stands for: its key, its word of today, or that of an old link."""
    if text in options:
        return text
    old_block = _OLD_BLOCK.fullmatch(text)
    meant = [
        *(option for option in options if words.get(option) == text),
        old_words()[0].get(name, {}).get(text),
        *(row.key for row in registry.MODEL_REGISTRY.values() if row.title == text),
        f"{old_block[1] or 1}.{old_block[2]}" if old_block else None,
    ]
    return next((key for key in meant if key in options), None)


def nearest_number(options: Sequence[str], asked: str) -> str | None:
    """The option whose numbers are nearest ("3.2" to "3.9"); None where there are none."""

    def numbers(text: str) -> list[int]:
        return [int(n) for n in text.split(".")] if _DOTTED.fullmatch(text) else []

    wanted = numbers(asked)
    alike = [option for option in options if len(numbers(option)) == len(wanted) > 0]
    if not alike:
        return None
    pairs = {o: [abs(a - b) for a, b in zip(numbers(o), wanted, strict=True)] for o in alike}
    return min(alike, key=lambda option: pairs[option])


_DOTTED = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})*")


def one_of(
    parts: Sequence[str],
    *,
    name: str,
    options: Sequence[str],
    words: Mapping[str, str],
    default: str,
    nearest: Nearest | None = None,
) -> Found[str]:
    """One option; of several that are named the first that is there."""
    known = [key_of(name, part, options, words) for part in parts]
    there = [key for key in known if key is not None]
    if there:
        return Found(there[0], exact=len(parts) == 1)
    return Found(instead(options, parts[0] if parts else "", default, nearest), exact=False)


def instead(options: Sequence[str], asked: str, default: str, nearest: Nearest | None) -> str:
    """What to show for an option that is not there."""
    if nearest is not None and asked:
        return nearest(options, asked)
    return nearest_number(options, asked) or default


def whole_number(parts: Sequence[str], *, least: int, most: int, default: int) -> Found[int]:
    """A whole number in a range; what lies outside becomes its nearest end."""
    text = parts[0] if parts else ""
    try:
        number = float(text[:LONGEST_NUMBER])
    except ValueError:
        number = math.nan
    if math.isnan(number):
        return Found(default, exact=False)
    value = round(min(max(number, least), most))
    return Found(value, exact=len(parts) == 1 and re.fullmatch(rf"0*{value}", text) is not None)


def on_or_off(parts: Sequence[str], *, default: bool) -> Found[bool]:
    """On or off."""
    known = [text in ON for part in parts if (text := part.lower()) in (*ON, *OFF)]
    if known:
        return Found(known[0], exact=len(parts) == 1)
    return Found(default, exact=False)


def listed(parts: Sequence[str]) -> list[str]:
    """The entries of a list: "a,b", or one a part as old links have it."""
    titles = {row.title for row in registry.MODEL_REGISTRY.values()}  # some have a comma
    found = [[part] if part in titles else part.split(",") for part in parts]
    return [entry.strip() for entries in found for entry in entries if entry.strip()]
