"""Beside ResNet's 3x3: a depthwise kernel has a table a channel, a dense one a table a pair."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from views import frame
from views.depthwise_kernels.block import kernel_tiles
from views.depthwise_kernels.controls import (
    ORDERS,
    SCALES,
    Choice,
    choose_words,
    dense,
    site_beside,
)
from views.depthwise_kernels.kernel_maps import all_kernels, scaled, words
from vislib.analysis import dense_kernels
from vislib.analysis import kernels as maths
from vislib.figures import colours
from vislib.registry import spec
from vislib.schema import LabelledArray, MixingSite, Provenance, freeze

if TYPE_CHECKING:
    from vislib.analysis.kernels import KernelOrder


def counts(chosen: Choice) -> str:
    """ConvMixer at the left, ResNet at the right, in numbers."""
    left, right = st.columns(2, gap="medium")
    with left:
        counted(chosen.key, chosen.site, all_kernels(chosen.key)[chosen.site.block])
    with right:
        other, site = _pair(chosen)
        counted(other, site, dense(other, site))
    st.markdown(words("beside_how"))
    return chosen.key


def tiles(chosen: Choice) -> None:
    """The kernels of both blocks."""
    other, site = _pair(chosen)
    one, two = st.columns(2, gap="medium")
    with one:
        by: KernelOrder = choose_words("order", ORDERS)  # type: ignore[assignment]
    with two:
        scale = choose_words("scale", SCALES)
    left, right = st.columns(2, gap="medium")
    with left:
        own = chosen.site.block
        frame.shielded(lambda: kernel_tiles(chosen.key, own, chosen.channel, by, scale))
    with right:
        frame.shielded(lambda: dense_tiles(other, site, chosen.written, by, scale))


def over_depth(chosen: Choice) -> None:
    """How much stays at the place itself, in all blocks of both."""
    energy(chosen.key, chosen.site.block, _pair(chosen)[0])


def _pair(chosen: Choice) -> tuple[str, MixingSite]:
    """The ResNet and its block."""
    assert chosen.other is not None
    return chosen.other, site_beside(chosen.key, chosen.site, chosen.other)


def counted(key: str, site: MixingSite, kernels: LabelledArray) -> None:
    """The model's name, and its convolution in numbers."""
    found = dense_kernels.count(kernels)
    frame.model_head(key, frame.block_words(key, site))
    frame.badge(site.mixing)
    is_dense = kernels.axes == dense_kernels.DENSE
    pair = f" ({found.outputs} × {found.reads})" if is_dense else ""
    rows, columns = (-(-side // site.step) for side in (site.rows, site.columns))
    after = "" if site.step == 1 else f" → {rows} × {columns}"
    frame.html_table(
        [
            (words("taps"), f"{found.side} × {found.side}"),
            (words("reads"), frame.whole(found.reads)),
            (words("tables_dense" if is_dense else "tables"), f"{frame.whole(found.tables)}{pair}"),
            (words("weights"), frame.whole(found.weights)),
            (words("if_depthwise" if is_dense else "if_dense"), frame.whole(found.other_kind)),
            (words("places"), f"{site.rows} × {site.columns}{after}"),
            (words("step"), words("step_one" if site.step == 1 else "step_more", step=site.step)),
        ]
    )


def dense_tiles(key: str, site: MixingSite, written: int, by: KernelOrder, scale: str) -> None:
    """The tables through which one channel is written, one for each channel that is read."""
    array = dense(key, site)
    taps = dense_kernels.one_output(array, written)
    digest = (key, site.group, written, by)
    shown = frame.remember(
        ("dense order", *digest), lambda: freeze(maths.kernel_order(taps, by))
    ).tolist()
    indices, limits, unit = frame.remember(
        ("dense tiles", *digest, scale, words("own_unit")),
        lambda: scaled(taps[shown], scale, [array.values]),
    )
    st.markdown(
        f"**{words('dense_tiles', channel=written + 1, count=len(shown))}** {words(f'dense_{by}')}"
    )
    frame.tile_canvas(
        indices,
        colours.table(True),
        limits=limits,
        unit=unit,
        labels=[words("dense_tile", read=c + 1, written=written + 1) for c in shown],
        selected=None,
        key="dense_tiles",
        alt=words("dense_alt", channel=written + 1),
        tile_px=array.values.shape[-1] * (10 if len(shown) <= 128 else 6),
        gap=4,  # kernels would run into one another
        texts=frame.tile_texts(),
    )
    frame.legend(signed=True, limits=limits, unit=unit, key="dense_bar")
    frame.strip(
        LabelledArray(
            values=taps,
            axes=("channel_in", "ky", "kx"),
            role=array.role,
            unit=array.unit,
            signed=True,
            provenance=array.provenance,
            source=f"{array.source}, channel_out {written + 1}",
        ),
        key="dense",
        name=f"{key}.{site.group}.convolution.kernel.channel_out{written + 1}",
        note=words(f"note_{scale}"),
        title=spec(key).title,
    )


def energies(key: str) -> dense_kernels.EnergyOverDepth:
    """Where the energy of a ResNet's kernels lies; each kernel is let go after its turn."""

    def read() -> Iterator[LabelledArray]:
        loaded = frame.model(key)
        for site in loaded.sites:
            yield loaded.weights(site.group)[f"{site.group}.convolution.kernel"]

    return frame.remember(
        ("dense energy", key),
        lambda: dense_kernels.energy_over_depth(read()),
        busy=frame.t("busy.draw"),
    )


def energy(key: str, block: int, other: str) -> None:
    """The share of energy on the centre tap over the depth of both models."""
    own = frame.remember(
        ("kernel energy", key), lambda: dense_kernels.energy_over_depth(all_kernels(key))
    )
    beside_it = energies(other)
    st.markdown(f"**{words('energy')}** {words('energy_how')}")
    from vislib.figures import charts

    series: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    lines: dict[str, str] = {}
    for name, found in ((key, own), (other, beside_it)):
        size = f"{found.side} × {found.side}"
        line = f"{spec(name).title}, {size}"
        series[line] = (found.depth, found.centre)
        lines[line] = colours.family_colour(spec(name).family)
        even = words("even_of", size=size, title=spec(name).title)
        series[even] = (np.array([0.0, 100.0]), np.full(2, found.even))
        lines[even] = lines[line]
    figure = charts.line_over_depth(
        series,
        x_title=words("depth_axis"),
        y_title=words("energy_axis"),
        colours=lines,
        marker=float(own.depth[block]),
        height=400,
        dark=frame.dark(),
    )
    frame.plot(figure, key="energy_chart", alt=words("energy"))
    halved = [frame.block_words(other, site) for site in frame.model(other).sites if site.step > 1]
    if halved:
        st.caption(words("strided", model=spec(other).title, blocks="; ".join(halved)))
    arrays = {
        f"{name}.{site.group}.energy": _taps(found, number, name, source)
        for name, found, source in (
            (key, own, all_kernels(key)[0].provenance),
            (other, beside_it, dense(other, frame.model(other).sites[0]).provenance),
        )
        for number, site in enumerate(frame.model(name).sites)
    }
    site = site_beside(key, frame.model(key).sites[block], other)
    name = f"{other}.{site.group}.energy"
    frame.strip(arrays[name], key="energy", name=name, arrays=arrays)


def _taps(
    found: dense_kernels.EnergyOverDepth, block: int, key: str, provenance: Provenance
) -> LabelledArray:
    """Each tap's share of a block's energy, as a figure's array."""
    return LabelledArray(
        values=found.taps[block],
        axes=("ky", "kx"),
        role="convolution",
        unit="percent of energy",
        signed=False,
        provenance=provenance,
        source=f"Σ w² over all tables of block {block + 1} of {spec(key).title}",
    )
