"""What the views of the page on depthwise kernels share: words, kernels, maps, sums."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from views import frame
from vislib.analysis import kernels as maths
from vislib.analysis import one_channel, pointwise
from vislib.analysis.arrays import by_own_largest
from vislib.figures import colours, overlay
from vislib.registry import epoch_of
from vislib.schema import LabelledArray, MixingSite, ViewBox, freeze

if TYPE_CHECKING:
    from vislib.analysis.kernels import KernelOrder
    from vislib.architectures.convmixer import BlockFacts
    from vislib.models.loading import LoadedModel

MAP_SIDE, INPUTS = 240, 12


def words(name: str, **values: object) -> str:
    """A text of the page's own section."""
    return frame.t(f"depthwise_kernels.{name}", **values)


def facts(key: str, block: int) -> BlockFacts:
    """What a block's modules are, read off them."""

    def read(place: LoadedModel) -> BlockFacts:
        from vislib.architectures.convmixer import block_facts

        return block_facts(place.module, block)

    return frame.remember(("depthwise facts", key, block), lambda: frame.run(key, read))


def all_kernels(key: str) -> tuple[LabelledArray, ...]:
    """Every block's kernels, axes (channel, ky, kx); the large pointwise weights are let go."""

    def read() -> tuple[LabelledArray, ...]:
        loaded = frame.model(key)
        groups = [site.group for site in loaded.sites]
        if epoch_of(key) is not None:
            return tuple(frame.weights(key, g)[f"{g}.depthwise.kernel"] for g in groups)
        return tuple(loaded.weights(g)[f"{g}.depthwise.kernel"] for g in groups)

    return frame.remember(("depthwise kernels", key), read)


def order(key: str, block: int, by: KernelOrder) -> list[int]:
    """Channels of a block, from 0, in the order in which they are shown."""
    key = frame.deciding(key)
    kernels = all_kernels(key)[block]
    found = frame.remember(
        ("kernel order", key, block, by), lambda: freeze(maths.kernel_order(kernels, by))
    )
    return [int(channel) for channel in found]


def table_rows(values: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    return freeze(colours.to_indices(values, limits))


def scaled(
    values: np.ndarray, scale: str, everything: Sequence[np.ndarray]
) -> tuple[np.ndarray, tuple[float, float], str]:
    """Tiles as rows of the colour table, what their ends mean, and the unit's words."""
    if scale == "own":
        return (
            table_rows(by_own_largest(values), (-1.0, 1.0)),
            (-1.0, 1.0),
            words("own_unit"),
        )
    limits = colours.limits(*everything, signed=True)
    return table_rows(values, limits), limits, words("one_unit")


def map_png(values: np.ndarray, limits: tuple[float, float]) -> bytes:
    """A signed map alone, in the legend's exact colours, enlarged by a whole factor."""
    rows, columns = values.shape
    longer = max(rows, columns)
    return overlay.plain_map(
        values,
        picture_shape=(rows, columns),
        box=ViewBox(left=0.0, top=0.0, width=columns, height=rows),
        limits=limits,
        signed=True,
        side=longer * max(1, MAP_SIDE // longer),
    )


def bias(key: str, site: MixingSite, operator: str) -> np.ndarray:
    """A convolution's bias, axes (channel,)."""
    return frame.weights(key, site.group)[f"{site.group}.{operator}.bias"].values


def shown_map(
    array: LabelledArray,
    limits: tuple[float, float],
    name: str,
    digest: tuple[object, ...],
) -> None:
    """A heading and a map."""
    st.markdown(f"**{words(name)}**")
    png = frame.remember(
        ("channel map", name, digest, limits), lambda: map_png(array.values, limits)
    )
    frame.image(png, key=f"pixel-{name}", alt=words(f"{name}_alt"))


def strongest_inputs(key: str, site: MixingSite, channel: int) -> pointwise.StrongestInputs:
    """The channels that the 1 x 1 convolution reads most for one channel."""
    weight = frame.weights(key, site.group)[f"{site.group}.channel_mixing.weight"]
    return frame.remember(
        ("strongest inputs", key, site.block, channel),
        lambda: pointwise.largest_weights(weight, channel, INPUTS),
    )


def sums(total: one_channel.PlaceSum, what: str, note: str = "") -> None:
    """The sum of the products beside the model's own value."""
    frame.html_table(
        [
            (f"{what} {note}".strip(), frame.signed(total.total, 5)),
            (words("bias"), frame.signed(total.bias, 5)),
            (words("rebuilt"), frame.signed(total.total + total.bias, 5)),
            (words("captured"), frame.signed(total.captured, 5)),
            (words("difference"), f"{total.difference:.1e}".replace("-", "\N{MINUS SIGN}")),
        ]
    )
