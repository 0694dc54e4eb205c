"""Naming what is recorded: the hook points of stem and blocks, and the groups they form."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Literal

from vislib.schema import CaptureError, HookPoint

Points = tuple[HookPoint, ...]


@cache
def point(
    name: str, module: str, side: Literal["in", "out"], axes: tuple[str, ...], role: str
) -> HookPoint:
    """A hook point in one line; see ``schema.HookPoint``."""
    return HookPoint(name=name, module=module, side=side, axes=axes, role=role)


@cache
def block_points(
    group: str, path: str, sites: tuple[tuple[str, str, tuple[str, ...]], ...]
) -> Points:
    """The hook points of one block, whose sites are named "{role}.{...}" or "out".

    Args:
        group: "stage{i}.block{j}".
        path: timm's path of the block.
        sites: Site, module within the block ("" is the block), axes. A site that ends in ".in" is
            its module's input.
    """
    return tuple(
        point(
            f"{group}.{site}",
            f"{path}.{module}".rstrip("."),
            "in" if site.endswith(".in") else "out",
            axes,
            "tokens" if site == "out" else site.split(".")[0],
        )
        for site, module, axes in sites
    )


def of_group(family: str, group: str | None, stem: Points, blocks: Mapping[str, Points]) -> Points:
    """What to record for a group.

    Args:
        family: Its name for a person.
        group: See ``ArchitectureAdapter``.
        stem: The stem's points; the last one is the state after the stem.
        blocks: Block ("stage{i}.block{j}") -> its points; the last one is its output.

    Raises:
        CaptureError: There is no such group.
    """
    if group is None:
        return (*stem, *(one for points in blocks.values() for one in points))
    tokens = (stem[-1], *(points[-1] for points in blocks.values()))
    groups = {"logits": (), "stem": stem, "tokens": tokens, **blocks}
    if group not in groups:
        known = list(groups)
        raise CaptureError("error.capture.no_group", family=family, group=group, known=known)
    return groups[group]
