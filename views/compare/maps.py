"""What the stage shows of each model on Compare: the field of its block, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from views import frame
from views.compare.controls import Choice
from views.compare.depths import block_at
from vislib.analysis.fields import ReadingField, reading_field
from vislib.analysis.reading_parts import count_parts, one_part, part_of
from vislib.registry import spec
from vislib.schema import DecodedImage, LabelledArray, MixingSite, MixScopeError


def maps(
    keys: Sequence[str], chosen: Choice, errors: Mapping[str, MixScopeError]
) -> list[frame.StageMap]:
    """A map a model; why there is none where it cannot be loaded."""
    return [
        frame.model_map(
            key,
            partial(_shown, key, chosen),
            alt=frame.t("compare.share_alt", model=spec(key).title),
            wrong=frame.said(errors[key]) if key in errors else "",
        )
        for key in keys
    ]


def _shown(key: str, chosen: Choice, picture: DecodedImage, depth: str) -> frame.StageShown:
    site = block_at(key, depth)
    words = frame.block_words(key, site)
    try:
        return frame.StageShown(field=field(key, site, chosen, picture), sub=words)
    except MixScopeError as error:
        return frame.StageShown(message=frame.said(error), sub=words)


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
