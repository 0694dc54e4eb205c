"""Which block of a model a step shows."""

from __future__ import annotations

from views import frame
from vislib.lecture.steps import DEPTHS, Step
from vislib.schema import MixingSite

RELATIVE = dict(zip(DEPTHS, (0.0, 0.5, 1.0), strict=True))


def site_of(key: str, step: Step, operator: str = "") -> MixingSite:
    """The block that a step shows of a model: by its name, or at a relative depth.

    Args:
        key: Registry key.
        step: The step.
        operator: Only blocks that have this operator; empty for those that mix places.
    """
    sites = frame.spatial_sites(key)
    if operator:
        sites = tuple(site for site in frame.model(key).sites if operator in site.operators)
    name = step.view.options.get("block")
    for site in sites:
        if frame.block_name(site) == name:
            return site
    depth = step.view.options.get("depth", "middle")
    return frame.site_at(
        sites, RELATIVE.get(depth, depth) if isinstance(depth, str) else depth / 100
    )
