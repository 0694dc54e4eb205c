"""Who wins with equal data and budget: the bundled five, the experiments, and what follows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from views import frame
from views.papers.words import grid, words
from vislib import registry
from vislib.analysis import outcomes
from vislib.experiments import findings
from vislib.figures import colours
from vislib.tables import papers
from vislib.weights import files

SIDE = 224.0
LEAST, MOST = "10", "100"
"""Percent of the pictures that the experiment on data compares."""


@dataclass(frozen=True, kw_only=True)
class Bundled:
    """What the card of a bundled model says.

    Attributes:
        key: Registry key.
        top1: Accuracy on pictures that training never saw, 0 to 1.
        pictures: How many these were.
        parameters, multiply_adds: Counted.
    """

    key: str
    top1: float
    pictures: int
    parameters: int
    multiply_adds: int


def five() -> list[Bundled]:
    """The bundled models that have been measured, the best first."""
    cards: dict[str, Mapping[str, object]] = {
        row.key: files.read_card(row.key)
        for row in registry.MODEL_REGISTRY.values()
        if row.weights == "bundled"
    }
    measured = {key: card for key, card in cards.items() if card.get("val_top1") is not None}
    found = [
        Bundled(
            key=key,
            top1=float(str(card["val_top1"])),
            pictures=int(str(card["val_pictures"])),
            parameters=int(str(card["parameters"])),
            multiply_adds=int(str(card["multiply_adds"])),
        )
        for key, card in measured.items()
    ]
    return sorted(found, key=lambda one: -one.top1)


def tied(models: Sequence[Bundled]) -> list[list[Bundled]]:
    """The models in order, those together that chance may have put in theirs.

    Args:
        models: The best first.
    """
    groups: list[list[Bundled]] = []
    for one in models:
        best = groups[-1][0] if groups else None
        if best is not None:
            chance = outcomes.tolerance([[best.top1], [one.top1]], one.pictures)
            if best.top1 - one.top1 <= chance:
                groups[-1].append(one)
                continue
        groups.append([one])
    return groups


def draw(_paper: str) -> None:
    """Accuracies as bars, what they say, and the experiments below."""
    models = five()
    chart, beside = st.columns([1.6, 1], gap="medium")
    with chart:
        _chart(models)
    with beside:
        order = "; ".join(_together(group) for group in tied(models))
        chance = outcomes.tolerance([[one.top1] for one in models[:2]], models[0].pictures)
        st.markdown(words("equal_order", order=order))
        counts = frame.between([one.parameters / 1e6 for one in models], 1)
        st.markdown(words("equal_says", parameters=counts))
        st.markdown(words("equal_not", **_with_more()))
        pictures, points = f"{models[0].pictures:,}", frame.decimals(100 * chance, 1)
        st.caption(words("equal_how", pictures=pictures, points=points))
    st.markdown(f"**{words('equal_numbers')}**")
    grid(rows(models), groups=_groups(), label=words("show_equal"))
    st.caption(words("equal_numbers_how"))


def two_errors(one: Bundled) -> float:
    """Two standard errors of an accuracy, 0 to 1."""
    return outcomes.tolerance([[one.top1]], one.pictures) / math.sqrt(2)


def _with_more() -> dict[str, str]:
    """What large models of three kinds reach with 300 million pictures, as the paper prints it."""
    found = {}
    for name, model in (("mixer", "Mixer-L/16"), ("vit", "ViT-L/16"), ("resnet", "BiT-R152x2")):
        rows = [row for row in papers.table("mixer").rows if row.model == model]
        most = [row.values["imagenet_top1_percent"] for row in rows if "JFT" in row.group]
        sides = [row.values["image_size"] for row in rows if "JFT" in row.group]
        found[name] = f"{max(t for t, side in zip(most, sides, strict=True) if side == SIDE):.2f}"
    return found


def _together(group: Sequence[Bundled]) -> str:
    """Models that cannot be told apart, in one breath."""
    return " ≈ ".join(registry.spec(one.key).title for one in group)


def _chart(models: Sequence[Bundled]) -> None:
    from vislib.figures import charts

    figure = charts.bars(
        [f"{registry.spec(one.key).title}<br>{100 * one.top1:.1f} %" for one in models],
        np.array([100 * one.top1 for one in models]),
        x_title="",
        y_title=words("equal_axis"),
        colour=[colours.family_colour(registry.spec(one.key).family) for one in models],
        height=440,
        dark=frame.dark(),
    )
    figure.update_traces(
        error_y={
            "array": [100 * two_errors(one) for one in models],
            "thickness": 3,
            "width": 8,
        },
    )
    frame.plot(figure, key="paper-equal", alt=words("equal_alt"))


def _groups() -> list[tuple[str, int]]:
    return [
        ("", 1),
        (words("equal_bundled"), 3),
        (words("equal_data"), 2),
        (words("equal_shuffled"), 2),
    ]


def rows(models: Sequence[Bundled]) -> list[list[str]]:
    """A row a model: the cards' numbers, then those of the experiments on data and on order."""
    names = ("top1", "parameters", "macs", "tenth", "all", "patches", "pixels")
    found = [[words("model"), *(words(f"equal_{name}") for name in names)]]
    for one in models:
        found.append(
            [
                registry.spec(one.key).title,
                f"{100 * one.top1:.1f} %",
                f"{one.parameters / 1e6:.2f} M",
                f"{one.multiply_adds / 1e6:.0f} M",
                *(_accuracy(f"{one.key}.{share}") for share in (LEAST, MOST)),
                *(_change(f"{one.key}.{order}") for order in ("patches", "pixels")),
            ]
        )
    return found


def _accuracy(config: str) -> str:
    """Mean accuracy of a setting of the experiment on data; empty where it was not run."""
    found = findings.find("data")
    if found is None or not found.scores(config):
        return ""
    return f"{100 * found.mean(config):.1f} %"


def _change(config: str) -> str:
    """Relative change with another order of the pixels; empty where it was not run."""
    found = findings.find("order")
    if found is None or not found.scores(config):
        return ""
    change = found.change(found.experiment.config(config))
    return "" if change is None else frame.percent_change(change)
