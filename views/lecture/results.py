"""Live views of results: a paper's rows, the bundled models, answers to a shuffled picture."""

from __future__ import annotations

import html
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from views import frame
from vislib import registry
from vislib.figures import patches
from vislib.figures.colours import family_colour
from vislib.lecture import numbers
from vislib.lecture.measuring import SEED, SQUARES
from vislib.lecture.steps import Number, Step
from vislib.schema import MixScopeError
from vislib.tables import papers

if TYPE_CHECKING:
    from vislib.models.loading import LoadedModel
    from vislib.observe.shuffled import ShuffleRun

BUNDLED = ("convmixer_mini", "resnet_mini", "davit_mini", "mixer_mini", "vit_mini")
ANSWERS = 2
SIDE = 384
"""Side of the shuffled picture, in its own pixels."""


def table(step: Step) -> None:
    """Rows of a paper's table, as it prints them."""
    options = step.view.options
    found = papers.table(options["table"])
    names, groups = options.get("rows"), options.get("pretraining")
    columns = options.get("columns") or list(found.columns)
    rows = [
        row
        for row in found.rows
        if (names is None or row.model in names) and (groups is None or row.group in groups)
    ]
    head = "".join(f"<th>{html.escape(frame.t(f'papers.column_{name}'))}</th>" for name in columns)
    groups_differ = len({row.group for row in rows}) > 1
    lines, height = [], len(rows) + 1.0
    for above, row in zip([None, *rows], rows, strict=False):
        below = ""
        if groups_differ and (above is None or above.group != row.group):
            below, height = f"<small>{html.escape(row.group)}</small>", height + 0.7
        cells = "".join(f"<td>{_cell(row, column)}</td>" for column in columns)
        colour = family_colour(row.family) if row.family else "transparent"
        name = f"{html.escape(row.model)}{below}"
        lines.append(f'<tr><th style="border-left:.5rem solid {colour}">{name}</th>{cells}</tr>')
    st.html(
        f'<div class="lecture-table" style="--lines:{height:g}"><table><thead><tr><th></th>{head}'
        f"</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )
    st.caption(f"arXiv {found.arxiv}")


def _cell(row: papers.PaperRow, column: str) -> str:
    if column in row.values:
        return f"{row.values[column]:,g}"
    return html.escape(row.words.get(column, "–"))


def accuracies(_step: Step, slot: str) -> None:
    """The bundled models' accuracy on pictures they have not seen, one bar each."""
    for key in BUNDLED:
        try:
            share = numbers.value(Number(model=key, column="val_top1")) / 100
        except MixScopeError as error:
            frame.problem(error)
            continue
        row = registry.spec(key)
        with st.container(key=f"lecture_bar_{key}_{slot}"):
            frame.answer_bars([(row.title, share, "")], family_colour(row.family))


def shuffle(step: Step, slot: str) -> None:
    """What each model answers to the picture, and to the same one with its patches shuffled."""
    keys = [frame.as_switched(key) for key in step.view.models]
    left, *columns = st.columns([1.3, *(1 for _ in keys)], gap="medium")
    with left:
        frame.shielded(lambda: _mixed_picture(keys[0], slot))
    for column, key in zip(columns, keys, strict=True):
        with column, st.container(gap=None):
            frame.model_head(key)
            frame.shielded(partial(_answers, key))


def _mixed_picture(key: str, slot: str) -> None:
    """What the first model is shown instead of the picture."""
    seen, grid = shuffled(key).seen, frame.model(key).grid
    about = ("lecture shuffled", frame.view().picture.sha256, key, SQUARES, SEED)
    png = frame.remember(about, lambda: patches.grid_png(seen, grid, None, side=SIDE))
    frame.image(png, key=f"lecture_shuffled_{slot}", alt=frame.t("lecture.after"))


def _answers(key: str) -> None:
    before, after = frame.capture(key, "logits"), shuffled(key).cache
    colour = family_colour(registry.spec(key).family)
    for name, cache in (("before", before), ("after", after)):
        st.html(f'<div class="lecture-label">{html.escape(frame.t(f"lecture.{name}"))}</div>')
        rows: Sequence[tuple[str, float]] = cache.top(ANSWERS)
        frame.answer_bars([(label, share, "") for label, share in rows], colour)


def shuffled(key: str) -> ShuffleRun:
    """The model on the class's picture with its patches shuffled; run once for all."""
    picture = frame.view().picture

    def work(place: LoadedModel) -> ShuffleRun:
        from vislib.observe import shuffled

        return shuffled.shuffled(place, picture, SQUARES, SEED)

    name = ("lecture shuffle", picture.sha256, key, SQUARES, SEED)
    busy = frame.t("busy.capture", title=frame.title(key))
    return frame.remember(name, lambda: frame.run(key, work), busy=busy)
