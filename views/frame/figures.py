"""Figures on a page: pictures, charts, legends, the strip that says what a figure is, downloads."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from views.frame.language import language
from views.frame.markup import put_html
from views.frame.state import remember, t
from views.frame.tile_canvas import TILE_TEXTS
from vislib import registry
from vislib.analysis.common_ground import OF_RAW, Reading
from vislib.figures import legend as legends
from vislib.figures import strip as strips
from vislib.figures.colours import family_colour
from vislib.schema import LabelledArray, Mixing

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

LEGEND_WIDTH = 420
MIME = {
    "png": "image/png",
    "svg": "image/svg+xml",
    "npz": "application/zip",
    "csv": "text/csv",
}


def dark() -> bool:
    """Whether the visitor's page is dark."""
    return getattr(st.context.theme, "type", "light") == "dark"


def tile_texts() -> dict[str, str]:
    """The tile canvas's words in the visitor's language."""
    return {name: t(f"tiles.{name}") for name in TILE_TEXTS}


def image(png: bytes, *, alt: str, key: str, width: int | str = "stretch") -> None:
    """Show a PNG as it is: no lossy re-encoding, no smoothing where it is enlarged."""
    with st.container(key=key):
        st.image(png, output_format="PNG", width=width, alt=alt)


def plot(
    figure: Figure, *, key: str, alt: str, on_pick: Callable[[str], None] | None = None
) -> None:
    """Show a plotly figure in its own colours, in the full width, without a mode bar.

    Args:
        figure: Where points can be picked, each has a ``customdata`` whose first entry names it.
        key: Unique on the page.
        alt: What the figure shows, for those who cannot see it.
        on_pick: Called with a point's name when it is clicked; None for a figure to look at.
    """

    def picked() -> None:
        points = st.session_state[key]["selection"]["points"]
        if points and on_pick:  # a second click takes a selection back: nothing is picked then
            on_pick(str(points[0]["customdata"][0]))

    st.plotly_chart(
        figure,
        theme=None,
        width="stretch",
        key=key,
        on_select=picked if on_pick else "ignore",
        selection_mode="points",
        config={"displayModeBar": False, "responsive": True},
        alt=alt,
    )


def legend(
    *,
    signed: bool,
    limits: tuple[float, float],
    unit: str,
    key: str,
    note: str = "",
    width: int = LEGEND_WIDTH,
) -> None:
    """Show what the colours mean, with the unit and both ends."""
    png = remember(
        ("legend", signed, limits, unit, note, width, dark()),
        lambda: legends.colour_bar_png(signed, limits, unit, width, dark=dark(), note=note),
    )
    with st.container(key=key):
        st.image(png, output_format="PNG", width=width, alt=unit)


def reduction(kind: str, over: str) -> str:
    """What channels or heads were reduced by, in words: a reading's own names."""
    return t(f"reduction.{kind}", over=t(f"over.{over}")) if over else ""


def raw_unit(reading: Reading) -> str:
    """The unit of a reading's raw map, and what it is a mean over."""
    words = [unit_words(reading.raw_unit), reduction(OF_RAW, reading.over)]
    return ", ".join(filter(None, words))


def badge(mixing: Mixing) -> None:
    """Say which of the three kinds of map this is."""
    put_html(
        f'<span class="badge badge-{mixing}" title="{html.escape(t(f"badge.{mixing}_help"))}">'
        f"{html.escape(t(f'badge.{mixing}'))}</span>"
    )


def html_table(rows: Sequence[tuple[str, str]]) -> None:
    """Facts, one a row: name and value."""
    cells = "".join(
        f"<tr><th>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>"
        for name, value in rows
    )
    put_html(f'<table class="facts">{cells}</table>')


def model_head(key: str, sub: str | None = None, *, title: str = "", style: str = "") -> None:
    """A model's name in its family's colour, with a line below.

    Args:
        key: Registry key.
        sub: The line below, None for none.
        title: Instead of the model's name.
        style: Further CSS of the name.
    """
    row = registry.spec(key)
    below = "" if sub is None else f'<div class="model-sub">{html.escape(sub)}</div>'
    put_html(
        f'<div class="model-title" style="border-color:{family_colour(row.family)};{style}">'
        f"{html.escape(title or row.title)}</div>{below}"
    )


