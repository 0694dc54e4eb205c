"""The stage: the picture and one map a model in which the browser itself moves the place.

A page calls ``stage`` with its maps (docs/stage.md). What travels is in ``stage_packets.py``: the
pictures and the frame of the stage once, the fields of each block in a packet of their own (the
next block's come ahead), and what is chosen through the relay.
"""

from __future__ import annotations

import html
import logging
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from views.frame import links, turns
from views.frame.choices import choose
from views.frame.following import rerun_for_place
from views.frame.models import is_known, model, title
from views.frame.stage_component import Stage
from views.frame.stage_packets import SCALES, StageMoved, StageRow, StageShown, StageTile
from views.frame.state import remember, said, select, t, view
from vislib import registry
from vislib.figures.colours import family_colour
from vislib.pictures import encoding, geometry
from vislib.schema import DecodedImage, MixScopeError, ViewBox

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

LOGGER = logging.getLogger(__name__)
PICTURE_SIDE = 640
"""Side of a picture on the stage, in pixels."""
WHOLE_SIDE = 120
"""Longer side of the small picture that shows which part of it the models see."""
PLACE = "stage_place"
"""What the key of every stage's place begins with; the style sheet knows it by that."""


@dataclass(frozen=True, kw_only=True)
class StageMap:
    """One map of a page on the stage.

    Attributes:
        title: Above it.
        colour: CSS colour of its family.
        alt: What it shows, for screen readers.
        box: Picture -> what the model sees of it; None where that is not known.
        shows: (Picture, block) -> the field, or the words in its place. A ``MixScopeError`` that
            it raises becomes those words.
    """

    title: str
    colour: str
    alt: str
    box: Callable[[DecodedImage], ViewBox] | None
    shows: Callable[[DecodedImage, str], StageShown]


def model_map(
    key: str,
    shows: Callable[[DecodedImage, str], StageShown],
    *,
    alt: str,
    name: str = "",
    wrong: str = "",
) -> StageMap:
    """A map of a model, in its view box.

    Args:
        key: Registry key.
        shows: As ``StageMap.shows``.
        alt: What it shows, for screen readers.
        name: Above it, where that is not the model's title.
        wrong: Why the model cannot be used, if it cannot: said in the map's place.
    """
    colour = family_colour(registry.spec(key).family)
    if wrong:
        return StageMap(
            title=title(key),
            colour=colour,
            alt=alt,
            box=None,
            shows=lambda _picture, _block: StageShown(message=wrong),
        )
    return StageMap(
        title=name or title(key), colour=colour, alt=alt, box=partial(_box, key), shows=shows
    )


def stage(
    maps: Sequence[StageMap],
    *,
    label: str,
    blocks: Sequence[str] = ("",),
    block: str = "",
    block_key: str = "",
    scale: str = SCALES[0],
    second: tuple[DecodedImage, str] | None = None,
    place: DeltaGenerator | None = None,
    key: str = "stage",
) -> None:
    """Draw the visitor's picture and the maps; what is pinned and stepped to becomes the choice.

    A pinned place runs the parts that follow it (``follows_place``); another block runs the page.

    Args:
        maps: One to five, in this order.
        label: What the stage shows, for screen readers.
        blocks: All blocks that can be stepped through, first to last.
        block: The one that is shown.
        block_key: The choice that a step changes; empty where there is one block.
        scale: "root" (square root, one scale for all), "linear" (one for all) or "own".
        second: Another picture and its title: a second row.
        place: Where it is drawn: what ``stage_place`` gave; here and now if None.
        key: Streamlit's key of the component.
    """
    pictures = [(view().picture, t("stage.picture")), *([second] if second else [])]
    rows = [_row(picture, title, maps) for picture, title in pictures]

    def shown(name: str) -> list[StageShown]:
        return [_shown(one, picture, name) for picture, _ in pictures for one in maps]

    def moved(done: StageMoved) -> None:
        select(done.point)
        chosen = {block_key: done.block, "scale": done.scale}
        changed = {n: v for n, v in chosen.items() if n and st.session_state.get(n, v) != v}
        st.session_state.update(changed)
        if not changed:
            rerun_for_place()

    with place or stage_place(len(maps), len(rows)):
        drawn = Stage(rows, order=blocks, key=key)
        came = drawn.draw(shown(block), block=block, scale=scale, label=label, on_change=moved)
        if came is not None:  # a new server calls no callback for what came with its first run
            own = {block_key: came.block} if block_key else {}
            links.choose_later(x=came.point[0], y=came.point[1], **own)
        at = list(blocks).index(block)
        for near in (*blocks[at + 1 : at + 2], *blocks[max(0, at - 1) : at]):
            with turns.ahead():
                drawn.ahead(near, shown(near))


