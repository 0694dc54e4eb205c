"""The papers' result tables: sortable, as a chart with its Pareto front, with our counts."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from views import frame
from vislib.analysis.pareto import pareto_front
from vislib.figures import colours
from vislib.tables import papers
from vislib.tables.papers import FLOPS, PARAMETERS, Column, PaperRow, PaperTable

ROW_PX, MOST_ROWS = 41, 14
NOTHING = "\N{EN DASH}"
FEW = 12
"""Up to so many rows, each has its name beside its point; else only those on the front."""
SAID = "is_davit"
"""A column that the model's own name says already."""
DECIMALS = {PARAMETERS: 1, FLOPS: 1, "tpuv3_kilo_core_days": 2}


def words(name: str, /, **values: object) -> str:
    """A text of the page's own section."""
    return frame.t(f"papers.{name}", **values)


def draw(key: str) -> None:
    """Chart, table and source of one paper."""
    table = papers.table(key)
    left, middle, right = st.columns(3, vertical_alignment="bottom")
    with left:
        x = _column("x", table.x, f"{key}_x")
    with middle:
        y = table.y[0] if len(table.y) == 1 else _column("y", table.y, f"{key}_y")
    with right:
        group = _group(table)
    rows = [row for row in table.rows if group in ("", row.group)]
    _chart(key, rows, x, y)
    st.caption(words(f"source_{key}") + " " + words("front_how"))
    st.markdown(words("table_how"))
    _table(table, rows)
    if table.uncounted:
        frame.problem(table.uncounted)
        return
    st.caption(words("counted_how") + " " + words(f"counted_{key}"))


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
    texts |= {f"{n}": _short(group) for n, group in enumerate(table.groups, 1)}
    chosen = frame.choose(
        words("group"), names, key=f"{table.key}_group", words=texts, compact=False
    )
    return "" if chosen == "all" else table.groups[int(chosen) - 1]


def _short(group: str) -> str:
    """The paper's words for the pre-training, without those that all have."""
    return group.removeprefix("Pre-trained on ").partition(" (")[0]


def _chart(key: str, rows: Sequence[PaperRow], x: Column, y: Column) -> None:
    """Points in their family's colour, a symbol a pre-training; a front each."""
    from vislib.figures import scatter

    shown = [row for row in rows if x.name in row.values and y.name in row.values]
    groups = list(dict.fromkeys(row.group for row in shown))
    clouds, fronts = [], []
    for place, group in enumerate(groups):
        inside = [row for row in shown if row.group == group]
        found = front(inside, x, y)
        label = words("front_of", group=_short(group)) if group else words("front")
        line = [inside[index] for index in found]
        fronts.append(
            scatter.Front(
                name=label,
                x=[row.values[x.name] for row in line],
                y=[row.values[y.name] for row in line],
            )
        )
        named = inside if len(shown) <= FEW else line if len(groups) == 1 else []
        families = dict.fromkeys(row.family for row in inside)
        for family in sorted(families, key=lambda name: name == ""):
            own = [row for row in inside if row.family == family]
            name = words(f"family_{family or 'other'}")
            clouds.append(
                scatter.Cloud(
                    name=f"{name}, {_short(group)}" if len(groups) > 1 else name,
                    x=[row.values[x.name] for row in own],
                    y=[row.values[y.name] for row in own],
                    labels=[row_name(row) for row in own],
                    colour=colours.family_colour(family),
                    symbol=place,
                    beside=[row_name(row) if row in named else "" for row in own],
                )
            )
    figure = scatter.scatter(
        clouds,
        fronts,
        x_title=words(f"axis_{x.name}"),
        y_title=words(f"axis_{y.name}"),
        logarithmic=x.logarithmic,
        height=500 + 20 * len(clouds),
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


def _table(table: PaperTable, rows: Sequence[PaperRow]) -> None:
    """All columns as the paper prints them, then ours with the difference."""
    data = table_columns(table, rows)
    shown = [name for name in table.columns if name != SAID]
    formats = {words(f"column_{name}"): f"%.{_decimals(name)}f" for name in shown}
    formats |= {words("our_parameters"): "%.2f", words("our_flops"): "%.2f"}
    formats |= {words("off_parameters"): "%+.1f", words("off_flops"): "%+.1f"}
    st.dataframe(
        data,
        hide_index=True,
        width="stretch",
        height=ROW_PX * (min(len(rows), MOST_ROWS) + 1) + 3,
        key=f"table-{table.key}",
        placeholder=NOTHING,
        column_config={words("model"): st.column_config.Column(pinned=True)}
        | {
            name: st.column_config.NumberColumn(format=formats[name])
            for name, cells in data.items()
            if any(isinstance(cell, float) for cell in cells)
        },
    )


def _decimals(name: str) -> int:
    """Digits after the point that the papers print in a column."""
    return DECIMALS.get(name, 2 if name.endswith("percent") else 0)


def table_columns(
    table: PaperTable, rows: Sequence[PaperRow]
) -> dict[str, list[float | str | None]]:
    """The table, a list a column under its title: the paper's columns, then ours."""
    data: dict[str, list[float | str | None]] = {words("model"): [row.model for row in rows]}
    if len({row.group for row in rows}) > 1:
        data[words("group")] = [_short(row.group) for row in rows]
    for name in table.columns:
        if name == SAID:
            continue
        if any(name in row.words for row in table.rows):
            data[words(f"column_{name}")] = [row.words.get(name, "") for row in rows]
        else:
            data[words(f"column_{name}")] = [row.values.get(name) for row in rows]
    counted = [row.counted for row in rows]
    data[words("our_parameters")] = [c.parameters / 1e6 if c else None for c in counted]
    if PARAMETERS in table.columns:
        data[words("off_parameters")] = [_percent(row, PARAMETERS) for row in rows]
    data[words("our_flops")] = [c.multiply_adds / 1e9 if c else None for c in counted]
    if FLOPS in table.columns:
        data[words("off_flops")] = [_percent(row, FLOPS) for row in rows]
    data[words("timm")] = [f"{c.architecture}, {c.image_size} px" if c else "" for c in counted]
    return data


def _percent(row: PaperRow, column: str) -> float | None:
    """Our count against the paper's number, in percent."""
    found = row.difference(column)
    return None if found is None else 100 * found
