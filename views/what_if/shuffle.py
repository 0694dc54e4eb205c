"""What if the picture were shuffled: which models can take it back by shuffling their weights."""

from __future__ import annotations

import html

import streamlit as st

from views import frame
from views.what_if import proof, runs
from views.what_if.words import answers, words
from vislib.analysis import shuffling
from vislib.figures import patches as pictures
from vislib.registry import spec
from vislib.schema import MixScopeError

WANTED = (4, 8, 16)
"""About how many squares a side; only those that make a difference here are offered."""
SIDES = {1: 384, 2: 384, 3: 320, 4: 256, 5: 224}
"""Columns -> side of a picture in its own pixels at most."""


def draw() -> None:
    """One column a model, then DaViT's attentions on shuffled tokens, then the paper's figure."""
    keys, errors = _loadable()
    left, middle, right = st.columns([1.2, 1, 1.6], vertical_alignment="bottom")
    with left:
        squares = _choose_squares(keys)
    with middle:
        seed = frame.choose_number(
            words("seed"), 9999, key="seed", least=0, default=1, help_text=words("seed_help")
        )
    with right:
        follow = frame.choose_switch(words("follow"), key="follow")
    shown = frame.view().models
    for column, key in zip(st.columns(len(shown)), shown, strict=True):
        with column:
            if key in errors:
                frame.model_head(key)
                frame.problem(errors[key])
            else:
                _column(key, squares[key], seed, follow, len(shown))
    st.caption(words("scale_how"))
    st.subheader(words("proof_title"), anchor=False)
    frame.shielded(lambda: proof.draw(keys, seed))
    st.subheader(words("paper_title"), anchor=False)
    st.markdown(words("paper"))
    st.button(
        words("to_experiments"),
        key="to_experiments",
        on_click=frame.go,
        args=("experiments",),
        kwargs={"experiment": "order"},
    )


def _loadable() -> tuple[list[str], dict[str, MixScopeError]]:
    """The compared models that can be run, and why the others cannot."""
    there, errors = [], {}
    for key in frame.view().models:
        try:
            frame.model(key)
        except MixScopeError as error:
            errors[key] = error
        else:
            there.append(key)
    return there, errors


def _choose_squares(keys: list[str]) -> dict[str, int]:
    """Squares a side of each model; only sizes that differ for these models are offered."""
    possible = [shuffling.possible_squares(frame.model(key).grid) for key in keys]
    found: dict[str, tuple[int, ...]] = {}
    for wanted in WANTED if keys else ():
        counts = shuffling.choose_squares(possible, wanted)
        if counts not in found.values():
            found[f"{wanted}"] = counts
    if not found:
        return {}
    chosen = frame.choose(
        words("squares"),
        tuple(found),
        key="squares",
        words={name: _in_words(counts) for name, counts in found.items()},
        default="8",
    )
    return dict(zip(keys, found[chosen], strict=True))


def _in_words(counts: tuple[int, ...]) -> str:
    """ "8 × 8", or "7 × 7, 8 × 8" where the models differ."""
    return ", ".join(f"{count} × {count}" for count in sorted(set(counts)))


def _column(key: str, squares: int, seed: int, follow: bool, columns: int) -> None:
    """A model's input, what the shuffle does to its answer, and whether its weights can follow."""
    loaded, can = frame.model(key), bool(runs.token_axes(key))
    side = loaded.config.size // squares
    frame.model_head(key, words("squares_of", count=squares, pixels=side))
    before, run = runs.before(key), runs.shuffled(key, squares, seed)
    after = runs.followed(key, squares, seed) if follow and can else run.cache
    change = runs.answers_differ(before, after)
    verdict = "exact" if change.relative < frame.EXACT else "not_same"
    frame.big(words(verdict), frame.number(change.relative))
    png = frame.remember(
        ("shuffled png", frame.view().picture.sha256, key, squares, seed, SIDES[min(columns, 5)]),
        lambda: pictures.grid_png(run.seen, loaded.grid, None, side=SIDES[min(columns, 5)]),
    )
    frame.image(png, key=f"shuffled-{key}", alt=words("shuffled_alt", model=spec(key).title))
    st.html(f'<div class="how">{html.escape(_why(key, follow, can))}</div>')
    frame.html_table(
        [
            (words("largest"), frame.number(change.largest)),
            (words("scale"), frame.number(change.scale)),
            (words("moved"), frame.percent(change.moved)),
        ]
    )
    answers(before, key, words("answer_before"))
    answers(run.cache, key, words("answer_shuffled"), before=before)
    if follow and can:
        answers(after, key, words("answer_followed"), before=before)
    elif follow:
        st.info(words("nothing_follows"))


def _why(key: str, follow: bool, can: bool) -> str:
    """What in this model's weights knows the places, or why no weight could follow."""
    if can and not follow:
        return words("not_followed")
    name = f"why_{spec(key).family}"
    found = words(name)
    unknown = found.endswith(name)  # a new family, of which the page knows nothing yet
    return words("can" if can else "cannot") if unknown else found
