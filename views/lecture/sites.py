"""Which block of a model a step shows."""

from __future__ import annotations

from views import frame
from vislib.lecture.measuring import block_of
from vislib.lecture.steps import Step
from vislib.schema import MixingSite


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
    return block_of(sites, step.view.options)
