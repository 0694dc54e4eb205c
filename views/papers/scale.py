"""Why Mixer-L/16 is worse than Mixer-B/16 on ImageNet alone: the paper's numbers and reason."""

from __future__ import annotations

import numpy as np
import streamlit as st

from views import frame
from views.papers.words import grid, short, words
from vislib.tables import papers

MODELS = ("Mixer-B/16", "Mixer-L/16", "ViT-B/16", "ViT-L/16")
TOP1, EPOCHS, SIDE = "imagenet_top1_percent", "pretrain_epochs", 224.0
COLOURS = ("#56B4E9", "#0072B2", "#E69F00", "#A35200")


def scores() -> dict[str, dict[str, float]]:
    """Model -> pre-training -> ImageNet top-1 in percent, at 224 px, of the longest training."""
    found: dict[str, dict[str, tuple[float, float]]] = {name: {} for name in MODELS}
    for row in papers.table("mixer").rows:
        if row.model in found and row.values.get("image_size") == SIDE:
            entry = (row.values[EPOCHS], row.values[TOP1])
            own = found[row.model]
            own[row.group] = max(own.get(row.group, entry), entry)
    return {model: {group: top for group, (_, top) in own.items()} for model, own in found.items()}


def draw(_paper: str) -> None:
    """Accuracy over the pre-training data, the larger models beside the smaller; the reason."""
    found, groups = scores(), papers.table("mixer").groups
    chart, beside = st.columns([1.7, 1], gap="medium")
    with chart:
        _chart(found, groups)
    with beside:
        one, large = (found[name][groups[0]] for name in MODELS[:2])
        lost = frame.decimals(one - large)
        st.markdown(words("scale_seen", small=f"{one:.2f}", large=f"{large:.2f}", points=lost))
        st.markdown(words("scale_why"))
        st.caption(words("scale_where"))
    rows = [[words("model"), *(short(group) for group in groups)]]
    rows += [
        [model, *(f"{own[group]:.2f}" if group in own else "" for group in groups)]
        for model, own in found.items()
    ]
    grid(rows, label=words("show_scale"))


def _chart(found: dict[str, dict[str, float]], groups: tuple[str, ...]) -> None:
    """A line a model over the three data sets."""
    from vislib.figures import charts

    lines = {
        model: (
            np.array([place for place, group in enumerate(groups) if group in own]),
            np.array([own[group] for group in groups if group in own]),
        )
        for model, own in found.items()
    }
    figure = charts.line_over_depth(
        lines,
        x_title=words("scale_x"),
        y_title=words("axis_imagenet_top1_percent"),
        colours=dict(zip(MODELS, COLOURS, strict=True)),
        from_zero=False,
        height=440,
        dark=frame.dark(),
    )
    ticks = [words(f"scale_data_{place}") for place in range(len(groups))]
    figure.update_xaxes(tickvals=list(range(len(groups))), ticktext=ticks, range=[-0.2, 2.2])
    frame.plot(figure, key="paper-scale", alt=words("scale_alt"))
