"""Augmentation of whole batches on whichever device the pictures lie on."""

from __future__ import annotations

import torch
from torch import Tensor


def normalise(images: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    """uint8 (picture, rgb, row, column) -> float32, per colour channel minus mean over std.

    ``mean`` and ``std`` are on the scale 0 to 1, as timm gives them.
    """
    shift = torch.tensor(mean, device=images.device).view(1, -1, 1, 1)
    scale = torch.tensor(std, device=images.device).view(1, -1, 1, 1)
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
    down = torch.randint(0, 2 * shift + 1, (count,), generator=generator).to(device)
    right = torch.randint(0, 2 * shift + 1, (count,), generator=generator).to(device)
    mirrored = (torch.rand(count, generator=generator) < 0.5).to(device)
    rows = down[:, None] + torch.arange(height, device=device)
    columns = torch.arange(width, device=device).expand(count, width)
    columns = torch.where(mirrored[:, None], width - 1 - columns, columns) + right[:, None]
    picture = torch.arange(count, device=device)[:, None, None]
    return padded[picture, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
