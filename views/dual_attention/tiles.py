"""The small maps of the page Dual attention: heads, feeding channels, all channels of a group."""

from __future__ import annotations

import streamlit as st

from views import frame
from views.dual_attention.halves import Chosen, window
from vislib.analysis import dual_attention
from vislib.figures import colours
from vislib.registry import spec
from vislib.schema import LabelledArray

FEEDERS = 7


def pick_head(index: int) -> None:
    """A click on a head's tile: that head, or all again where it was chosen."""
    chosen = str(index + 1)
    st.session_state["head"] = "all" if st.session_state.get("head") == chosen else chosen


def head_tiles(chosen: Chosen) -> None:
    """Each head's row as a map of the window."""
    st.markdown(f"**{frame.t('dual_attention.heads')}**")
    if chosen.place is None:
        st.info(frame.t("dual_attention.outside"))
        return
    reading, rows = window(chosen, chosen.place)
    pair = colours.limits(rows.maps.values, signed=False)
    numbers = dual_attention.head_statistics(
        reading.heads,
        row=chosen.place[0],
        column=chosen.place[1],
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
        labels=[frame.t("dual_attention.head_label", head=h + 1) for h in range(len(numbers))],
        captions=captions,
        selected=chosen.head,
        key="dual-heads",
        alt=frame.t("dual_attention.heads"),
        tile_px=128,
        per_row=2 if chosen.site.heads == 4 else 3,
        texts=frame.tile_texts(),
        on_change=pick_head,
    )
    frame.legend(
        signed=False, limits=pair, unit=frame.t("dual_attention.heads_unit"), key="dual-headsbar"
    )
    frame.strip(
        rows.maps,
        key="dual.heads",
        name=chosen.file("window.pattern"),
        title=spec(chosen.key).title,
    )


def pick_feeder(index: int) -> None:
    """A click on a feeding channel; the first tile is the channel that is fed."""
    if index > 0:
        st.session_state["feeder"] = index


def pick_channel(index: int) -> None:
    """A click on one of the group's channels."""
    st.session_state["group_channel"] = index + 1


def group_maps(chosen: Chosen) -> tuple[LabelledArray, LabelledArray]:
    """The group's queries and what it writes, axes (channel, row, column)."""
    grid = {"rows": chosen.site.rows, "columns": chosen.site.columns}
    queries = chosen.arrays[chosen.name("channel.queries")]
    mixed = chosen.arrays[chosen.name("channel.mixed")]
    return frame.remember(
        chosen.about("maps", chosen.group),
        lambda: (
            dual_attention.group_maps(queries, chosen.group, **grid),
            dual_attention.mixed_maps(mixed, chosen.group, groups=chosen.site.heads, **grid),
        ),
    )


def channel_tiles(chosen: Chosen) -> None:
    """The chosen channel's map, and the seven that feed it most."""
    queries, mixed = group_maps(chosen)
    feeders = chosen.feeders[:FEEDERS]
    shown = dual_attention.fed_by(mixed, queries, chosen.channel, [j for j, _ in feeders])
    st.markdown(f"**{frame.t('dual_attention.feeders', channel=chosen.channel + 1)}**")
    pair = colours.limits(shown.values, signed=True)
    said = [frame.t("dual_attention.written", channel=chosen.channel + 1)]
    for j, p in feeders:
        said.append(frame.t("dual_attention.fed", channel=j + 1, percent=f"{100 * p:.1f}"))
    _tiles(shown, pair, said, chosen.rank + 1 if chosen.rank < FEEDERS else None, "feeders")
    unit = frame.t("dual_attention.feeders_unit")
    frame.legend(signed=True, limits=pair, unit=unit, key="dual-feedersbar")
    frame.strip(
        shown,
        key="dual.feeders",
        name=f"{chosen.file('channel')}.fed{chosen.channel}",
        title=spec(chosen.key).title,
    )


def group_tiles(chosen: Chosen) -> None:
    """All channels that the group writes; a click chooses one."""
    _, mixed = group_maps(chosen)
    pair = colours.limits(mixed.values, signed=True)
    st.markdown(f"**{frame.t('dual_attention.all_channels', group=chosen.group + 1)}**")
    labels = [frame.t("dual_attention.channel_label", channel=i + 1) for i in range(chosen.size)]
    _tiles(mixed, pair, labels, chosen.channel, "channels")
    unit = frame.t("dual_attention.channels_unit")
    frame.legend(signed=True, limits=pair, unit=unit, key="dual-channelsbar")
    frame.strip(
        mixed,
        key="dual.channels",
        name=f"{chosen.file('channel.mixed')}.group{chosen.group}",
        title=spec(chosen.key).title,
    )


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
        tile_px=112 if large else 56,
        per_row=4 if large else None,
        texts=frame.tile_texts(),
        on_change=pick_feeder if large else pick_channel,
    )
