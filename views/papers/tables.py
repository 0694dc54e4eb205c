"""The papers' result tables as a chart with its Pareto front."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import streamlit as st

from views import frame
from views.papers import printed
from views.papers.words import short, words
from vislib.analysis.pareto import pareto_front
from vislib.figures import colours
from vislib.tables import papers
from vislib.tables.papers import Column, PaperRow, PaperTable

CHART_PX = 500


def draw(key: str) -> None:
    """The chart with its choices beside it, then the table."""
    table = papers.table(key)
    chart, beside = st.columns([2.8, 1], gap="medium")
    with beside:
        x = _column("x", table.x, f"{key}_x")
        y = table.y[0] if len(table.y) == 1 else _column("y", table.y, f"{key}_y")
        group = _group(table)
        st.caption(words(f"source_{key}"))
    rows = [row for row in table.rows if group in ("", row.group)]
    with chart:
        _chart(key, rows, x, y)
    draws = {"rows": partial(_rows, table, rows, x, y), "counted": partial(_counted, table)}
    name, place = frame.choose_tab({n: words(f"tab_{n}") for n in draws}, key="paper_tab")
    with place:
        draws[name]()


def _rows(table: PaperTable, rows: Sequence[PaperRow], x: Column, y: Column) -> None:
    """The table, in the paper's order or sorted by what the chart shows."""
    columns = {"paper": None, "y": y, "x": x}
    texts = {"paper": words("sort_paper")}
    texts |= {name: words(f"column_{c.name}") for name, c in columns.items() if c}
    sort = columns[frame.choose(words("sort"), tuple(texts), key="paper_sort", words=texts)]
    if sort is not None:
        sign = -1 if sort.better == "more" else 1
        rows = sorted(rows, key=lambda row: sign * row.values.get(sort.name, sign * math.inf))
    if table.uncounted:
        frame.problem(table.uncounted)
    printed.draw(table, rows)


def _counted(table: PaperTable) -> None:
    """How ours is counted, and why some of it differs."""
    st.markdown(words("counted_how") + " " + words(f"counted_{table.key}"))
    st.markdown(words("front_how"))


def _column(name: str, columns: Sequence[Column], widget: str) -> Column:
    """A column for an axis; the address keeps it by its name."""
    texts = {column.name: words(f"column_{column.name}") for column in columns}
    chosen = frame.choose(words(name), tuple(texts), key=widget, words=texts, compact=False)
    return next(column for column in columns if column.name == chosen)


def _group(table: PaperTable) -> str:
    """What the shown rows were pre-trained on; empty for all."""
    if len(table.groups) == 1:
        return ""
    names = ("all", *(f"{number}" for number in range(1, len(table.groups) + 1)))
    texts = {"all": words("group_all")}
    texts |= {f"{n}": short(group) for n, group in enumerate(table.groups, 1)}
    chosen = frame.choose(
        words("group"), names, key=f"{table.key}_group", words=texts, compact=False
    )
    return "" if chosen == "all" else table.groups[int(chosen) - 1]


def _chart(key: str, rows: Sequence[PaperRow], x: Column, y: Column) -> None:
    """Points in their family's colour, a symbol a pre-training; a front each."""
    from vislib.figures import scatter

    shown = [row for row in rows if x.name in row.values and y.name in row.values]
    groups = list(dict.fromkeys(row.group for row in shown))
    clouds, fronts = [], []
    for place, group in enumerate(groups):
        inside = [row for row in shown if row.group == group]
        found = front(inside, x, y)
        label = words("front_of", group=short(group)) if group else words("front")
        line = [inside[index] for index in found]
        fronts.append(
            scatter.Front(
                name=label,
                x=[row.values[x.name] for row in line],
                y=[row.values[y.name] for row in line],
                symbol=place if len(groups) > 1 else None,
            )
        )
        families = dict.fromkeys(row.family for row in inside)
        for family in sorted(families, key=lambda name: name == ""):
            own = [row for row in inside if row.family == family]
            name = words(f"family_{family or 'other'}")
            clouds.append(
                scatter.Cloud(
                    name=name,
                    listed=name not in {cloud.name for cloud in clouds},
                    x=[row.values[x.name] for row in own],
                    y=[row.values[y.name] for row in own],
                    labels=[row_name(row) for row in own],
                    colour=colours.family_colour(family),
                    symbol=place,
                    beside=[row_name(row) for row in own],
                )
            )
    figure = scatter.scatter(
        clouds,
        fronts,
        x_title=words(f"axis_{x.name}"),
        y_title=words(f"axis_{y.name}"),
        logarithmic=x.logarithmic,
        height=CHART_PX,
        dark=frame.dark(),
    )
    alt = words("chart_alt", x=words(f"column_{x.name}"), y=words(f"column_{y.name}"))
    frame.plot(figure, key=f"paper-{key}", alt=alt)


def row_name(row: PaperRow) -> str:
    """A row's name; the input's side too where the table has several."""
    size = row.values.get("image_size")
    return row.model if size in (None, 224.0) else f"{row.model}, {size:.0f} px"


def front(rows: Sequence[PaperRow], x: Column, y: Column) -> tuple[int, ...]:
    """Which of the rows no other one beats."""
    return pareto_front(
        [row.values[x.name] for row in rows],  # type: ignore[arg-type]
        [row.values[y.name] for row in rows],  # type: ignore[arg-type]
        more_x=x.better == "more",
        more_y=y.better == "more",
    )
