"""The two attentions of DaViT on shuffled tokens: one pattern stays, the other does not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from views import frame
from views.what_if import runs
from views.what_if.words import words
from vislib.figures import colours, tiles
from vislib.schema import LabelledArray, MixingSite

WIDTH = 460
"""Of two patterns side by side, in pixels of the picture."""
BOTH = ("channel_attention", "window_attention")


def draw(keys: Sequence[str], seed: int) -> None:
    """Both patterns of one block, before and after a shuffle of the tokens that they get.

    Args:
        keys: The models that are compared; the first with both attentions is shown.
        seed: Of the shuffle.
    """
    key = next((k for k in keys if any(_has_both(s) for s in frame.model(k).sites)), None)
    if key is None:
        st.markdown(words("proof_none"))
        return
    st.markdown(words("proof_how"))
    frame.formula(words("proof_formula"))
    left, _ = st.columns([1, 2])
    with left:
        site = frame.choose_site(key, name="proof_block", operator=BOTH[0])
    before = frame.capture(key, site.group)
    after = runs.shuffled_attention(key, site.group, seed)
    for column, kind in zip(st.columns(2, gap="medium"), ("channel", "window"), strict=True):
        name = f"{site.group}.{kind}.pattern"
        with column:
            _pattern(key, site, kind, before[name], after[name], seed)
    st.markdown(words("proof_picture"))


def _has_both(site: MixingSite) -> bool:
    """Whether a block attends between places and between channels."""
    return all(role in site.operators for role in BOTH)


def _pattern(
    key: str, site: MixingSite, kind: str, before: LabelledArray, after: LabelledArray, seed: int
) -> None:
    """How far one pattern moved, and a part of it before and after on one scale."""
    moved = frame.remember(
        ("pattern moved", frame.view().picture.sha256, key, site.group, kind, seed),
        lambda: float(np.abs(before.values - after.values).max()),
    )
    title = frame.title(key)
    st.markdown(f"**{words(f'proof_{kind}')}**")
    frame.big(
        words("pattern_stays" if moved < frame.EXACT else "pattern_moves"), frame.number(moved)
    )
    index = {"group": 0} if kind == "channel" else {"window": _window(key, site), "head": 0}
    one, two = before.select(**index), after.select(**index)
    both = np.stack([one.values, two.values])
    limits = colours.limits(both, signed=False)
    png = frame.remember(
        ("pattern tiles", frame.view().picture.sha256, key, site.group, kind, seed, str(index)),
        lambda: (
            tiles.tile_sheet(
                both, signed=False, limits=limits, columns=2, width_px=WIDTH, gap=8
            ).png
        ),
    )
    part = words(f"proof_{kind}_part", number=index.get("window", 0) + 1)
    st.markdown(words("proof_tiles", part=part))
    frame.image(png, key=f"pixel-{kind}", alt=words("proof_alt", part=part))
    unit = words("proof_unit")
    frame.legend(signed=False, limits=limits, unit=unit, key=f"proofbar-{kind}", width=380)
    frame.strip(
        two,
        key=f"proof.{kind}",
        name=f"{key}.{site.group}.{kind}.pattern",
        note=words("proof_note", seed=seed),
        title=f"{title}: {words('proof_shuffled')}",
        arrays={"before": one, "shuffled": two},
    )


def _window(key: str, site: MixingSite) -> int:
    """The window of the selected place, from 0; the first where it lies outside the crop."""
    place = frame.cell(key, site)
    if place is None or not site.window:
        return 0
    across = -(-site.columns // site.window)
    return place[0] // site.window * across + place[1] // site.window
