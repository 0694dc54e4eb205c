"""The address: it says what is shown, and a link opens the same view.

A choice is declared once, where it is drawn (views/frame/choices.py): name, kind, options, default.
Its key stands in the address, never a word of a language; a default is left out. What a page does
not draw is not in its address, and comes back with the page.

Widgets are not bound to the address. At the start of a run ``begin`` notes what a link asks for: a
first run, a step back or forward, or a page that was opened by a link. Each choice takes its part
(``take``). On a first run that is only the widget's default: what the browser brought itself, after
a restart of the server, is newer. At the end ``write`` puts the choices into the address. An action
makes one entry in the browser's history; what is no action (a link put right, the rest of a page's
address) and the point that moves make none: Streamlit has no way to say that, so a few lines in the
browser do (assets/components/address.js).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from views.frame.asked import Found, old_words, quoted
from views.frame.language import LANGUAGE, language
from views.frame.state import SWITCH, said, t

SHARED = ("picture", "models", "x", "y", SWITCH, LANGUAGE, "hide")
"""What every page draws, and a change of page must keep."""
POINT = frozenset({"x", "y"})
"""What moves all the time: it changes the address and makes no entry in the history."""
EMBED = ("embed", "embed_options")
"""Streamlit's own parameters; it keeps them."""
_MEMORY, _GO = "_address", "_go"
_address = st.components.v2.component(
    "mixscope_address",
    js=(Path(__file__).resolve().parents[2] / "assets/components/address.js").read_text("utf-8"),
)


@dataclass
class Memory:
    """What a visit knows of its address.

    Attributes:
        page: The page that was drawn last, as it stands in the address.
        link: Name -> what the link says, until a choice takes it.
        whole: Whether what the link leaves out goes back to its default.
        newest: Whether the link is newer than what the browser holds.
        spoke: Whether the link said anything.
        taken: The choices that had their part of the link.
        fresh: Those of them that had it in this run: they change the address, and nobody acted.
        quiet: Whether this run is no action of the visitor's.
        drawn: Name -> text of the choices of this run; None for a default.
        written: What stands in the address.
        notes: Name -> value and the sentence that goes with it.
        unused: Names of the link that no choice has taken, as long as that is said.
        serial: Tells the browser that the address is to be looked at again.
        later: Values that the next run begins with.
        going: Whether a button of ours opens this page.
        shared: Name -> value of the choices that all pages have.
        held: Names whose sentences are held back; None where they are said at once.
    """

    page: str | None = None
    link: dict[str, list[str]] = field(default_factory=dict)
    whole: bool = False
    newest: bool = False
    spoke: bool = False
    taken: set[str] = field(default_factory=set)
    fresh: set[str] = field(default_factory=set)
    quiet: bool = False
    drawn: dict[str, str | None] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)
    notes: dict[str, tuple[Any, str]] = field(default_factory=dict)
    unused: tuple[str, ...] | None = None
    serial: str = ""
    later: dict[str, Any] = field(default_factory=dict)
    going: bool = False
    shared: dict[str, Any] = field(default_factory=dict)
    held: list[str] | None = None


def memory() -> Memory:
    """This visit's own."""
    found: Memory = st.session_state.setdefault(_MEMORY, Memory())
    return found


def begin(page: str) -> None:
    """Note what a link asks for; call it before the first choice is drawn.

    Args:
        page: The page's part of the address.
    """
    mine = memory()
    target = st.session_state.pop(_GO, None)
    if target is not None:
        mine.going = True
        st.switch_page(f"pages/{target}.py", query_params=mine.written)
    st.session_state.update(mine.later)
    mine.later = {}
    first, moved = mine.page is None, page != mine.page
    came = {name: st.query_params.get_all(name) for name in st.query_params}
    linked = first or is_step_in_history() or (moved and bool(came) and not mine.going)
    if moved and not first:
        # Streamlit lets go of what a link brought and nobody has touched; and a widget at another
        # place in the page begins anew.
        kept = {name: st.session_state[name] for name in SHARED if name in st.session_state}
        st.session_state.update(kept if linked else mine.shared | kept)
    if linked or moved:
        mine.link = came if linked else {}
        mine.whole, mine.newest = linked and not first, linked and not first
        mine.taken, mine.notes, mine.unused, mine.quiet = set(), {}, None, True
        mine.spoke = bool(mine.link)
    mine.page, mine.going, mine.drawn, mine.fresh = page, False, {}, set()


def send_on(page: str, names: frozenset[str]) -> None:
    """Open another page with all that a link says, where the link names a choice of that page.

    Args:
        page: The name of its file.
        names: Choices that this page does not have and that one has, or had.
    """
    came = {name: st.query_params.get_all(name) for name in st.query_params}
    if names & memory().link.keys() & came.keys():
        memory().page = None
        st.switch_page(f"pages/{page}.py", query_params=came)


def is_step_in_history() -> bool:
    """Whether the visitor went back or forward in the browser."""
    return bool(getattr(get_script_run_ctx(), "is_history_navigation", False))


