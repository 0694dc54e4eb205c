"""The small maps of the page Dual attention: heads, feeding channels, all channels of a group."""

from __future__ import annotations

import streamlit as st

from views import frame
from views.dual_attention import closer
from views.dual_attention.chosen import Chosen, group_maps, window
from vislib.analysis import dual_attention
from vislib.figures import colours
from vislib.schema import LabelledArray

FEEDERS = 7


def pick_head(index: int) -> None:
    """A click on a head's tile."""
    st.session_state["head"] = str(index + 1)


def heads(chosen: Chosen) -> None:
    """Each head's row as a map of the window; then the raw numbers of the chosen one."""
    if chosen.place is None:
        st.info(frame.t("dual_attention.outside"))
        return
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown(f"**{frame.t('dual_attention.heads')}**")
        _head_tiles(chosen, chosen.place)
    with right:
        closer.head(chosen, chosen.place)


def _head_tiles(chosen: Chosen, place: tuple[int, int]) -> None:
    reading, rows = window(chosen, place)
    pair = colours.limits(rows.maps.values, signed=False)
    numbers = dual_attention.head_statistics(
        reading.heads,
        row=place[0],
        column=place[1],
        cell_px=frame.box(chosen.key).width / chosen.site.columns,
    )
    captions = [
        frame.t(
            "dual_attention.head_caption",
            head=h + 1,
            bits=f"{n.entropy_bits:.1f}",
            px=f"{n.reach_px:.0f}",
        )
        for h, n in enumerate(numbers)
    ]
    frame.tile_canvas(
        colours.to_indices(rows.maps.values, pair),
        colours.table(False),
        limits=pair,
        unit=frame.t("unit.probability"),
        labels=[frame.t("dual_attention.nth_head", number=h + 1) for h in range(len(numbers))],
        captions=captions,
        selected=chosen.head,
        key="dual-heads",
        alt=frame.t("dual_attention.heads"),
        tile_px=160,
        per_row=2 if chosen.site.heads == 4 else 3,
        texts=frame.tile_texts(),
        on_change=pick_head,
    )
    unit = frame.t("dual_attention.heads_unit")
    frame.legend(signed=False, limits=pair, unit=unit, key="dual-headsbar")


def pick_feeder(index: int) -> None:
    """A click on a feeding channel; the first tile is the channel that is fed."""
    if index > 0:
        st.session_state["feeder"] = str(index)


def pick_channel(index: int) -> None:
    """A click on one of the group's channels."""
    st.session_state["group_channel"] = str(index + 1)


def channels(chosen: Chosen) -> None:
    """The channels that feed the chosen one, and all channels that the group writes."""
    shown, said = fed(chosen)
    st.markdown(f"**{frame.t('dual_attention.feeders', channel=chosen.channel + 1)}**")
    pair = colours.limits(shown.values, signed=True)
    selected = chosen.rank + 1 if chosen.rank < FEEDERS else None
    with st.container(key="feeding_channels"):
        _tiles(shown, pair, said, selected, "feeders")
    unit = frame.t("dual_attention.feeders_unit")
    frame.legend(signed=True, limits=pair, unit=unit, key="dual-feedersbar")
    _, mixed = group_maps(chosen)
    pair = colours.limits(mixed.values, signed=True)
    st.markdown(f"**{frame.t('dual_attention.all_channels', group=chosen.group + 1)}**")
    labels = [frame.t("dual_attention.nth_group_channel", number=i + 1) for i in range(chosen.size)]
    _tiles(mixed, pair, labels, chosen.channel, "channels")
    unit = frame.t("dual_attention.channels_unit")
    frame.legend(signed=True, limits=pair, unit=unit, key="dual-channelsbar")


def fed(chosen: Chosen) -> tuple[LabelledArray, list[str]]:
    """The chosen channel's map and the seven that feed it most, and what they are called."""
    queries, mixed = group_maps(chosen)
    feeders = chosen.feeders[:FEEDERS]
    shown = dual_attention.fed_by(mixed, queries, chosen.channel, [j for j, _ in feeders])
    said = [frame.t("dual_attention.written", channel=chosen.channel + 1)]
    for j, p in feeders:
        said.append(frame.t("dual_attention.fed", channel=j + 1, percent=f"{100 * p:.1f}"))
    return shown, said


def _tiles(
    maps: LabelledArray,
    pair: tuple[float, float],
    labels: list[str],
    selected: int | None,
    which: str,
) -> None:
    """Signed maps as tiles: large ones with captions, or small ones over the whole width."""
    large = which == "feeders"
    frame.tile_canvas(
        colours.to_indices(maps.values, pair),
        colours.table(True),
        limits=pair,
        unit=frame.t("unit.activation"),
        labels=labels,
        captions=labels if large else (),
        selected=selected,
        key=f"dual-{which}",
        alt=frame.t(f"dual_attention.{which}_alt"),
        tile_px=112 if large else 64,
        texts=frame.tile_texts(),
        on_change=pick_feeder if large else pick_channel,
    )
