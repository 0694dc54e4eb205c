"""What the page Estimates shows: a row a question, a column a method."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

import numpy as np
import streamlit as st

from views import frame
from views.estimates import meter, runs, tasks
from views.estimates.tasks import CELLS, Question
from views.estimates.words import Shown, in_columns, name_of, named, say, words
from vislib.analysis import faithfulness as judging
from vislib.figures import colours, overlay
from vislib.schema import LabelledArray

SIDES = {1: 480, 4: 280}
"""Columns -> longer side of a map in pixels: all maps together stay under 400 kB."""
SMALL_SIDES = {1: 320, 4: 200}
"""The same of the maps of random weights."""
LEGENDS = {1: 420, 4: 250}


def draw(question: Question, methods: Sequence[str]) -> None:
    """Where each map has its strength, and in a sentence each whether it can be trusted."""
    shown = Shown(question, methods)
    _shares(shown)


def draw_tabs(question: Question, methods: Sequence[str]) -> None:
    """Whether the answer hangs on it; whether it was learned; the numbers; the methods."""
    shown = Shown(question, methods)
    draws = {"meter": meter.draw, "random": _randomised, "raw": _raw, "methods": _heads}
    name, place = frame.choose_tab({n: words(f"tab_{n}") for n in draws}, key="estimates_tab")
    with place:
        draws[name](shown)


def _heads(shown: Shown) -> None:
    """What each method asks, and its formula."""

    def part(shown: Shown, method: str) -> None:
        frame.model_head(shown.question.key, title=name_of(method), style="font-size:1rem")
        st.html(f'<div class="how">{html.escape(words(f"how_{method}"))}</div>')
        frame.formula(words(f"formula_{method}"))

    in_columns(shown, part)


def _trust(shown: Shown, method: str) -> None:
    """Both checks of a map, in a line each."""
    random = runs.random_curves(shown.question)
    beats = judging.beats_random(runs.curves(shown.question, method), random)
    lines = [words(f"short_{beats}")]
    if tasks.can_be_checked(shown.question.key):
        alike = judging.alike(_correlation(shown, method))
        lines.append(words(f"short_{alike}", value=_rho(shown, method)))
    st.html("".join(f'<div class="says"><b>{html.escape(line)}</b></div>' for line in lines))


def _correlation(shown: Shown, method: str) -> float:
    return judging.spearman(_share(shown, method), _share(shown, method, untrained=True))


def _rho(shown: Shown, method: str) -> str:
    value = _correlation(shown, method)
    return "–" if math.isnan(value) else frame.signed(value)


# ---------------------------------------------------------------- where


def _share(shown: Shown, method: str, *, untrained: bool = False) -> np.ndarray:
    found = tasks.found_map(shown.question, method, untrained=untrained)
    return judging.attribution_share(found.array, CELLS)


def _limits(shown: Shown) -> tuple[float, float]:
    """One scale for all methods, trained and not."""
    maps = [_share(shown, method) for method in shown.methods]
    if tasks.can_be_checked(shown.question.key):
        maps += [_share(shown, method, untrained=True) for method in shown.methods]
    return colours.limits(*maps, signed=False)


def _overlay(shown: Shown, method: str, *, untrained: bool, side: int) -> bytes:
    limits, picture = _limits(shown), frame.view().picture
    return frame.remember(
        ("estimates overlay", picture.sha256, shown.question, method, untrained, limits, side),
        lambda: overlay.share_overlay(
            picture.pixels,
            _share(shown, method, untrained=untrained),
            box=frame.box(shown.question.key),
            limits=limits,
            side=side,
        ),
    )


def _shares(shown: Shown) -> None:
    """Each map's strength over the picture."""
    helps, says = html.escape(words("badge_help")), html.escape(words("badge"))
    badge = f'<span class="estimate" title="{helps}">{says}</span>'

    def part(shown: Shown, method: str) -> None:
        named(method)
        png = _overlay(shown, method, untrained=False, side=SIDES[len(shown.methods)])
        frame.image(png, key=f"share-{method}", alt=words("share_alt", method=name_of(method)))
        st.html(badge)
        _trust(shown, method)

    picture = frame.view().picture
    room = f"width: 100%; aspect-ratio: {picture.width} / {picture.height}"  # before they come
    st.html(f"<style>.st-key-estimates_maps img {{ {room} }}</style>")
    with st.container(key="estimates_maps"):
        in_columns(shown, part)
    frame.legend(signed=False, limits=_limits(shown), unit=words("share_unit"), key="estimates-bar")


# ---------------------------------------------------------------- what was learned


def _randomised(shown: Shown) -> None:
    """The same method on random weights: what looks the same was not learned."""
    if not tasks.can_be_checked(shown.question.key):
        st.info(words("randomised_none"))
        return
    st.markdown(words("randomised_how"))

    def part(shown: Shown, method: str) -> None:
        named(method)
        side = SMALL_SIDES[len(shown.methods)]
        png = _overlay(shown, method, untrained=True, side=side)
        alt = words("untrained_alt", method=name_of(method))
        frame.image(png, key=f"untrained-{method}", alt=alt, width=side)
        st.html(f'<div class="verdict-number">ρ = {_rho(shown, method)}</div>')
        said = judging.alike(_correlation(shown, method))
        say(words(f"alike_{said}"), said in ("same", "flat"))

    in_columns(shown, part)
    st.caption(words("spearman_how", same=f"{judging.SAME:g}", other=f"{judging.OTHER:g}"))


# ---------------------------------------------------------------- the numbers themselves


def _raw(shown: Shown) -> None:
    """Each map in its own unit, unclipped, with what it is."""
    st.markdown(words("raw_how"))

    def part(shown: Shown, method: str) -> None:
        key, picture = shown.question.key, frame.view().picture
        found = tasks.found_map(shown.question, method)
        array, side = found.array, SIDES[len(shown.methods)]
        own = colours.limits(array.values, signed=array.signed)
        png = frame.remember(
            ("estimates raw", picture.sha256, shown.question, method, side),
            lambda: overlay.plain_map(
                array.values,
                picture_shape=(picture.height, picture.width),
                box=frame.box(key),
                limits=own,
                signed=array.signed,
                side=side,
            ),
        )
        named(method)
        frame.image(png, key=f"raw-{method}", alt=words("raw_alt", method=name_of(method)))
        frame.legend(
            signed=array.signed,
            limits=own,
            unit=words(f"unit_{method}"),
            key=f"rawbar-{method}",
            width=LEGENDS[len(shown.methods)],
        )
        _strip(shown, method, array)
        if method == "integrated_gradients":
            total, wanted = float(array.values.sum()), found.difference
            st.caption(words("complete", total=frame.signed(total), wanted=frame.signed(wanted)))

    in_columns(shown, part)


def _strip(shown: Shown, method: str, array: LabelledArray) -> None:
    """What the map is, and everything that the page shows of it as numbers."""
    name = f"{shown.question.key}.{method}"
    share = LabelledArray(
        values=_share(shown, method),
        axes=("row", "column"),
        role="tokens",
        unit="percent",
        signed=False,
        provenance="attribution",
        source=f"|{array.source}| in {CELLS} x {CELLS} cells, percent of its sum",
    )
    frame.strip(
        array,
        key=f"estimates.{method}",
        name=name,
        title=words("file_title", method=name_of(method), title=frame.title(shown.question.key)),
        arrays={name: array, f"{name}.share": share},
    )
