"""A paper's table: what it prints, what we count, and the difference, side by side and named."""

from __future__ import annotations

from collections.abc import Sequence

from views.papers.words import grid, short, words
from vislib.tables.papers import FLOPS, PARAMETERS, PaperRow, PaperTable

COUNTED = {PARAMETERS: "parameters", FLOPS: "macs"}
"""Column -> what our count of it is called."""
SAID = "is_davit"
"""A column that the model's own name says already."""
DECIMALS = {PARAMETERS: 1, FLOPS: 1, "tpuv3_kilo_core_days": 2}


def draw(table: PaperTable, rows: Sequence[PaperRow]) -> None:
    """One row a row of the paper."""
    names, body = cells(table, rows)
    groups = [(words("model"), 1), *_groups(table, rows)]
    grid([names, *body], groups=groups, label=words(f"paper_{table.key}"))


def _groups(table: PaperTable, rows: Sequence[PaperRow]) -> list[tuple[str, int]]:
    """What stands above the titles: the paper's own columns, then each quantity with three."""
    own, several = len(_printed(table)), len({row.group for row in rows}) > 1
    three = [
        (words(f"of_{name}"), 3 if column in table.columns else 1)
        for column, name in COUNTED.items()
    ]
    return [
        *([("", 1)] if several else []),
        *three,
        (words("in_paper"), own),
        (words("counted_from"), 1),
    ]


def _printed(table: PaperTable) -> list[str]:
    """The paper's columns that have no count of ours beside them."""
    return [name for name in table.columns if name != SAID and name not in COUNTED]


def cells(table: PaperTable, rows: Sequence[PaperRow]) -> tuple[list[str], list[list[str]]]:
    """Titles, and a row a row of the paper, in words."""
    several = len({row.group for row in rows}) > 1
    names = [""] + ([words("group")] if several else [])
    for column in COUNTED:
        three = (
            ("value_paper", "value_ours", "value_off")
            if column in table.columns
            else ("value_ours",)
        )
        names += [words(name) for name in three]
    names += [words(f"column_{name}") for name in _printed(table)]
    names.append(words("timm"))
    body = []
    for row in rows:
        line = [row.model] + ([short(row.group)] if several else [])
        for column in COUNTED:
            line += _three(table, row, column)
        line += [_printed_cell(row, name) for name in _printed(table)]
        counted = row.counted
        line.append(f"{counted.architecture}, {counted.image_size} px" if counted else "")
        body.append(line)
    return names, body


def _three(table: PaperTable, row: PaperRow, column: str) -> list[str]:
    """The paper's value, ours, and the difference; ours alone where the paper has no column."""
    counted, ours = row.counted, ""
    if counted is not None:
        ours = f"{counted.parameters / 1e6:.2f}"
        if column == FLOPS:
            ours = f"{counted.multiply_adds / 1e9:.2f}"
    if column not in table.columns:
        return [ours]
    off = row.difference(column)
    return [_printed_cell(row, column), ours, "" if off is None else difference(off)]


def difference(off: float) -> str:
    """Ours against the paper's, in percent, with its sign."""
    rounded = round(100 * off, 1) or 0.0  # no minus before a zero
    return f"{rounded:+.1f} %".replace("-", "\N{MINUS SIGN}")


def _printed_cell(row: PaperRow, name: str) -> str:
    """As the paper prints it."""
    if name in row.words:
        return row.words[name]
    value = row.values.get(name)
    digits = DECIMALS.get(name, 2 if name.endswith("percent") else 0)
    return "" if value is None else f"{value:,.{digits}f}"
