"""Controls that a link hides: a teacher's link shows a view and leaves out what would lead away.

What is hidden is still drawn, so that a link restores it; it is neither seen nor reached by keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from views.frame import asked, links

HIDE = "hide"
"""Its name in the address: names of ``CONTROLS``, with commas."""
_SHARED = ", ".join(
    f".st-key-{name}"
    for name in ("picture_choice", "models_choice", "more_models", "kept_picture", "kept_models")
)
"""What a row of choices begins with on every page."""
CONTROLS: Mapping[str, str] = {
    "picture": ".st-key-picture_choice",
    "models": ":is(.st-key-models_choice, .st-key-more_models)",
    "choices": f".st-key-controls > :not({_SHARED}, :has({_SHARED}))",
    "tabs": '.st-key-page_body [data-testid="stTabs"]',
    "language": ".st-key-language_choice",
    "pages": '[data-testid="stHeader"]',
}
"""Name in the address -> where it is on the page. docs/lecture.md lists them."""


def draw() -> None:
    """Hide what the link names; what it names and is not there is said at the end of the run."""
    names = links.take(HIDE, "", _read, lambda _: ", ".join(CONTROLS), "hide.unknown")
    chosen = st.session_state.setdefault(HIDE, names)
    links.settle(HIDE, chosen, chosen or None)
    hidden = [CONTROLS[name] for name in chosen.split(",") if name in CONTROLS]
    if hidden:
        style = f":is({', '.join(hidden)}) {{ display: none !important; }}"
        st.html(f"<style>{style}</style>")


def say() -> None:
    """Which names are no controls, until the visitor's next choice."""
    links.say(HIDE)


def _read(parts: Sequence[str]) -> asked.Found[str]:
    entries = asked.listed(parts)
    known = [name for name in CONTROLS if name in entries]
    return asked.Found(",".join(known), exact=all(entry in known for entry in entries))
