"""The frame round all pages: navigation, title, and what every page asks first."""

from __future__ import annotations

import html
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path

import streamlit as st

from views.frame import forgetting, hiding, links, notices, offers, recovery, terms, turns
from views.frame.choices import choose, choose_only
from views.frame.following import follows_place
from views.frame.language import LANGUAGE, language, of_browser, settle_language
from views.frame.models import available
from views.frame.notices import shielded
from views.frame.state import SWITCH, as_switched, forget, t, view
from vislib import registry
from vislib.schema import MixScopeError
from vislib.texts import languages

_ROOT = Path(__file__).resolve().parents[2]
SECTIONS = {
    "": (
        *("overview", "lecture", "compare", "patch_embedding"),
        *("token_mixing", "depthwise_kernels", "dual_attention"),
    ),
    "ask": ("what_if", "inside", "estimates", "disagreement"),
    "read": ("papers", "experiments", "costs", "glossary"),
}
"""The navigation: the pages of the first section stand in it one by one, the others in menus."""
PAGES = tuple(name for names in SECTIONS.values() for name in names)
BARE = ("lecture",)
"""Pages that draw their title themselves."""
WAS_HOME = frozenset(
    {"depth", "at", "reads", "only", "nth_head", "nth_channel", "second", "zero", "scale"}
    | {"entry_group", "entry_i", "entry_j"}
)
"""Choices of Compare: it was the home page once, and a link to / that names one is for it."""
_framed: ContextVar[bool] = ContextVar("mixscope_framed", default=False)


def draw() -> None:
    """Draw what all pages share, then the page that the address names."""
    settle_language()
    spoken = language()
    forgetting.start(forget)
    st.set_page_config(page_title=t("app.name"), layout="wide")
    found = {
        t(f"nav.{section}") if section else "": [
            st.Page(
                _ROOT / "pages" / f"{name}.py",
                title=t(f"nav.{name}"),
                url_path=name,
                default=name == PAGES[0],
            )
            for name in names
        ]
        for section, names in SECTIONS.items()
    }
    current = st.navigation(found, position="top")
    links.begin(current.url_path)
    if not current.url_path:
        links.send_on("compare", WAS_HOME)
    _language_choice()
    turns.draw()
    hiding.draw()
    token = _framed.set(True)
    try:
        with st.container(key="page_body"):
            beyond = st.container()
            current.run()
    finally:
        _framed.reset(token)
    with beyond:
        hiding.say()
        links.say_unused()
    follows_place(links.write)
    recovery.draw()
    if language() != spoken:  # the navigation was drawn before the switch
        st.rerun()
    notices.end_of_run()


def _language_choice() -> None:
    """The language of all words, where there are several: in the bar on top of every page."""
    if len(languages()) > 1:
        with st.container(key="language_choice"):
            names, own = languages(), of_browser()
            choose(t("app.language"), list(names), key=LANGUAGE, words=names, default=own)
        settle_language()


def page(name: str, body: Callable[[], None]) -> None:
    """Draw a page: title, question, body. Draws the frame first on a cold deep link.

    Streamlit starts ``pages/x.py`` without ``app.py`` when a browser opens ``/x`` before
    ``st.navigation`` has run once; such a run draws the whole frame here, and then stops.

    Args:
        name: The page's section of the text file.
        body: Draws what stands below; its errors become messages.
    """
    if not _framed.get():
        draw()
        st.stop()
    if name not in BARE:
        title, question = (html.escape(t(f"{name}.{part}")) for part in ("title", "question"))
        st.html(f'<div class="staged staged-{name}"><h1>{title}</h1><p>{question}</p></div>')
    if st.session_state.get(SWITCH):
        st.info(t("models.untrained_banner"))
    shielded(body)
    terms.draw(name)


def offer(key: str, why: str) -> None:
    """Offer a published model that is not on this machine; draws nothing when it is.

    Args:
        key: Registry key.
        why: What the page could show with it, in one sentence.
    """
    offers.offer(key, why, available())


def choose_model(*families: str, compact: bool = True) -> str:
    """The model for a page of its own: of the families it is for, one that the visitor compares.

    Where none of them is compared it is the first family's: a published one that is there, else
    the mini. The address names the first family's word.

    Args:
        families: In the order in which they are preferred.
        compact: Buttons for few models; a list where there is less room.
    """
    present = available()
    options = [key for key in present if registry.spec(key).family in families]
    if not options:
        raise MixScopeError("models.none_of_family", family=list(families))
    compared = [registry.base_key(key) for key in view().models]
    chosen = [key for key in compared if key in options]
    rows = [registry.spec(key) for key in options]
    best = min(rows, key=lambda row: (families.index(row.family), row.weights != "timm"))
    default = chosen[0] if chosen else best.key
    words = {key: registry.spec(key).title for key in options}
    if len(options) == 1:
        return as_switched(choose_only(options[0], key=families[0], words=words))
    found = choose(
        t("models.one_of"),
        options,
        key=families[0],
        words=words,
        default=default,
        compact=compact,
    )
    return as_switched(found)
