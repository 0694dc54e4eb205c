"""Depthwise kernels: what each channel of a ConvMixer reads around a place, and how far."""

from __future__ import annotations

import html

import streamlit as st

from views import frame
from views.depthwise_kernels import beside, depth, kernel_maps, mixing
from views.depthwise_kernels import block as depthwise_block
from vislib.figures import colours
from vislib.registry import spec

VIEWS = ("block", "depth", "mixing")
BESIDE = "beside"
ORDERS = ("radius", "norm", "frequency")
SCALES = ("own", "one")


def facts(key: str, block: int) -> None:
    """The model's name, what the block is made of, and the badge."""
    row, shown = spec(key), kernel_maps.facts(key, block)
    site = frame.model(key).sites[block]
    words = frame.t(
        "depthwise_kernels.facts",
        kernel=shown.kernel,
        channels=site.channels,
        rows=site.rows,
        columns=site.columns,
        activation=shown.activation,
        norm=shown.norm,
        padding=shown.padding,
    )
    around = "residual" if shown.residual else "no_residual"
    words += f" · {frame.t(f'depthwise_kernels.{around}')}"
    left, right = st.columns([4, 1.1], vertical_alignment="center")
    with left:
        st.html(
            f'<div class="model-title" style="border-color:{colours.family_colour(row.family)}">'
            f"{html.escape(row.title)}</div><div>{html.escape(words)}</div>"
        )
    with right:
        frame.badge(site.mixing)


def choose_channel(key: str, block: int) -> int:
    """The channel that is followed, from 0; at first the one with the strongest kernel."""
    count = frame.model(key).sites[block].channels
    label = frame.t("depthwise_kernels.channel", count=count)
    strongest = kernel_maps.order(key, block, "norm")[0] + 1
    return frame.choose_number(label, count, key="channel", default=strongest) - 1


def choose_words(name: str, options: tuple[str, ...]) -> str:
    """A choice whose words stand in the page's own section."""
    return frame.choose(
        frame.t(f"depthwise_kernels.{name}"),
        options,
        key=f"kernel_{name}",
        words={option: frame.t(f"depthwise_kernels.{name}_{option}") for option in options},
    )


def draw() -> None:
    """One of three views, or four where a ResNet is there; block and channel are shared by all."""
    key = frame.choose_model("convmixer")
    top = st.container()
    left, middle, right = st.columns([1, 1, 2.2])
    with left:
        block = frame.choose_site(key, name="kernel_block", operator="depthwise").block
    with middle:
        channel = choose_channel(key, block)
    with right:
        more = (BESIDE,) if beside.is_there() else ()
        view = choose_words("view", VIEWS + more)
    with top:
        facts(key, block)
    if view == "mixing":
        frame.shielded(lambda: mixing.mixing(key, block, channel))
        return
    first, second = st.columns([1.5, 1])
    with first:
        by = choose_words("order", ORDERS)
    with second:
        scale = choose_words("scale", SCALES)
    if view == BESIDE:
        frame.shielded(lambda: beside.beside(key, block, channel, by, scale))
    elif view == "depth":
        (shown,) = frame.choose_epoch([key])
        frame.shielded(lambda: depth.depth(shown, block, channel, by, scale))
    else:
        (shown,) = frame.choose_epoch([key])
        frame.shielded(lambda: depthwise_block.kernels(shown, block, channel, by, scale))
