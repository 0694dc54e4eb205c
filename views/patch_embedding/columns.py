"""The parts of the page on patch embedding: one column a model, one function a view."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from views import frame
from vislib.analysis import embedding, patches
from vislib.figures import patches as pictures
from vislib.figures import tiles
from vislib.registry import spec
from vislib.schema import LabelledArray, Mixing, ModelError

if TYPE_CHECKING:
    from vislib.models.loading import LoadedModel

PATCH_WIDTH = 168
EXACT_NUMBERS = 60_000
"""Filters with more numbers are sent in 255 colours: a third of the bytes."""


def words(name: str, **values: object) -> str:
    """A text of the page's own section."""
    return frame.t(f"patch_embedding.{name}", **values)


def digest() -> str:
    """What the shown picture is known by."""
    return frame.view().picture.sha256


def head(key: str, sub: str, mixing: Mixing) -> None:
    """The model's name in its family's colour, where in the model, and the badge."""
    frame.model_head(key, sub)
    frame.badge(mixing)


def stem(key: str) -> tuple[LabelledArray, LabelledArray | None]:
    """The embedding's filters and bias.

    Raises:
        ModelError: The model has no filters over patches.
    """
    found = frame.weights(key, "stem")
    if "stem.filters" not in found:
        raise ModelError("patch_embedding.no_filters", model=spec(key).title)
    return found["stem.filters"], found.get("stem.bias")


def input_pixels(key: str) -> np.ndarray:
    """The model's input, normalised, axes (row, column, rgb)."""
    picture = frame.view().picture

    def prepare(place: LoadedModel) -> np.ndarray:
        from vislib.models import loading

        return loading.input_pixels(loading.prepare(place, picture))

    return frame.remember(("model input", picture.sha256, key), lambda: frame.run(key, prepare))


def input_bytes(key: str) -> np.ndarray:
    """The model's input as colours, uint8, axes (row, column, rgb)."""
    config = frame.model(key).config
    return frame.remember(
        ("model input bytes", digest(), key),
        lambda: patches.as_bytes(input_pixels(key), config.mean, config.std),
    )


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
    """The model's input in its own patches, the selected one enlarged, and the facts."""
    loaded, place = frame.model(key), frame.cell(key)
    grid, size = loaded.grid, loaded.config.size
    head(key, words("input", size=size), "fixed")
    png = frame.remember(
        ("patch grid", digest(), key, place),
        lambda: pictures.grid_png(input_bytes(key), grid, place),
    )
    frame.image(png, key=f"grid-{key}", alt=words("grid_alt", model=spec(key).title))
    if place is None:
        st.info(words("outside"))
    else:
        token, said = _one_patch(key, place)
    facts(key)
    # What differs in length stands last, so that pictures and facts stay aligned over the columns.
    between = pictures.tokens_a_line(size, grid)
    if between > 1:
        st.caption(words("dense", count=between))
    if place is not None:
        st.caption(said)
        frame.strip(
            token,
            key=f"token.{key}",
            name=f"{key}.stem.linear.{place[0] + 1}-{place[1] + 1}",
            title=spec(key).title,
        )


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
    said = words("reads", row=place[0] + 1, column=place[1] + 1, side=grid.patch)
    st.html(f'<div class="reads">{html.escape(said)}</div>')
    frame.image(
        png,
        key=f"pixel-patch-{key}",
        alt=words("patch_alt", model=spec(key).title),
        width=PATCH_WIDTH,
    )
    below = words("rebuilt", bound=frame.power_of_ten(difference), channels=len(token.values))
    return token, f"{words('reads_overlap')} {below}" if grid.overlaps else below


def filter_order(key: str, by: str) -> tuple[int, ...]:
    """Filters, from 0, in the order in which they are shown."""
    key = frame.deciding(key)
    filters = stem(key)[0]
    chosen: embedding.FilterOrder = "norm" if by == "norm" else "frequency"
    return frame.remember(
        ("filter order", key, chosen),
        lambda: tuple(int(i) for i in embedding.filter_order(filters, chosen)),
    )


def filter_name(number: int) -> str:
    """The name of a column's filter in the address; columns count from 1."""
    return f"filter_{number}"


