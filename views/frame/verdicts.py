"""What the gallery says of its pictures, and whether a model's answer to them is right."""

from __future__ import annotations

import html
from collections.abc import Sequence

import streamlit as st

from views.frame.markup import put_html
from views.frame.models import model
from views.frame.state import gallery_picture, said, t, view
from vislib import registry
from vislib.analysis.answers import Verdict
from vislib.analysis.answers import verdict as judge
from vislib.pictures import gallery
from vislib.pictures.gallery import GalleryPicture
from vislib.schema import ActivationCache, DecodedImage, MixScopeError

MARKS = {"right": "\N{CHECK MARK} ", "wrong": "\N{BALLOT X} ", "unknown": ""}
"""Before the words, for those who read from the last row."""


def picture_title(key: str) -> str:
    """What the page calls a gallery picture."""
    return t(gallery.GALLERY[key].title.key)


def second_picture(key: str, instead: Sequence[str]) -> tuple[GalleryPicture, DecodedImage]:
    """A gallery picture to set beside another; where its file is broken, the next one, and why.

    Args:
        key: Of the gallery.
        instead: Those that may stand for it, the best first.
    """
    entry, picture, wrong = gallery_picture(key, instead)
    if wrong:
        say_instead(wrong, entry)
    return entry, picture


def say_instead(wrong: MixScopeError, entry: GalleryPicture) -> None:
    """Which picture of the gallery cannot be used, and which one stands there."""
    shown = t("picture.instead", title=picture_title(entry.key))
    st.error(f"**{t('error.title')}** {said(wrong)} {shown}")


def judged(
    key: str,
    cache: ActivationCache,
    entry: GalleryPicture | None,
    *,
    wordnet: Sequence[str] | None = None,
) -> tuple[Verdict, str] | None:
    """Whether an answer to a gallery picture is right, and the words for it.

    Args:
        key: Registry key of the model that answered.
        cache: Its answer.
        entry: The picture; None for the visitor's own, of which nothing is known.
        wordnet: The ids of the model's classes; None asks the model, which is loaded for it.

    Returns:
        None where there is nothing to judge by: no gallery picture, or a model whose classes
        nobody has named.
    """
    classes = model(key).wordnet if wordnet is None else wordnet
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
        put_html(f'<div class="judged">{words}</div>')
