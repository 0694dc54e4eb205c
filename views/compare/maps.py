"""What the stage shows of each model on Compare: the field of its block, or why there is none."""

from __future__ import annotations

from views import frame
from views.compare.controls import Choice
from views.compare.depths import block_at
from vislib.analysis.fields import ReadingField, reading_field
from vislib.analysis.reading_parts import count_parts, one_part, part_of
from vislib.figures.colours import family_colour
from vislib.pictures import encoding, geometry
from vislib.registry import spec
from vislib.schema import DecodedImage, LabelledArray, MixingSite, MixScopeError

PICTURE_SIDE = 760
"""Longer side of a picture on the stage, in pixels."""


def rows(keys: tuple[str, ...], chosen: Choice) -> list[frame.StageRow]:
    """The visitor's picture with a tile a model, and the second picture with the same."""
    first = frame.view().picture
    found = [_row(first, frame.t("stage.picture"), keys)]
    if chosen.second is not None:
        found.append(_row(chosen.second, chosen.second_title, keys))
    return found


def _row(picture: DecodedImage, label: str, keys: tuple[str, ...]) -> frame.StageRow:
    jpeg = frame.remember(
        ("stage", picture.sha256),
        lambda: encoding.encode_jpeg(encoding.thumbnail(picture, PICTURE_SIDE)),
    )
    tiles = []
    for key in keys:
        config = frame.model(key).config
        box = geometry.view_box(picture.width, picture.height, size=config.size, crop=config.crop)
        title = spec(key).title
        tiles.append(
            frame.StageTile(
                label=title,
                colour=family_colour(spec(key).family),
                box=box,
                alt=frame.t("compare.share_alt", model=title),
            )
        )
    size = picture.width, picture.height
    return frame.StageRow(picture=jpeg, label=label, alt=picture.name, size=size, tiles=tiles)


def shown(keys: tuple[str, ...], chosen: Choice, depth: str) -> list[frame.StageShown]:
    """A field a tile, row after row."""
    pictures = [frame.view().picture]
    pictures += [] if chosen.second is None else [chosen.second]
    return [_shown(key, chosen, depth, picture) for picture in pictures for key in keys]


def _shown(key: str, chosen: Choice, depth: str, picture: DecodedImage) -> frame.StageShown:
    site = block_at(key, depth)
    try:
        return frame.StageShown(
            field=field(key, site, chosen, picture), sub=frame.block_words(key, site)
        )
    except MixScopeError as error:
        return frame.StageShown(message=frame.said(error), sub=frame.block_words(key, site))


def field(key: str, site: MixingSite, chosen: Choice, picture: DecodedImage) -> ReadingField:
    """What every place of a block reads, all heads and channels together or one of them."""
    at_zero = chosen.at_zero and site.units > 0
    index, _ = part(key, site, chosen)
    fixed = site.mixing == "fixed" or at_zero
    name = ("field", "" if fixed else picture.sha256, key, site.group, index, at_zero)

    def make() -> ReadingField:
        used = arrays(key, site, picture, fixed=fixed)
        return reading_field(
            site, used if index is None else one_part(site, used, index), at_zero=at_zero
        )

    return frame.remember(name, make)


def arrays(
    key: str, site: MixingSite, picture: DecodedImage, *, fixed: bool
) -> dict[str, LabelledArray]:
    """A block's weights and, where the picture has a part in it, what it captured."""
    weights = frame.weights(key, site.group)
    return {**weights} if fixed else {**weights, **frame.capture(key, site.group, picture=picture)}


def part(key: str, site: MixingSite, chosen: Choice) -> tuple[int | None, str]:
    """The head or channel that is shown, from 0, the nearest that there is; and what to say."""
    if chosen.part == "all":
        return None, ""
    own = part_of(site)
    if own != chosen.part:
        reason = "linear" if own is None else own
        return None, frame.t(f"compare.no_{chosen.part}_{reason}")
    if site.units and chosen.at_zero:
        return None, frame.t("compare.no_channel_at_zero")
    count = count_parts(site, frame.weights(key, site.group))
    number = min(chosen.number, count)
    words = "nearest" if number < chosen.number else "this"
    return number - 1, frame.t(
        f"compare.{words}_{chosen.part}", asked=chosen.number, number=number, count=count
    )
