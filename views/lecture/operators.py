"""Live views of what is inside a model: its diagram, its units or kernels, two channels."""

from __future__ import annotations

import numpy as np
import streamlit as st

from views import frame
from views.frame import diagram as figure
from views.frame import diagram_models
from views.lecture.sites import site_of
from vislib.analysis import dual_attention, unit_steps
from vislib.figures import colours, overlay
from vislib.lecture.steps import Step
from vislib.pictures import encoding
from vislib.schema import LabelledArray, MixingSite

PICTURE_SIDE = 480
MOST = 48
"""Tiles that are shown where the step does not say how many."""


def diagram(step: Step, slot: str) -> None:
    """The models' blocks, computed from them; the visitor may go down into one."""
    found = diagram_models.of_keys(step.view.models)
    picture = frame.view().picture
    described = [diagram_models.described(model) for model in found]
    figure.draw(
        frame.remember(
            ("overview", picture.sha256),
            lambda: encoding.encode_jpeg(encoding.thumbnail(picture, PICTURE_SIDE)),
        ),
        described,
        diagram_models.kinds(described),
        into="",
        point=frame.view().point,
        shown=None,
        on_change=lambda gone: frame.select(gone.point),
        key=f"diagram_{slot}",
    )


def tiles(step: Step, slot: str) -> None:
    """A block's hidden units or kernels, the strongest first."""
    key = frame.as_switched(step.view.models[0])
    site = site_of(key, step)
    maps = _tile_maps(key, site)
    count = min(step.view.options.get("most", MOST), len(maps.values))
    power = np.square(maps.values, dtype=np.float64).sum(axis=(1, 2))
    order = [int(one) for one in np.argsort(-power, kind="stable")[:count]]
    indices = frame.remember(
        ("lecture tiles", key, site.group, count), lambda: _indices(maps.values[order])
    )
    frame.model_head(key, frame.block_words(key, site))
    frame.tile_canvas(
        indices,
        colours.table(True),
        limits=(-1.0, 1.0),
        unit=frame.t("token_mixing.own_unit"),
        labels=[str(one + 1) for one in order],
        selected=None,
        key=f"lecture_tiles_{slot}",
        alt=frame.t("lecture.tiles_alt", count=count),
        tile_px=64,
        gap=6,
        texts=frame.tile_texts(),
    )


def _indices(values: np.ndarray) -> np.ndarray:
    most = np.abs(values).max(axis=(1, 2), keepdims=True)
    scaled = np.divide(values, most, out=np.zeros_like(values), where=most > 0)
    return colours.to_indices(scaled, (-1.0, 1.0))


def _tile_maps(key: str, site: MixingSite) -> LabelledArray:
    """Axes (unit, row, column) or (channel, ky, kx)."""
    weights = frame.weights(key, site.group)
    if f"{site.group}.depthwise.kernel" in weights:
        return weights[f"{site.group}.depthwise.kernel"]
    name = "fc1" if site.units else "weight"
    array = weights[f"{site.group}.token_mixing.{name}"]
    return unit_steps.on_grid(array, site.rows, site.columns)


def channels(step: Step, slot: str) -> None:
    """What an entry of the channel attention sums up over the places, on the picture."""
    key = frame.as_switched(step.view.models[0])
    site = site_of(key, step, "channel_attention")
    arrays = frame.capture(key, site.group)
    group, i = (step.view.options.get(name, 1) - 1 for name in ("group", "channel"))
    scores = arrays[f"{site.group}.channel.pattern"].select(group=group)
    others = np.where(np.arange(scores.values.shape[1]) == i, -1.0, scores.values[i])
    j = int(np.argmax(others))
    grid = {"rows": site.rows, "columns": site.columns}
    keys, values = (
        dual_attention.group_maps(arrays[f"{site.group}.channel.{name}"], group, **grid)
        for name in ("keys", "values")
    )
    product = dual_attention.score_map(arrays, site, group=group, out=i, read=j)
    shown = (keys.select(channel=i), values.select(channel=j), product)
    said = {"out": i + 1, "read": j + 1}
    for column, name, array in zip(
        st.columns(3, gap="medium"), ("keys", "values", "product"), shown, strict=True
    ):
        with column:
            title = frame.t(f"dual_attention.score_{name}", **said)
            frame.model_head(key, title)
            png = _map(key, array, (site.group, name, group, i, j))
            frame.image(png, key=f"{name}_{slot}", alt=title)


def _map(key: str, array: LabelledArray, about: tuple[object, ...]) -> bytes:
    picture, box = frame.view().picture, frame.box(key)
    return frame.remember(
        ("lecture channels", picture.sha256, key, *about),
        lambda: overlay.plain_map(
            array.values,
            picture_shape=(picture.height, picture.width),
            box=box,
            limits=colours.limits(array.values, signed=True),
            signed=True,
            cell=None,
        ),
    )
