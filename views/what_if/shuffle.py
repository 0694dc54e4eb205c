"""What if the picture were shuffled: which models can take it back by shuffling their weights."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from views import frame
from views.what_if import proof, runs
from views.what_if.words import answers, words
from vislib.analysis import shuffling
from vislib.figures import patches as pictures
from vislib.registry import spec
from vislib.schema import ActivationCache, MixScopeError

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from vislib.observe.intervention import AnswerChange

WANTED = (4, 8, 16)
"""About how many squares a side; only those that make a difference here are offered."""
SIDE = 384
"""Side of a shuffled picture in its own pixels at most."""


@dataclass(frozen=True, kw_only=True)
class Shuffle:
    """What is shuffled, and how.

    Attributes:
        errors: Which of the compared models cannot be run, and why.
        squares: Model -> squares a side, of those that can.
        seed: Of the order.
        follow: Whether the weights follow.
    """

    errors: dict[str, MixScopeError]
    squares: dict[str, int]
    seed: int
    follow: bool


def choose(place: DeltaGenerator) -> Shuffle:
    """Squares, seed and whether the weights follow.

    Args:
        place: The stage's, which says meanwhile that models are being loaded.
    """
    errors = frame.load_on_stage(frame.view().models, place)
    keys = [key for key in frame.view().models if key not in errors]
    with st.container(width=110):
        squares = _choose_squares(keys)
    with st.popover(words("order_button")):
        seed = frame.choose_number(
            words("seed"), 9999, key="seed", least=0, default=1, help_text=words("seed_help")
        )
    follow = frame.choose_switch(words("follow"), key="follow")
    return Shuffle(errors=errors, squares=squares, seed=seed, follow=follow)


def draw(chosen: Shuffle, place: DeltaGenerator) -> None:
    """Each model's shuffled picture on the stage; below it the answers before and after."""
    frame.stage(
        [_map(key, chosen) for key in frame.view().models],
        label=words("title"),
        place=place,
    )
    keys = list(chosen.squares)
    draws: dict[str, Callable[[], None]] = {
        "answers": partial(_columns, chosen, _answers),
        "numbers": partial(_columns, chosen, _numbers),
        "proof": partial(proof.draw, keys, chosen.seed),
        "paper": _paper,
        "maths": _maths,
    }
    name, tab = frame.choose_tab({n: words(f"tab_{n}") for n in draws}, key="shuffled")
    with tab:
        frame.follows_place(draws[name])
    for key, error in chosen.errors.items():
        frame.model_head(key)
        frame.problem(error)


def _map(key: str, chosen: Shuffle) -> frame.StageMap:
    """What a model sees of the shuffled picture, and whether its answer is the same."""
    return frame.model_map(
        key,
        lambda _picture, _block: _shown(key, chosen),
        alt=words("shuffled_alt", model=spec(key).title),
        wrong=frame.said(chosen.errors[key]) if key in chosen.errors else "",
    )


def _shown(key: str, chosen: Shuffle) -> frame.StageShown:
    squares, loaded = chosen.squares[key], frame.model(key)
    run = runs.shuffled(key, squares, chosen.seed)
    png = frame.remember(
        ("shuffled png", frame.view().picture.sha256, key, squares, chosen.seed),
        lambda: pictures.grid_png(run.seen, loaded.grid, None, side=SIDE),
    )
    change = _change(key, chosen)
    verdict = words(_verdict(change))
    return frame.StageShown(image=png, word=f"{verdict} {frame.number(change.relative)}")


def _verdict(change: AnswerChange) -> str:
    return "exact" if change.relative < frame.EXACT else "not_same"


def _after(key: str, chosen: Shuffle) -> ActivationCache:
    """The answer to the shuffled picture, with weights that follow where they are to and can."""
    squares = chosen.squares[key]
    if chosen.follow and runs.token_axes(key):
        return runs.followed(key, squares, chosen.seed)
    return runs.shuffled(key, squares, chosen.seed).cache


def _change(key: str, chosen: Shuffle) -> AnswerChange:
    return runs.answers_differ(runs.before(key), _after(key, chosen))


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
        compact=False,
    )
    return dict(zip(keys, found[chosen], strict=True))


def _in_words(counts: tuple[int, ...]) -> str:
    """ "8 × 8", or "7 × 7, 8 × 8" where the models differ."""
    return ", ".join(f"{count} × {count}" for count in sorted(set(counts)))


def _columns(chosen: Shuffle, column: Callable[[str, Shuffle], None]) -> None:
    """The same for each model, side by side: HTML alone."""

    def one(key: str) -> None:
        frame.model_head(key)
        frame.shielded(partial(column, key, chosen))

    if chosen.squares:
        frame.columns_of_html(partial(one, key) for key in chosen.squares)


def _answers(key: str, chosen: Shuffle) -> None:
    """Why it is the same or not; the answer before, with shuffled squares, and followed."""
    before, can = runs.before(key), bool(runs.token_axes(key))
    frame.put_html(f'<div class="how">{html.escape(_why(key, chosen.follow, can))}</div>')
    run = runs.shuffled(key, chosen.squares[key], chosen.seed)
    answers(before, key, words("answer_before"))
    answers(run.cache, key, words("answer_shuffled"), before=before)
    if chosen.follow and can:
        after = _after(key, chosen)
        answers(after, key, words("answer_followed"), before=before)
    elif chosen.follow:
        frame.put_html(f'<div class="says">{html.escape(words("nothing_follows"))}</div>')


def _numbers(key: str, chosen: Shuffle) -> None:
    """How far the answer moved."""
    squares = chosen.squares[key]
    side = frame.model(key).config.size // squares
    words_of_squares = words("squares_of", count=squares, pixels=side)
    frame.put_html(f'<div class="model-sub">{html.escape(words_of_squares)}</div>')
    change = _change(key, chosen)
    frame.big(words(_verdict(change)), frame.number(change.relative))
    frame.html_table(
        [
            (words("largest"), frame.number(change.largest)),
            (words("scale"), frame.number(change.scale)),
            (words("moved"), frame.percent(change.moved)),
        ]
    )


def _paper() -> None:
    """What the Mixer paper did, and where that is here."""
    st.markdown(words("paper"))
    st.button(
        words("to_experiments"),
        key="to_experiments",
        on_click=frame.go,
        args=("experiments",),
        kwargs={"experiment": "order"},
    )


def _maths() -> None:
    """What is the same, and how far an answer moved."""
    frame.formula(words("formula"))
    st.markdown(words("scale_how"))


def _why(key: str, follow: bool, can: bool) -> str:
    """What in this model's weights knows the places, or why no weight could follow."""
    if can and not follow:
        return words("not_followed")
    name = f"why_{spec(key).family}"
    found = words(name)
    unknown = found.endswith(name)  # a new family, of which the page knows nothing yet
    return words("can" if can else "cannot") if unknown else found
