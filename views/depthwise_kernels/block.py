"""One block: all its depthwise kernels, and one channel followed exactly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from views import frame
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
from vislib.registry import base_key, epoch_of, spec
from vislib.schema import LabelledArray, MixingSite

if TYPE_CHECKING:
    from vislib.analysis.kernels import KernelOrder

SMALL_LEGEND = 250


def kernels(key: str, block: int, channel: int, by: KernelOrder, scale: str) -> None:
    """A block's kernels at the left, the chosen one's channel at the right."""
    left, right = st.columns([1.12, 1], gap="medium")
    with left:
        frame.shielded(lambda: kernel_tiles(key, block, channel, by, scale))
    with right:
        if epoch_of(key) is not None:
            st.caption(words("followed_trained"))
        frame.shielded(
            lambda: followed(base_key(key) if epoch_of(key) is not None else key, block, channel)
        )


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


def followed(key: str, block: int, channel: int) -> None:
    """Input map, kernel, products and output map of one channel, with the sum in numbers."""
    site = frame.model(key).sites[block]
    name = f"{site.group}.depthwise"
    cache, place = frame.capture(key, site.group), frame.cell(key, site)
    before = cache[f"{name}.in"].select(channel=channel)
    after = cache[f"{name}.out"].select(channel=channel)
    kernel = all_kernels(key)[block].select(channel=channel)
    st.markdown(f"**{words('follow', channel=channel + 1)}** {words('follow_how')}")
    digest = (cache.image_sha256, key, block, channel)
    window = None if place is None else window_of(site, place)
    in_and_out(before, after, digest, place, window)
    one, two = st.columns(2)
    with one:
        own = colours.limits(kernel.values, signed=True)
        shown_map(kernel, own, "kernel", digest)
        frame.legend(
            signed=True, limits=own, unit=words("weight"), key="weight_bar", width=SMALL_LEGEND
        )
    arrays = {f"{name}.in": before, f"{name}.kernel": kernel, f"{name}.out": after}
    file = f"{key}.{name}.channel{channel + 1}"
    if place is None or window is None:
        two.info(words("outside"))
    else:
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
        padded = words("padded", count=window.padded) if window.padded else ""
        sums(total, words("sum", count=products.values.size), padded)
        arrays[f"{name}.products"] = products
        frame.strip(
            products,
            key="products",
            name=f"{file}.products",
            title=words("products"),
            arrays=arrays,
        )
    with st.expander(words("others")):
        for part, array in (("in", before), ("kernel", kernel), ("out", after)):
            frame.strip(array, key=f"follow.{part}", name=f"{file}.{part}", title=spec(key).title)


def window_of(site: MixingSite, place: tuple[int, int]) -> one_channel.Window:
    """What a block's kernel reads to write a place."""
    return one_channel.window_at(
        (site.kernel, site.kernel), (site.rows, site.columns), row=place[0], column=place[1]
    )


def in_and_out(
    before: LabelledArray,
    after: LabelledArray,
    digest: tuple[object, ...],
    place: tuple[int, int] | None,
    window: one_channel.Window | None,
) -> None:
    """The channel's map before and after, on one scale."""
    common = colours.limits(before.values, after.values, signed=True)
    region = None if window is None else (window.top, window.left, window.height, window.width)
    one, two = st.columns(2)
    with one:
        shown_map(before, common, "input", digest, place, region)
    with two:
        shown_map(after, common, "output", digest, place)
    frame.legend(signed=True, limits=common, unit=words("activation"), key="follow_bar")


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
