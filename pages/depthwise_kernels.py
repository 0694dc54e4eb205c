"""Depthwise kernels: what each channel of a ConvMixer reads around a place, and how far."""

from __future__ import annotations

import html

import streamlit as st

from pages import _depthwise_beside, _depthwise_block, _depthwise_depth, _depthwise_mixing, _ui
from pages import _depthwise_parts as parts
from vislib.figures import colours
from vislib.registry import spec

VIEWS = ("block", "depth", "mixing")
BESIDE = "beside"
ORDERS = ("radius", "norm", "frequency")
SCALES = ("own", "one")


def facts(key: str, block: int) -> None:
    """The model's name, what the block is made of, and the badge."""
    row, shown = spec(key), parts.facts(key, block)
    site = _ui.model(key).sites[block]
    words = _ui.t(
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
    words += f" · {_ui.t(f'depthwise_kernels.{around}')}"
    left, right = st.columns([4, 1.1], vertical_alignment="center")
    with left:
        st.html(
            f'<div class="model-title" style="border-color:{colours.family_colour(row.family)}">'
            f"{html.escape(row.title)}</div><div>{html.escape(words)}</div>"
        )
    with right:
        _ui.badge(site.mixing)


def choose_channel(key: str, block: int) -> int:
    """The channel that is followed, from 0; at first the one with the strongest kernel."""
    count = _ui.model(key).sites[block].channels
    label = _ui.t("depthwise_kernels.channel", count=count)
    strongest = parts.order(key, block, "norm")[0] + 1
    return _ui.choose_number(label, count, key="channel", default=strongest) - 1


def choose_words(name: str, options: tuple[str, ...]) -> str:
    """A choice whose words stand in the page's own section."""
    return _ui.choose(
        _ui.t(f"depthwise_kernels.{name}"),
        options,
        key=f"kernel_{name}",
        words={option: _ui.t(f"depthwise_kernels.{name}_{option}") for option in options},
    )


def draw() -> None:
    """One of three views, or four where a ResNet is there; block and channel are shared by all."""
    key = _ui.choose_model("convmixer")
    top = st.container()
    left, middle, right = st.columns([1, 1, 2.2])
    with left:
        block = _ui.choose_site(key, name="kernel_block", operator="depthwise").block
    with middle:
        channel = choose_channel(key, block)
    with right:
        more = (BESIDE,) if _depthwise_beside.is_there() else ()
        view = choose_words("view", VIEWS + more)
    with top:
        facts(key, block)
    if view == "mixing":
        _ui.shielded(lambda: _depthwise_mixing.mixing(key, block, channel))
        return
    first, second = st.columns([1.5, 1])
    with first:
        by = choose_words("order", ORDERS)
    with second:
        scale = choose_words("scale", SCALES)
    if view == BESIDE:
        _ui.shielded(lambda: _depthwise_beside.beside(key, block, channel, by, scale))
    elif view == "depth":
        (shown,) = _ui.choose_epoch([key])
        _ui.shielded(lambda: _depthwise_depth.depth(shown, block, channel, by, scale))
    else:
        (shown,) = _ui.choose_epoch([key])
        _ui.shielded(lambda: _depthwise_block.kernels(shown, block, channel, by, scale))


_ui.page("depthwise_kernels")
_ui.shielded(draw)
