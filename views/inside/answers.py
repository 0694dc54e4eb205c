"""Early answers: what each depth would say through the model's own end."""

from __future__ import annotations

import html
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from views import frame
from views.inside import runs
from views.inside.runs import words
from vislib.figures import colours
from vislib.registry import spec
from vislib.schema import softmax

if TYPE_CHECKING:
    from vislib.observe.probing import EarlyAnswers

HEIGHT = 340
"""Of the chart, in pixels: it stands on the first screen."""
MOST_ROWS = 13
"""Depths that a column lists; of a deeper model every second or third, and the last."""


def draw() -> None:
    """The final answer's probability over depth; below it each model's best answers."""
    found = runs.each(frame.view().models, runs.early)
    if not found:
        return
    _chart(found)
    draws: dict[str, Callable[[], None]] = {
        "depths": partial(_columns, found),
        "maths": _maths,
        "source": partial(_source, found),
    }
    name, tab = frame.choose_tab({n: words(f"tab_{n}") for n in draws}, key="early")
    with tab:
        frame.shielded(draws[name])


def _columns(found: dict[str, EarlyAnswers]) -> None:
    """A column a model."""
    for column, (key, answers) in zip(st.columns(len(found)), found.items(), strict=True):
        with column:
            frame.shielded(partial(_column, key, answers))


def _maths() -> None:
    """What an early answer is, and how exact it is."""
    st.markdown(words("answers_how"))
    frame.formula(words("answers_formula"))
    st.markdown(words("answers_exact"))


def _source(found: dict[str, EarlyAnswers]) -> None:
    """The numbers as a file."""
    frame.offer_csv(lambda: _rows(found), name="early_answers", key="answers.csv")


def _chart(found: dict[str, EarlyAnswers]) -> None:
    """One line a model."""
    from vislib.figures import charts

    lines, shades = {}, {}
    for key, answers in found.items():
        name = frame.title(key)
        lines[name] = (_depth(key, answers), 100.0 * _final_over_depth(answers))
        shades[name] = colours.family_colour(spec(key).family)
    figure = charts.line_over_depth(
        lines,
        x_title=words("depth_x"),
        y_title=words("answers_y"),
        colours=shades,
        dark=frame.dark(),
        height=HEIGHT,
    )
    figure.update_xaxes(range=[-0.04, 1.04])
    frame.plot(figure, key="early-answers", alt=words("answers_alt"))


def _table(answers: EarlyAnswers) -> np.ndarray:
    """Probabilities, axes (depth, class); before the first block first, where the widths fit."""
    rows = [] if answers.start is None else [answers.start]
    return softmax(np.stack([*rows, *answers.logits]))


def _depth(key: str, answers: EarlyAnswers) -> np.ndarray:
    """Blocks that have run over all blocks, 0 to 1, one a row of ``_table``."""
    groups = [site.group for site in frame.model(key).sites]
    run = [groups.index(group) + 1 for group in answers.groups]
    return np.array([*([] if answers.start is None else [0]), *run]) / len(groups)


def _final_over_depth(answers: EarlyAnswers) -> np.ndarray:
    """The probability of the answer that the whole model gives, at each depth."""
    table = _table(answers)
    return np.asarray(table[:, int(table[-1].argmax())])


def _names(key: str, answers: EarlyAnswers) -> list[str]:
    """What the depths are called."""
    first = [] if answers.start is None else [words("answers_start")]
    return [*first, *(runs.block_words(key, group) for group in answers.groups)]


def _column(key: str, answers: EarlyAnswers) -> None:
    """The best class at each depth; bold where it is the final one."""
    labels = runs.answer(key).labels
    table, names = _table(answers), _names(key, answers)
    final = int(table[-1].argmax())
    frame.model_head(key, _said(key, answers, table))
    frame.verdict(key, runs.answer(key))
    colour = colours.family_colour(spec(key).family)
    step = -(-(len(names) - 1) // (MOST_ROWS - 1)) or 1
    shown = [i for i in range(len(names)) if (len(names) - 1 - i) % step == 0]
    rows = []
    for i in shown:
        best = int(table[i].argmax())
        share, label = float(table[i, best]), labels[best].split(",")[0]
        kept = " kept" if best == final else ""
        strength = "" if best == final else ";opacity:.18"
        rows.append(
            f'<div style="opacity:.85;font-size:.9rem">{html.escape(names[i])}</div>'
            f'<div class="row" style="margin-top:0"><div class="bar" style="width:{100 * share:.2f}'
            f'%;background:{colour}{strength}"></div><span class="label{kept}" '
            f'title="{html.escape(labels[best])}">{html.escape(label)}</span>'
            f'<span class="value">{100 * share:.1f} %</span></div>'
        )
    st.html(f'<div class="answers">{"".join(rows)}</div>')
    if step > 1:
        st.caption(words("answers_step", step=step, count=len(names)))
    if answers.left_out:
        st.caption(words("answers_left_out", count=len(answers.left_out)))


def _said(key: str, answers: EarlyAnswers, table: np.ndarray) -> str:
    """From where on the answer stays the final one."""
    best = table.argmax(axis=1)
    first = len(best) - 1
    while first > 0 and best[first - 1] == best[-1]:
        first -= 1
    return words("answers_from", name=_names(key, answers)[first])


def _rows(found: dict[str, EarlyAnswers]) -> list[list[object]]:
    """The numbers behind the chart and the columns."""
    rows: list[list[object]] = [["model", "depth", "share_of_depth", "best", "best_p", "final_p"]]
    for key, answers in found.items():
        labels, table = runs.answer(key).labels, _table(answers)
        names, places = _names(key, answers), _depth(key, answers)
        final = _final_over_depth(answers)
        for i, name in enumerate(names):
            best = int(table[i].argmax())
            rows.append([key, name, places[i], labels[best], table[i, best], final[i]])
    return rows
