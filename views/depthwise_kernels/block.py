"""One block: all its depthwise kernels, and one channel followed exactly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from views import frame
from views.depthwise_kernels.controls import ORDERS, SCALES, Choice, choose_words
from views.depthwise_kernels.kernel_maps import (
    all_kernels,
    bias,
    order,
    scaled,
    shown_map,
    sums,
    words,
)
from vislib.analysis import kernels as maths
from vislib.analysis import one_channel
from vislib.figures import colours
from vislib.registry import epoch_of, spec
from vislib.schema import LabelledArray, MixingSite

if TYPE_CHECKING:
    from vislib.analysis.kernels import KernelOrder

SMALL_LEGEND = 250


def kernels(chosen: Choice) -> str:
    """A block's kernels beside the training that made them; the key as of then."""
    left, right = st.columns([1, 2.2], gap="medium")
    with left:
        (key,) = frame.choose_epoch([chosen.key])
        if epoch_of(key) is not None:
            st.caption(words("followed_trained"))
    with right:
        one, two = st.columns([1.5, 1])
        with one:
            by: KernelOrder = choose_words("order", ORDERS)  # type: ignore[assignment]
        with two:
            scale = choose_words("scale", SCALES)
        kernel_tiles(key, chosen.site.block, chosen.channel, by, scale)
    return key


def kernel_tiles(key: str, block: int, channel: int, by: KernelOrder, scale: str) -> None:
    """All kernels of a block, sorted; a click chooses the channel."""
    array, shown = all_kernels(key)[block], order(key, block, by)
    indices, limits, unit = frame.remember(
        ("kernel tiles", key, block, by, scale, words("own_unit")),
        lambda: scaled(array.values[shown], scale, [array.values]),
    )
    labels = frame.remember(
        ("kernel labels", key, block, by, words("tile")), lambda: _labels(array, shown)
    )
    count, side = array.values.shape[:2]
    st.markdown(f"**{words('tiles', count=count, block=block + 1)}** {words(f'sorted_{by}')}")

    def choose(tile: int) -> None:
        st.session_state["channel"] = shown[tile] + 1

    frame.tile_canvas(
        indices,
        colours.table(True),
        limits=limits,
        unit=unit,
        labels=labels,
        selected=shown.index(channel),
        key="kernel_tiles",
        alt=words("tiles_alt", block=block + 1),
        tile_px=side * (6 if count <= 256 and side < 7 else 3),
        gap=4,  # kernels would run into one another
        texts=frame.tile_texts(),
        on_change=choose,
    )
    frame.legend(signed=True, limits=limits, unit=unit, key="kernel_bar")
    frame.strip(
        array,
        key="kernels",
        name=f"{key}.stage0.block{block}.depthwise.kernel",
        note=words(f"note_{scale}"),
        title=spec(key).title,
    )


def _labels(array: LabelledArray, shown: Sequence[int]) -> list[str]:
    """What the tip of each kernel says."""
    radius = maths.energy_radius(array)
    fine = maths.kernel_frequency(array)
    norm = np.linalg.norm(array.values, axis=(1, 2))
    return [
        words(
            "tile",
            channel=c + 1,
            radius=f"{radius[c]:.2f}",
            norm=f"{norm[c]:.2f}",
            frequency=f"{fine[c]:.2f}",
        )
        for c in shown
    ]


def followed(chosen: Choice) -> None:
    """Kernel and products of one channel tap by tap, and their sum beside the model's own."""
    key, site, channel = chosen.key, chosen.site, chosen.channel
    name = f"{site.group}.depthwise"
    cache, place = frame.capture(key, site.group), frame.cell(key, site)
    before = cache[f"{name}.in"].select(channel=channel)
    after = cache[f"{name}.out"].select(channel=channel)
    kernel = all_kernels(key)[site.block].select(channel=channel)
    st.markdown(f"**{words('follow', channel=channel + 1)}** {words('follow_how')}")
    digest = (cache.image_sha256, key, site.block, channel)
    one, two, three = st.columns([1, 1, 1.4], gap="medium")
    with one:
        own = colours.limits(kernel.values, signed=True)
        shown_map(kernel, own, "kernel", digest)
        frame.legend(
            signed=True, limits=own, unit=words("weight"), key="weight_bar", width=SMALL_LEGEND
        )
    if place is None:
        two.info(words("outside"))
        return
    total = one_channel.follow_place(
        before,
        kernel,
        float(bias(key, site, "depthwise")[channel]),
        after,
        row=place[0],
        column=place[1],
    )
    products = products_of(total, before, kernel)
    with two:
        product_map(products, (*digest, place))
    with three:
        missing = padded(site, place)
        note = words("padded", count=missing) if missing else ""
        sums(total, words("sum", count=products.values.size), note)
        arrays = {f"{name}.in": before, f"{name}.kernel": kernel, f"{name}.out": after}
        arrays[f"{name}.products"] = products
        file = f"{key}.{name}.channel{channel + 1}.products"
        frame.strip(products, key="products", name=file, title=words("products"), arrays=arrays)


def padded(site: MixingSite, place: tuple[int, int]) -> int:
    """Taps of a block's kernel that meet the padding when it writes a place."""
    size, grid = (site.kernel, site.kernel), (site.rows, site.columns)
    return one_channel.window_at(size, grid, row=place[0], column=place[1]).padded


def products_of(
    total: one_channel.PlaceSum, before: LabelledArray, kernel: LabelledArray
) -> LabelledArray:
    """The products as a figure's array."""
    return LabelledArray(
        values=total.terms,
        axes=("ky", "kx"),
        role="depthwise",
        unit="activation",
        signed=True,
        provenance="recomputed",
        source=f"{kernel.source} × {before.source}",
    )


def product_map(products: LabelledArray, digest: tuple[object, ...]) -> None:
    """The products, tap by tap, with their legend."""
    own = colours.limits(products.values, signed=True)
    shown_map(products, own, "products", digest)
    frame.legend(
        signed=True, limits=own, unit=words("product"), key="product_bar", width=SMALL_LEGEND
    )
