"""Patch embedding: the input in its patches, the selected one enlarged, and the facts."""

from __future__ import annotations

import html

import numpy as np
import streamlit as st

from views import frame
from views.patch_embedding.columns import digest, input_bytes, input_pixels, stem, words
from vislib.analysis import patches
from vislib.figures import patches as pictures
from vislib.registry import spec
from vislib.schema import LabelledArray


def facts(key: str) -> None:
    """The embedding in numbers, read off the model."""
    grid, (filters, bias) = frame.model(key).grid, stem(key)
    overlap = (
        words("overlap_some", pixels=grid.patch - grid.stride, patch=grid.patch)
        if grid.overlaps
        else words("overlap_none")
    )
    parameters = filters.values.size + (bias.values.size if bias is not None else 0)
    size = filters.values[0].size
    frame.html_table(
        [
            (words("patch"), words("pixels", side=grid.patch)),
            (words("stride"), words("stride_pixels", side=grid.stride)),
            (words("overlap"), overlap),
            (words("tokens"), f"{grid.rows} × {grid.columns} = {grid.rows * grid.columns}"),
            (words("filters_count"), f"{len(filters.values)}"),
            (words("numbers"), f"{size} → {len(filters.values)}"),
            (words("parameters"), frame.whole(parameters)),
            *more_tokens(key),
        ]
    )
    st.caption(f"{words('position')}: {words(f'position_{grid.position}')}")


def more_tokens(key: str) -> list[tuple[str, str]]:
    """What else the embedding does with its tokens: fewer by pooling, more without a place."""
    grid, found = frame.model(key).grid, []
    out = frame.capture(key, "stem")["stem.out"]
    rows, columns = patches.grid_of(out, grid.rows, grid.columns)
    if (rows, columns) != (grid.rows, grid.columns):
        found.append((words("pooled"), f"{rows} × {columns} = {rows * columns}"))
    prefix = frame.model(key).sites[0].prefix
    if prefix:
        found.append((words("prefix"), f"{prefix}"))
    return found


def patch_view(key: str) -> None:
    """The model's input in its own patches, the selected one enlarged beside it, and the facts."""
    loaded, place = frame.model(key), frame.cell(key)
    grid, size = loaded.grid, loaded.config.size
    frame.model_head(key, words("input", size=size))
    png = frame.remember(
        ("patch grid", digest(), key, place),
        lambda: pictures.grid_png(input_bytes(key), grid, place),
    )
    whole, part = st.columns([1.5, 1], gap="small")
    with whole:
        frame.image(png, key=f"grid-{key}", alt=words("grid_alt", model=spec(key).title))
    below = ""
    with part:
        if place is not None:
            token, below = _one_patch(key, place)
            name = f"{key}.stem.linear.{place[0] + 1}-{place[1] + 1}"
            frame.strip(token, key=f"token.{key}", name=name, title=spec(key).title)
    if place is None:
        st.info(words("outside"))
    else:
        said = words("reads", row=place[0] + 1, column=place[1] + 1, side=grid.patch)
        st.html(f'<div class="reads">{html.escape(said)}</div>')
    facts(key)
    # What differs in length stands last, so that pictures and facts stay aligned over the columns.
    between = pictures.tokens_a_line(size, grid)
    if between > 1:
        st.caption(words("dense", count=between))
    if below:
        st.caption(below)


def _one_patch(key: str, place: tuple[int, int]) -> tuple[LabelledArray, str]:
    """Draw the pixels that the selected token reads; the token, and how it was rebuilt."""
    grid, (filters, bias) = frame.model(key).grid, stem(key)
    square = patches.patch_square(grid, *place)
    linear = frame.capture(key, "stem")["stem.linear"]
    token = linear.select(row=place[0], column=place[1])

    def look() -> tuple[bytes, float]:
        pixels, _ = patches.cut_patch(input_pixels(key), square)
        shown, inside = patches.cut_patch(input_bytes(key).astype(np.float64), square)
        rebuilt = patches.embed_patch(pixels, filters, bias)
        png = pictures.patch_png(shown.astype(np.uint8), inside, grid)
        return png, float(np.abs(rebuilt - token.values).max())

    png, difference = frame.remember(("one patch", digest(), key, place), look)
    alt = words("patch_alt", model=spec(key).title)
    frame.image(png, key=f"pixel-patch-{key}", alt=alt)
    below = words("rebuilt", bound=frame.power_of_ten(difference), channels=len(token.values))
    return token, below
