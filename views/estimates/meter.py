"""Does the answer hang on what a map marks? Insertion and deletion beside random orders."""

from __future__ import annotations

import html

import streamlit as st

from views import frame
from views.estimates import runs
from views.estimates.tasks import SEEDS
from views.estimates.words import Shown, in_columns, name_of, named, say, words
from vislib.analysis.faithfulness import Curves, beats_random, mean_curves
from vislib.figures.meter import MeterLine, meter, nice_top

INSERTION, DELETION = "#0072B2", "#D55E00"


def draw(shown: Shown) -> None:
    """Insertion and deletion curves, their areas, and what they say."""
    random = runs.random_curves(shown.question)
    mean = mean_curves(random)
    every = [runs.curves(shown.question, method) for method in shown.methods] + [mean]
    top = nice_top(max(float(max(c.insertion.max(), c.deletion.max())) for c in every))
    st.markdown(words("meter_how", stand_in=words(f"in_{shown.question.stand_in}")))
    _key_to_lines()

    def part(shown: Shown, method: str) -> None:
        own = runs.curves(shown.question, method)
        named(method)
        alt = words("meter_alt", method=name_of(method))
        st.image(_chart(own, mean, top), width="stretch", alt=alt)
        said = beats_random(own, random)
        say(words(f"verdict_{said}", count=len(random)), said == "none")
        _areas(own, mean)

    in_columns(shown, part)
    st.caption(words("areas_how", seeds=", ".join(map(str, SEEDS))))


def _areas(own: Curves, mean: Curves) -> None:
    """Both areas beside those of random orders."""
    heads = "".join(
        f'<td style="padding-left:.4rem">{html.escape(words(name))}</td>'
        for name in ("area_of_map", "area_of_random")
    )
    rows = [f"<tr><th>{html.escape(words('area'))}</th>{heads}</tr>"]
    for name, one, two in zip(("insertion", "deletion"), own.areas, mean.areas, strict=True):
        cells = "".join(f"<td>{frame.percent_value(value)}</td>" for value in (one, two))
        rows.append(f"<tr><th>{html.escape(words(f'line_{name}'))}</th>{cells}</tr>")
    st.html(f'<table class="facts" style="font-size:.9rem">{"".join(rows)}</table>')


def _key_to_lines() -> None:
    """What the lines are: the same in all charts."""
    lines = [
        (INSERTION, "solid", words("line_insertion")),
        (DELETION, "solid", words("line_deletion")),
        (INSERTION, "dotted", words("line_random_insertion")),
        (DELETION, "dotted", words("line_random_deletion")),
    ]
    parts = [
        f'<span style="display:inline-flex;align-items:center;gap:.4rem;margin-right:1.4rem">'
        f'<span style="width:2.2rem;border-top:5px {style} {colour}"></span>{html.escape(text)}'
        "</span>"
        for colour, style, text in lines
    ]
    st.html(f"<div>{''.join(parts)}</div>")


def _chart(own: Curves, mean: Curves, top: float) -> str:
    """Both curves over those of random orders, as SVG."""
    lines = [
        MeterLine(
            name=words("line_random_insertion"),
            values=mean.insertion.tolist(),
            colour=INSERTION,
            dashed=True,
        ),
        MeterLine(
            name=words("line_random_deletion"),
            values=mean.deletion.tolist(),
            colour=DELETION,
            dashed=True,
        ),
        MeterLine(name=words("line_insertion"), values=own.insertion.tolist(), colour=INSERTION),
        MeterLine(name=words("line_deletion"), values=own.deletion.tolist(), colour=DELETION),
    ]
    return meter(lines, top=top, x_title=words("chart_x"), y_title=words("chart_y"))
