"""What if a part of a network were missing: the answer and the maps, before and after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from views import frame
from views.what_if import runs
from views.what_if.words import answers, rank_options, words
from vislib.analysis import attentions, receptive
from vislib.analysis.common_ground import Reading
from vislib.analysis.reading_at import reading_at, spatial_operator
from vislib.figures import colours, overlay
from vislib.registry import base_key, spec
from vislib.schema import Change, LabelledArray, MixingSite, ModelError

SIDE = 380
"""Longer side of a map in pixels: four maps stay under 300 kB."""
SMALLER = (3, 1)
"""Sides to which a depthwise kernel can be cropped."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """What the selected place reads in a block, before and after; None where nothing is read."""

    site: MixingSite
    place: tuple[int, int]
    before: Reading
    after: Reading | None


def draw() -> None:
    """Choose a model, a block and a change; then the answer and the maps."""
    key = choose_model()
    frame.model_head(key)
    site, change = _choose_change(key)
    st.markdown(words("not_retrained_how"))
    last = frame.spatial_sites(key)[-1]
    sites = (site,) if last.group == site.group else (site, last)
    run, before = runs.changed(key, change, sites), runs.before(key)
    moved = runs.answers_differ(before, run.cache)
    left, middle, right = st.columns([1, 1.15, 0.65], gap="medium")
    with left:
        answers(before, key, words("before"))
    with middle:
        answers(run.cache, key, words("after"), before=before)
    with right:
        frame.big(words("moved"), frame.percent(moved.moved))
        best = before.top(1)[0][0].split(",")[0]
        unit = frame.t(f"unit.{frame.POINTS}")
        st.markdown(words("best_class", name=best, points=frame.points(moved.best), unit=unit))
    st.caption(words("moved_how"))
    _maps(key, change, sites, run)


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


def _choose_change(key: str) -> tuple[MixingSite, Change]:
    """The block, what is changed, and its number."""
    left, middle, right = st.columns([1, 1.8, 0.8], vertical_alignment="bottom")
    with left:
        site = frame.choose_site(key, name="cut_block")
    texts = changes_at(key, site.group)
    first = next((name for name in texts if name.startswith("operator")), None)
    with middle:
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
        with right:
            index = frame.choose_number(words("which", count=count), count, key="part") - 1
    whole = what.partition(".")[0] in ("all", "crop")
    return site, Change(what=what, group="" if whole else site.group, index=index)


# ---------------------------------------------------------------- maps


def _maps(key: str, change: Change, sites: tuple[MixingSite, ...], run: runs.ChangedRun) -> None:
    """What the selected place reads in the changed block and in the last one, on one scale."""
    pairs = [pair for site in sites if (pair := _pair(key, change, site, run)) is not None]
    if not pairs:
        st.info(words("outside"))
        return
    shares = [r.share for pair in pairs for r in (pair.before, pair.after) if r is not None]
    limits = colours.limits(*shares, signed=False)
    st.subheader(words("maps"), anchor=False)
    frame.legend(signed=False, limits=limits, unit=words("share_unit"), key="surgery_legend")
    for number, pair in enumerate(pairs):
        last = number == len(pairs) - 1
        title = words(
            "map_last" if last and len(sites) > 1 else "map_here",
            block=frame.block_words(key, pair.site),
        )
        st.markdown(f"**{title}**")
        left, right = st.columns(2, gap="medium")
        with left:
            _map(key, pair, pair.before, limits, "before", None)
        with right:
            if pair.after is None:
                st.markdown(words("after"))
                st.info(words("nothing_read"))
            else:
                _map(key, pair, pair.after, limits, "after", change)


def _pair(key: str, change: Change, site: MixingSite, run: runs.ChangedRun) -> Pair | None:
    """What the selected place reads before and after; None outside the crop."""
    place = frame.cell(key, site)
    if place is None:
        return None
    digest = frame.view().picture.sha256
    intact = {**frame.weights(key, site.group), **frame.capture(key, site.group)}
    row, column = place
    before = frame.remember(
        ("reading", digest, key, site.group, place),
        lambda: reading_at(site, intact, row=row, column=column),
    )
    after = None
    if not _is_off(change, site):
        arrays = _in_use(change, site, run.arrays[site.group])
        after = frame.remember(
            ("changed reading", digest, key, change, site.group, place),
            lambda: reading_at(site, arrays, row=row, column=column),
        )
    return Pair(site=site, place=place, before=before, after=after)


def _is_off(change: Change, site: MixingSite) -> bool:
    """Whether nothing is read any more by a block's operator that mixes places."""
    role = spatial_operator(site)
    if change.what == f"all.{role}":
        return True
    here = change.group == site.group
    only_head = change.what.startswith("head.") and site.heads == 1
    return here and (change.what in ("block", f"operator.{role}") or only_head)


def _in_use(
    change: Change, site: MixingSite, arrays: Mapping[str, LabelledArray]
) -> dict[str, LabelledArray]:
    """The arrays without a head that is off: its pattern is still computed, but nobody gets it."""
    if change.group != site.group or not change.what.startswith("head."):
        return dict(arrays)
    return {
        name: attentions.without_head(array, change.index) if name.endswith(".pattern") else array
        for name, array in arrays.items()
    }


def _map(
    key: str,
    pair: Pair,
    reading: Reading,
    limits: tuple[float, float],
    when: str,
    change: Change | None,
) -> None:
    """One share of reading over the picture."""
    picture, name, box = frame.view().picture, f"{pair.site.group}-{when}", frame.box(key)
    png = frame.remember(
        ("surgery map", picture.sha256, key, change, pair.site.group, pair.place, limits),
        lambda: overlay.share_overlay(
            picture.pixels, reading.share, box=box, limits=limits, cell=pair.place, side=SIDE
        ),
    )
    st.markdown(words(when))
    frame.image(png, key=f"surgery-{name}", alt=words("map_alt", when=words(when)))
    if when == "after":
        moved = receptive.share_moved(pair.before.share, reading.share)
        frame.html_table([(words("reading_moved"), f"{moved:.1f}\u00a0%")])
    else:
        frame.html_table([(words("reading_scale"), f"{reading.share.max():.1f}\u00a0%")])
    array = LabelledArray(
        values=reading.share,
        axes=("row", "column"),
        role=spatial_operator(pair.site) or "tokens",
        unit="percent",
        signed=False,
        provenance=reading.provenance,
        source=f"{pair.site.group}, {reading.note}",
    )
    frame.strip(
        array,
        key=f"surgery.{name}",
        name=f"{key}.{pair.site.group}.{when}",
        title=f"{frame.title(key)}: {words(when)}",
        note=words("not_retrained") if when == "after" else "",
    )
