"""The ranking: each picture with the answer of every model, the most disputed first."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st

from views import frame
from views.disagreement import pictures
from views.disagreement.pictures import Asked, words
from vislib.analysis import disagreement
from vislib.figures import colours
from vislib.pictures import gallery
from vislib.registry import spec
from vislib.schema import ActivationCache

QUICK_SECONDS = 6.0
"""What takes longer is computed when the visitor asks for it."""
SHOWN = ("6", "all")
SHOWN_PX = 130
"""Width of a picture in the list."""

Answers = Mapping[str, Mapping[str, ActivationCache]]
"""Picture -> model -> answer."""


def draw() -> None:
    """Choose pictures, run every model on them, rank."""
    with frame.row_of_choices(picture=False):
        source = pictures.choose_source()
        shown = frame.choose(
            words("shown"),
            SHOWN,
            key="shown",
            words={name: words(f"shown_{name}") for name in SHOWN},
        )
    asked = pictures.of(source)
    keys = comparable()
    if len(keys) < 2:
        st.info(words("too_few"))
        return
    if not asked:
        return
    answers = _prepared(keys, asked)
    beforehand = answers is not None
    if answers is None:
        answers = _answers(keys, asked)
    if answers is None:
        return
    table = {
        name: np.stack([run.probabilities() for run in found.values()])
        for name, found in answers.items()
    }
    order = disagreement.ranked(table)
    for name, value in order if shown == "all" else order[: int(SHOWN[0])]:
        _row(name, asked[name], value, answers[name])
    titles = {name: entry.title for name, entry in asked.items()}
    if beforehand:
        st.caption(frame.t("prepared.said"))
    frame.formula(words("formula"))
    st.caption(words("how_said", count=len(keys), classes=table[name].shape[1]))
    frame.offer_csv(
        lambda: _table_rows(order, titles, answers), name="disagreement", key="disagreement.csv"
    )


def comparable() -> tuple[str, ...]:
    """The largest set of the chosen models with the same classes; says which are left out."""
    keys = frame.view().models
    same = disagreement.alike({key: _labels(key) for key in keys})
    left = [frame.title(key) for key in keys if key not in same]
    if left and len(same) > 1:
        kept = ", ".join(frame.title(key) for key in same)
        st.info(words("left_out", left=", ".join(left), kept=kept))
    return tuple(same)


def _labels(key: str) -> tuple[str, ...]:
    """A model's classes; of those computed beforehand without loading it."""
    found = frame.beforehand()
    return (found and found.labels(key)) or frame.model(key).labels


def _prepared(keys: Sequence[str], asked: Mapping[str, Asked]) -> Answers | None:
    """The answers that come with the project; None where one of them does not."""
    stored = frame.beforehand()
    found: dict[str, dict[str, ActivationCache]] = {}
    for name, entry in asked.items():
        picture, own = entry.picture, found.setdefault(name, {})
        for key in keys:
            size = (picture.width, picture.height)
            run = stored.answer(key, picture.sha256, size) if stored else None
            if run is None:
                return None
            own[key] = run
    return found


def _answers(keys: Sequence[str], asked: Mapping[str, Asked]) -> Answers | None:
    """Every model on every picture; of slow models None until the visitor asks for it."""
    first = next(iter(asked.values())).picture
    seconds = sum(frame.capture(key, "logits", picture=first).seconds for key in keys) * len(asked)
    agreed = st.session_state.setdefault("_disagreement_agreed", set())
    if seconds > QUICK_SECONDS and not set(keys) <= agreed:
        st.info(words("slow", count=len(asked), models=len(keys), seconds=f"{seconds:.0f}"))
        st.button(words("compute"), key="disagreement_now", on_click=agreed.update, args=(keys,))
        return None
    place, total, done = st.empty(), len(keys) * len(asked), 0
    found: dict[str, dict[str, ActivationCache]] = {name: {} for name in asked}
    for key in keys:  # one model after the other: they need not all fit at once
        for name, entry in asked.items():
            place.progress(
                done / total,
                text=words("step", title=frame.title(key), name=frame.plain(entry.title)),
            )
            found[name][key] = frame.capture(key, "logits", picture=entry.picture)
            done += 1
    place.empty()
    return found


def _row(name: str, asked: Asked, value: float, answers: Mapping[str, ActivationCache]) -> None:
    """The picture, how far apart the answers are and what each model says, and a button."""
    with st.container(border=True, key=f"disputed-{name}"):
        left, middle, right = st.columns([0.8, 4.2, 1.2], vertical_alignment="center")
        with left:
            st.image(pictures.thumbnail(asked), width=SHOWN_PX, alt=asked.title)
        with middle:
            st.html(_row_html(asked, value, answers))
        with right:
            st.button(
                words("open"),
                key=f"open-{name}",
                on_click=_open,
                args=(asked.key, asked.token),
                width="stretch",
            )


def _row_html(asked: Asked, value: float, answers: Mapping[str, ActivationCache]) -> str:
    """Title, disagreement as a bar, and a bar of each model's best answer."""
    head = words("apart", percent=f"{100 * value:.0f}")
    entry = gallery.GALLERY.get(asked.key)
    credit = f"{entry.credit} · {entry.licence}" if entry else ""
    parts = [
        '<div class="reads" style="display:flex;justify-content:space-between;gap:1rem">'
        f'<span>{html.escape(asked.title)} <span class="credit">{html.escape(credit)}</span></span>'
        f"<span>{html.escape(head)}</span></div>"
    ]
    for key, run in answers.items():
        label, share = run.top(1)[0]
        colour = colours.family_colour(spec(key).family)
        stored = frame.beforehand()
        known = stored.wordnet(key) if stored else None
        found = frame.judged(key, run, entry, wordnet=known)
        parts.append(
            f'<div class="row"><div class="bar" style="width:{100 * share:.2f}%;'
            f'background:{colour}"></div><span class="label" title="{html.escape(label)}">'
            f"<b>{html.escape(label.split(',')[0])}</b> "
            f'<span style="opacity:.8">{html.escape(frame.title(key))}</span></span>'
            f'<span class="value">{_mark(found)}{100 * share:.1f} %</span></div>'
        )
    return f'<div class="answers long">{"".join(parts)}</div>'


def _mark(found: tuple[str, str] | None) -> str:
    """Right or wrong in one word, the whole sentence on hover; nothing where neither is true."""
    if found is None or found[0] == "unknown":
        return ""
    return f'<span class="was" title="{html.escape(found[1])}">{words(found[0])}</span>'


def _open(key: str, token: str) -> None:
    """Show the picture on Compare (a callback)."""
    if not key:
        st.session_state["own_upload"] = token
    frame.go("compare", picture=key or frame.OWN)


def _table_rows(
    order: Sequence[tuple[str, float]], titles: Mapping[str, str], answers: Answers
) -> list[list[object]]:
    """The numbers behind the ranking."""
    rows: list[list[object]] = [["picture", "disagreement", "model", "best", "probability"]]
    for name, value in order:
        for key, run in answers[name].items():
            label, share = run.top(1)[0]
            rows.append([titles[name], value, key, label, share])
    return rows
