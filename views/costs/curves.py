"""What each kind of mixing costs as the input grows: curves, counts at one size, formulas."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import streamlit as st

from views import frame
from views.costs import ends
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
CHART_PX = 430
LINE_PX, WIDER_PX = 3, 6
"""Width of a line, and how much wider the one is that another one lies on."""
Line = tuple[np.ndarray, np.ndarray]


def words(name: str, /, **values: object) -> str:
    """A text of the page's own section."""
    return frame.t(f"costs.{name}", **values)


def plan(key: str) -> CostPlan:
    """A model's cost plan, from its architecture alone; no weights are loaded."""

    base = base_key(key)
    stored = frame.beforehand()
    found = stored.plan(base) if stored else None
    if found is not None:
        return found

    def make() -> CostPlan:
        from vislib.tables import counting

        return counting.plan_of(key)

    return frame.remember(("cost plan", base), make, busy=words("busy", title=spec(base).title))


def chosen() -> Callable[[], None]:
    """The choices above the chart; gives what draws the rest."""
    shown = _choose("shown", SHOWN, "cost_shown")
    which = _choose("which", WHICH, "cost_which") if shown != "tokens" else WHICH[0]
    return partial(draw, shown, which)


def draw(shown: str, which: str) -> None:
    """The curves with what each model's size can be beside them, then tabs."""
    keys = list(dict.fromkeys(base_key(key) for key in frame.view().models))
    plans = {key: plan(key) for key in keys}
    chart, beside = st.columns([2.6, 1], gap="medium")
    with chart:
        alike = _chart(plans, shown, which)
    with beside:
        for names in alike:
            st.markdown(words("alike", names=" = ".join(names)))
        for key, one in plans.items():
            _resizing(key, one)
    draws = {"own": partial(_own_sizes, plans), "formulas": partial(_formulas, plans)}
    name, place = frame.choose_tab({n: words(f"tab_{n}") for n in draws}, key="cost_tab")
    with place:
        draws[name]()


def _resizing(key: str, one: CostPlan) -> None:
    """Whether a model can take another size, and why its curve is one point."""
    frame.model_head(key, style="font-size:1.05rem")
    st.html(f'<div class="says">{html.escape(words(f"resizing_{one.resizing}"))}</div>')


def _own_sizes(plans: dict[str, CostPlan]) -> None:
    """A column a model: the count at its own size."""
    st.markdown(f"**{words('at_own')}**")
    for column, (key, one) in zip(st.columns(len(plans)), plans.items(), strict=True):
        with column:
            _own_size(key, one)
    st.caption(words("checked"))


def _formulas(plans: dict[str, CostPlan]) -> None:
    """The count of each kind of mixing that is shown, typeset."""
    kinds = dict.fromkeys(kind for one in plans.values() for kind in one.kinds)
    rows = [f"| {words(f'kind_{kind}')} | ${words(f'formula_{kind}')}$ |" for kind in kinds]
    head = f"| {words('formulas')} | ${words('formula')}$ |\n|:--|:--|"
    left, right = st.columns([1, 1], gap="medium")
    left.markdown("\n".join([head, *rows]))
    right.caption(f"{words('letters')} {words('square')} {words('chart_how')}")


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


def coinciding(lines: dict[str, tuple[str, Line]]) -> list[list[str]]:
    """Names of lines that lie on each other, two or more together."""
    groups: dict[bytes, list[str]] = {}
    for name, (_, (sizes, values)) in lines.items():
        groups.setdefault(sizes.tobytes() + values.tobytes(), []).append(name)
    return [names for names in groups.values() if len(names) > 1]


def _chart(plans: dict[str, CostPlan], shown: str, which: str) -> list[list[str]]:
    """A line a model and kind, in the family's colour; gives those that lie on each other."""
    from vislib.figures import charts

    lines = series(plans, shown, which)
    alike = coinciding(lines)
    figure = charts.spectrum(
        {name: line for name, (_, line) in lines.items()},
        x_title=words("x"),
        y_title=words(f"y_{shown}"),
        colours={name: colours.family_colour(spec(key).family) for name, (key, _) in lines.items()},
        logarithmic=shown == "adds",
        height=CHART_PX,
        dark=frame.dark(),
    )
    for names in alike:  # a wide line below, narrower ones on it
        for place, name in enumerate(names):
            width = LINE_PX + WIDER_PX * (len(names) - 1 - place)
            figure.update_traces(line_width=width, selector={"name": name})
    drawn = {name: line for name, (_, line) in lines.items()}
    ends.label(figure, drawn, CHART_PX)
    frame.plot(figure, key="costs", alt=words("alt", what=words(f"shown_{shown}")))
    ends.names(figure, drawn)
    return alike


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


def giga(count: int) -> str:
    """Multiply-adds in G, with three digits that count."""
    return f"{count / 1e9:.3g}"
