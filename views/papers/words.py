"""What the parts of the page Papers share: its words, and a table that prints and wraps."""

from __future__ import annotations

import html
from collections.abc import Sequence

import streamlit as st

from views import frame

NOTHING = "\N{EN DASH}"


def words(name: str, /, **values: object) -> str:
    """A text of the page's own section."""
    return frame.t(f"papers.{name}", **values)


def short(group: str) -> str:
    """The paper's words for the pre-training, without those that all have."""
    bare = group.removeprefix("Pre-trained on ").partition(" (")[0]
    return bare.replace(" image and text pairs", " pairs")


def grid(
    rows: Sequence[Sequence[str]], *, groups: Sequence[tuple[str, int]] = (), label: str
) -> None:
    """A table whose names are never cut: it is scrolled sideways where it is wider than the page.

    Args:
        rows: The first one holds the columns' titles; the first cell of each names the row.
        groups: A line above the titles: (words, over how many columns).
        label: What the table holds, for screen readers.
    """
    above = "".join(
        f'<th colspan="{span}">{html.escape(name)}</th>' if name else f'<td colspan="{span}"></td>'
        for name, span in groups
    )
    head, *body = ["".join(_cell(text, first) for first, text in _marked(row)) for row in rows]
    lines = [f"<tr>{above}</tr>"] if groups else []
    lines += [f"<tr>{head.replace('<td>', '<th>').replace('</td>', '</th>')}</tr>"]
    table = (
        f"<thead>{''.join(lines)}</thead><tbody>{''.join(f'<tr>{r}</tr>' for r in body)}</tbody>"
    )
    st.html(
        f'<div class="wide" role="region" tabindex="0" aria-label="{html.escape(label)}">'
        f'<table class="grid">{table}</table></div>'
    )


def _marked(row: Sequence[str]) -> list[tuple[bool, str]]:
    return [(place == 0, text) for place, text in enumerate(row)]


def _cell(text: str, first: bool) -> str:
    if not first:
        return f"<td>{html.escape(text or NOTHING)}</td>"
    return f'<th scope="row">{html.escape(text)}</th>' if text else "<td class=corner></td>"
