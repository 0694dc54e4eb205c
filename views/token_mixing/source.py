"""Token mixing: what the maps of the stage are, and files of them."""

from __future__ import annotations

from collections.abc import Iterator

import streamlit as st

from views import frame
from views.token_mixing import hidden_unit, reads
from views.token_mixing.controls import Choice, block_beside
from views.token_mixing.maps import pair
from vislib.registry import spec
from vislib.schema import LabelledArray

Entry = tuple[str, str, LabelledArray]
"""Title, the tensor's name, and its numbers."""


def draw(chosen: Choice) -> None:
    """A button a map."""
    found = list(_arrays(chosen))
    if not found:
        st.info(frame.t("token_mixing.outside"))
        return
    for column, (title, name, array) in zip(st.columns(len(found)), found, strict=True):
        with column:
            st.markdown(f"**{title}**")
            frame.strip(array, key=f"source.{name}", name=name, title=title)


def _arrays(chosen: Choice) -> Iterator[Entry]:
    base = f"{chosen.key}.{chosen.site.group}"
    if chosen.view == "unit":
        steps = hidden_unit.steps(chosen.key, chosen.site, chosen, frame.view().picture)
        unit, channel = chosen.unit + 1, steps.activity.channel + 1
        for what in hidden_unit.STEPS:
            title = frame.t(f"token_mixing.step_{what}", unit=unit, channel=channel)
            name = f"{base}.token_mixing.unit{unit - 1}.channel{channel - 1}.{what}"
            yield title, name, getattr(steps, what)
        return
    if chosen.view == "beside":
        for key in pair(chosen):
            yield from _readings(chosen, key)
        return
    yield from _readings(chosen, chosen.key)
    if chosen.view in ("units", "blocks"):
        for what, layer in hidden_unit.SIDES.items():
            array = hidden_unit.side_of(chosen.key, chosen.site, chosen.unit, what)
            title = frame.t(f"token_mixing.{what}", unit=chosen.unit + 1)
            yield title, f"{base}.token_mixing.{layer}.unit{chosen.unit}", array


def _readings(chosen: Choice, key: str) -> Iterator[Entry]:
    """The shares of reading that the stage shows of a model."""
    site = block_beside(chosen, key, frame.block_name(chosen.site))
    place = frame.cell(key, site)
    if place is None:
        return
    found = reads.readings(key, site, place)
    for name in [name for name in found if name != reads.OWN_PLACE]:
        if name == "at_zero" and chosen.view != "reads":
            continue
        if name == "read_by" and chosen.view == "beside":
            continue
        title = f"{spec(key).title}: {frame.t(f'token_mixing.{name}')}"
        array = reads.as_array(site, found[name], raw=False)
        yield title, f"{key}.{site.group}.{name}", array
