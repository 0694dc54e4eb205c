"""What the second recipe does to a batch: crops, erased rectangles, mixtures, and their targets."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from vislib.training.augment import (
    ERASED_AREA,
    augment,
    crop_and_enlarge,
    erase,
    flip_and_shift,
    mix,
    normalise,
    rectangles,
    relight,
)
from vislib.training.recipe import RECIPES

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)
SIZE, CLASSES = 16, 5


def drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch(count: int = 64) -> tuple[Tensor, Tensor]:
    images = torch.randint(0, 256, (count, 3, SIZE, SIZE), dtype=torch.uint8, generator=drawn(9))
    return images, torch.arange(count) % CLASSES


def by_recipe(version: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    images, targets = batch()
    return augment(
        images,
        targets,
        recipe=RECIPES[version],
        mean=MEAN,
        std=STD,
        classes=CLASSES,
        generator=drawn(seed),
    )


# Whole recipes


def test_the_first_recipe_mirrors_and_shifts_and_does_nothing_else() -> None:
    """Its batches stay as they were when the bundled models were trained."""
    images, targets = batch()
    moved = flip_and_shift(images, shift=6, generator=drawn())
    inputs, same = by_recipe(1)
    assert torch.equal(inputs, normalise(moved, MEAN, STD))
    assert torch.equal(same, targets)
    assert same.dtype == torch.int64
    assert not torch.equal(by_recipe(1, seed=1)[0], inputs)


def test_the_second_recipe_gives_whole_targets_and_the_same_numbers_again() -> None:
    inputs, targets = by_recipe(2)
    assert inputs.shape == (64, 3, SIZE, SIZE)
    assert inputs.dtype == targets.dtype == torch.float32
    assert bool(torch.isfinite(inputs).all())
    assert torch.allclose(targets.sum(1), torch.ones(64), atol=1e-6)
    assert float(targets.min()) >= 0
    again, same = by_recipe(2)
    assert torch.equal(again, inputs)
    assert torch.equal(same, targets)
    other, different = by_recipe(2, seed=1)
    assert not torch.equal(other, inputs)
    assert not torch.equal(different, targets)


# Crops


def ramps(count: int) -> Tensor:
    """Red tells the column and green the row of a pixel's middle, from 0 to 1."""
    middles = (torch.arange(SIZE) + 0.5) / SIZE
    columns = middles.expand(SIZE, SIZE)
    return torch.stack([columns, columns.T, 0 * columns]).expand(count, 3, SIZE, SIZE)


def test_a_crop_is_a_rectangle_of_the_allowed_size_enlarged() -> None:
    """On ramps, bilinear reading is exact: each pixel says where it was read."""
    smallest, aspect, count = 0.3, 1.5, 200
    seen = crop_and_enlarge(ramps(count), smallest=smallest, aspect=aspect, generator=drawn())
    inner = slice(4, -4)  # the border is read from the picture's outermost pixels
    steps = torch.diff(seen[:, :, inner, inner], dim=3)[:, 0], torch.diff(seen, dim=2)[:, 1]
    across, down = steps[0], steps[1][:, inner, inner]
    assert float((across - across.mean((1, 2), keepdim=True)).abs().max()) < 1e-5
    assert float((down - down.mean((1, 2), keepdim=True)).abs().max()) < 1e-5
    wide, tall = across.mean((1, 2)) * SIZE, down.mean((1, 2)) * SIZE
    areas, ratios = wide * tall, wide / tall
    assert smallest - 1e-4 < float(areas.min()) < 0.4
    assert 0.9 < float(areas.max()) < 1 + 1e-4
    assert 1 / aspect - 1e-4 < float(ratios.min()) < 0.75
    assert 1.33 < float(ratios.max()) < aspect + 1e-4
    half = SIZE // 2
    middle = seen[:, :2, half - 1 : half + 1, half - 1 : half + 1].mean((2, 3))
    for place, length in ((middle[:, 0], wide), (middle[:, 1], tall)):
        assert float((place - length / 2).min()) > -1e-4  # nothing from outside the picture
        assert float((place + length / 2).max()) < 1 + 1e-4
        assert float(place.max() - place.min()) > 0.3


