"""Across channels: what the pointwise convolution reads for one channel at one place."""

from __future__ import annotations

import numpy as np
import streamlit as st

from views import frame
from views.depthwise_kernels.controls import Choice
from views.depthwise_kernels.kernel_maps import bias, strongest_inputs, sums, table_rows, words
from vislib.analysis import one_channel, pointwise
from vislib.figures import colours
from vislib.registry import spec
from vislib.schema import LabelledArray, freeze


def mixing(chosen: Choice) -> str:
    """Which channels the pointwise convolution reads for one channel, at one place only."""
    key, site, channel = chosen.key, chosen.site, chosen.channel
    name, cache = f"{site.group}.channel_mixing", frame.capture(key, site.group)
    weight = frame.weights(key, site.group)[f"{name}.weight"]
    before, after = cache[f"{name}.in"], cache[f"{name}.out"].select(channel=channel)
    place, terms = frame.cell(key, site), None
    left, right = st.columns([1, 1.9], gap="medium")
    with left:
        st.markdown(f"**{words('mixed_into', channel=channel + 1)}**")
        if place is None:
            st.info(words("outside"))
        else:
            terms = pointwise.mixing_terms(before, weight, channel, row=place[0], column=place[1])
            total = one_channel.PlaceSum(
                terms=freeze(terms),
                bias=float(bias(key, site, "channel_mixing")[channel]),
                captured=float(after.values[place]),
            )
            sums(total, words("mixing_sum", count=len(terms)))
    with right:
        _inputs(key, before, strongest_inputs(key, site, channel), terms)
    return key


def _inputs(
    key: str,
    before: LabelledArray,
    strongest: pointwise.StrongestInputs,
    terms: np.ndarray | None,
) -> None:
    """The maps of the strongest input channels on one scale, each with its weight."""
    channels = [int(c) for c in strongest.channel]
    values = freeze(before.values[channels])
    limits = colours.limits(values, signed=True)
    st.markdown(
        f"**{words('inputs', count=len(channels))}** "
        f"{words('inputs_share', share=f'{strongest.share:.0f}', count=len(before.values))}"
    )

    def choose(tile: int) -> None:
        st.session_state["channel"] = channels[tile] + 1

    labels = [
        words("input_tile", channel=c + 1, weight=frame.signed(w, 3))
        + ("" if terms is None else words("input_here", product=frame.signed(terms[c], 4)))
        for c, w in zip(channels, strongest.weight, strict=True)
    ]
    frame.tile_canvas(
        table_rows(values, limits),
        colours.table(True),
        limits=limits,
        unit=words("activation"),
        labels=labels,
        selected=None,
        key="mixing_inputs",
        alt=words("inputs", count=len(channels)),
        tile_px=96,
        captions=[
            f"{c + 1}: {frame.signed(w, 2)}"
            for c, w in zip(channels, strongest.weight, strict=True)
        ],
        texts=frame.tile_texts(),
        on_change=choose,
    )
    frame.legend(signed=True, limits=limits, unit=words("activation"), key="inputs_bar")
    shown = LabelledArray(
        values=values,
        axes=before.axes,
        role=before.role,
        unit=before.unit,
        signed=True,
        provenance=before.provenance,
        source=before.source,
    )
    frame.strip(
        shown,
        key="inputs",
        name=f"{key}.channel_mixing.in.strongest",
        note=words("inputs_note", channels=", ".join(str(c + 1) for c in channels)),
        title=spec(key).title,
    )
