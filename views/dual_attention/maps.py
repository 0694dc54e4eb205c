"""What stands on the stage: window attention at the left, the chosen channels at the right."""

from __future__ import annotations

from collections.abc import Callable

from views import frame
from views.dual_attention.chosen import Choice, Chosen, group_maps, score_places
from vislib.analysis.fields import ReadingField, reading_field
from vislib.analysis.reading_parts import one_part
from vislib.analysis.signed_fields import still_field
from vislib.registry import spec
from vislib.schema import DecodedImage

Shows = Callable[[Chosen], frame.StageShown]


def maps(choice: Choice) -> list[frame.StageMap]:
    """All heads, one head, k * v of the chosen entry, and the channel that feeds."""
    shows: dict[str, Shows] = {
        "all_heads": _all_heads,
        "one_head": _one_head,
        "product": _product,
        "feeder": _feeder,
    }
    return [
        frame.model_map(
            choice.key,
            _at(choice, show),
            alt=frame.t(f"dual_attention.tile_{name}_alt"),
            name=frame.t(f"dual_attention.tile_{name}", model=spec(choice.key).title),
        )
        for name, show in shows.items()
    ]


def _at(choice: Choice, show: Shows) -> Callable[[DecodedImage, str], frame.StageShown]:
    """A map of any block that is stepped to."""
    return lambda picture, block: show(choice.at(block, picture))


def _all_heads(chosen: Chosen) -> frame.StageShown:
    where = frame.block_words(chosen.key, chosen.site)
    return frame.StageShown(field=field(chosen, None), sub=where)


def _one_head(chosen: Chosen) -> frame.StageShown:
    words = frame.t("dual_attention.head_of", head=chosen.head + 1, count=chosen.site.heads)
    return frame.StageShown(field=field(chosen, chosen.head), sub=words)


def field(chosen: Chosen, head: int | None) -> ReadingField:
    """What every place of the block reads in its window, all heads together or one of them."""

    def make() -> ReadingField:
        arrays = chosen.arrays if head is None else one_part(chosen.site, chosen.arrays, head)
        return reading_field(chosen.site, arrays)

    name = ("field", frame.view().picture.sha256, chosen.key, chosen.site.group, head, False)
    return frame.remember(name, make)


def _product(chosen: Chosen) -> frame.StageShown:
    words = frame.t("dual_attention.product_of", out=chosen.channel + 1, read=chosen.read + 1)
    places = score_places(chosen)
    return frame.StageShown(field=still_field(places), sub=words)


def _feeder(chosen: Chosen) -> frame.StageShown:
    channel, weight = chosen.feeders[chosen.rank]
    words = frame.t(
        "dual_attention.feeds",
        read=channel + 1,
        out=chosen.channel + 1,
        percent=f"{100 * weight:.1f}",
    )
    queries, _ = group_maps(chosen)
    return frame.StageShown(field=still_field(queries.select(channel=channel)), sub=words)
