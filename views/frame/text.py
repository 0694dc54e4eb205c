"""The words of the pages: one TOML file a language under assets/text."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "text"
FALLBACK = "en"


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

    A text that a translation lacks comes from the English file.

    Raises:
        KeyError: No language has the key: a mistake in the page, not of the visitor.
    """
    found = look_up(language, key) or look_up(FALLBACK, key)
    if found is None:
        raise KeyError(f"No text for {key!r} in assets/text.")
    return found.format(**values) if values else found
