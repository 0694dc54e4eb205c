"""Patch embedding: tokens at a depth, on the stage, in numbers, and as colours."""

from __future__ import annotations

import streamlit as st

from views import frame
from views.patch_embedding.columns import digest, head, words
from vislib.analysis import embedding, patches
from vislib.analysis.fields import ReadingField
from vislib.analysis.similarity_field import similarity_field
from vislib.figures import overlay
from vislib.pictures import geometry
from vislib.registry import spec
from vislib.schema import LabelledArray, MixingSite

DEPTHS = ("embedding", *frame.DEPTHS)
COSINES = (-1.0, 1.0)
SMALL = 0.004
"""Half a step of the 255 colours from -1 to 1: a smaller loss is not seen."""
PLAIN = 300
"""Page pixels of the map alone."""


def site_at(key: str, depth: str) -> MixingSite | None:
    """The block at a depth that all models have; None for what the embedding gives."""
    if depth == "embedding":
        return None
    return frame.site_at(frame.model(key).sites, frame.DEPTHS[depth])


def token_name(key: str, depth: str) -> str:
    """The library's name of the tokens at a depth."""
    site = site_at(key, depth)
    return "stem.out" if site is None else f"{site.group}.out"


def similar(key: str, depth: str) -> ReadingField:
    """The cosine of every two tokens of a depth, for the stage."""
    return frame.remember(
        ("similar tokens", digest(), key, token_name(key, depth)),
        lambda: similarity_field(tokens(key, depth)),
    )


def tokens(key: str, depth: str) -> patches.TokenTable:
    """The tokens after the embedding or after a block, axes (token, channel)."""
    site, name = site_at(key, depth), token_name(key, depth)
    grid = site or frame.model(key).grid
    array = frame.capture(key, name.removesuffix(".out"))[name]
    size = patches.grid_of(array, grid.rows, grid.columns)
    return frame.remember(
        ("tokens", digest(), key, name), lambda: patches.token_table(array, *size)
    )


def cell_among(key: str, found: patches.TokenTable) -> tuple[int, int] | None:
    """The selected point's (row, column) among these tokens, from 0, or None outside the crop."""
    shown = frame.view()
    return geometry.cell_at(
        frame.box(key),
        picture=(shown.picture.width, shown.picture.height),
        x=shown.point[0],
        y=shown.point[1],
        rows=found.rows,
        columns=found.columns,
    )


def where(key: str, depth: str, found: patches.TokenTable, *, short: bool = False) -> str:
    """The depth in words, with the grid of the tokens there.

    Args:
        key: Registry key.
        depth: One of ``DEPTHS``.
        found: The tokens.
        short: Whether what all models share, the embedding, needs no word.
    """
    site = site_at(key, depth)
    grid = words("grid", rows=found.rows, columns=found.columns)
    if site is None:
        return grid if short else f"{words('depth_embedding')} · {grid}"
    return f"{frame.block_words(key, site)} · {grid}"


def similarity_view(key: str, depth: str) -> None:
    """Cosine similarity of the selected token to all, in numbers, and its map alone."""
    found, picture, seen = tokens(key, depth), frame.view().picture, frame.box(key)
    head(key, where(key, depth, found), "computed")
    place = cell_among(key, found)
    if place is None:
        st.info(words("outside"))
        return

    def look() -> tuple[LabelledArray, bytes]:
        cosines = patches.similarity_map(found, *place)
        plain = overlay.plain_map(
            cosines.values,
            picture_shape=(picture.height, picture.width),
            box=seen,
            limits=COSINES,
            signed=True,
            cell=place,
            side=PLAIN,
        )
        return cosines, plain

    cosines, plain = frame.remember(("similarity", digest(), key, depth, place), look)
    near, far = patches.similarity_means(cosines, *place)
    loss = similar(key, depth).loss
    frame.html_table(
        [
            (words("near"), f"{near:.2f}"),
            (words("far"), f"{far:.2f}"),
            (words("loss"), f"{loss:.3f}" if loss >= SMALL else words("loss_none", most=SMALL)),
        ]
    )
    alt = words("similarity_alt", model=spec(key).title)
    frame.image(plain, key=f"similar-plain-{key}", alt=alt, width=PLAIN)
    frame.strip(
        cosines,
        key=f"similarity.{key}",
        name=f"{key}.{token_name(key, depth)}.cosine",
        title=f"{spec(key).title}: {where(key, depth, found)}",
        options={"limits": COSINES, "cell": place},
    )


def component_view(key: str, depth: str) -> None:
    """The tokens' first three principal components as colours."""
    found, picture, seen = tokens(key, depth), frame.view().picture, frame.box(key)
    head(key, where(key, depth, found), "computed")
    place = cell_among(key, found)
    parts = frame.remember(
        ("components", digest(), key, depth),
        lambda: embedding.principal_colours(found.values, found.rows, found.columns),
        busy=frame.t("busy.draw"),
    )
    png = frame.remember(
        ("component picture", digest(), key, depth, place),
        lambda: overlay.colour_map(
            parts.colours,
            picture_shape=(picture.height, picture.width),
            box=seen,
            cell=place,
        ),
    )
    frame.image(png, key=f"components-{key}", alt=words("components_alt", model=spec(key).title))
    explained = [float(share) for share in parts.explained]
    frame.html_table(
        [
            (words(part), f"{100 * share:.0f} %")
            for part, share in zip(("first", "second", "third"), explained, strict=True)
        ]
        + [(words("together"), f"{100 * sum(explained):.0f} %")]
    )
    frame.strip(
        patches.component_maps(found, parts),
        key=f"components.{key}",
        name=f"{key}.{token_name(key, depth)}.components",
        title=f"{spec(key).title}: {where(key, depth, found)}",
        options={"limits": (-1.0, 1.0)},
    )
