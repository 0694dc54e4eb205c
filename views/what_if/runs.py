"""The runs of the page What if: each makes a changed copy of a model, runs it and lets it go.

Only what a run computed is kept. The shared model is never touched: a copy has modules of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from views import frame
from vislib.analysis import shuffling
from vislib.analysis.reading_at import spatial_operator
from vislib.schema import (
    ActivationCache,
    Change,
    Cut,
    LabelledArray,
    MixingSite,
    TokenAxis,
)

if TYPE_CHECKING:
    from vislib.models.loading import LoadedModel
    from vislib.observe.intervention import AnswerChange
    from vislib.observe.shuffled import ShuffleRun

T = TypeVar("T")

LOGITS = "logits"


@dataclass(frozen=True, kw_only=True)
class ChangedRun:
    """What a changed model computed.

    Attributes:
        cache: Its logits.
        arrays: Block -> weights and activations of its operator that mixes places.
    """

    cache: ActivationCache
    arrays: dict[str, dict[str, LabelledArray]]


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """How far the answer moves without one part."""

    what: str
    group: str
    change: AnswerChange


def cuts(key: str) -> tuple[Cut, ...]:
    """What a model offers to be switched off."""
    return frame.remember(("cuts", key), lambda: frame.model(key).cuts)


def token_axes(key: str) -> tuple[TokenAxis, ...]:
    """A model's axes over tokens; empty where its weights cannot follow a shuffle."""
    return frame.remember(("token_axes", key), lambda: frame.model(key).token_axes)


def _kept(
    what: tuple[Hashable, ...],
    key: str,
    work: Callable[[LoadedModel], T],
    busy: str,
    *,
    long: bool = False,
) -> T:
    """What a piece of work with a model gave, on the visitor's picture; done once for all.

    Args:
        what: What is computed, and every choice that it depends on.
        key: Registry key; it may name the untrained variant.
        work: Is given the shared model, which it leaves as it is.
        busy: What to say meanwhile; empty for nothing.
        long: Whether it takes many forward passes.
    """
    before(key)  # asks the visitor first where the model is large
    name = ("what if", frame.view().picture.sha256, key, *what)
    return frame.remember(name, lambda: frame.run(key, work, long=long), busy=busy)


def _busy(key: str) -> str:
    """What is said while a model runs."""
    return frame.t("busy.capture", title=frame.title(key))


# ---------------------------------------------------------------- shuffles


def before(key: str) -> ActivationCache:
    """The answer of the intact model to the visitor's picture."""
    return frame.capture(key, LOGITS)


def shuffled(key: str, squares: int, seed: int) -> ShuffleRun:
    """The intact model on the shuffled picture."""
    picture = frame.view().picture

    def work(place: LoadedModel) -> ShuffleRun:
        from vislib.observe import shuffled

        return shuffled.shuffled(place, picture, squares, seed)

    return _kept(("shuffled", squares, seed), key, work, _busy(key))


def followed(key: str, squares: int, seed: int) -> ActivationCache:
    """The model on the shuffled picture, its weights shuffled in the same way.

    Raises:
        ModelError: Its weights cannot follow.
    """
    picture = frame.view().picture

    def work(place: LoadedModel) -> ActivationCache:
        from vislib.models import loading
        from vislib.observe import capture, intervention

        inputs = loading.prepare(place, picture)
        order = shuffling.seeded_order(squares**2, seed)
        mixed = intervention.shuffle_patches(inputs.tensor, order, place.config.size // squares)
        tokens = shuffling.token_order(order, squares, place.grid.rows)
        changed = intervention.permute_tokens(place, place.token_axes, tokens)
        return capture.run_with_cache(changed, replace(inputs, tensor=mixed), LOGITS)

    return _kept(("followed", squares, seed), key, work, _busy(key))


def shuffled_attention(key: str, group: str, seed: int) -> dict[str, LabelledArray]:
    """Both patterns of a block with two attentions, each with its own input's tokens shuffled."""
    picture, names = frame.view().picture, (f"{group}.channel", f"{group}.window")

    def work(place: LoadedModel) -> dict[str, LabelledArray]:
        from vislib.models import loading
        from vislib.observe import capture, intervention

        inputs = loading.prepare(place, picture)
        found = {}
        for name in names:  # one at a time: what comes first would move what comes next
            changed = intervention.shuffle_attention_input(place, f"{name}.qkv", seed=seed)
            run = capture.run_with_cache(changed, inputs, group)
            found[f"{name}.pattern"] = run[f"{name}.pattern"]
        return found

    return _kept(("attention", group, seed), key, work, _busy(key))


# ---------------------------------------------------------------- surgery


def changed(key: str, change: Change, sites: tuple[MixingSite, ...]) -> ChangedRun:
    """A changed model on the visitor's picture, with what mixes places in some of its blocks."""
    picture = frame.view().picture

    def work(place: LoadedModel) -> ChangedRun:
        from vislib.models import loading
        from vislib.observe import capture, surgery

        copy, inputs = surgery.applied(place, change), loading.prepare(place, picture)
        arrays: dict[str, dict[str, LabelledArray]] = {}
        for site in sites:
            cache = capture.run_with_cache(copy, inputs, site.group)
            role, everything = spatial_operator(site), {**copy.weights(site.group), **cache}
            arrays[site.group] = {n: a for n, a in everything.items() if a.role == role}
        return ChangedRun(cache=replace(cache, arrays={}), arrays=arrays)

    groups = tuple(site.group for site in sites)
    return _kept(
        ("changed", change, groups),
        key,
        work,
        frame.t("what_if.busy_changed", title=frame.title(key)),
    )


def answers_differ(one: ActivationCache, two: ActivationCache) -> AnswerChange:
    """How far one answer lies from another."""
    from vislib.observe import intervention

    return intervention.answer_change(one.logits, two.logits)


# ---------------------------------------------------------------- ranking


def ranked_cuts(key: str) -> list[Cut]:
    """Each block; also its operators, where it has several or cannot be left out as a whole."""
    found: list[Cut] = []
    for site in frame.model(key).sites:
        here = [cut for cut in cuts(key) if cut.group == site.group]
        blocks = [cut for cut in here if cut.kind == "block"]
        operators = [cut for cut in here if cut.kind == "operator"]
        found += blocks + (operators if len(operators) > 1 or not blocks else [])
    return found


def ranking(key: str, report: Callable[[int, int], None]) -> list[Ranked]:
    """How far the answer moves without each part, in the order in which they run."""
    picture, parts = frame.view().picture, ranked_cuts(key)

    def work(place: LoadedModel) -> list[Ranked]:
        from vislib.models import loading
        from vislib.observe import intervention

        inputs = loading.prepare(place, picture)
        changes = intervention.without_each(place, inputs, parts, report)
        return [
            Ranked(what=cut.name, group=cut.group, change=change)
            for cut, change in zip(parts, changes, strict=True)
        ]

    return _kept(("ranking",), key, work, "", long=True)