def choose_scale() -> str:
    """The colour scale of the shares on the stage."""
    words = {name: t(f"stage.name_{name}") for name in SCALES}
    return choose(t("stage.scale"), SCALES, key="scale", words=words)


def stage_place(maps: int, rows: int = 1, *, key: str = PLACE) -> DeltaGenerator:
    """The stage's room on the page, kept free before the stage is there: nothing jumps for it."""
    place = st.container(gap=None, key=key)
    stage_room(place, maps, rows, key=key)
    return place


def stage_room(place: DeltaGenerator, maps: int, rows: int = 1, *, key: str = PLACE) -> None:
    """Say how many maps there will be, where that is known later than the stage's place."""
    numbers = f"--tiles:{maps + 1};--lines:{(maps + 2) // 2};--rows:{rows}"
    # A style alone goes elsewhere: without an element the place would not be there yet.
    place.html(f"<style>.st-key-{key}{{{numbers}}}</style><span></span>")


def load_on_stage(keys: Sequence[str], place: DeltaGenerator) -> dict[str, MixScopeError]:
    """Load models; meanwhile the stage's place says which are on their way.

    Returns:
        Which of them cannot be loaded, and why.
    """
    meanwhile, errors = place.empty(), {}
    absent = [key for key in keys if not is_known(key)]
    if absent:
        meanwhile.html(waiting(keys))
    for key in absent:
        try:
            model(key)
        except MixScopeError as error:
            errors[key] = error
    if absent:
        meanwhile.empty()
    return errors


def waiting(keys: Sequence[str]) -> str:
    """What stands in the stage's place while models are being loaded, as HTML."""
    small = encoding.encode_jpeg(encoding.thumbnail(view().picture, PICTURE_SIDE // 2))
    picture = f'<img alt="" src="data:image/jpeg;base64,{b64encode(small).decode()}">'
    words = [title(key) if is_known(key) else t("busy.model", title=title(key)) for key in keys]
    tiles = "".join(f"<div>{html.escape(one)}</div>" for one in words)
    return f'<div class="stage-waiting"><div>{picture}</div>{tiles}</div>'


def _box(key: str, picture: DecodedImage) -> ViewBox:
    config = model(key).config
    return geometry.view_box(picture.width, picture.height, size=config.size, crop=config.crop)


def _row(picture: DecodedImage, title: str, maps: Sequence[StageMap]) -> StageRow:
    boxes = [None if one.box is None else one.box(picture) for one in maps]
    known = [box for box in boxes if box is not None]
    size = picture.width, picture.height
    region = geometry.seen(known, picture=size)
    jpeg, whole = remember(
        ("stage", picture.sha256, region),
        lambda: (
            encoding.encode_jpeg(encoding.cut(picture, region, PICTURE_SIDE)),
            encoding.encode_jpeg(encoding.thumbnail(picture, WHOLE_SIDE)),
        ),
    )
    return StageRow(
        picture=jpeg,
        whole=b"" if (region.width, region.height) == size else whole,
        label=title,
        alt=picture.name,
        size=size,
        region=region,
        tiles=[
            StageTile(label=one.title, colour=one.colour, box=box, alt=one.alt)
            for one, box in zip(maps, boxes, strict=True)
        ],
    )


def _shown(one: StageMap, picture: DecodedImage, block: str) -> StageShown:
    """A map, or why there is none: the others go on."""
    try:
        return one.shows(picture, block)
    except MixScopeError as error:
        return StageShown(message=said(error))
    except Exception:
        LOGGER.exception("a map of the stage could not be drawn")
        return StageShown(message=t("error.unexpected"))
