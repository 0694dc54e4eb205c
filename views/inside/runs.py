"""What the page Inside computes: each piece once for all visitors, whatever is large let go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from views import frame
from vislib import registry
from vislib.analysis.fields import ReadingField, reading_field
from vislib.analysis.mixing_distance import mixing_distance
from vislib.analysis.reading_at import spatial_operator
from vislib.schema import (
    ActivationCache,
    DecodedImage,
    Mixing,
    MixingSite,
    MixScopeError,
    TableError,
    freeze,
)
from vislib.tables import similarity

if TYPE_CHECKING:
    from vislib.models.loading import LoadedModel
    from vislib.observe.probing import EarlyAnswers

LOGITS = "logits"


@dataclass(frozen=True, kw_only=True)
class Distances:
    """How far each block that mixes places reaches.

    Attributes:
        groups: These blocks.
        depth: 0 (first block of the model) to 1 (last), float64.
        cells: Mean distance in cells of the block's own grid, float64.
        share: Mean distance over the side of what the model sees, float64.
        mixing: Kinds of token mixing that the model has.
    """

    groups: tuple[str, ...]
    depth: np.ndarray
    cells: np.ndarray
    share: np.ndarray
    mixing: tuple[Mixing, ...]


def words(name: str, /, **values: object) -> str:
    """A text of the page's own section."""
    return frame.t(f"inside.{name}", **values)


def _run(what: tuple[Any, ...], key: str, work: Callable[[LoadedModel], Any], busy: str) -> Any:
    """A piece of work with a model, kept; the model's cost is asked about first."""
    return frame.remember(("inside", key, *what), lambda: frame.run(key, work), busy=busy)


def answer(key: str) -> ActivationCache:
    """The model's own answer; the visitor is asked first where the model is large."""
    return frame.capture(key, LOGITS)


def early(key: str) -> EarlyAnswers:
    """What a model would say at each depth of the visitor's picture."""
    picture = frame.view().picture
    answer(key)

    def work(place: LoadedModel) -> EarlyAnswers:
        from vislib.models import loading
        from vislib.observe import probing

        return probing.answers_by_depth(place, loading.prepare(place, picture), place.sites)

    found: EarlyAnswers = _run(
        ("early", picture.sha256), key, work, frame.t("busy.capture", title=frame.title(key))
    )
    return found


def distances(key: str) -> Distances:
    """How far each block mixes, on the visitor's picture where that counts."""
    answer(key)
    picture = frame.view().picture
    sites = frame.spatial_sites(key)
    fixed = all(site.mixing == "fixed" for site in sites)

    def work(place: LoadedModel) -> Distances:
        from vislib.models import loading
        from vislib.observe import capture

        arrays: dict[str, Any] = {}
        if not fixed:  # all blocks in one forward pass; only the distances are kept
            arrays |= capture.run_with_cache(place, loading.prepare(place, picture), None)
        found = []
        for site in place.sites:
            if spatial_operator(site):
                here = {**arrays, **place.weights(site.group)}
                found.append((site, mixing_distance(site, here)))
        return _collected(place.sites, found)

    name = ("distances",) if fixed else ("distances", picture.sha256)
    busy = words("distance_busy", title=frame.title(key))
    result: Distances = _run(name, key, work, busy)
    return result


def field(key: str, site: MixingSite, picture: DecodedImage) -> ReadingField:
    """What every place of a block reads, all heads and channels together."""
    fixed = site.mixing == "fixed"

    def make() -> ReadingField:
        arrays = dict(frame.weights(key, site.group))
        if not fixed:
            arrays |= frame.capture(key, site.group, picture=picture)
        return reading_field(site, arrays)

    name = ("field", "" if fixed else picture.sha256, key, site.group, None, False)
    return frame.remember(name, make)


def _collected(every: Sequence[MixingSite], found: Sequence[tuple[MixingSite, float]]) -> Distances:
    """Blocks and their distances as lines."""
    groups = [site.group for site in every]
    last = max(1, len(groups) - 1)
    cells = np.array([distance for _, distance in found], dtype=np.float64)
    sides = np.array([site.columns for site, _ in found], dtype=np.float64)
    return Distances(
        groups=tuple(site.group for site, _ in found),
        depth=freeze(np.array([groups.index(site.group) / last for site, _ in found])),
        cells=freeze(cells),
        share=freeze(cells / sides),
        mixing=tuple(dict.fromkeys(site.mixing for site, _ in found)),
    )


# ---------------------------------------------------------------- similar layers


def table() -> similarity.Stored:
    """The table that comes with the project.

    Raises:
        TableError: It is missing or damaged.
    """
    return frame.remember(("inside", "stored"), similarity.read)


def stored() -> similarity.Stored | None:
    """The table that comes with the project, None where it cannot be used."""
    try:
        return table()
    except TableError:
        return None


def is_stored(key: str) -> bool:
    """Whether the table has this model with the weights that are here."""
    found = stored()
    return found is not None and not registry.spec(key).variant and found.fits(key)


def features(key: str, report: Callable[[int], None]) -> dict[str, np.ndarray]:
    """A model's mean tokens for all pictures."""

    def work(place: LoadedModel) -> dict[str, np.ndarray]:
        from vislib.models import loading
        from vislib.observe import probing

        inputs = (loading.prepare(place, picture) for picture in similarity.samples())
        return probing.token_means(place, inputs, report=report)

    answer(key)
    found: dict[str, np.ndarray] = frame.remember(
        ("inside", key, "features"), lambda: frame.run(key, work, long=True)
    )
    return found


# ---------------------------------------------------------------- words and parts


def block_words(key: str, group: str) -> str:
    """A block's name on the page, counted from 1."""
    return frame.block_words(key, frame.site_of(key, group))


def each(keys: Sequence[str], make: Callable[[str], Any]) -> dict[str, Any]:
    """What ``make`` gives for each model; a model that cannot gives a message instead."""
    found = {}
    for key in keys:
        try:
            found[key] = make(key)
        except MixScopeError as error:
            frame.problem(error)
    return found
