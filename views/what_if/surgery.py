"""What if a part of a network were missing: the answer and the maps, before and after."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from views import frame
from views.what_if import changed_maps, runs
from views.what_if.changed_maps import Operation
from views.what_if.words import answers, rank_options, words
from vislib.registry import base_key, spec
from vislib.schema import Change, ModelError

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

SMALLER = (3, 1)
"""Sides to which a depthwise kernel can be cropped."""


def choose() -> Operation:
    """A model, a block and a change."""
    with st.popover(words("model_and_block")) as popover:
        key = choose_model()
        site = frame.choose_site(key, name="cut_block")
        scale = frame.choose_scale()
    texts = changes_at(key, site.group)
    first = next((name for name in texts if name.startswith("operator")), None)
    with st.container(width=350):
        what = frame.choose(
            words("what"),
            tuple(texts),
            key="cut",
            words=texts,
            nearest=rank_options,
            default=first,
            compact=False,
        )
    count = next((c.count for c in runs.cuts(key) if c.group == site.group and c.name == what), 1)
    index = 0
    if count > 1:
        with popover:
            index = frame.choose_number(words("which", count=count), count, key="part") - 1
    whole = what.partition(".")[0] in ("all", "crop")
    change = Change(what=what, group="" if whole else site.group, index=index)
    return Operation(key=key, site=site, change=change, scale=scale)


def draw(chosen: Operation, place: DeltaGenerator) -> None:
    """The maps before and after on the stage; below it both answers."""
    frame.stage_room(place, 2 * len(chosen.sites))
    frame.stage(changed_maps.maps(chosen), label=words("maps"), scale=chosen.scale, place=place)
    draws: dict[str, Callable[[Operation], None]] = {
        "answers": _answers,
        "numbers": changed_maps.numbers,
        "source": changed_maps.source,
    }
    name, tab = frame.choose_tab({n: words(f"tab_{n}") for n in draws}, key="operated")
    with tab:
        frame.follows_place(partial(draws[name], chosen))


def _answers(chosen: Operation) -> None:
    """Both answers, and how far the one lies from the other."""
    key = chosen.key
    run, before = chosen.run(), runs.before(key)
    moved = runs.answers_differ(before, run.cache)
    frame.model_head(key)
    left, middle, right = st.columns([1, 1.15, 0.85], gap="medium")
    with left:
        answers(before, key, words("before"))
    with middle:
        answers(run.cache, key, words("after"), before=before)
    with right:
        frame.big(words("moved"), frame.percent(moved.moved))
        best = before.top(1)[0][0].split(",")[0]
        unit = frame.t(f"unit.{frame.POINTS}")
        st.markdown(words("best_class", name=best, points=frame.points(moved.best), unit=unit))
        st.markdown(words("not_retrained_how"))
    st.caption(words("moved_how"))


def choose_model() -> str:
    """One of the compared models that have a part to switch off; shared with the ranking."""
    options = [key for key in frame.view().models if runs.cuts(key)]
    if not options:
        raise ModelError("what_if.none_offers")
    names = {base_key(key): key for key in options}  # a link holds with untrained weights too
    chosen = frame.choose(
        frame.t("models.one_of"),
        tuple(names),
        key="cut_model",
        words={name: spec(name).title for name in names},
        compact=False,
    )
    return names[chosen]


def changes_at(key: str, group: str) -> dict[str, str]:
    """What can be changed in a block, and in the whole network: its name in the address -> words.

    Args:
        key: Registry key.
        group: The block.
    """
    found = [cut for cut in runs.cuts(key) if cut.group == group]
    texts = {cut.name: part_words(cut.name) for cut in found}
    if "block" in texts and not spec(key).variant:
        texts["untrained"] = words("off_untrained")
    for role in dict.fromkeys(cut.role for cut in runs.cuts(key) if cut.kind == "operator"):
        texts[f"all.{role}"] = words("off_all", role=role_words(role))
    largest = max(
        (s.kernel for s in frame.model(key).sites if "depthwise" in s.operators), default=0
    )
    for side in SMALLER:
        if side < largest:
            texts[f"crop.{side}"] = words("off_crop", before=largest, after=side)
    return texts


def role_words(role: str) -> str:
    """An operator in words."""
    return words(f"role_{role}")


def part_words(what: str) -> str:
    """A cut in words."""
    kind, _, role = what.partition(".")
    return words(f"off_{kind}", role=role_words(role)) if role else words(f"off_{kind}")