def go(page: str, **choices: Any) -> None:
    """Open another page with choices made on it (in a callback).

    Args:
        page: The name of its file.
        choices: The names of choices, and their values.
    """
    st.session_state.update(choices)
    st.session_state[_GO] = page


def is_part() -> bool:
    """Whether this run is of a fragment and not of the page."""
    return bool(getattr(get_script_run_ctx(), "fragment_ids_this_run", None))


def is_first_run() -> bool:
    """Whether this visit has not written an address yet."""
    return not memory().serial


def choose_later(**choices: Any) -> None:
    """Run the page again with choices whose widgets are drawn already."""
    memory().later = choices
    st.rerun()


def asked(name: str) -> list[str]:
    """What the link says to a choice that was not drawn yet; it stays there."""
    return memory().link.get(name, [])


def imply(name: str, text: str) -> None:
    """Let a link say more than it does: a choice without which nobody would see what it asks for.

    Args:
        name: A choice that is not drawn yet.
        text: What the link says to it, unless it says something of its own.
    """
    memory().link.setdefault(name, [text])


def take(
    name: str, default: Any, read: Any, shown: Any = str, sentence: str = "choice.not_there"
) -> Any:
    """What a choice starts with: its part of the link, what was chosen, or the default.

    What was chosen stands in the state. The browser has to be told it too: a widget in a list that
    nobody has opened holds nothing yet, and would begin with the default, which then counts.

    Args:
        name: The widget's key and its name in the address.
        default: Where the link says nothing.
        read: Texts of the address -> ``Found``.
        shown: Value -> what the page calls it, for the sentence.
        sentence: The text's key, where the link asks for something else than what is there.
    """
    mine = memory()
    parts = mine.link.pop(name, None)
    if parts is None and (not mine.whole or name in mine.taken):
        held = st.session_state.get(name)
        return default if held is None else held
    mine.taken.add(name)
    mine.fresh.add(name)
    found: Found[Any] = Found(default, True) if parts is None else read(parts)
    if not found.exact:
        said = t(sentence, asked=quoted(parts or []), shown=shown(found.value))
        mine.notes[name] = (found.value, said)
    if mine.newest:
        st.session_state[name] = found.value
    return found.value


def settle(name: str, value: Any, text: str | None) -> None:
    """Note what a choice has come to.

    Args:
        name: Its name in the address.
        value: What was chosen.
        text: How the address says it; None for the default.
    """
    mine = memory()
    mine.drawn[name] = text
    if name in SHARED:
        mine.shared[name] = value
    if name in mine.notes and mine.notes[name][0] != value:
        del mine.notes[name]
    if is_part() and name not in POINT and mine.written.get(name) != text:
        write(name)  # a fragment's run has no end of ours


def chosen_by_hand() -> None:
    """A visitor has chosen (a callback): that runs the page, also where a pin comes with it.

    Streamlit runs only the parts that a callback names, and what changed without any waits.
    """


def say(*names: str) -> None:
    """The sentences of choices for which the link asked something else, until they change."""
    mine = memory()
    if mine.held is not None:
        mine.held.extend(names)
        return
    for name in names:
        if name in mine.notes:
            st.info(mine.notes[name][1])


@contextmanager
def held_back() -> Iterator[list[str]]:
    """Meanwhile ``say`` draws nothing; gives the names, to be said where they can be seen."""
    mine = memory()
    mine.held = names = []
    try:
        yield names
    finally:
        mine.held = None


def say_unused() -> None:
    """What the link names that nothing here is called, until the visitor's next choice."""
    mine = memory()
    if mine.unused is None:
        mine.unused = tuple(mine.link)
    left = [name for name in mine.unused if name in mine.link]
    if left:
        st.info(t("choice.unused", names=quoted(left)))
    wrong = old_words()[1] if left or mine.notes else None
    if wrong:
        st.error(f"**{t('error.title')}** {said(wrong)}")


def write(by: str = "") -> None:
    """Put the choices that were drawn into the address.

    Args:
        by: The choice in a fragment that has changed; empty at the end of a page's run.
    """
    mine = memory()
    wanted = {name: text for name, text in mine.drawn.items() if text is not None}
    names = wanted.keys() | mine.written.keys()
    changed = {name for name in names if wanted.get(name) != mine.written.get(name)}
    if changed - POINT - mine.fresh and not mine.quiet:
        st.query_params.from_dict(wanted)
        mine.unused = ()
    if changed or mine.quiet or not mine.serial:
        mine.serial = uuid.uuid4().hex
    mine.written, mine.quiet, mine.fresh = wanted, False, set()
    mine.whole = mine.newest = False  # from now on the visitor's choices are newer
    context = get_script_run_ctx()
    own = parse_qsl(context.query_string if context else "", keep_blank_values=True)
    embed = [(name, value) for name, value in own if name.lower() in EMBED]
    _address(
        key=f"address-{by}",
        data={
            "page": mine.page,
            "language": language().replace("_", "-"),
            "query": urlencode([*embed, *wanted.items()]),
            "serial": mine.serial,
        },
    )
