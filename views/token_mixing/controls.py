"""What the visitor chooses on Token mixing, in one row above the maps; the address keeps it all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from views import frame
from vislib.analysis.depth import same_depth
from vislib.pictures import gallery
from vislib.registry import spec
from vislib.schema import DecodedImage, MixingSite

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

FAMILIES = ("resmlp", "mixer")
WITH_UNITS = ("units", "reads", "unit", "blocks", "beside")
"""What is shown of an MLP over the tokens."""
LINEAR = ("rows", "reads", "depth", "beside")
"""What is shown of one linear layer over the tokens: there are no hidden units."""
OF_ONE_UNIT = ("units", "unit", "blocks")
WIDTHS = {"model": 220, "block": 150, "view": 265}
"""Of the choices in the row, in pixels."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What the stage and all that stands below it show.

    Attributes:
        key: Registry key of the model.
        site: The block.
        view: One of ``WITH_UNITS`` or ``LINEAR``.
        unit: The hidden unit, from 0.
        channel: The channel on which one unit is followed, from 0; None for the most active one.
        partner: The other family's model beside it, None where none is here.
        other: The other picture beside it and its title, in the view "beside" alone.
        scale: "root", "linear" or "own".
    """

    key: str
    site: MixingSite
    view: str
    unit: int = 0
    channel: int | None = None
    partner: str | None = None
    other: tuple[DecodedImage, str] | None = None
    scale: str


def draw(place: DeltaGenerator) -> Choice:
    """All choices; the page draws them into its row.

    Args:
        place: The stage's, which says meanwhile that a model is being loaded.

    Raises:
        MixScopeError: The model cannot be loaded.
    """
    with st.container(width=WIDTHS["model"]):
        key = frame.choose_model("mixer", "resmlp", compact=False)
    for error in frame.load_on_stage([key], place).values():
        raise error
    with st.container(width=WIDTHS["block"]):
        site = frame.choose_site(key, name="mixer_block", operator="token_mixing")
    with st.container(width=WIDTHS["view"]):
        view = _view(site)
    other = _other_picture() if view == "beside" else None
    unit, channel, partner = 0, None, None
    with st.popover(frame.t("compare.more")):
        if view in OF_ONE_UNIT:
            unit = _number("unit", site.units, key="unit") - 1
        if view == "unit":
            typed = _number("channel", site.channels, key="unit_channel", least=0)
            channel = typed - 1 if typed else None
        if view == "beside":
            partner = _partner(key, other_family(key))
        scale = frame.choose_scale()
    return Choice(
        key=key,
        site=site,
        view=view,
        unit=unit,
        channel=channel,
        partner=partner,
        other=other,
        scale=scale,
    )


def _view(site: MixingSite) -> str:
    """Which question the page answers."""
    views = WITH_UNITS if site.units else LINEAR
    words = {name: frame.t(f"token_mixing.view_{name}") for name in views}
    label = frame.t("token_mixing.view")
    return frame.choose(label, views, key="mixing_view", words=words, compact=False)


def _number(name: str, most: int, *, key: str, least: int = 1) -> int:
    """A unit or a channel, from 1; 0 where that stands for the strongest."""
    label = frame.t(f"token_mixing.{name}", count=most)
    help_text = frame.t(f"token_mixing.{name}_help")
    return frame.choose_number(label, most, key=key, least=least, help_text=help_text)


def _other_picture() -> tuple[DecodedImage, str]:
    """A gallery picture that is not the one shown, and its title."""
    current = st.session_state.get("picture")
    options = [name for name in gallery.GALLERY if name != current]
    with st.container(width=WIDTHS["view"]):
        chosen = frame.choose(
            frame.t("token_mixing.other_picture"),
            options,
            key="other_picture",
            words={name: frame.picture_title(name) for name in options},
            compact=False,
        )
    entry, picture = frame.second_picture(chosen, options)
    return picture, frame.picture_title(entry.key)


def other_family(key: str) -> str:
    """The family that a model is set beside."""
    return next(name for name in FAMILIES if name != spec(key).family)


def _partner(key: str, family: str) -> str | None:
    """The model of the other family: one that is compared, else one of the same kind of weights."""
    options = [name for name in frame.available() if spec(name).family == family]
    if not options:
        return None
    alike = [name for name in options if spec(name).weights == spec(key).weights]
    chosen = [name for name in frame.view().models if name in options]
    return frame.choose(
        frame.t("token_mixing.beside_model"),
        options,
        key=f"beside_{family}",
        words={name: spec(name).title for name in options},
        default=[*chosen, *alike, *options][0],
        compact=False,
    )


def block_beside(chosen: Choice, key: str, block: str) -> MixingSite:
    """A model's block at the relative depth of a block of the chosen model."""
    own = site_named(chosen.key, block)
    if key == chosen.key:
        return own
    sites, others = frame.model(chosen.key).sites, frame.model(key).sites
    return others[same_depth(sites.index(own), len(sites), len(others))]


def site_named(key: str, block: str) -> MixingSite:
    """A block by its name in the address."""
    return next(site for site in frame.model(key).sites if frame.block_name(site) == block)
