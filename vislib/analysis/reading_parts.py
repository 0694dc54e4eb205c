"""One head or one channel of a block's reading, where it has a map of its own.

An attention head's pattern is the map of all of its channels; a kernel and a gated token MLP have a
map for each channel; one linear layer over the tokens has the same map for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from vislib.analysis.arrays import check_index
from vislib.analysis.reading_at import spatial_operator
from vislib.schema import LabelledArray, MixingSite, ShapeError

Part = Literal["head", "channel"]

_PLACES: Mapping[str, tuple[Part, str, str]] = {
    "window_attention": ("head", "window.pattern", "head"),
    "global_attention": ("head", "attention.pattern", "head"),
    "depthwise": ("channel", "depthwise.kernel", "channel"),
    "convolution": ("channel", "convolution.kernel", "channel_out"),
    "token_mixing": ("channel", "token_mixing.hidden", "channel"),
}
"""Role -> what has a map of its own, in which array, along which axis."""


def part_of(site: MixingSite) -> Part | None:
    """What has a map of its own in a block: a head, a channel, or nothing (one map for all)."""
    role = spatial_operator(site)
    if role is None or (role == "token_mixing" and not site.units):
        return None
    return _PLACES[role][0]


def count_parts(site: MixingSite, weights: Mapping[str, LabelledArray]) -> int:
    """How many heads or channels of a block have a map of their own.

    Args:
        site: The block.
        weights: The block's parameters; only a dense kernel's are looked at.

    Returns:
        1 or more; 0 where ``part_of`` is None.
    """
    if part_of(site) is None:
        return 0
    if spatial_operator(site) == "convolution":
        return weights[f"{site.group}.convolution.kernel"].shape["channel_out"]
    return site.heads if part_of(site) == "head" else site.channels


def one_part(
    site: MixingSite, arrays: Mapping[str, LabelledArray], index: int
) -> dict[str, LabelledArray]:
    """The arrays of a block with a single head or channel, ready for ``reading_at``.

    Args:
        site: The block.
        arrays: Its weights and its captured activations, by name.
        index: The head or channel, from 0.

    Returns:
        The same names; the array that differs between heads or channels has one of them left.

    Raises:
        ShapeError: The block has one map for all, lacks the index, or an array is missing.

    Exactness:
        The part's own numbers, unchanged; with one part the root mean square is its magnitude.
    """
    if part_of(site) is None:
        raise ShapeError("error.shape.one_map", block=site.group)
    _, name, axis = _PLACES[spatial_operator(site) or ""]
    full = arrays.get(f"{site.group}.{name}")
    if full is None:
        raise ShapeError("error.shape.missing_part", block=site.group, name=name)
    check_index(axis, index, full.shape[axis])
    slicer = [slice(None)] * len(full.axes)
    slicer[full.axes.index(axis)] = slice(index, index + 1)
    single = replace(
        full, values=full.values[tuple(slicer)], source=f"{full.source}, {axis} {index}"
    )
    return {**arrays, f"{site.group}.{name}": single}
