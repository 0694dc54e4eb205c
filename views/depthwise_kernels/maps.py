"""What the stage shows on Depthwise kernels: footprints that follow the place, and one channel."""

from __future__ import annotations

from views import frame
from views.depthwise_kernels.controls import Choice, dense, site_beside, site_named
from views.depthwise_kernels.kernel_maps import all_kernels, bias, strongest_inputs, words
from vislib.analysis.fields import ReadingField, reading_field
from vislib.analysis.signed_fields import SignedField, product_field, still_field
from vislib.figures import colours
from vislib.registry import base_key, spec
from vislib.schema import DecodedImage, LabelledArray, MixingSite

INPUTS = 2
"""Channels of the 1 x 1 convolution on the stage; more stand below it."""


def maps(chosen: Choice, key: str) -> list[frame.StageMap]:
    """The maps of a view.

    Args:
        chosen: What is shown.
        key: The model as of the epoch that is shown; activations are always of the trained one.
    """
    if chosen.view == "depth":
        return [_footprint(key, where) for where in ("first", "", "last")]
    if chosen.view == "mixing":
        inputs = [_input(chosen, number) for number in range(INPUTS)]
        return [*inputs, _channel(chosen, "mixed")]
    if chosen.other is not None:
        return [_footprint(key, ""), _beside(chosen, chosen.other)]
    return [
        _footprint(key, ""),
        *(_channel(chosen, name) for name in ("input", "products", "output")),
    ]


def channel_map(key: str, site: MixingSite, picture: DecodedImage, name: str) -> LabelledArray:
    """A captured tensor of a block on a picture, axes (channel, row, column).

    Args:
        key: Registry key.
        site: The block.
        picture: Which picture.
        name: The tensor's own name in the block ("depthwise.in").
    """
    return frame.capture(key, site.group, picture=picture)[f"{site.group}.{name}"]


def _footprint(key: str, where: str) -> frame.StageMap:
    """What a place reads through all kernels of a block together.

    Args:
        key: Registry key, of an epoch too.
        where: "first", "last" or empty for the block that is chosen.
    """

    def shows(_picture: DecodedImage, block: str) -> frame.StageShown:
        sites = frame.model(key).sites
        site = {"first": sites[0], "last": sites[-1]}.get(where) or site_named(key, block)
        kernels = all_kernels(key)[site.block]
        return frame.StageShown(field=_field(key, site, kernels), sub=frame.block_words(key, site))

    title = words(f"tile_{where}" if where else "tile_reads", model=spec(key).title)
    return frame.model_map(key, shows, alt=words("footprint_alt", what=title), name=title)


def _beside(chosen: Choice, key: str) -> frame.StageMap:
    """What a place reads through the ResNet's standard convolution."""

    def shows(_picture: DecodedImage, block: str) -> frame.StageShown:
        site = site_beside(chosen.key, site_named(chosen.key, block), key)
        field = _field(key, site, dense(key, site))
        return frame.StageShown(field=field, sub=frame.block_words(key, site))

    title = words("tile_reads", model=spec(key).title)
    return frame.model_map(key, shows, alt=words("footprint_alt", what=title), name=title)


def _field(key: str, site: MixingSite, kernels: LabelledArray) -> ReadingField:
    operator = "convolution" if "convolution" in site.operators else "depthwise"
    return frame.remember(
        ("footprint", key, site.group),
        lambda: reading_field(site, {f"{site.group}.{operator}.kernel": kernels}),
    )


def _channel(chosen: Choice, what: str) -> frame.StageMap:
    """The followed channel: before the kernel, times the kernel, after it, or after mixing."""

    def shows(picture: DecodedImage, block: str) -> frame.StageShown:
        key = base_key(chosen.key)
        site = site_named(key, block)
        return frame.StageShown(
            field=_signed(key, site, chosen.channel, picture, what), unit=words("activation")
        )

    title = words(f"tile_{what}", channel=chosen.channel + 1)
    return frame.model_map(chosen.key, shows, alt=words(f"{what}_alt"), name=title)


def _signed(
    key: str, site: MixingSite, channel: int, picture: DecodedImage, what: str
) -> SignedField:
    if what == "mixed":
        mixed = channel_map(key, site, picture, "channel_mixing.out")
        return still_field(mixed.select(channel=channel))
    before, after = (
        channel_map(key, site, picture, f"depthwise.{end}").select(channel=channel)
        for end in ("in", "out")
    )
    if what == "products":
        kernel = all_kernels(key)[site.block].select(channel=channel)
        return product_field(before, kernel, float(bias(key, site, "depthwise")[channel]))
    _, common = colours.limits(before.values, after.values, signed=True)
    return still_field(before if what == "input" else after, largest=common)


def _input(chosen: Choice, number: int) -> frame.StageMap:
    """One of the channels that the 1 x 1 convolution reads most for the followed channel."""

    def shows(picture: DecodedImage, block: str) -> frame.StageShown:
        site = site_named(chosen.key, block)
        found = strongest_inputs(chosen.key, site, chosen.channel)
        read, weight = int(found.channel[number]), float(found.weight[number])
        before = channel_map(chosen.key, site, picture, "channel_mixing.in")
        return frame.StageShown(
            field=still_field(before.select(channel=read)),
            unit=words("activation"),
            sub=words("input_tile", channel=read + 1, weight=frame.signed(weight, 3)),
        )

    title = words("tile_strongest", number=number + 1)
    return frame.model_map(chosen.key, shows, alt=title, name=title)
