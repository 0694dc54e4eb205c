"""What each kind of mixing costs as the input grows: curves, formulas, the count at one size."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
import streamlit as st

from views import frame
from vislib.analysis import costs
from vislib.analysis.costs import CostPlan
from vislib.figures import colours
from vislib.registry import base_key, spec

SIZES = tuple(range(112, 449, 16))
"""Sides of the input, in model pixels."""
ALWAYS = "channel_mixing"
"""Mixes channels at one place; every model has it."""
SHOWN = ("adds", "token", "tokens")
WHICH = ("places", "all")
UNITS = {"adds": 1e9, "token": 1e6}
LONE_PX = 20
"""Size of the marker of a model that has one size alone."""
NO_BREAK = "\u00a0"
Line = tuple[np.ndarray, np.ndarray]


def words(name: str, /, **values: object) -> str:
    """A text of the page's own section."""
    return frame.t(f"costs.{name}", **values)


def plan(key: str) -> CostPlan:
    """A model's cost plan, from its architecture alone; no weights are loaded."""

    def make() -> CostPlan:
        from vislib.tables import counting

        return counting.plan_of(key)

    base = base_key(key)
    return frame.remember(("cost plan", base), make, busy=words("busy", title=spec(base).title))


def draw() -> None:
    """The curves with the formulas beside, then a column a model."""
    keys = list(dict.fromkeys(base_key(key) for key in frame.view().models))
    plans = {key: plan(key) for key in keys}
    left, right = st.columns([1.2, 1], vertical_alignment="bottom")
    with left:
        shown = _choose("shown", SHOWN, "cost_shown")
    with right:
        which = _choose("which", WHICH, "cost_which") if shown != "tokens" else "places"
    chart, beside = st.columns([1.6, 1], gap="medium")
    with chart:
        _chart(plans, shown, which)
    with beside:
        st.markdown(f"**{words('formulas')}**")
        kinds = dict.fromkeys(kind for one in plans.values() for kind in one.kinds)
        rows = [(words(f"kind_{kind}"), words(f"formula_{kind}")) for kind in kinds]
        frame.html_table([(name, formula.replace(" ", NO_BREAK)) for name, formula in rows])
        st.caption(words("letters"))
    st.caption(words("chart_how") + " " + words("square"))
    st.subheader(words("at_own"), anchor=False)
    for column, (key, one) in zip(st.columns(len(plans)), plans.items(), strict=True):
        with column:
            _own_size(key, one)
    st.caption(words("checked"))


def _choose(name: str, options: Sequence[str], key: str) -> str:
    """A choice whose words stand in the page's own section."""
    texts = {option: words(f"{name}_{option}") for option in options}
    return frame.choose(words(name), options, key=key, words=texts)


def series(plans: dict[str, CostPlan], shown: str, which: str) -> dict[str, tuple[str, Line]]:
    """Lines by name, with the model's key: x is the input's side, y what is chosen.

    Args:
        plans: By registry key.
        shown: "adds" (G), "token" (M multiply-adds a token of the first grid), "tokens".
        which: "places" leaves channel mixing out.
    """
    found: dict[str, tuple[str, Line]] = {}
    for key, one in plans.items():
        for kind, points in costs.curves(one, SIZES).items():
            sizes = [size for size, _ in points]
            if shown == "tokens":
                counts = [float(costs.tokens_at(one, size)) for size in sizes]
                found[spec(key).title] = (key, (np.array(sizes), np.array(counts)))
                break
            if which == "places" and kind == ALWAYS:
                continue
            parts = [1 if shown == "adds" else costs.tokens_at(one, size) for size in sizes]
            values = [
                adds / part / UNITS[shown] for (_, adds), part in zip(points, parts, strict=True)
            ]
            name = f"{spec(key).title}: {words(f'kind_{kind}')}"
            found[name] = (key, (np.array(sizes), np.array(values)))
    return found


def _chart(plans: dict[str, CostPlan], shown: str, which: str) -> None:
    """A line a model and kind, in the family's colour."""
    from vislib.figures import charts

    lines = series(plans, shown, which)
    figure = charts.spectrum(
        {name: line for name, (_, line) in lines.items()},
        x_title=words("x"),
        y_title=words(f"y_{shown}"),
        colours={name: colours.family_colour(spec(key).family) for name, (key, _) in lines.items()},
        logarithmic=shown == "adds",
        height=440 + 26 * len(lines),
        dark=frame.dark(),
    )
    for name, (_, (sizes, _)) in lines.items():
        if len(sizes) == 1:
            figure.update_traces(marker_size=LONE_PX, selector={"name": name})
    frame.plot(figure, key="costs", alt=words("alt", what=words(f"shown_{shown}")))


def _own_size(key: str, one: CostPlan) -> None:
    """The count at the model's own size, and whether it can take another one."""
    adds = costs.multiply_adds_at(one, one.own_size)
    blocks = sum(adds.values())
    frame.model_head(
        key, words("own_sub", size=one.own_size, tokens=costs.tokens_at(one, one.own_size))
    )
    rows = [(words(f"kind_{kind}"), giga(count)) for kind, count in adds.items()]
    rows += [
        (words("blocks"), giga(blocks)),
        (words("outside"), giga(one.counted - blocks)),
        (words("counted"), giga(one.counted)),
    ]
    frame.html_table(rows)
    st.html(f'<div class="how">{html.escape(words(f"resizing_{one.resizing}"))}</div>')


def giga(count: int) -> str:
    """Multiply-adds in G, with three digits that count."""
    return f"{count / 1e9:.3g}"
