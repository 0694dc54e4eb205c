"""Numbers as files: made when they are asked for."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence

import streamlit as st
from streamlit.elements.lib.layout_utils import Width

from views.frame.state import t

Rows = Iterable[Sequence[object]]
"""Lines of a table; the first one has the columns' names."""


def csv_bytes(rows: Rows) -> bytes:
    """A table as CSV, UTF-8. (An array with named axes is ``vislib.figures.export.to_csv``.)"""
    sink = io.StringIO()
    csv.writer(sink).writerows(rows)
    return sink.getvalue().encode()


def offer_csv(rows: Callable[[], Rows], *, name: str, key: str, width: Width = "content") -> None:
    """A button that gives a table as a file.

    Args:
        rows: Makes the table.
        name: The file's name, without its ending.
        key: The widget's key.
        width: Of the button.
    """
    st.download_button(
        t("download.csv"),
        data=lambda: csv_bytes(rows()),
        file_name=f"{name}.csv",
        mime="text/csv",
        key=key,
        on_click="ignore",
        width=width,
    )
