"""Which block does the answer hang on: each one switched off in turn."""

from __future__ import annotations

import html
from collections.abc import Sequence

import streamlit as st

from views import frame
from views.what_if import runs
from views.what_if.runs import Ranked
from views.what_if.surgery import choose_model, role_words
from views.what_if.words import words
from vislib.figures import colours
from vislib.registry import spec

ORDERS = ("effect", "depth")
QUICK_SECONDS = 0.3
"""A model that is slower than this is ranked when the visitor asks for it."""


def choose() -> tuple[str, str]:
    """The model, and the order of its bars."""
    with st.container(width=190):
        key = choose_model()
    with st.container(width=130):
        order = frame.choose(
            words("order"),
            ORDERS,
            key="rank_order",
            words={name: words(f"order_{name}") for name in ORDERS},
            compact=False,
        )
    return key, order


def draw(key: str, order: str) -> None:
    """A bar for each block and operator, by effect or by depth."""
    found = _ranking(key)
    if found is None:
        return
    best, share = runs.before(key).top(1)[0]
    if order == "effect":
        found = sorted(found, key=lambda entry: -entry.change.moved)
    _bars(key, found, order)
    _open_in_surgery(key, found)
    st.markdown(words("best_before", name=best.split(",")[0], percent=frame.percent(share)))
    unit = frame.t(f"unit.{frame.POINTS}")
    how = words("points_how", unit=unit)
    st.caption(f"{words('ranking_how')} {words('moved_how')} {how}")


def _ranking(key: str) -> list[Ranked] | None:
    """The ranking; of a slow model None until the visitor asks for it."""
    digest = frame.view().picture.sha256
    cache, count = runs.before(key), len(runs.ranked_cuts(key))
    asked = st.session_state.setdefault("_ranked", set())
    if cache.seconds > QUICK_SECONDS and (digest, key) not in asked:
        seconds = f"{max(1, round(cache.seconds * count))}"
        st.info(words("slow", title=frame.title(key), seconds=seconds, count=count))
        st.button(words("compute"), key="rank_now", on_click=asked.add, args=((digest, key),))
        return None
    with st.empty():
        bar = st.progress(0.0, text=words("ranking_busy", count=count))

        def report(done: int, total: int) -> None:
            bar.progress(done / total, text=words("ranking_step", done=done, total=total))

        found = runs.ranking(key, report)
        st.write("")
    return found


def _name(key: str, entry: Ranked) -> str:
    """A part's name on the page: its block, and the operator where it is one."""
    where = frame.block_words(key, frame.site_of(key, entry.group))
    what = words("whole") if entry.what == "block" else role_words(entry.what.partition(".")[2])
    return f"{where}: {what}"


def _bars(key: str, found: Sequence[Ranked], order: str) -> None:
    """One bar a part, from 0 to 100 %; whole blocks stand out from their operators."""
    colour = colours.family_colour(spec(key).family)
    rows, last = [], found[0].group if found else ""
    for entry in found:
        gap = ' style="margin-top:.8rem"' if order == "depth" and entry.group != last else ""
        last, whole = entry.group, entry.what == "block"
        name = html.escape(_name(key, entry))
        best = words("points", points=frame.points(entry.change.best))
        strength = "" if whole else ";opacity:.2"
        weight = " kept" if whole else ""
        rows.append(
            f'<div class="row"{gap}><div class="bar" style="width:{100 * entry.change.moved:.2f}%;'
            f'background:{colour}{strength}"></div><span class="label{weight}" title="{name}">'
            f'{name}</span><span class="value">{frame.percent(entry.change.moved)}'
            f'<span class="was">{best}</span></span></div>'
        )
    heading = words("bars_title", title=frame.title(key))
    st.markdown(f"**{heading}**")
    st.html(f'<div class="answers long">{"".join(rows)}</div>')


def _open_in_surgery(key: str, found: Sequence[Ranked]) -> None:
    """Choose a bar and look at it; or take the numbers."""
    texts = {f"{entry.group}/{entry.what}": _name(key, entry) for entry in found}
    left, middle, right = st.columns([1.6, 1, 1], vertical_alignment="bottom")
    with left:
        chosen = frame.choose(
            words("pick"), tuple(texts), key="rank_pick", words=texts, compact=False
        )
    group, _, what = chosen.partition("/")
    block = frame.block_name(frame.site_of(key, group))
    middle.button(
        words("open_surgery"), key="rank_open", on_click=_open, args=(block, what), width="stretch"
    )
    with right:
        frame.offer_csv(
            lambda: table_rows(key, found),
            name=f"{key}.ranking",
            key="ranking.csv",
            width="stretch",
        )


def _open(block: str, what: str) -> None:
    """Go to the surgery with a part chosen (a callback, before the widgets are drawn)."""
    st.session_state["cut_block"] = block
    st.session_state["cut"] = what
    st.session_state["what_if"] = "surgery"


def table_rows(key: str, found: Sequence[Ranked]) -> list[list[object]]:
    """The numbers behind the bars."""
    names = ["model", "block", "part", "moved", "best_class_change", "largest_logit_difference"]
    return [
        list(names),
        *([key, e.group, e.what, e.change.moved, e.change.best, e.change.largest] for e in found),
    ]
