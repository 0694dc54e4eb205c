"""All depths: some kernels of some blocks, their energy radius and their spectrum."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from views import frame
from views.depthwise_kernels.controls import ORDERS, SCALES, Choice, choose_words
from views.depthwise_kernels.kernel_maps import all_kernels, scaled, table_rows, words
from vislib.analysis import kernel_depth
from vislib.analysis import kernels as maths
from vislib.analysis.arrays import by_own_largest
from vislib.figures import colours
from vislib.registry import spec
from vislib.schema import LabelledArray

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from vislib.analysis.kernels import KernelOrder

DEPTHS, SAMPLES = 12, 12


def depth(chosen: Choice) -> str:
    """Some kernels of some blocks beside the training; radius and spectrum of all."""
    block = chosen.site.block
    side, left, right = st.columns([0.8, 1.0, 1.2], gap="medium")
    with side:
        (key,) = frame.choose_epoch([chosen.key])
        by: KernelOrder = choose_words("order", ORDERS)  # type: ignore[assignment]
        scale = choose_words("scale", SCALES)
    with left:
        frame.shielded(lambda: samples(key, block, chosen.channel, by, scale))
    with right:
        frame.shielded(lambda: radius(key, block))
        frame.shielded(lambda: spectra(key, block))
    return key


def samples(key: str, block: int, channel: int, by: KernelOrder, scale: str) -> None:
    """A row of kernels a block, evenly spaced in the sorted list; a click goes there."""
    blocks, sorted_by = all_kernels(key), frame.deciding(key)
    found = frame.remember(
        ("kernel samples", sorted_by, by),
        lambda: kernel_depth.samples_over_depth(
            all_kernels(sorted_by), depths=DEPTHS, count=SAMPLES, by=by
        ),
    )
    values = np.stack([blocks[b].values[c] for b, c in found])
    indices, limits, unit = frame.remember(
        ("sample tiles", key, by, scale, words("own_unit")),
        lambda: scaled(values, scale, [array.values for array in blocks]),
    )
    across = sum(1 for b, _ in found if b == found[0][0])
    st.markdown(f"**{words('samples')}** {words(f'samples_{by}', count=across)}")

    def choose(tile: int) -> None:
        st.session_state["kernel_block"] = f"1.{found[tile][0] + 1}"
        st.session_state["channel"] = found[tile][1] + 1

    frame.tile_canvas(
        indices,
        colours.table(True),
        limits=limits,
        unit=unit,
        labels=[words("sample", block=b + 1, channel=c + 1) for b, c in found],
        selected=found.index((block, channel)) if (block, channel) in found else None,
        key="kernel_samples",
        alt=words("samples"),
        tile_px=25,
        gap=4,  # kernels would run into one another
        per_row=across,
        captions=[str(b + 1) if i % across == 0 else "" for i, (b, _) in enumerate(found)],
        texts=frame.tile_texts(),
        on_change=choose,
    )
    shown = LabelledArray(
        values=values,
        axes=blocks[0].axes,
        role=blocks[0].role,
        unit=blocks[0].unit,
        signed=True,
        provenance="parameter",
        source=f"{blocks[0].source} … {blocks[-1].source}",
    )
    colour_bar, source = _foot()
    with colour_bar:
        frame.legend(signed=True, limits=limits, unit=unit, key="samples_bar")
    with source:
        frame.strip(
            shown,
            key="samples",
            name=f"{key}.kernels",
            note=words(f"note_{scale}"),
            title=spec(key).title,
        )


def _foot() -> list[DeltaGenerator]:
    """Below tiles: room for the legend, and beside it for where they come from."""
    return st.columns([2.4, 1], vertical_alignment="bottom")


def _of_block(values: np.ndarray, axes: tuple[str, ...], unit: str, what: str) -> LabelledArray:
    """A number computed from a block's kernels, as a figure's array."""
    return LabelledArray(
        values=values,
        axes=axes,
        role="depthwise",
        unit=unit,
        signed=False,
        provenance="parameter",
        source=what,
    )


def radius(key: str, block: int) -> None:
    """The energy radius over depth: quartiles over the channels, and equal taps for comparison."""
    blocks = all_kernels(key)
    found = frame.remember(("kernel radius", key), lambda: kernel_depth.radius_over_depth(blocks))
    st.markdown(f"**{words('radius')}** {words('radius_how', even=f'{found.even:.2f}')}")
    from vislib.figures import charts

    family = colours.family_colour(spec(key).family)
    series = {
        words("median"): (found.block, found.median),
        words("upper"): (found.block, found.upper),
        words("lower"): (found.block, found.lower),
        words("even"): (found.block, np.full(len(found.block), found.even)),
    }
    figure = charts.line_over_depth(
        series,
        x_title=words("block_axis"),
        y_title=words("radius_axis"),
        colours={name: family for name in list(series)[:3]},
        marker=float(block + 1),
        height=360,
        dark=frame.dark(),
    )
    frame.plot(figure, key="radius_chart", alt=words("radius"))
    arrays = {
        f"stage0.block{j}.depthwise.radius": _of_block(
            maths.energy_radius(kernels), ("channel",), "cells", kernels.source
        )
        for j, kernels in enumerate(blocks)
    }
    name = f"stage0.block{block}.depthwise.radius"
    frame.strip(arrays[name], key="radius", name=f"{key}.{name}", arrays=arrays)


def spectra(key: str, block: int) -> None:
    """Each block's mean power spectrum; a click chooses the block."""
    blocks = all_kernels(key)
    power = frame.remember(("kernel spectra", key), lambda: kernel_depth.spectra(blocks))
    limits = (0.0, 1.0)
    indices = frame.remember(
        ("spectrum tiles", key), lambda: table_rows(by_own_largest(power), limits)
    )
    st.markdown(f"**{words('spectra')}** {words('spectra_how')}")
    names = [frame.block_name(site) for site in frame.model(key).sites]

    def choose(tile: int) -> None:
        st.session_state["kernel_block"] = names[tile]

    frame.tile_canvas(
        indices,
        colours.table(False),
        limits=limits,
        unit=words("power_unit"),
        labels=[frame.block_words(key, site) for site in frame.model(key).sites],
        selected=block,
        key="kernel_spectra",
        alt=words("spectra"),
        tile_px=36,
        captions=[str(j + 1) for j in range(len(blocks))],
        texts=frame.tile_texts(),
        on_change=choose,
    )
    arrays = {
        f"stage0.block{j}.depthwise.power": _of_block(
            power[j], ("row", "column"), "weight squared", f"mean |FFT|² of {kernels.source}"
        )
        for j, kernels in enumerate(blocks)
    }
    name = f"stage0.block{block}.depthwise.power"
    colour_bar, source = _foot()
    with colour_bar:
        frame.legend(signed=False, limits=limits, unit=words("power_unit"), key="spectra_bar")
    with source:
        frame.strip(arrays[name], key="spectra", name=f"{key}.{name}", arrays=arrays)
