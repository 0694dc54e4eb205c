"""Patch embedding: the picture that can be read back from the first tokens."""

from __future__ import annotations

import streamlit as st

from views import frame
from views.patch_embedding.columns import digest, head, input_pixels, stem, words
from vislib.analysis import patches
from vislib.figures import patches as pictures
from vislib.registry import spec


def reconstruction_view(key: str) -> None:
    """What the model sees, and what can be read back from its first tokens."""
    loaded, (filters, bias) = frame.model(key), stem(key)
    linear = frame.capture(key, "stem")["stem.linear"]
    grid, config = loaded.grid, loaded.config
    head(key, words("filters_sub", count=len(filters.values), side=grid.patch), "fixed")
    found = frame.remember(
        ("kept", digest(), key),
        lambda: patches.kept(input_pixels(key), filters, bias, linear, grid),
        busy=frame.t("busy.draw"),
    )
    pair = zip(st.columns(2), ("sees", "keeps"), (found.seen, found.pixels), strict=True)
    for place, name, pixels in pair:
        png = frame.remember(
            ("kept picture", digest(), key, name),
            lambda pixels=pixels: pictures.picture_png(
                patches.as_bytes(pixels, config.mean, config.std)
            ),
        )
        place.markdown(f"**{words(name)}**")
        with place:
            frame.image(png, key=f"pixel-{name}-{key}", alt=f"{spec(key).title}: {words(name)}")
    frame.html_table(
        [
            (words("patch_numbers"), f"{found.patch_numbers}"),
            (words("rank"), f"{found.rank}"),
            (words("energy"), f"{100 * found.energy:.1f} %"),
        ]
    )
    st.caption(words("exact" if found.is_exact else "estimate"))
    frame.strip(
        patches.kept_array(found, linear.source),
        key=f"kept.{key}",
        name=f"{key}.stem.reconstruction",
        note=words("cut_off"),
        title=spec(key).title,
    )
