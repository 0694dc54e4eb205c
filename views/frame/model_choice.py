"""The choice of models in the panel, what is downloaded, and where the models run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from views.frame import asked, links, server
from views.frame.amounts import choose_switch
from views.frame.choices import choose_several
from views.frame.state import (
    DEFAULT_MODELS,
    MOST_MODELS,
    SWITCH,
    CostQuestionError,
    default_models,
    said,
    t,
)
from vislib import registry
from vislib.schema import MixScopeError

if TYPE_CHECKING:
    from vislib.weights.downloads import DownloadState

POLL_SECONDS = 1.0
LIST_HEIGHT = 340


# ---------------------------------------------------------------- which models are compared


def choice(present: Sequence[str]) -> None:
    """Which models are compared, which others there are, and what is on its way."""
    _add_arrived(present)
    usual = [key for key in default_models(present) if key in present]
    minis = [key for key in DEFAULT_MODELS if key in present]
    choose_several(
        t("models.choose"),
        present,
        key="models",
        words={key: registry.spec(key).title for key in present},
        # A link that names no model means the same ones on every machine.
        start_with=minis if minis and links.memory().spoke else usual,
        default=minis if minis == usual else (),
        most=MOST_MODELS,
        help_text=t("models.choose_help"),
        away=_note_absent,
    )
    if not st.session_state.get("models"):
        st.info(t("models.none_chosen"))
    choose_switch(t("models.untrained_switch"), key=SWITCH, help_text=t("models.untrained_help"))
    for key in st.session_state.get("_absent", ()):
        _offer(key, t("models.link_names", title=registry.spec(key).title))
    active = any(state.active for state in server.download_states())
    if active or _own_ends():
        drawn = tuple((state.key, state.status) for state in server.download_states())
        st.fragment(_under_way, run_every=POLL_SECONDS if active else None)(drawn)


def _note_absent(word: str) -> bool:
    """Keep which model a link names that is not here; False where there is none of that name."""
    rows = list(registry.MODEL_REGISTRY)
    key = asked.key_of("models", word, rows, {})
    if key is not None:
        absent = (*st.session_state.get("_absent", ()), key)
        st.session_state["_absent"] = tuple(dict.fromkeys(absent))
    return key is not None


def _add_arrived(present: Sequence[str]) -> None:
    """What a link named joins the chosen ones when it has come."""
    state = st.session_state
    absent: tuple[str, ...] = state.get("_absent", ())
    arrived = [key for key in absent if key in present]
    if arrived:
        state["_absent"] = tuple(key for key in absent if key not in arrived)
        chosen = [*state.get("models", ()), *arrived]
        state["models"] = list(dict.fromkeys(chosen))[:MOST_MODELS]


# ---------------------------------------------------------------- models that are not here


def away(present: Sequence[str]) -> list[str]:
    """The models that are not here, those that can be downloaded first."""
    missing = [row.key for row in registry.MODEL_REGISTRY.values() if row.key not in present]
    return sorted(missing, key=lambda key: not _published(key))


def more(missing: Sequence[str]) -> None:
    """The list of models that can be had; it is drawn, and its sizes counted, when it is opened.

    It stands at the top of the panel, where there is room for it below.

    Args:
        missing: From ``away``.
    """
    opened = st.popover(t("models.more"), width="stretch", key="more_models", on_change="rerun")
    if not opened.open:
        return
    with opened:
        st.caption(t("models.more_how"))
        waiting = st.empty()
        waiting.caption(t("busy.counting"))  # the first time torch is imported for it
        counting = any(server.megabytes(key) is None for key in missing if _published(key))
        with st.container(height=LIST_HEIGHT, border=False, key="more_list"):
            moving = any(state.active for state in server.download_states())
            every = POLL_SECONDS if counting or moving else None
            st.fragment(_list, run_every=every)(tuple(missing), counting)
        waiting.empty()
        st.caption(t("models.offline"))


def _published(key: str) -> bool:
    return registry.spec(key).weights == "timm"


def _list(missing: Sequence[str], counting: bool) -> None:
    """A line for each model: title, size, licence, and a button."""
    if counting and all(server.megabytes(key) is not None for key in missing if _published(key)):
        st.rerun()  # nothing more to wait for: the next list does not ask again
    for key in missing:
        row = registry.spec(key)
        size = server.megabytes(key) if _published(key) else None
        words, button = st.columns([2.2, 1], vertical_alignment="center")
        facts = [_size(size), row.licence] if _published(key) else [t("models.bundled_away")]
        words.markdown(f"**{row.title}**  \n:small[{' · '.join(facts)}]")
        with button:
            _get_button(key, "list")
        state = server.downloads().state(key) if _published(key) else None
        if state in _own_ends() and state is not None and state.status == "failed":
            st.error(said(state.message))


def _size(megabytes: float | None) -> str:
    return "… MB" if megabytes is None else f"{megabytes:,.0f} MB"


def _get_button(key: str, where: str) -> None:
    """Get, or that it is coming."""
    if not _published(key):
        return
    state = server.downloads().state(key)
    if state is not None and state.active:
        st.caption(t(f"models.{state.status}"))  # how far it is stands at the bar, drawn anew
        return
    again = state is not None and state.status in ("failed", "cancelled")
    label = t("models.again") if again else t("models.get")
    if st.button(
        label,
        key=f"get-{where}-{key}",
        help=t("models.get_help", title=registry.spec(key).title),
        width="stretch",
    ):
        order(key)
        st.rerun()


def order(key: str) -> None:
    """Start a download that this visitor wants to hear of."""
    st.session_state.setdefault("_ordered", {})[key] = True
    server.downloads().start(key)


def _offer(key: str, why: str) -> None:
    """One line on a model that is not here, with its button."""
    row = registry.spec(key)
    facts = f": {_size(server.megabytes(key))}, {row.licence}." if _published(key) else "."
    with st.container(border=True, key=f"offer-{key}"):
        words, button = st.columns([3, 1], vertical_alignment="center")
        words.markdown(f"{why.rstrip('.')}{facts}")
        with button:
            _get_button(key, "offer")


def offer(key: str, why: str, present: Sequence[str]) -> None:
    """Offer a published model that is not here; draws nothing when it is.

    Args:
        key: Registry key.
        why: What a page could show with it, in one sentence.
        present: The models that are here.
    """
    if key not in present:
        _offer(key, why)


# ---------------------------------------------------------------- what is on its way


def _own_ends() -> list[DownloadState]:
    """Downloads that this visitor ordered and that came to nothing."""
    ordered = st.session_state.get("_ordered", {})
    return [
        state
        for state in server.download_states()
        if state.status in ("failed", "cancelled") and ordered.get(state.key)
    ]


def _under_way(drawn: tuple[tuple[str, str], ...]) -> None:
    """Bars of what is being downloaded; the whole page runs again when something has changed."""
    states = server.download_states()
    if tuple((state.key, state.status) for state in states) != drawn:
        st.rerun()
    for state in states:
        if state.active:
            _bar(state)
    for state in _own_ends():
        _ended(state)


def _bar(state: DownloadState) -> None:
    """How far a download is, and a button that stops it."""
    title = registry.spec(state.key).title
    bar, button = st.columns([2.4, 1], vertical_alignment="center")
    share = min(1.0, state.done / state.total) if state.total else 0.0
    if state.status == "queued":
        text = t("models.bar_queued", title=title)
    else:
        text = t(
            "models.bar",
            title=title,
            done=f"{state.done / 1e6:,.0f}",
            total=f"{state.total / 1e6:,.0f}" if state.total else "?",
            rate=f"{state.rate / 1e6:.1f}",
        )
    bar.progress(share, text=text)
    button.button(
        t("models.cancel"),
        key=f"cancel-{state.key}",
        on_click=server.downloads().cancel,
        args=(state.key,),
        width="stretch",
    )


def _ended(state: DownloadState) -> None:
    """Why a download came to nothing, with what can be done."""
    with st.container(key=f"ended-{state.key}"):
        if state.status == "failed":
            st.error(f"**{registry.spec(state.key).title}.** {said(state.message)}")
        else:
            st.info(said(state.message))
        again, close = st.columns(2)
        with again:
            _get_button(state.key, "ended")
        if close.button(t("models.close"), key=f"close-{state.key}", width="stretch"):
            st.session_state["_ordered"].pop(state.key, None)
            st.rerun()


# ---------------------------------------------------------------- costs and devices


def problem(error: MixScopeError) -> None:
    """Draw an error where its part of the page would be; a cost is a question with a button."""
    if not isinstance(error, CostQuestionError):
        st.error(f"**{t('error.title')}** {said(error)}")
        return
    with st.container(border=True):
        st.markdown(said(error))
        asked: set[str] = st.session_state.setdefault("_asked", set())
        if error.key not in asked:  # a part of the page that needs it too has the same question
            asked.add(error.key)
            st.button(
                t("models.load_it"),
                key=f"load-{error.key}",
                type="primary",
                on_click=server.agree,
                args=(error.key,),
            )


def device_words() -> str:
    """Where models run, in one line; empty before the first model is asked for."""
    found = server.device()
    if found is None:
        return ""
    if isinstance(found, MixScopeError):
        return said(found)
    gigabytes = f"{found.total_bytes / 2**30:.0f}"
    if found.kind == "cpu":
        line = t("device.cpu", cores=found.cores, gigabytes=gigabytes)
    else:
        line = t(f"device.{found.kind}", name=found.name, gigabytes=gigabytes)
    titles = ", ".join(registry.spec(key).title for key in server.moved())
    return f"{line} {t('device.moved', titles=titles)}" if titles else line


def device_line() -> None:
    """Where models run. On a first visit the line is filled in at the end of the run."""
    st.session_state["_asked"] = set()
    words = device_words()
    with st.container(key="device_line"):
        place = st.empty()
    place.caption(words or "\N{NO-BREAK SPACE}")  # the line is there, so nothing moves later
    st.session_state["_device_line"] = (place, words)


def end_of_run() -> None:
    """What is known only when the page has run: the device, and models that were moved."""
    place, words = st.session_state.pop("_device_line", (None, ""))
    now = device_words()
    if place is not None and now != words:
        place.caption(now)
    told: set[str] = st.session_state.setdefault("_told_moved", set())
    ordered = st.session_state.get("_ordered", {})
    for state in server.download_states():
        if state.status == "done" and ordered.pop(state.key, None):
            st.toast(t("models.arrived", title=registry.spec(state.key).title), duration="long")
    for key in server.moved():
        if key not in told:
            told.add(key)
            title = registry.spec(key).title
            st.toast(t("device.moved_now", title=title), duration="infinite")
