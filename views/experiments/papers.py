"""The papers' own numbers beside ours: two boxes, never one axis."""

from __future__ import annotations

import html
from collections.abc import Sequence

import streamlit as st

from views import frame
from views.experiments import runs
from views.experiments.figures import NOTHING
from views.experiments.runs import words
from vislib.experiments.catalogue import Config
from vislib.experiments.findings import Found
from vislib.tables import papers

SIDE = 224.0
"""Rows of the Mixer table at other sizes of the input are left out."""
_TOP1, _EPOCHS = "imagenet_top1_percent", "pretrain_epochs"
Grid = tuple[list[str], list[list[str]]]
"""Words of the columns, and rows that begin with their own."""


def draw(name: str, found: Found | None) -> None:
    """The paper's box, ours where there is one, and what is different."""
    left, right = st.columns(2, gap="medium")
    with left, st.container(border=True):
        st.markdown(f"**{words(f'paper_{name}_title')}**")
        st.markdown(words(f"paper_{name}"))
        if name in PAPER_GRIDS:
            frame.shielded(lambda: _grid(*PAPER_GRIDS[name]()))
    with right, st.container(border=True):
        st.markdown(f"**{words('here_title')}**")
        if found is None:
            st.markdown(words("here_nothing"))
        else:
            header, rows = here(found)
            st.markdown(words(f"here_{name}" if len(header) > 1 else "here_alone"))
            if len(header) > 1:
                _grid(header, rows)
    st.markdown(words(f"differs_{name}"))


def _grid(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A small table; its first column holds the rows' names."""
    apart, quiet = "padding-left:.45rem", "font-weight:400;opacity:.8"
    head = "".join(f'<td style="{apart};{quiet}">{html.escape(name)}</td>' for name in header[1:])
    lines = [f"<tr><th>{html.escape(header[0])}</th>{head}</tr>"]
    for first, *rest in rows:
        cells = "".join(f'<td style="{apart}">{html.escape(cell)}</td>' for cell in rest)
        lines.append(f"<tr><th>{html.escape(first)}</th>{cells}</tr>")
    table = f'<table class="facts" style="font-size:.9rem">{"".join(lines)}</table>'
    st.html(f'<div style="overflow-x:auto">{table}</div>')


def order_grid() -> Grid:
    """Relative changes as the text of the paper gives them."""
    models = ("mixer", "resnet")
    header = [words("paper_order_change"), *(words(f"paper_order_{model}") for model in models)]
    return header, [
        [runs.value("order", order), *(words(f"paper_order_{model}_{order}") for model in models)]
        for order in ("patches", "pixels")
    ]


def patch_grid() -> Grid:
    """The ConvMixers of the paper's table."""
    header = [words(f"paper_patch_{name}") for name in ("model", "patch", "kernel", "top1")]
    return header, [
        [
            row.model.removeprefix("ConvMixer-"),
            f"{row.values['patch_size']:.0f}",
            f"{row.values['kernel_size']:.0f}",
            f"{row.values[_TOP1]:.2f}",
        ]
        for row in papers.table("convmixer").rows
        if row.family == "convmixer" and {"patch_size", "kernel_size", _TOP1} <= row.values.keys()
    ]


def data_grid() -> Grid:
    """ImageNet top-1 by pre-training, for models that the table has with several of them."""
    table = papers.table("mixer")
    cells: dict[str, dict[str, tuple[float, float]]] = {}
    for row in table.rows:
        if row.values.get("image_size") == SIDE and {_EPOCHS, _TOP1} <= row.values.keys():
            own = cells.setdefault(row.model, {})
            entry = (row.values[_EPOCHS], row.values[_TOP1])
            own[row.group] = max(own.get(row.group, entry), entry)  # the longest pre-training
    short = [group.removeprefix("Pre-trained on ").partition(" (")[0] for group in table.groups]
    return [words("paper_data_model"), *short], [
        [model, *(f"{own[group][1]:.2f}" if group in own else NOTHING for group in table.groups)]
        for model, own in cells.items()
        if len(own) > 1
    ]


PAPER_GRIDS = {"order": order_grid, "patch": patch_grid, "data": data_grid}


def here(found: Found) -> Grid:
    """Our numbers, a row a heading: relative changes for the order of pixels, else accuracies."""
    if found.name == "attention":
        header = [words("here_model"), words("here_val"), words("parameters")]
        return header, [
            [
                runs.title(found.name, config),
                f"{100 * found.mean(config.id):.1f}",
                f"{found.facts(config.id)['parameters']:,}",
            ]
            for config in found.configs
        ]
    cells: dict[str, dict[str, str]] = {}
    for config in found.configs:
        change = found.change(config)
        shown = f"{100 * found.mean(config.id):.1f}"
        if found.name == "order":
            shown = "" if change is None else frame.percent_change(change)
        own = cells.setdefault(runs.heading(found.name, config), {})
        own[_short(found, config)] = shown
    columns = dict.fromkeys(_short(found, config) for config in found.configs)
    kept = [name for name in columns if any(own.get(name) for own in cells.values())]
    return [words("here_model"), *kept], [
        [name, *(own.get(column) or NOTHING for column in kept)] for name, own in cells.items()
    ]


def _short(found: Found, config: Config) -> str:
    """A setting as the word above a narrow column."""
    if found.name == "data":
        return words("here_share", value=config.values["share"])
    return runs.setting(found.name, config)