def test_a_crop_of_everything_is_the_picture() -> None:
    images, _ = batch()
    whole = crop_and_enlarge(images, smallest=1.0, aspect=1.0, generator=drawn())
    assert torch.allclose(whole, images.float(), atol=0.02)
    part = crop_and_enlarge(images, smallest=0.5, aspect=1.0, generator=drawn())
    assert not torch.allclose(part, images.float(), atol=20)


def test_a_crop_is_turned_about_its_middle() -> None:
    """On ramps each pixel says where it was read: steps along a row give the angle."""
    most, count = 20.0, 800
    seen = crop_and_enlarge(ramps(count), smallest=0.2, aspect=1.0, turn=most, generator=drawn())
    half = SIZE // 2  # the middle is read from inside the picture
    across = (seen[:, :2, half, half] - seen[:, :2, half, half - 1]).double()
    down = (seen[:, :2, half, half] - seen[:, :2, half - 1, half]).double()
    inside = (seen[:, :2] > 0.1).all(1).all(1).all(1) & (seen[:, :2] < 0.9).all(1).all(1).all(1)
    assert int(inside.sum()) > 20
    across, down = across[inside], down[inside]
    angles = torch.rad2deg(torch.atan2(across[:, 1], across[:, 0]))
    assert float(angles.abs().max()) <= most + 1e-3
    assert float(angles.min()) < -most / 2
    assert float(angles.max()) > most / 2
    # A square stays one: both sides as long, at a right angle, columns to the left of rows.
    assert torch.allclose(across[:, 0], down[:, 1], atol=1e-5)
    assert torch.allclose(across[:, 1], -down[:, 0], atol=1e-5)
    straight = crop_and_enlarge(ramps(count), smallest=0.2, aspect=1.0, generator=drawn())
    assert float(torch.diff(straight[:, 1], dim=2).abs().max()) < 1e-6  # negative control


# Light


def test_other_light_changes_saturation_contrast_and_brightness() -> None:
    """What each factor was can be read off the result, and is the same for all pixels."""
    most = 0.3
    images = 96 + torch.rand(200, 3, SIZE, SIZE, generator=drawn(1)) * 24  # nothing is cut off
    lit = relight(images, most=most, generator=drawn()).double()
    weights = torch.tensor([0.299, 0.587, 0.114], dtype=torch.float64).view(1, 3, 1, 1)
    grey, before = (lit * weights).sum(1), (images * weights).sum(1)
    brightness = grey.mean((1, 2)) / before.mean((1, 2))
    contrast = grey.flatten(1).std(1) / before.flatten(1).std(1) / brightness
    chroma = (lit - grey[:, None]).flatten(1).norm(dim=1)
    saturation = chroma / (images - before[:, None]).flatten(1).norm(dim=1) / contrast / brightness
    for factor in (brightness, contrast, saturation):
        assert 1 - most - 1e-3 < float(factor.min()) < 1 - most / 2
        assert 1 + most / 2 < float(factor.max()) < 1 + most + 1e-3
    pairs = torch.corrcoef(torch.stack([brightness, contrast, saturation]))
    assert float((pairs - torch.eye(3)).abs().max()) < 0.25  # drawn apart
    bright = relight(torch.full((50, 3, SIZE, SIZE), 250.0), most=most, generator=drawn())
    assert float(bright.max()) == 255
    assert torch.equal(relight(images, most=0.0, generator=drawn()), images)  # negative control


# Rectangles


def test_rectangles_lie_inside_and_have_their_size() -> None:
    inputs = torch.zeros(400, 3, SIZE, 2 * SIZE)
    areas = torch.linspace(0, 1, 400)
    inside = rectangles(inputs, areas, torch.ones(400), drawn())
    assert inside.shape == (400, SIZE, 2 * SIZE)
    for mask, area in zip(inside, areas.tolist(), strict=True):
        rows, columns = mask.any(1), mask.any(0)
        assert int(rows.sum()) == round(math.sqrt(area) * SIZE)
        assert int(columns.sum()) == round(math.sqrt(area) * 2 * SIZE)
        assert torch.equal(mask, rows[:, None] & columns[None, :])
        for line in (rows, columns):  # one piece
            assert int(torch.diff(line.int()).abs().sum()) <= 2
    assert bool(inside[1:].any(0).all())  # every place can be hit
    assert not bool(inside[0].any())
    quarter = torch.full((4000,), 0.25)
    squares = rectangles(torch.zeros(4000, 1, SIZE, SIZE), quarter, quarter * 0 + 1, drawn())
    first = squares.any(2).int().argmax(1)  # of the 9 places that a side of half the size has
    assert torch.bincount(first).tolist() == pytest.approx([4000 / 9] * 9, rel=0.2)
    wide = rectangles(inputs, areas * 0 + 0.1, areas * 0 + 4.0, drawn())
    assert bool((wide.any(1).sum(1) > 2 * wide.any(2).sum(1)).all())


