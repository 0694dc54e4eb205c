"""ResMLP beside MLP-Mixer: the same place in numbers, and what another picture changes."""

from __future__ import annotations

import streamlit as st

from views import frame
from views.token_mixing import reads
from views.token_mixing.controls import Choice, block_beside, other_family
from views.token_mixing.hidden_unit import kind
from views.token_mixing.maps import pair
from vislib.analysis.receptive import share_moved
from vislib.schema import MixingSite

PUBLISHED = {"resmlp": "resmlp_24_224.fb_in1k", "mixer": "mixer_b16_224.goog_in21k_ft_in1k"}
"""The model of each family that is offered where none is there."""


def beside(chosen: Choice) -> str:
    """A column a model; the other family's is offered where it is not on this machine."""
    if chosen.partner is None:
        family = other_family(chosen.key)
        frame.offer(PUBLISHED[family], frame.t(f"token_mixing.offer_{family}"))
    keys = pair(chosen)
    for column, key in zip(st.columns(2, gap="medium"), keys, strict=False):
        site = block_beside(chosen, key, frame.block_name(chosen.site))
        with column:
            grid = frame.t("compare.grid", rows=site.rows, columns=site.columns)
            frame.model_head(key, f"{frame.block_words(key, site)} · {grid}")
            frame.badge(site.mixing)
            frame.formula(frame.t(f"token_mixing.formula_{kind(site)}"))
            _numbers(chosen, key, site)
    return chosen.key


def _numbers(chosen: Choice, key: str, site: MixingSite) -> None:
    """What the patch reads, and how much of it lies elsewhere in the other picture."""
    assert chosen.other is not None
    place = frame.cell(key, site)
    if place is None:
        st.info(frame.t("token_mixing.outside"))
        return
    here, there = (
        reads.reading(key, site, place, picture)
        for picture in (frame.view().picture, chosen.other[0])
    )
    moved = frame.t("token_mixing.moved"), f"{share_moved(here.share, there.share):.1f}\u00a0%"
    frame.html_table([*reads.facts(key, site, here, place), moved])
    st.caption(reads.how(site, here))