def answer_bars(rows: Iterable[tuple[str, float, str]], colour: str) -> None:
    """Classes as bars from 0 to 100 %.

    Args:
        rows: (label, probability 0 to 1, a short mark beside the number or nothing).
        colour: Of the bars.
    """
    parts = []
    for label, share, mark in rows:
        beside = f'<span class="was">{html.escape(mark)}</span>' if mark else ""
        name = html.escape(label)
        parts.append(
            f'<div class="row"><div class="bar" style="width:{100 * share:.2f}%;'
            f'background:{colour}"></div><span class="label" title="{name}">{name}</span>'
            f'<span class="value">{beside}{100 * share:.1f} %</span></div>'
        )
    put_html(f'<div class="answers">{"".join(parts)}</div>')


def strip(
    array: LabelledArray,
    *,
    key: str,
    name: str,
    note: str = "",
    title: str = "",
    arrays: Mapping[str, LabelledArray] | None = None,
    options: Mapping[str, Any] | None = None,
) -> None:
    """Say under a figure what it is, and offer it as PNG, SVG and raw numbers, behind one button.

    Args:
        array: What the figure shows. Drawn as a file when it has two axes, or three (tiles).
        key: Unique on the page.
        name: The tensor's name; also the files' name.
        note: What the figure did to the numbers (a clip, a normalisation).
        title: On the exported figure.
        arrays: Everything that belongs into the npz file; the array itself if None.
        options: Further options of ``export.draw``.
    """
    found, variant = strips.strip(array, note), registry.variant_in(name)
    if variant and f"({variant})" not in title:
        title = f"{title} ({variant})".strip()
    words = t(
        "provenance.strip",
        what=t(f"provenance.{found.provenance}"),
        source=f"{name} ({found.source})",
        shape=t(
            "provenance.shape",
            sizes=" × ".join(f"{size}" for _, size in found.axes),
            axes=", ".join(t(f"axis.{axis}") for axis, _ in found.axes),
        ),
        range=t(
            "provenance.range",
            low=found.low_text,
            high=found.high_text,
            unit=unit_words(found.unit),
        ),
    )
    if variant:
        words = f"({variant}) {words}"
    with st.popover(t("download.open"), key=f"{key}.download"):
        put_html(f'<div class="strip">{html.escape(words + (f" · {note}" if note else ""))}</div>')
        unit = unit_words(found.unit)

        def draw(kind: str) -> Callable[[], bytes]:
            """A file that is made when it is asked for; matplotlib is not imported before."""

            def make() -> bytes:
                from vislib.figures import export

                said = export.Words(title=title, quantity=unit, caption=words, language=language())
                write = export.to_png if kind == "png" else export.to_svg
                return write(array, words=said, **(options or {}))

            return make

        def numbers(kind: str) -> Callable[[], bytes]:
            def make() -> bytes:
                from vislib.figures import export

                if kind == "csv":
                    return export.to_csv(array)
                return export.to_npz(dict(arrays or {name: array}))

            return make

        kinds = {"npz": numbers("npz"), "csv": numbers("csv")}
        if array.values.ndim in (2, 3):
            kinds = {"png": draw("png"), "svg": draw("svg"), **kinds}
        for kind, make in kinds.items():
            st.download_button(
                t(f"download.{kind}"),
                data=make,
                file_name=f"{name}.{kind}",
                mime=MIME[kind],
                key=f"{key}.{kind}",
                on_click="ignore",
                width="stretch",
            )


def unit_words(unit: str) -> str:
    """A unit in the visitor's language; the unit itself where no text knows it."""
    return strips.unit_words(unit, language())


def big(verdict: str, value: str) -> None:
    """A number that is read from the last row, under its verdict."""
    put_html(
        f'<div class="verdict">{html.escape(verdict)}</div>'
        f'<div class="verdict-number">{html.escape(value)}</div>'
    )
