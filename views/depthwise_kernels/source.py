"""Depthwise kernels: what the maps of the stage are, and files of them."""

from __future__ import annotations

from collections.abc import Iterator

import streamlit as st

from views import frame
from views.depthwise_kernels.controls import Choice, dense, site_beside
from views.depthwise_kernels.kernel_maps import all_kernels, words
from views.depthwise_kernels.maps import channel_map
from vislib.registry import spec
from vislib.schema import LabelledArray


def draw(chosen: Choice) -> None:
    """A button a tensor."""
    found = list(_arrays(chosen))
    for column, (title, name, array) in zip(st.columns(len(found)), found, strict=True):
        with column:
            st.markdown(f"**{title}**")
            frame.strip(array, key=f"source.{name}", name=name, title=spec(chosen.key).title)


def _arrays(chosen: Choice) -> Iterator[tuple[str, str, LabelledArray]]:
    """Title, the tensor's name, and its numbers."""
    key, site, picture = chosen.key, chosen.site, frame.view().picture
    base, channel = f"{key}.{site.group}", chosen.channel
    if chosen.view == "mixing":
        mixed = channel_map(key, site, picture, "channel_mixing.out").select(channel=channel)
        yield words("mixed"), f"{base}.channel_mixing.out.channel{channel + 1}", mixed
        return
    kernels = all_kernels(key)[site.block]
    yield words("kernels"), f"{base}.depthwise.kernel", kernels
    if chosen.other is not None:
        other = site_beside(key, site, chosen.other)
        name = f"{chosen.other}.{other.group}.convolution.kernel"
        yield spec(chosen.other).title, name, dense(chosen.other, other)
    if chosen.view == "block":
        name = f"{base}.depthwise.kernel.channel{channel + 1}"
        yield words("kernel"), name, kernels.select(channel=channel)
        for what, end in (("input", "in"), ("output", "out")):
            array = channel_map(key, site, picture, f"depthwise.{end}").select(channel=channel)
            yield words(what), f"{base}.depthwise.{end}.channel{channel + 1}", array
