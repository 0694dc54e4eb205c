"""Two identities rebuilt on the page: mixing layers are convolutions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from views import frame
from views.costs.curves import words
from vislib.figures import colours, tiles
from vislib.registry import spec
from vislib.schema import LabelledArray, MixingSite

if TYPE_CHECKING:
    from vislib.observe.identities import Identity

WIDTH, GAP = 620, 12
PICKER_PX = 220


def chosen() -> Callable[[], None]:
    """The choices above both identities; gives what draws them."""
    key = frame.choose_model("mixer", "resmlp", "convmixer")
    with st.container(width=PICKER_PX):
        site = frame.choose_site(key, name="identity_block", operator="channel_mixing")
    return partial(draw, key, site)


def draw(key: str, site: MixingSite) -> None:
    """Both identities for one model, block and picture."""
    frame.model_head(
        key, words("identity_sub", rows=site.rows, columns=site.columns, count=site.channels)
    )
    one, two = st.columns(2, gap="medium")
    with one:
        frame.shielded(lambda: _channels(key, site))
    with two:
        frame.shielded(lambda: _tokens(key, site))


def rebuilt(key: str, site: MixingSite, what: str) -> Identity:
    """What a block computed on the visitor's picture, and the same by a convolution."""
    cache, weights = frame.capture(key, site.group), frame.weights(key, site.group)

    def make() -> Identity:
        from vislib.observe import identities

        build: Callable[..., Identity] = getattr(identities, what)
        return build(cache, weights, site)

    return frame.remember(("identity", frame.view().picture.sha256, key, site.group, what), make)


def _verdict(found: Identity) -> None:
    """The largest difference over the scale, and the kernel's shape."""
    relative = found.largest / found.scale if found.scale else found.largest
    frame.big(words("same" if relative < frame.EXACT else "not_same"), frame.number(found.largest))
    shape = " × ".join(f"{n:,}" for n in found.kernel)
    st.markdown(words("kernel", shape=shape, scale=frame.number(found.scale)))


def _channels(key: str, site: MixingSite) -> None:
    """One channel's map from the model and from the convolution."""
    st.subheader(words("channels_title"), anchor=False)
    st.markdown(words("channels_how"))
    frame.formula(words("channels_formula"))
    found = rebuilt(key, site, "channel_mixing")
    _verdict(found)
    label = words("channel", count=site.channels)
    channel = frame.choose_number(label, site.channels, key="out_channel") - 1
    pair = np.stack([found.model[channel], found.rebuilt[channel]])
    _pair(key, site, found, pair, f"channel {channel + 1}")


def _tokens(key: str, site: MixingSite) -> None:
    """All numbers of the first layer over the tokens, from the model and from the convolution."""
    st.subheader(words("tokens_title"), anchor=False)
    if "token_mixing" not in site.operators:
        st.markdown(words("no_token_layer", title=spec(key).title))
        return
    st.markdown(words("tokens_how" if site.units else "tokens_how_linear"))
    frame.formula(words("tokens_formula" if site.units else "tokens_formula_linear"))
    found = rebuilt(key, site, "token_mixing")
    _verdict(found)
    count = found.model.shape[1]
    label = words("unit" if site.units else "token", count=count)
    unit = frame.choose_number(label, count, key="filter") - 1
    st.markdown(words("filter_how"))
    pair = np.stack([found.model, found.rebuilt])
    _filter(key, site, unit)
    _pair(key, site, found, pair, words("all_numbers"))


def _filter(key: str, site: MixingSite, unit: int) -> None:
    """The kernel of one filter on the token grid."""
    name = f"{site.group}.token_mixing.{'fc1' if site.units else 'weight'}"
    kernel = frame.weights(key, site.group)[name].values[unit].reshape(site.rows, site.columns)
    limits = colours.limits(kernel, signed=True)
    png = frame.remember(
        ("identity filter", key, name, unit),
        lambda: (
            tiles.tile_sheet(
                kernel[None], signed=True, limits=limits, columns=1, width_px=WIDTH // 3
            ).png
        ),
    )
    frame.image(png, key="pixel-filter", alt=words("filter_alt", number=unit + 1), width=WIDTH // 3)
    frame.legend(signed=True, limits=limits, unit=words("weight_unit"), key="filterbar", width=380)


def _pair(key: str, site: MixingSite, found: Identity, pair: np.ndarray, part: str) -> None:
    """Left the model's numbers, right the convolution's; one scale."""
    limits = colours.limits(pair, signed=True)
    width = max(WIDTH, 2 * pair.shape[2] + 2 * GAP)
    what = found.name.rpartition(f"{site.group}.")[2]
    png = frame.remember(
        ("identity pair", frame.view().picture.sha256, key, found.name, part),
        lambda: (
            tiles.tile_sheet(
                pair, signed=True, limits=limits, columns=2, width_px=width, gap=GAP
            ).png
        ),
    )
    st.markdown(words("pair", part=part))
    frame.image(png, key=f"pixel-{what}", alt=words("pair_alt", part=part))
    frame.legend(signed=True, limits=limits, unit=words("value_unit"), key=f"bar-{what}", width=380)
    role = "channel_mixing" if what.startswith("channel") else "token_mixing"
    axes = ("row", "column") if role == "channel_mixing" else ("channel", "unit")
    labelled = partial(LabelledArray, axes=axes, role=role, unit="activation", signed=True)
    source = f"conv2d of {found.name.rpartition('.')[0]}.in"
    model = labelled(values=pair[0], provenance="activation", source=found.name)
    made = labelled(values=pair[1], provenance="recomputed", source=source)
    frame.strip(
        made,
        key=f"identity.{role}",
        name=f"{key}.{found.name}",
        title=f"{frame.title(key)}: {words('by_convolution')}",
        arrays={"model": model, "convolution": made},
    )
