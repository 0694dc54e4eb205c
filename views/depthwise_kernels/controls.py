"""What the visitor chooses on Depthwise kernels, in one row above the maps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from views import frame
from views.depthwise_kernels.kernel_maps import order, words
from vislib.analysis import dense_kernels
from vislib.analysis.depth import same_depth
from vislib.registry import base_key
from vislib.schema import LabelledArray, MixingSite

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

VIEWS = ("block", "depth", "mixing")
BESIDE, FAMILY = "beside", "resnet"
ORDERS = ("radius", "norm", "frequency")
SCALES = ("own", "one")
WIDTHS = {"model": 220, "block": 150, "view": 265}
"""Of the choices in the row, in pixels."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What the stage and all that stands below it show.

    Attributes:
        key: Registry key of the model.
        site: The block.
        view: "block", "depth", "mixing" or "beside".
        channel: The channel that is followed, from 0.
        other: The ResNet beside it, None in the other views.
        written: The ResNet's channel that is written, from 0.
        scale: "root", "linear" or "own".
    """

    key: str
    site: MixingSite
    view: str
    channel: int
    other: str | None = None
    written: int = 0
    scale: str


def draw(place: DeltaGenerator) -> Choice:
    """All choices; the page draws them into its row.

    Args:
        place: The stage's, which says meanwhile that a model is being loaded.

    Raises:
        MixScopeError: The model cannot be loaded.
    """
    with st.container(width=WIDTHS["model"]):
        key = frame.choose_model("convmixer", compact=False)
    for error in frame.load_on_stage([key], place).values():
        raise error
    with st.container(width=WIDTHS["block"]):
        site = frame.choose_site(key, name="kernel_block", operator="depthwise")
    more = (BESIDE,) if frame.of_family(FAMILY, frame.available()) else ()
    with st.container(width=WIDTHS["view"]):
        view = choose_words("view", VIEWS + more, compact=False)
    other, written = None, 0
    with st.popover(frame.t("compare.more")):
        channel = _channel(key, site)
        if view == BESIDE:
            other = frame.choose_model(FAMILY, compact=False)
            written = _written(other, site_beside(key, site, other))
        scale = frame.choose_scale()
    if view == VIEWS[0] and key in frame.view().models:
        st.button(words("crop"), key="crop_kernels", on_click=_crop, args=(base_key(key),))
    return Choice(
        key=key, site=site, view=view, channel=channel, other=other, written=written, scale=scale
    )


def choose_words(name: str, options: tuple[str, ...], *, compact: bool = True) -> str:
    """A choice whose words stand in the page's own section."""
    return frame.choose(
        words(name),
        options,
        key=f"kernel_{name}",
        words={option: words(f"{name}_{option}") for option in options},
        compact=compact,
    )


def _crop(key: str) -> None:
    """What becomes of the answer when the kernels are cropped (a callback)."""
    frame.go("what_if", what_if="surgery", cut_model=key, cut="crop.1")


def _channel(key: str, site: MixingSite) -> int:
    """The channel that is followed, from 0; at first the one with the strongest kernel."""
    label = words("channel", count=site.channels)
    strongest = order(key, site.block, "norm")[0] + 1
    return frame.choose_number(label, site.channels, key="channel", default=strongest) - 1


def _written(key: str, site: MixingSite) -> int:
    """The channel of the ResNet's convolution that is written, from 0."""
    count = dense_kernels.count(dense(key, site)).outputs
    return frame.choose_number(words("written", count=count), count, key="written") - 1


def dense(key: str, site: MixingSite) -> LabelledArray:
    """The kernel of a ResNet's block, axes (channel_out, channel_in, ky, kx)."""
    name = f"{site.group}.convolution.kernel"
    return frame.remember(
        ("dense kernel", key, name), lambda: frame.model(key).weights(site.group)[name]
    )


def site_beside(key: str, site: MixingSite, other: str) -> MixingSite:
    """The ResNet's block at the same relative depth."""
    own, sites = frame.model(key).sites, frame.model(other).sites
    return sites[same_depth(site.block, len(own), len(sites))]


def site_named(key: str, block: str) -> MixingSite:
    """A block by its name in the address."""
    return next(site for site in frame.model(key).sites if frame.block_name(site) == block)
