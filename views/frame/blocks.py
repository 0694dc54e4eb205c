"""A model's blocks on the page: which there are, what they are called, how deep they lie.

The library's names count from 0 ("stage0.block1"); the page and the address count from 1 ("1.2").
"""

from __future__ import annotations

from collections.abc import Sequence

from views.frame.choices import choose
from views.frame.models import model
from views.frame.state import t
from vislib.analysis.depth import block_at
from vislib.analysis.reading_at import spatial_operator
from vislib.schema import MixingSite

DEPTHS = {"first": 0.0, "middle": 0.5, "last": 1.0}
"""Name in the address -> relative depth."""


def block_name(site: MixingSite) -> str:
    """A block's name in the address."""
    return f"{site.stage + 1}.{site.block + 1}"


def block_words(key: str, site: MixingSite) -> str:
    """A block's name on the page; the stage is left out where the model has one."""
    staged = len({other.stage for other in model(key).sites}) > 1
    text = "site.stage_block" if staged else "site.block_only"
    return t(text, stage=site.stage + 1, block=site.block + 1)


def site_of(key: str, group: str) -> MixingSite:
    """The block that the library calls ``group``."""
    return next(site for site in model(key).sites if site.group == group)


def spatial_sites(key: str) -> tuple[MixingSite, ...]:
    """The blocks that mix places."""
    return tuple(site for site in model(key).sites if spatial_operator(site))


def site_at(sites: Sequence[MixingSite], depth: float) -> MixingSite:
    """The block nearest to a relative depth, 0 (first) to 1 (last)."""
    return sites[block_at(depth, len(sites))]


def depth_steps(keys: Sequence[str]) -> tuple[str, ...]:
    """Relative depths in percent: as many as the deepest model has blocks that mix places."""
    most = max((len(spatial_sites(key)) for key in keys), default=1)
    return tuple(str(round(100 * i / max(1, most - 1))) for i in range(most))


def site_at_step(key: str, step: str) -> MixingSite:
    """The block of a model that is nearest to a relative depth in percent."""
    return site_at(spatial_sites(key), int(step) / 100)


def choose_site(key: str, *, name: str, operator: str | None = None) -> MixingSite:
    """A block of a model, numbered from 1 on the page and in the address.

    Args:
        key: Registry key of the model.
        name: The widget's key and its name in the address.
        operator: Offer only the blocks that have this operator.
    """
    sites = [s for s in model(key).sites if operator is None or operator in s.operators]
    words = {block_name(site): block_words(key, site) for site in sites}
    chosen = choose(t("site.block"), list(words), key=name, words=words, compact=False)
    return sites[list(words).index(chosen)]
