"""What the gallery says of its pictures, and whether a model's answer to them is right."""

from __future__ import annotations

import html

import streamlit as st

from views.frame.models import model
from views.frame.state import t, view
from vislib import registry
from vislib.analysis.answers import Verdict
from vislib.analysis.answers import verdict as judge
from vislib.pictures import gallery
from vislib.pictures.gallery import GalleryPicture
from vislib.schema import ActivationCache

MARKS = {"right": "\N{CHECK MARK} ", "wrong": "\N{BALLOT X} ", "unknown": ""}
"""Before the words, for those who read from the last row."""


def picture_title(key: str) -> str:
    """What the page calls a gallery picture."""
    return t(gallery.GALLERY[key].title.key)


def judged(
    key: str, cache: ActivationCache, entry: GalleryPicture | None
) -> tuple[Verdict, str] | None:
    """Whether an answer to a gallery picture is right, and the words for it.

    Args:
        key: Registry key of the model that answered.
        cache: Its answer.
        entry: The picture; None for the visitor's own, of which nothing is known.

    Returns:
        None where there is nothing to judge by: no gallery picture, or a model whose classes
        nobody has named.
    """
    classes = model(key).wordnet
    if entry is None or not classes:
        return None
    found, count = judge(classes, cache.logits, entry.wordnet), len(classes)
    if entry.shows is not None:
        return found, t(f"gallery.{found}", name=entry.shows, count=count)
    known = "none" if registry.spec(key).weights == "bundled" else "unnamed"
    return found, t(f"gallery.{known}", count=count)


def verdict(key: str, cache: ActivationCache) -> None:
    """Say beside an answer to the picture of the page whether it is right."""
    found = judged(key, cache, view().entry)
    if found:
        words = html.escape(MARKS[found[0]] + found[1])
        st.html(f'<div class="judged">{words}</div>')