def filter_view(key: str, number: int) -> None:
    """One filter enlarged with its parts.

    Args:
        key: Registry key.
        number: The model's place among the columns, from 1: part of the widget's name.
    """
    filters = stem(key)[0]
    count, _, side, _ = filters.values.shape
    head(key, words("filters_sub", count=count, side=side), "fixed")
    strongest = filter_order(key, "norm")[0] + 1
    label, name = words("filter", count=count), filter_name(number)
    frame.choose_number(label, count, key=name, default=strongest)
    _one_filter(key, filters, chosen_filter(key, number))


def chosen_filter(key: str, number: int) -> int:
    """The filter, from 0, that a column's input names."""
    kept = st.session_state.get(filter_name(number))
    return int(kept) - 1 if isinstance(kept, int) else filter_order(key, "norm")[0]


def _one_filter(key: str, filters: LabelledArray, index: int) -> None:
    """The chosen filter in its colours and as three signed maps, with its numbers."""
    taps = filters.select(channel=index)
    png = frame.remember(("one filter", key, index), lambda: pictures.filter_png(taps.values))
    frame.image(png, key=f"pixel-filter-{key}", alt=words("filter_alt", number=index + 1))
    st.html(
        '<div class="parts">'
        + "".join(f"<span>{html.escape(words(part))}</span>" for part in PARTS)
        + "</div>"
    )
    norm, fine = filter_numbers(key)
    frame.html_table(
        [
            (words("norm"), f"{norm[index]:.3g}"),
            (words("frequency"), f"{fine[index]:.2f}"),
            (words("largest"), f"{float(np.abs(taps.values).max()):.3g}"),
        ]
    )
    frame.strip(
        taps,
        key=f"filter.{key}",
        name=f"{key}.stem.filter{index + 1}",
        title=f"{spec(key).title}: {words('tile', number=index + 1)}",
        arrays={"stem.filters": filters},
    )


PARTS = ("part_colour", "part_red", "part_green", "part_blue")


def filter_numbers(key: str) -> tuple[np.ndarray, np.ndarray]:
    """Norm and frequency of each filter."""
    filters = stem(key)[0]
    return frame.remember(
        ("filter numbers", key),
        lambda: (patches.filter_norms(filters), embedding.filter_frequency(filters)),
    )


def filter_colours(
    filters: LabelledArray, order: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray | None]:
    """The filters as colours for the tile canvas, exact where that is small enough to be sent."""
    sorted_filters = embedding.as_rgb_tiles(filters)[list(order)]
    if filters.values.size <= EXACT_NUMBERS:
        return tiles.rgb_shades(sorted_filters)[0], None
    rows, table, _, _ = tiles.rgb_rows(sorted_filters)
    return rows, table


def all_filters(key: str, number: int, by: str) -> None:
    """All filters of a model as colour tiles in the page's whole width; a click chooses one.

    Args:
        key: Registry key.
        number: The model's place among the columns, from 1.
        by: "frequency" or "norm".
    """
    filters, name = stem(key)[0], filter_name(number)
    order = filter_order(key, by)
    norm, fine = filter_numbers(key)
    shown, table = frame.remember(("filter tiles", key, by), lambda: filter_colours(filters, order))
    labels = [
        words("tile_label", number=i + 1, norm=f"{norm[i]:.2g}", frequency=f"{fine[i]:.1f}")
        for i in order
    ]
    count = len(order)
    st.markdown(
        f"**{words('all_filters', model=spec(key).title, count=count)}** {words(f'sorted_{by}')}"
    )
    frame.tile_canvas(
        shown,
        table,
        limits=None,
        unit="",
        labels=labels,
        selected=order.index(chosen_filter(key, number)),
        key=f"filter-tiles-{key}",
        alt=words("tiles_alt", model=spec(key).title),
        gap=5,  # small patches would run into one another
        tile_px=56 if count <= 100 else 40 if count <= 300 else 24,
        texts=frame.tile_texts(),
        on_change=lambda tile: st.session_state.update({name: order[tile] + 1}),
    )


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
    for name, pixels in (("sees", found.seen), ("keeps", found.pixels)):
        png = frame.remember(
            ("kept picture", digest(), key, name),
            lambda pixels=pixels: pictures.picture_png(
                patches.as_bytes(pixels, config.mean, config.std)
            ),
        )
        st.markdown(f"**{words(name)}**")
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
