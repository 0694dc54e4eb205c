"""The parts of the page Dual attention: what is chosen, and the two maps."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import streamlit as st

from views import frame
from vislib.analysis import attentions, channel_groups, dual_attention
from vislib.analysis.common_ground import Reading, statistics
from vislib.analysis.reading_at import reading_at
from vislib.figures import colours, overlay
from vislib.registry import spec
from vislib.schema import LabelledArray, MixingSite, ViewBox


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What is shown, counted from 0; channels are counted within their group.

    Attributes:
        key, site: The model and the block.
        place: The selected cell of the block's grid, None outside the crop.
        head: None for all heads together.
        group, channel, rank: The group, the channel that is written, and how many channels feed
            it more than the one looked at.
        feeders: All channels of the group, the one that feeds most first: (channel, probability).
        arrays: What was captured of the block.
    """

    key: str
    site: MixingSite
    place: tuple[int, int] | None
    head: int | None
    group: int
    channel: int
    rank: int
    feeders: list[tuple[int, float]]
    arrays: Mapping[str, LabelledArray]

    @property
    def size(self) -> int:
        """Channels of a group."""
        return self.site.channels // self.site.heads

    @property
    def read(self) -> int:
        """The channel that is read."""
        return self.feeders[self.rank][0]

    def about(self, *what: Hashable) -> tuple[Hashable, ...]:
        """The key under which a result is kept."""
        return ("dual", frame.view().picture.sha256, self.key, self.site.group, *what)

    def file(self, what: str) -> str:
        """What an array is called under a figure and as a file: the model's key comes first."""
        return f"{self.key}.{self.name(what)}"

    def name(self, what: str) -> str:
        """An array's name in the library."""
        return f"{self.site.group}.{what}"


def look_up(key: str, site: MixingSite, head: int | None, entry: tuple[int, int, int]) -> Chosen:
    """Run the model on the block (once for all), and find the channels that feed the chosen one."""
    arrays = frame.capture(key, site.group)
    group, channel, rank = entry
    pattern = arrays[f"{site.group}.channel.pattern"]
    return Chosen(
        key=key,
        site=site,
        place=frame.cell(key, site),
        head=head,
        group=group,
        channel=channel,
        rank=rank,
        feeders=channel_groups.feeding_channels(
            pattern, group, channel, count=site.channels // site.heads
        ),
        arrays=arrays,
    )


def window(chosen: Chosen, place: tuple[int, int]) -> tuple[Reading, dual_attention.WindowRows]:
    """What the selected place reads: over the grid, and inside its window."""
    site, arrays, (row, column) = chosen.site, chosen.arrays, place
    reading = frame.remember(
        ("reading", frame.view().picture.sha256, chosen.key, site.group, place),
        lambda: reading_at(site, arrays, row=row, column=column),
    )
    rows = frame.remember(
        chosen.about("rows", place),
        lambda: dual_attention.window_rows(
            arrays[chosen.name("window.pattern")], site, row=row, column=column
        ),
    )
    return reading, rows


def window_map(chosen: Chosen) -> None:
    """The picture, the place's window, and the share that each of its places has."""
    site, place = chosen.site, chosen.place
    st.markdown(f"**{frame.t('dual_attention.share')}**")
    if place is None:
        st.info(frame.t("dual_attention.outside"))
        return
    reading, rows = window(chosen, place)
    share = attentions.share_of(reading, site, chosen.head)
    heads = [attentions.share_of(reading, site, h).values for h in range(site.heads)]
    # Heads are compared with each other; their mean is flatter and has its own scale.
    pair = colours.limits(*(heads if chosen.head is not None else [share.values]), signed=False)
    picture, seen = frame.view().picture, frame.box(chosen.key)
    png = frame.remember(
        chosen.about("share", place, chosen.head),
        lambda: overlay.share_overlay(
            picture.pixels,
            share.values,
            box=seen,
            limits=pair,
            cell=place,
            region=(*rows.corner, site.window, site.window),
        ),
    )
    frame.image(png, key="dual-share", alt=frame.t("dual_attention.share_alt"))
    frame.legend(
        signed=False, limits=pair, unit=frame.t("dual_attention.share_unit"), key="dual-sharebar"
    )
    numbers = statistics(
        share.values, row=place[0], column=place[1], cell_px=seen.width / site.columns
    )
    frame.html_table(
        [
            (frame.t("dual_attention.window_number"), f"{rows.number + 1} / {rows.count}"),
            (frame.t("dual_attention.entropy"), frame.bits(numbers.entropy_bits, site.window**2)),
            (frame.t("dual_attention.reach"), f"{numbers.reach_px:.0f} px"),
        ]
    )
    local = "whole" if rows.count == 1 else "part"
    said = frame.t(f"dual_attention.window_{local}", side=site.window)
    if reading.outside:
        said += " " + frame.t("dual_attention.padding", share=f"{reading.outside:.1f}")
    st.caption(said)
    frame.strip(
        share, key="dual.share", name=f"{chosen.file('window')}.share", title=spec(chosen.key).title
    )


def channel_table(chosen: Chosen) -> None:
    """The group's table; the chosen channel's row and the entry are framed."""
    st.markdown(f"**{frame.t('dual_attention.table', group=chosen.group + 1)}**")
    table = chosen.arrays[chosen.name("channel.pattern")].select(group=chosen.group)
    scores = chosen.arrays[chosen.name("channel.scores")].select(group=chosen.group)
    pair = colours.limits(table.values, signed=False)
    picture, (i, j) = frame.view().picture, (chosen.channel, chosen.read)
    # Drawn as a square in the middle of the picture's own frame: as high as the map beside it.
    side = float(min(picture.width, picture.height))
    square = ViewBox(
        left=(picture.width - side) / 2, top=(picture.height - side) / 2, width=side, height=side
    )
    png = frame.remember(
        chosen.about("table", chosen.group, i, j),
        lambda: overlay.plain_map(
            table.values,
            picture_shape=(picture.height, picture.width),
            box=square,
            limits=pair,
            signed=False,
            cell=(i, j),
            region=(i, 0, 1, chosen.size),
        ),
    )
    frame.image(png, key="dual-table", alt=frame.t("dual_attention.table_alt"))
    frame.legend(
        signed=False, limits=pair, unit=frame.t("dual_attention.table_unit"), key="dual-tablebar"
    )
    entropy = float(channel_groups.entropy(table.values[i]))
    frame.html_table(
        [
            (
                frame.t("dual_attention.reads", channel=i + 1, read=j + 1),
                f"{100 * float(table.values[i, j]):.2f} %",
            ),
            (
                frame.t("dual_attention.row_entropy", channel=i + 1),
                frame.bits(entropy, chosen.size),
            ),
            (frame.t("dual_attention.score"), f"{float(scores.values[i, j]):.3f}"),
        ]
    )
    st.caption(frame.t("dual_attention.no_places"))
    frame.strip(
        table,
        key="dual.table",
        name=f"{chosen.file('channel.pattern')}.group{chosen.group}",
        title=spec(chosen.key).title,
        arrays={"pattern": table, "scores": scores},
    )
