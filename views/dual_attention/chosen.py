"""What is chosen on Dual attention, and what was captured of a block for it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace

from views import frame
from vislib.analysis import channel_groups, dual_attention
from vislib.analysis.common_ground import Reading
from vislib.analysis.reading_at import reading_at
from vislib.schema import DecodedImage, LabelledArray, MixingSite


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What the row of choices holds, counted from 0; channels are counted within their group.

    Attributes:
        key: Registry key.
        block: Its name in the address.
        head: The head whose map stands beside that of all heads.
        group, channel, rank: The group, the channel that is written, and how many channels feed
            it more than the one looked at.
        scale: The stage's.
    """

    key: str
    block: str
    head: int
    group: int
    channel: int = 0
    rank: int = 0
    scale: str = "root"

    def with_entry(self, channel: int, *, rank: int) -> Choice:
        """With another entry of the table."""
        return replace(self, channel=channel, rank=rank)

    def with_scale(self, scale: str) -> Choice:
        """With another colour scale."""
        return replace(self, scale=scale)

    @property
    def sites(self) -> dict[str, MixingSite]:
        """The blocks that can be stepped through, by their names in the address."""
        every = dual_attention.dual_sites(frame.model(self.key).sites)
        return {frame.block_name(site): site for site in every}

    @property
    def blocks(self) -> tuple[str, ...]:
        """Their names, first to last."""
        return tuple(self.sites)

    def at(self, block: str, picture: DecodedImage | None = None) -> Chosen:
        """What is shown of a block: the nearest head, group and channel that it has.

        Args:
            block: Its name in the address.
            picture: The visitor's if None.
        """
        site = self.sites[block]
        arrays = frame.capture(self.key, site.group, picture=picture)
        size = site.channels // site.heads
        group, channel = min(self.group, site.heads - 1), min(self.channel, size - 1)
        pattern = arrays[f"{site.group}.channel.pattern"]
        return Chosen(
            key=self.key,
            site=site,
            head=min(self.head, site.heads - 1),
            group=group,
            channel=channel,
            rank=min(self.rank, size - 1),
            feeders=channel_groups.feeding_channels(pattern, group, channel, count=size),
            arrays=arrays,
        )


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What is shown of one block; counted as in ``Choice``.

    Attributes:
        key, site: The model and the block.
        head, group, channel, rank: As in ``Choice``.
        feeders: All channels of the group, the one that feeds most first: (channel, probability).
        arrays: What was captured of the block.
    """

    key: str
    site: MixingSite
    head: int
    group: int
    channel: int
    rank: int
    feeders: list[tuple[int, float]]
    arrays: Mapping[str, LabelledArray]

    @property
    def place(self) -> tuple[int, int] | None:
        """The selected cell of the block's grid, None outside the crop."""
        return frame.cell(self.key, self.site)

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

    def table(self, name: str = "pattern") -> LabelledArray:
        """The group's probabilities or scores, axes (channel_out, channel_in)."""
        return self.arrays[self.name(f"channel.{name}")].select(group=self.group)


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


def score_places(chosen: Chosen) -> LabelledArray:
    """Where the chosen entry of the table comes from, axes (row, column): scale * k * v."""
    return dual_attention.score_map(
        chosen.arrays,
        chosen.site,
        group=chosen.group,
        out=chosen.channel,
        read=chosen.read,
    )