def test_erasing_empties_a_rectangle_of_its_share_of_the_pictures() -> None:
    inputs = torch.rand(2000, 3, SIZE, SIZE, generator=drawn()) + 1
    erased = erase(inputs, share=0.25, generator=drawn(1))
    gone = erased == 0
    assert torch.equal(gone[:, 0], gone[:, 2])
    assert torch.equal(erased[~gone], inputs[~gone])
    areas = gone[:, 0].float().mean((1, 2))
    assert float((areas > 0).float().mean()) == pytest.approx(0.25, abs=0.03)
    assert float(areas.max()) < ERASED_AREA[1] + 0.1  # whole pixels
    assert torch.equal(erase(inputs, share=0.0, generator=drawn(1)), inputs)


# Mixtures


def mixed(**shares: float) -> tuple[Tensor, Tensor, Tensor]:
    """Pictures that are 1 in the plane of their own number: a result says what it is made of.

    Returns:
        The mixed pictures, axes (picture, number, row, column); targets, axes (picture, number);
        and how much of each picture came from which, axes (picture, number).
    """
    count = 60
    inputs = torch.eye(count)[:, :, None, None].expand(count, count, SIZE, SIZE).contiguous()
    out, targets = mix(inputs, torch.eye(count), **shares, generator=drawn(3))  # type: ignore[arg-type]
    return out, targets, out.mean((2, 3))


@pytest.mark.parametrize(
    "shares", [{"mixup": 1.0, "cutmix": 0.0}, {"mixup": 0.0, "cutmix": 1.0}], ids=str
)
def test_targets_are_shared_as_the_pixels_are(shares: dict[str, float]) -> None:
    _, targets, pixels = mixed(**shares)
    assert torch.allclose(targets, pixels, atol=1e-5)
    assert torch.allclose(targets.sum(1), torch.ones(60), atol=1e-6)
    assert bool(((targets > 0).sum(1) <= 2).all())
    own = targets.diagonal()
    assert 0.3 < float(own.mean()) < 0.7
    assert float(own.max() - own.min()) > 0.7
    # Negative control: whole targets, or those of another picture, are not shared so.
    assert not torch.allclose(torch.eye(60), pixels, atol=0.1)
    assert not torch.allclose(targets.roll(1, 0), pixels, atol=0.1)


def test_a_pasted_pixel_is_one_picture_s_and_a_blended_one_is_of_both() -> None:
    pasted, _, _ = mixed(mixup=0.0, cutmix=1.0)
    assert set(pasted.unique().tolist()) == {0.0, 1.0}
    blended, targets, _ = mixed(mixup=1.0, cutmix=0.0)
    assert torch.equal(blended, blended[:, :, :1, :1].expand_as(blended))
    assert bool(((targets > 0.01) & (targets < 0.99)).any())


def test_shares_say_how_many_pictures_are_mixed() -> None:
    inputs = torch.rand(3000, 1, 4, 4, generator=drawn())
    targets = torch.eye(3000)
    for mixup, cutmix in ((0.0, 0.0), (0.3, 0.3), (0.2, 0.0)):
        out, _ = mix(inputs, targets, mixup=mixup, cutmix=cutmix, generator=drawn(2))
        changed = (out != inputs).flatten(1).any(1).float().mean()
        # A pasted rectangle of under half a pixel a side is none: (1/8)^2 of them at this size.
        assert float(changed) == pytest.approx(mixup + cutmix * (1 - 1 / 64), abs=0.03)
