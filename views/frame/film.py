"""The film of the training: a slider over epochs, the accuracy beside it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from views.frame.captures import film_of
from views.frame.choices import choose_step
from views.frame.notices import problem
from views.frame.state import t
from vislib import registry
from vislib.figures import curve
from vislib.figures.colours import family_colour
from vislib.schema import WeightsError
from vislib.weights.film import Film

WIDGET = "epoch"


def films(keys: Sequence[str], needs: str = "") -> dict[str, Film]:
    """Those of the models whose training can be played, and whose frames hold an array.

    A film that cannot be used is said.
    """
    found = {}
    for key in dict.fromkeys(keys):
        if registry.spec(key).weights == "bundled" and not registry.spec(key).variant:
            try:
                reel = film_of(key)
                if reel is not None:
                    reel.require_curve()
            except WeightsError as error:  # the other models' films go on
                problem(error)
                continue
            if reel is not None and (not needs or needs in reel.labels):
                found[key] = reel
    return found


def choose_epoch(keys: Sequence[str], *, needs: str = "") -> list[str]:
    """Draw the slider where a model has a film, above its curve; the models as of that epoch.

    It stands in a narrow column beside what it drives.

    Args:
        keys: Registry keys.
        needs: Name of an array that the page shows; a film without it is not offered.

    Returns:
        The same keys; those with a film as the variant of the epoch that was chosen, unless it is
        the last one: then the key as it is.
    """
    reels = films(keys, needs)
    if not reels:
        return list(keys)
    epochs = sorted({epoch for reel in reels.values() for epoch in reel.epochs})
    chosen = choose_step(
        t("film.slider"),
        [str(epoch) for epoch in epochs],
        key=WIDGET,
        words={"0": t("film.before")},
        help_text=t("film.help"),
    )
    epoch = int(chosen)
    for key, reel in reels.items():
        st.caption(_said(key, reel, epoch))
    titles = ", ".join(registry.spec(key).title for key in reels)
    st.image(_drawing(reels, epoch), width="stretch", alt=t("film.alt", titles=titles))
    more = [
        sentence for explained in (_small, _finish) for sentence in map(explained, reels.values())
    ]
    if any(more):
        with st.popover(t("film.more")):
            for sentence in dict.fromkeys(filter(None, more)):
                st.caption(sentence)
    return [_variant(key, reels.get(key), epoch) for key in keys]


def deciding(key: str) -> str:
    """The model whose weights decide which tile stands where.

    While the training is played that is the trained one, so that each tile keeps its place.
    """
    return key if registry.epoch_of(key) is None else registry.base_key(key)


def _variant(key: str, reel: Film | None, epoch: int) -> str:
    """The key of a model's weights after an epoch."""
    if reel is None:
        return key
    nearest = reel.nearest(epoch)
    return key if nearest == reel.last else registry.after_epoch(key, nearest)


def _said(key: str, reel: Film, epoch: int) -> str:
    """How the training stood, in words."""
    title, kept = registry.spec(key).title, reel.nearest(epoch)
    if kept == 0:
        return t("film.untrained", title=title)
    point = next(point for point in reel.curve if point.epoch == kept)
    return t(
        "film.stood",
        title=title,
        epoch=kept,
        last=reel.last,
        percent=f"{100 * point.held_out:.1f}",
        loss=f"{point.loss:.2f}",
    )


def _small(reel: Film) -> str:
    """Which passes saw smaller pictures, in words; nothing where all saw the same."""
    sizes = {point.epoch: point.size for point in reel.curve if point.size is not None}
    least = min(sizes.values(), default=0)
    passes = [epoch for epoch, size in sizes.items() if size == least]
    if len(passes) == len(sizes):
        return ""
    return t("film.small", last=max(passes), side=least)


def _finish(reel: Film) -> str:
    """Which passes saw pictures as they are, in words; nothing where none or all did."""
    passes = [point.epoch for point in reel.curve if point.finish]
    if not passes or len(passes) == len(reel.curve):
        return ""
    return t("film.finish", before=min(passes) - 1)


def _drawing(reels: dict[str, Film], epoch: int) -> str:
    """Accuracy over epochs as SVG."""
    names = {key: registry.spec(key) for key in reels}
    return curve.training_curve(
        curve.as_lines(
            {
                names[key].title: [(point.epoch, point.held_out) for point in reel.curve]
                for key, reel in reels.items()
            },
            {row.title: family_colour(row.family) for row in names.values()},
        ),
        marker=epoch,
        x_title=t("film.epochs"),
        y_title=t("film.accuracy"),
    )
