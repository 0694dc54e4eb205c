"""Augmentation of whole batches on whichever device the pictures lie on.

What is random is drawn on the CPU from a generator, so that every device draws the same numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from vislib.training.recipe import Recipe

ERASED_AREA = (0.02, 0.33)
"""Least and largest share of a picture's area that is erased, as in Random Erasing's paper."""
ERASED_ASPECT = 10 / 3
"""Largest ratio of the sides of what is erased."""
LUMA = (0.299, 0.587, 0.114)
"""Red, green and blue in a pixel's grey value (ITU-R BT.601)."""


def augment(
    images: Tensor,
    targets: Tensor,
    *,
    recipe: Recipe,
    mean: tuple[float, ...],
    std: tuple[float, ...],
    classes: int,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """What a recipe makes of a batch.

    Args:
        images: uint8, axes (picture, rgb, row, column).
        targets: Class of each picture.
        recipe: Says what is done and how strongly.
        mean: Of each colour channel, on the scale 0 to 1.
        std: The same.
        classes: How many there are.
        generator: On the CPU.

    Returns:
        Normalised pictures (float32, same axes), and the targets: classes as they came, or, where
        the recipe mixes pictures, float32 of axes (picture, class) with sum 1.
    """
    moved = flip_and_shift(images, shift=recipe.shift, generator=generator)
    if recipe.smallest_crop < 1:
        moved = crop_and_enlarge(
            moved,
            smallest=recipe.smallest_crop,
            aspect=recipe.aspect,
            turn=recipe.turn,
            generator=generator,
        )
    if recipe.colour:
        moved = relight(moved, most=recipe.colour, generator=generator)
    inputs = normalise(moved, mean, std)
    if recipe.erase:
        inputs = erase(inputs, share=recipe.erase, generator=generator)
    if not (recipe.mixup or recipe.cutmix):
        return inputs, targets
    sure = functional.one_hot(targets, classes).float()
    return mix(inputs, sure, mixup=recipe.mixup, cutmix=recipe.cutmix, generator=generator)


def normalise(images: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    """0 to 255 (picture, rgb, row, column) -> float32, per colour channel minus mean over std.

    ``mean`` and ``std`` are on the scale 0 to 1, as timm gives them.
    """
    shift = _sent(torch.tensor(mean), images.device).view(1, -1, 1, 1)
    scale = _sent(torch.tensor(std), images.device).view(1, -1, 1, 1)
    return (images.float() / 255 - shift) / scale


def flip_and_shift(images: Tensor, *, shift: int, generator: torch.Generator) -> Tensor:
    """Mirror half of the pictures and move each by up to ``shift`` pixels, edges mirrored.

    Args:
        images: Axes (picture, rgb, row, column).
        shift: Largest move in either direction, in pixels.
        generator: On the CPU, so that every device draws the same numbers.

    Returns:
        The same shape and type.
    """
    count, _, height, width = images.shape
    device = images.device
    padded = torch.nn.functional.pad(images.float(), (shift,) * 4, mode="reflect").to(images.dtype)
    down = _sent(torch.randint(0, 2 * shift + 1, (count,), generator=generator), device)
    right = _sent(torch.randint(0, 2 * shift + 1, (count,), generator=generator), device)
    mirrored = _sent(torch.rand(count, generator=generator) < 0.5, device)
    rows = down[:, None] + torch.arange(height, device=device)
    columns = torch.arange(width, device=device).expand(count, width)
    columns = torch.where(mirrored[:, None], width - 1 - columns, columns) + right[:, None]
    picture = torch.arange(count, device=device)[:, None, None]
    return padded[picture, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def rearrange(images: Tensor, places: Sequence[int]) -> Tensor:
    """Put the pixels of all pictures into another order; the colours of a pixel stay together.

    Args:
        images: Axes (picture, rgb, row, column).
        places: For each place (row by row) the place where its pixel comes from; empty leaves the
            pictures as they are.
    """
    if not places:
        return images
    index = torch.tensor(places, device=images.device)
    return images.flatten(2)[:, :, index].view(images.shape)


def crop_and_enlarge(
    images: Tensor,
    *,
    smallest: float,
    aspect: float,
    generator: torch.Generator,
    turn: float = 0.0,
) -> Tensor:
    """Cut a rectangle out of each picture and enlarge it to the picture's size, bilinearly.

    Args:
        images: Axes (picture, rgb, row, column), 0 to 255.
        smallest: Least share of the area that is cut out; the largest is 1.
        aspect: Largest ratio of width to height, or of height to width, as shares of the picture.
        generator: On the CPU.
        turn: Largest angle by which the rectangle is turned about its middle, in degrees, either
            way. Its corners can then lie outside, where the picture's edge goes on; 0 draws no
            angle.

    Returns:
        float32, the same axes and range.
    """
    count = len(images)
    areas = smallest + (1 - smallest) * torch.rand(count, generator=generator)
    ratios = _ratios(count, aspect, generator)
    wide, tall = (areas * ratios).sqrt().clamp(max=1), (areas / ratios).sqrt().clamp(max=1)
    left = torch.rand(count, generator=generator) * (1 - wide)
    top = torch.rand(count, generator=generator) * (1 - tall)
    angles = torch.zeros(count)
    if turn:
        angles = (2 * torch.rand(count, generator=generator) - 1) * math.radians(turn)
    along, aside = angles.cos(), angles.sin()
    # affine_grid counts from -1 to 1 over the picture: 2 * share - 1
    across = torch.stack([wide * along, -tall * aside, 2 * left + wide - 1], dim=1)
    down = torch.stack([wide * aside, tall * along, 2 * top + tall - 1], dim=1)
    places = functional.affine_grid(
        _sent(torch.stack([across, down], dim=1), images.device),
        list(images.shape),
        align_corners=False,
    )
    return functional.grid_sample(
        images.float(), places, mode="bilinear", padding_mode="border", align_corners=False
    )


def relight(images: Tensor, *, most: float, generator: torch.Generator) -> Tensor:
    """Change saturation, contrast and brightness of each picture, in this order.

    Args:
        images: Axes (picture, rgb, row, column), 0 to 255.
        most: Each factor lies between 1 - most and 1 + most; below 1.
        generator: On the CPU.

    Returns:
        float32, the same axes and range.
    """
    factors = 1 + most * (2 * torch.rand(3, len(images), 1, 1, 1, generator=generator) - 1)
    saturation, contrast, brightness = _sent(factors, images.device)
    luma = torch.tensor(LUMA).view(1, 3, 1, 1)
    grey = (images.float() * _sent(luma, images.device)).sum(1, keepdim=True)
    coloured = torch.lerp(grey, images.float(), saturation)
    middle = grey.mean((2, 3), keepdim=True)
    relit: Tensor = torch.lerp(middle, coloured, contrast) * brightness
    return relit.clamp(0, 255)


def erase(inputs: Tensor, *, share: float, generator: torch.Generator) -> Tensor:
    """Set a rectangle of some pictures to 0, which is the mean colour (arXiv 1708.04896).

    Args:
        inputs: Normalised, axes (picture, rgb, row, column).
        share: Part of the pictures that lose a rectangle.
        generator: On the CPU.
    """
    count, least, most = len(inputs), *ERASED_AREA
    chosen = torch.rand(count, generator=generator) < share
    areas = least + (most - least) * torch.rand(count, generator=generator)
    ratios = _ratios(count, ERASED_ASPECT, generator)
    inside = rectangles(inputs, areas * chosen, ratios, generator)
    return inputs.masked_fill(inside[:, None], 0.0)


def mix(
    inputs: Tensor, targets: Tensor, *, mixup: float, cutmix: float, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Blend some pictures with another one of the batch, paste a rectangle of one into others.

    mixup (arXiv 1710.09412) and CutMix (arXiv 1905.04899), decided for each picture; how much comes
    from the other one is uniform between 0 and 1 (alpha 1). A rectangle has the picture's own
    proportions and lies wholly inside, where the paper cuts off what lies outside.

    Args:
        inputs: Axes (picture, rgb, row, column).
        targets: Axes (picture, class), sum 1.
        mixup: Part of the pictures that are blended.
        cutmix: Part of the pictures that get a rectangle; the two together at most 1.
        generator: On the CPU.

    Returns:
        Pictures and targets; a target's mass is shared as the pixels are.
    """
    count, device = len(inputs), inputs.device
    partner = _sent(torch.randperm(count, generator=generator), device)
    kind = torch.rand(count, generator=generator)
    amount = torch.rand(count, generator=generator)
    pasted = (kind >= mixup) & (kind < mixup + cutmix)
    inside = rectangles(inputs, amount * pasted, torch.ones(count), generator)
    blended = _sent(amount * (kind < mixup), device)
    mixed = torch.lerp(inputs, inputs[partner], blended[:, None, None, None])
    mixed = torch.where(inside[:, None], inputs[partner], mixed)
    foreign = (blended + inside.float().mean((1, 2)))[:, None]
    return mixed, torch.lerp(targets, targets[partner], foreign)


def rectangles(inputs: Tensor, areas: Tensor, ratios: Tensor, generator: torch.Generator) -> Tensor:
    """One rectangle a picture, anywhere inside it, of whole pixels.

    Args:
        inputs: Pictures, whose size and device are taken; axes (picture, rgb, row, column).
        areas: Share of each picture's area; 0 gives none.
        ratios: Width to height, both as shares of the picture's sides.
        generator: On the CPU.

    Returns:
        Whether a pixel lies inside; bool, axes (picture, row, column).
    """
    spans = []
    for size, share in zip(
        inputs.shape[2:], ((areas / ratios).sqrt(), (areas * ratios).sqrt()), strict=True
    ):
        length = (share * size).round().clamp(max=size)
        first = torch.rand(len(areas), generator=generator) * (size - length + 1)
        first = first.floor().minimum(size - length)
        begin, end = _sent(torch.stack([first, first + length]), inputs.device)[:, :, None]
        place = torch.arange(size, device=inputs.device)
        spans.append((place >= begin) & (place < end))
    inside: Tensor = spans[0][:, :, None] & spans[1][:, None, :]
    return inside


def _ratios(count: int, largest: float, generator: torch.Generator) -> Tensor:
    """Ratios of two sides between 1 / largest and largest, evenly in their logarithm."""
    return torch.exp((2 * torch.rand(count, generator=generator) - 1) * math.log(largest))


def _sent(drawn: Tensor, device: torch.device) -> Tensor:
    """What was drawn on the CPU, on ``device``, without waiting until that has done its work."""
    return drawn.to(device, non_blocking=True)
