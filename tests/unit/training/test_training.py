"""Data, augmentation, recipe, loop, export and evaluation on models that train in a second."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vislib import registry
from vislib.models import loading
from vislib.schema import MixScopeError, ModelSpec, WeightsError
from vislib.training import card as cards
from vislib.training import export as exports
from vislib.training import hardware, loop, quick, small, starting
from vislib.training import run as running
from vislib.training.augment import flip_and_shift, normalise
from vislib.training.data import (
    DataError,
    PackedPictures,
    load_folder,
    name_classes,
    read_class_names,
    split_folder,
    split_held_out,
)
from vislib.training.evaluate import accuracy, load_trained, measure
from vislib.training.muon import Muon, matrices_of
from vislib.training.recipe import RECIPE, RECIPES
from vislib.weights import files

SIZE = 16
CLASSES = ("n01", "n02", "n03")
TINY = ModelSpec(
    key="tiny_mixer",
    family="mixer",
    title="Tiny Mixer",
    weights="bundled",
    licence="MIT",
    paper="2105.01601",
    build={
        "class": "timm.models.mlp_mixer.MlpMixer",
        "img_size": SIZE,
        "patch_size": 8,
        "num_blocks": 1,
        "embed_dim": 16,
        "mlp_ratio": (1.0, 2.0),
    },
)
# Batch norm's running statistics and convolution kernels belong to the state as well.
TINY_CONV = replace(
    TINY,
    key="tiny_convmixer",
    family="convmixer",
    build={
        "class": "timm.models.convmixer.ConvMixer",
        "dim": 8,
        "depth": 1,
        "kernel_size": 3,
        "patch_size": 8,
    },
)
RECIPE_TINY = replace(RECIPE, epochs=3, batch_size=8, shift=2, held_out=4)
RECIPE_TINY_2 = replace(RECIPES[2], epochs=2, batch_size=16, held_out=4)
RECIPE_TINY_3 = replace(RECIPES[3], epochs=4, small=0.5, batch_size=16, held_out=4)


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "MINI_SIZE", SIZE)


def toy(per_class: int = 20, *, seed: int = 0) -> PackedPictures:
    """Noise around one colour a class: learnable in a few steps, not without learning."""
    draw = np.random.default_rng(seed)
    colours = np.array([(170, 110, 110), (110, 170, 110), (110, 110, 170)])
    targets = np.repeat(np.arange(3), per_class)
    noise = draw.integers(-80, 80, (len(targets), 3, SIZE, SIZE))
    pixels = np.clip(colours[targets][:, :, None, None] + noise, 0, 255).astype(np.uint8)
    return PackedPictures(
        images=torch.from_numpy(pixels), targets=torch.from_numpy(targets), classes=CLASSES
    )


def write_folder(folder: Path, pictures: PackedPictures) -> Path:
    for index, (image, target) in enumerate(zip(pictures.images, pictures.targets, strict=True)):
        place = folder / pictures.classes[int(target)]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(place / f"{index:04d}.png")
    return folder


def settings_for(folder: Path, **changes: object) -> running.RunSettings:
    plain = running.RunSettings(
        spec=TINY, recipe=RECIPE_TINY, checkpoint=folder / "tiny.ckpt", device="cpu"
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def quiet(text: str) -> None:
    """Receives the report."""


def run(
    settings: running.RunSettings, stop: Callable[[], bool] = lambda: False
) -> tuple[dict[str, torch.Tensor], running.Progress, bool]:
    pictures, held_out = split_held_out(toy(), settings.recipe.held_out)
    model, progress, finished = loop.train(settings, pictures, held_out, quiet, stop=stop)
    return model.state_dict(), progress, finished


def stop_after(steps: int) -> Callable[[], bool]:
    asked = iter([False] * (steps - 1) + [True])
    return lambda: next(asked)


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[n], other[n]) for n in one)


# Data


def test_folder_is_read_in_sorted_class_order(tmp_path: Path) -> None:
    wanted = toy(2)
    read = load_folder(write_folder(tmp_path / "train", wanted), size=SIZE)
    assert read.classes == CLASSES
    assert torch.equal(read.targets, wanted.targets)
    assert torch.equal(read.images, wanted.images)
    assert not torch.equal(read.images, wanted.images.flip(3))  # mirrored would be seen


def test_wide_picture_is_cut_to_its_middle(tmp_path: Path) -> None:
    pixels = np.zeros((SIZE, 3 * SIZE, 3), np.uint8)
    pixels[:, SIZE : 2 * SIZE] = 200
    for name in CLASSES:
        (tmp_path / name).mkdir()
        Image.fromarray(pixels).save(tmp_path / name / "wide.png")
    read = load_folder(tmp_path, size=SIZE)
    assert int(read.images.min()) == 200  # squeezing the whole width would bring black in


def test_bad_folders_say_what_came_and_what_fits(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is no folder"):
        load_folder(tmp_path / "nowhere", size=SIZE)
    with pytest.raises(DataError, match="holds 0 class folders"):
        load_folder(tmp_path, size=SIZE)
    with pytest.raises(DataError, match="no folder 'train'"):
        split_folder(tmp_path, "train")
    for name in CLASSES:
        (tmp_path / name).mkdir()
    with pytest.raises(DataError, match="n01 holds no picture"):
        load_folder(tmp_path, size=SIZE)
    write_folder(tmp_path, toy(1))
    with pytest.raises(DataError, match=r"they differ in n03, n09"):
        load_folder(tmp_path, size=SIZE, classes=("n01", "n02", "n09"))
    with pytest.raises(DataError, match="in another order"):
        load_folder(tmp_path, size=SIZE, classes=("n02", "n01", "n03"))
    assert len(load_folder(tmp_path, size=SIZE, classes=CLASSES)) == 3


def test_pictures_that_do_not_decode_are_named(tmp_path: Path) -> None:
    write_folder(tmp_path, toy(2))
    (tmp_path / "n02" / "broken.png").write_bytes(b"no picture")
    whole = (tmp_path / "n01" / "0000.png").read_bytes()
    (tmp_path / "n03" / "cut.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"2 of 8 pictures do not decode.*broken\.png.*cut\.png"):
        load_folder(tmp_path, size=SIZE)


def test_held_out_part_is_disjoint_and_the_last_of_each_class() -> None:
    pictures = toy(20)
    marked = replace(pictures, images=pictures.images.clone())
    for index in range(len(marked)):  # each picture carries its own number
        marked.images[index, 0, 0, 0] = index
    kept, held = split_held_out(marked, 4)
    kept_ids, held_ids = (set(p.images[:, 0, 0, 0].tolist()) for p in (kept, held))
    assert held_ids == {16, 17, 18, 19, 36, 37, 38, 39, 56, 57, 58, 59}
    assert not kept_ids & held_ids
    assert kept_ids | held_ids == set(range(60))
    assert torch.bincount(held.targets).tolist() == [4, 4, 4]


def test_small_folders_hold_out_a_fifth_or_refuse() -> None:
    assert len(split_held_out(toy(10), 25)[1]) == 6
    with pytest.raises(DataError, match="at least 5 of a class"):
        split_held_out(toy(4), 25)


def test_class_names_come_from_the_csv(tmp_path: Path) -> None:
    path = tmp_path / "classes.csv"
    path.write_text('wnid,name\nn03,cat\nn01,"salmon, red"\nn02,dog\n', encoding="utf-8")
    assert name_classes(CLASSES, path) == (("n01", "salmon, red"), ("n02", "dog"), ("n03", "cat"))
    assert name_classes(CLASSES, None)[0] == ("n01", "n01")
    with pytest.raises(DataError, match="not n04"):
        name_classes(("n01", "n04"), path)
    with pytest.raises(DataError, match="cannot be read"):
        read_class_names(tmp_path / "none.csv")
    path.write_text("wnid\nn01\n", encoding="utf-8")
    with pytest.raises(DataError, match="two columns"):
        read_class_names(path)
    path.write_bytes(b"wnid,name\n\xff\xfe,x\n")
    with pytest.raises(DataError, match="UTF-8"):
        read_class_names(path)


# Augmentation


def slow_flip_and_shift(
    images: torch.Tensor, *, shift: int, generator: torch.Generator
) -> torch.Tensor:
    """The same by loops over pictures, with numpy's own padding."""
    count, _, height, width = images.shape
    down = torch.randint(0, 2 * shift + 1, (count,), generator=generator)
    right = torch.randint(0, 2 * shift + 1, (count,), generator=generator)
    mirrored = torch.rand(count, generator=generator) < 0.5
    out = torch.empty_like(images)
    for n in range(count):
        padded = np.pad(images[n].numpy(), ((0, 0), (shift, shift), (shift, shift)), mode="reflect")
        part = padded[:, down[n] : down[n] + height, right[n] : right[n] + width]
        out[n] = torch.from_numpy((part[:, :, ::-1] if mirrored[n] else part).copy())
    return out


def test_flip_and_shift_matches_a_slow_loop() -> None:
    images = torch.randint(0, 256, (32, 3, 8, 10), dtype=torch.uint8)
    fast, slow, other = (
        function(images, shift=3, generator=torch.Generator().manual_seed(seed))
        for function, seed in ((flip_and_shift, 5), (slow_flip_and_shift, 5), (flip_and_shift, 6))
    )
    assert fast.dtype == torch.uint8
    assert torch.equal(fast, slow)
    assert not torch.equal(other, slow)


def test_flip_and_shift_without_shift_is_the_picture_or_its_mirror() -> None:
    images = torch.randint(0, 256, (40, 3, 8, 8), dtype=torch.uint8)
    out = flip_and_shift(images, shift=0, generator=torch.Generator().manual_seed(0))
    kept = [torch.equal(a, b) for a, b in zip(out, images, strict=True)]
    turned = [torch.equal(a, b.flip(2)) for a, b in zip(out, images, strict=True)]
    assert all(a != b for a, b in zip(kept, turned, strict=True))
    assert 5 < sum(turned) < 35


def test_flip_and_shift_invents_no_colour() -> None:
    images = torch.zeros(16, 3, 8, 8, dtype=torch.uint8)
    images[:] = torch.arange(100, 164, dtype=torch.uint8).view(8, 8)
    out = flip_and_shift(images, shift=6, generator=torch.Generator().manual_seed(1))
    assert set(out.unique().tolist()) <= set(range(100, 164))
    assert torch.equal(out[:, 0], out[:, 2])  # the channels of a pixel stay together
    assert not torch.equal(out, images)


def test_normalise_is_minus_mean_over_std() -> None:
    images = torch.tensor([0, 255, 51], dtype=torch.uint8).view(1, 3, 1, 1)
    values = normalise(images, (0.5, 0.5, 0.2), (0.25, 0.5, 0.1)).flatten().tolist()
    assert values == pytest.approx([-2.0, 1.0, 0.0], abs=1e-6)


# Recipe


def test_learning_rate_rises_then_falls_to_zero() -> None:
    total, rise = 1000, 100
    rates = [RECIPE.rate(step, total) for step in range(total + 1)]
    peak = RECIPE.learning_rate
    assert rates[0] == pytest.approx(peak / rise)
    assert rates[rise - 1] == rates[rise] == pytest.approx(peak)
    assert rates[(rise + total) // 2] == pytest.approx(peak / 2)
    assert rates[total] == pytest.approx(0, abs=1e-12)
    assert all(a < b for a, b in pairwise(rates[:rise]))
    assert all(a > b for a, b in pairwise(rates[rise:]))
    assert math.isfinite(RECIPE.rate(0, 1))


AFTER_CROPS = (0.1, 0.1, 0.3, 10.0, 0.2, 0.7, False, False, True)
"""Numbers of version 2 from "erase" on."""
OFF = (0.0,) * 5
NO_FINISH = (0, 0.0, 0, 0.0, 64)


@pytest.mark.parametrize(
    "numbers",
    [
        (1, 6, 64, 2e-3, 0.05, 0.1, 0.1, 1.0, 6, 25, 1.0, 1.0, *OFF, 0.0, False, False, False),
        (2, 80, 512, 5e-3, 0.1, 0.05, 0.1, 1.0, 0, 25, 0.4, 4 / 3, *AFTER_CROPS),
        (3, 8, 256, 6e-3, 0.05, 0.1, 0.1, 1.0, 0, 25, 0.6, 4 / 3, *OFF, 0.75, True, True, True),
    ],
    ids=["version 1", "version 2", "version 3"],
)
def test_recipes_keep_their_numbers(numbers: tuple[float, ...]) -> None:
    """Cards name a version: another number is another version."""
    assert tuple(RECIPES[int(numbers[0])].__dict__.values()) == (*numbers, *NO_FINISH)
    assert RECIPES[1] is RECIPE
    assert RECIPES.keys() >= registry.MINI_SETS.keys()


def test_third_recipe_falls_in_a_straight_line_and_begins_small() -> None:
    recipe, total = RECIPES[3], 1000
    assert recipe.rate(550, total) == pytest.approx(recipe.learning_rate / 2)
    assert recipe.rate(total, total) == pytest.approx(0, abs=1e-12)
    assert recipe.small_epochs == 6
    assert replace(recipe, epochs=1).small_epochs == 0  # a single pass is a full one
    assert (RECIPES[1].small_epochs, RECIPES[2].small_epochs) == (0, 56)


# Loop


@pytest.mark.parametrize("row", [TINY, TINY_CONV], ids=lambda row: row.key)
def test_every_weight_has_one_optimizer_and_moves(tmp_path: Path, row: ModelSpec) -> None:
    """Muon where the recipe says so, for what mixes; without it AdamW for all."""
    settings = settings_for(tmp_path, spec=row, recipe=RECIPE_TINY_2)
    pictures, held_out = split_held_out(toy(), 4)
    begun = starting.start(settings, pictures, held_out)
    names = {id(p): name for name, p in begun.model.named_parameters()}
    by_kind = {
        type(optimizer): [names[id(p)] for group in optimizer.param_groups for p in group["params"]]
        for optimizer in begun.optimizers
    }
    assert set(by_kind) == {torch.optim.AdamW, Muon}
    assert sorted(by_kind[torch.optim.AdamW] + by_kind[Muon]) == sorted(names.values())
    assert {id(p) for p in matrices_of(begun.model)} == {
        id(p) for group in begun.optimizers[1].param_groups for p in group["params"]
    }
    before = {name: p.detach().clone() for name, p in begun.model.named_parameters()}
    loop._step(begun)
    loop._step(begun)  # a head that begins as zeros lets nothing through at first
    stood = [n for n, p in begun.model.named_parameters() if torch.equal(before[n], p)]
    assert stood == []
    assert {group["lr"] for o in begun.optimizers for group in o.param_groups} == {
        RECIPE_TINY_2.rate(1, begun.total)
    }
    plain = starting.start(replace(settings, recipe=RECIPE_TINY), pictures, held_out)
    assert [type(optimizer) for optimizer in plain.optimizers] == [torch.optim.AdamW]


@pytest.mark.parametrize("row", [TINY, TINY_CONV], ids=lambda row: row.key)
def test_resumed_run_ends_where_an_uninterrupted_one_ends(tmp_path: Path, row: ModelSpec) -> None:
    whole, whole_progress, finished = run(settings_for(tmp_path / "whole", spec=row))
    assert finished
    parts = settings_for(tmp_path / "parts", spec=row)
    _, progress, finished = run(parts, stop_after(8))  # in the middle of the second epoch
    assert (progress.step, finished) == (8, False)
    resumed, progress, finished = run(parts)
    assert finished
    assert same(whole, resumed)
    rows = [
        [{k: v for k, v in line.items() if k != "seconds"} for line in p.history]
        for p in (whole_progress, progress)
    ]
    assert rows[0] == rows[1]
    assert len(rows[0]) == RECIPE_TINY.epochs
    another, _, _ = run(settings_for(tmp_path / "another", spec=row, seed=1))
    assert not same(whole, another)


@pytest.mark.parametrize("row", [TINY, TINY_CONV], ids=lambda row: row.key)
def test_resumed_run_of_the_second_recipe_ends_there_too(tmp_path: Path, row: ModelSpec) -> None:
    """Crops, rectangles and mixtures are drawn for each step anew, wherever a run begins."""
    settings = settings_for(tmp_path / "whole", spec=row, recipe=RECIPE_TINY_2)
    whole, progress, finished = run(settings)
    assert (progress.step, finished) == (6, True)
    parts = replace(settings, checkpoint=tmp_path / "parts" / "tiny.ckpt")
    for step in (2, 4):  # within the first epoch and within the second
        _, progress, finished = run(parts, stop_after(2))
        assert (progress.step, finished) == (step, False)
    resumed, _, finished = run(parts)
    assert finished
    assert same(whole, resumed)
    # Negative control: without the mixtures the same seed leads elsewhere.
    plain = replace(RECIPE_TINY_2, mixup=0.0, cutmix=0.0)
    other, _, _ = run(replace(settings, recipe=plain, checkpoint=tmp_path / "other.ckpt"))
    assert not same(whole, other)


@pytest.mark.parametrize("row", [TINY, TINY_CONV], ids=lambda row: row.key)
def test_resumed_run_of_the_third_recipe_ends_there_too(
    tmp_path: Path, row: ModelSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small pictures first, then full ones, wherever a run begins; bfloat16 where it is there."""
    monkeypatch.setattr(quick, "_compiled", lambda: quick.kernel_gradient)
    settings = settings_for(tmp_path / "whole", spec=row, recipe=RECIPE_TINY_3)
    seen: list[str] = []
    forward = small.HalfSize.forward
    monkeypatch.setattr(
        small.HalfSize,
        "forward",
        lambda self, inputs: seen.append("small") or forward(self, inputs),
    )
    whole, progress, finished = run(settings)
    assert (progress.step, finished) == (12, True)
    assert len(seen) == 6 + 2  # two passes of three steps, each measured once
    sizes = [row["size"] for row in progress.history]
    assert sizes == [SIZE // 2, SIZE // 2, SIZE, SIZE]
    parts = replace(settings, checkpoint=tmp_path / "parts" / "tiny.ckpt")
    for steps in (4, 3):  # within the second pass, which is small, and within the third
        _, progress, finished = run(parts, stop_after(steps))
        assert not finished
    state = torch.load(parts.checkpoint)
    del state["progress"]["history"][0]["size"]  # a checkpoint of before it was written down
    torch.save(state, parts.checkpoint)
    resumed, progress, finished = run(parts)
    assert finished
    assert same(whole, resumed)
    assert [row["size"] for row in progress.history] == sizes
    # Negative control: without small pictures the same seed leads elsewhere.
    plain = replace(RECIPE_TINY_3, small=0.0)
    other, _, _ = run(replace(settings, recipe=plain, checkpoint=tmp_path / "other.ckpt"))
    assert not same(whole, other)


def test_bfloat16_is_used_where_the_processor_and_the_recipe_want_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quick, "_compiled", lambda: quick.kernel_gradient)
    ends = {}
    for there in (False, True):
        monkeypatch.setattr(hardware, "has_bfloat16", lambda there=there: there)
        for wanted in (False, True):
            recipe = replace(RECIPE_TINY_3, bfloat16=wanted)
            name = tmp_path / f"{there}{wanted}"
            ends[there, wanted], progress, _ = run(settings_for(name, recipe=recipe))
            said = [" bfloat16, " in line for line in progress.hardware]
            assert said == [there and wanted]
    assert same(ends[False, False], ends[False, True])
    assert same(ends[False, False], ends[True, False])
    assert not same(ends[True, False], ends[True, True])
    off = [
        float((ends[True, False][n] - ends[True, True][n]).abs().max()) for n in ends[True, True]
    ]
    assert max(off) < 0.05


def test_a_gpu_gets_products_for_both_sizes_and_compiles(tmp_path: Path) -> None:
    full, half, wrap = starting.arrangements(settings_for(tmp_path, device="cuda"), 64)
    assert (full.func, full.keywords) == (quick.for_gpu, {"size": 64})  # type: ignore[attr-defined]
    assert half.func is quick.with_products  # type: ignore[attr-defined]
    assert half.keywords == {"size": 32, "dtype": torch.bfloat16}  # type: ignore[attr-defined]
    assert wrap is quick.compiled
    plain = starting.arrangements(settings_for(tmp_path), 64)
    assert plain == (starting.as_it_is,) * 3


def test_bfloat16_units_are_read_off_the_processor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "cpuinfo"
    monkeypatch.setattr(hardware, "CPU_INFO", info)
    assert not hardware.has_bfloat16()  # no such file: not Linux
    for flags, there in (("fpu avx512f", False), ("avx512_bf16 x", True), ("amx_bf16", True)):
        info.write_text(f"model name\t: X\nflags\t\t: {flags}\nbugs\t: none\n", encoding="utf-8")
        assert hardware.has_bfloat16() == there


def test_losses_that_are_asked_for_late_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a GPU, which is asked every so many steps: no loss is lost, at a stop neither."""
    whole, progress, _ = run(settings_for(tmp_path / "at once"))
    monkeypatch.setitem(loop.LOSS_STEPS, "cpu", 4)
    parts = settings_for(tmp_path / "late")
    _, stopped, _ = run(parts, stop_after(9))
    assert len(stopped.losses) == 3  # of the second epoch, six steps each
    late, late_progress, _ = run(parts)
    assert same(whole, late)
    losses = [[row["loss"] for row in p.history] for p in (progress, late_progress)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)
    with pytest.raises(running.TrainingError, match=r"loss is (nan|inf) at step [2-5],"):
        run(settings_for(tmp_path / "lost", recipe=replace(RECIPE_TINY, learning_rate=1e30)))


def test_finished_run_is_not_trained_again(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    first, _, _ = run(settings)
    written = settings.checkpoint.read_bytes()
    second, progress, finished = run(settings)
    assert finished
    assert same(first, second)
    assert progress.step == 18
    assert len(progress.hardware) == 1
    assert settings.checkpoint.read_bytes() == written


def test_training_learns_a_learnable_set(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, recipe=replace(RECIPE_TINY, epochs=8))
    _, progress, _ = run(settings)
    losses = [row["loss"] for row in progress.history]
    assert losses[0] > 0.9
    assert losses[-1] < 0.7
    assert progress.history[-1]["held_out"] > 0.8
    still = replace(settings.recipe, learning_rate=0.0)
    _, progress, _ = run(replace(settings, recipe=still, checkpoint=tmp_path / "still.ckpt"))
    losses = [row["loss"] for row in progress.history]
    assert losses[-1] > 0.9  # without learning the loss stays


def test_time_limit_saves_and_says_unfinished(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, minutes=1e-9)
    _, progress, finished = run(settings)
    assert (progress.step, finished) == (1, False)
    assert run(replace(settings, minutes=None))[2]


def test_watcher_sees_every_step(tmp_path: Path) -> None:
    seen: list[running.StepReport] = []
    pictures, held_out = split_held_out(toy(), 4)
    loop.train(settings_for(tmp_path), pictures, held_out, quiet, watch=seen.append)
    assert [state.step for state in seen] == list(range(1, 19))
    assert seen[-1].remaining == 0
    line = replace(seen[0], remaining=3725.0).line()
    assert re.fullmatch(r"tiny_mixer step 1/18 loss \d\.\d{3} \d+ pictures/s 1 h 02 min left", line)


def test_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    run(settings, stop_after(2))
    with pytest.raises(running.TrainingError, match="another run: seed differ"):
        run(replace(settings, seed=7))
    with pytest.raises(running.TrainingError, match="another run: recipe differ"):
        run(replace(settings, recipe=replace(RECIPE_TINY, epochs=9)))
    renamed = replace(toy(), classes=("n01", "n02", "n09"))
    pictures, held_out = split_held_out(renamed, 4)
    with pytest.raises(running.TrainingError, match="another run: classes differ"):
        loop.train(settings, pictures, held_out, quiet)
    pictures, held_out = split_held_out(toy(25), 4)
    with pytest.raises(running.TrainingError, match="another run: pictures differ"):
        loop.train(settings, pictures, held_out, quiet)
    settings.checkpoint.write_bytes(b"no checkpoint")
    with pytest.raises(running.TrainingError, match="is no checkpoint of MixScope"):
        run(settings)


def test_first_version_checkpoints_can_be_resumed(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    whole, _, _ = run(replace(settings, checkpoint=tmp_path / "whole.ckpt"))
    run(settings, stop_after(8))
    state = torch.load(settings.checkpoint, weights_only=True)
    for name in ("losses", "hardware"):  # fields that came later
        del state["progress"][name]
    for name in ("smallest_crop", "aspect", "erase", "mixup", "cutmix"):
        del state["identity"]["recipe"][name]
    del state["identity"]["pictures"]
    torch.save(state, settings.checkpoint)
    resumed, progress, finished = run(settings)
    assert finished
    assert same(whole, resumed)
    assert len(progress.hardware) == 1


def test_full_disk_leaves_the_checkpoint_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_for(tmp_path)
    run(settings, stop_after(2))
    before = settings.checkpoint.read_bytes()

    def full(state: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", full)
        with pytest.raises(running.TrainingError, match=r"No space left.*make room"):
            run(settings)
    assert settings.checkpoint.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.ckpt"]


def test_too_few_pictures_and_lost_losses_are_refused(tmp_path: Path) -> None:
    with pytest.raises(running.TrainingError, match="fewer than one batch of 64"):
        run(settings_for(tmp_path, recipe=replace(RECIPE_TINY, batch_size=64)))
    with pytest.raises(running.TrainingError, match=r"loss is (nan|inf)"):
        run(settings_for(tmp_path, recipe=replace(RECIPE_TINY, learning_rate=1e30)))


# Export and evaluation


def trained(folder: Path) -> tuple[torch.nn.Module, running.Progress, PackedPictures, Path]:
    settings = settings_for(folder)
    pictures, held_out = split_held_out(toy(), 4)
    model, progress, _ = loop.train(settings, pictures, held_out, quiet)
    score = accuracy(model, held_out, torch.device("cpu"))
    data = cards.DataFacts(
        name="toy",
        classes=tuple((name, f"name of {name}") for name in CLASSES),
        train=len(pictures),
        held_out=len(held_out),
        size=SIZE,
        source="drawn",
        terms="free",
    )
    assert score == progress.history[-1]["held_out"]
    exports.export(model, settings, progress, held_out, data=data, folder=folder / "weights")
    return model, progress, held_out, folder / "weights"


def test_export_is_what_evaluation_measures(tmp_path: Path) -> None:
    _, progress, held_out, folder = trained(tmp_path)
    module, card = load_trained(TINY, folder)
    scores = measure(module, held_out, torch.device("cpu"))
    assert abs(scores.top1 - progress.history[-1]["held_out"]) < 0.001
    assert scores.top1 == card["held_out_top1"]
    config = loading.input_config(module)
    answers = module(normalise(held_out.images, config.mean, config.std)).argmax(1)
    assert scores.top1 == float((answers == held_out.targets).double().mean())
    assert (scores.top5, scores.pictures) == (1.0, 12)  # three classes: one of them is right
    turned = replace(held_out, targets=(held_out.targets + 1) % 3)
    assert measure(module, turned, torch.device("cpu")).top1 < 0.3
    assert sorted(path.name for path in folder.iterdir()) == [
        "tiny_mixer.json",
        "tiny_mixer.safetensors",
    ]


def test_card_says_what_was_done(tmp_path: Path) -> None:
    model, progress, _, folder = trained(tmp_path)
    card = cards.read(folder, "tiny_mixer")
    assert card["classes"] == [[name, f"name of {name}"] for name in CLASSES]
    assert card["data"] == {
        "name": "toy",
        "classes": 3,
        "train_pictures": 48,
        "held_out_pictures": 12,
        "size": SIZE,
        "source": "drawn",
        "terms": "free",
    }
    assert card["recipe"] == RECIPE_TINY.__dict__
    assert (card["seed"], card["epochs"], len(card["history"])) == (0, 3, 3)
    assert (card["val_top1"], card["val_top5"], card["val_pictures"]) == (None, None, None)
    assert card["stored_as"] == "float16"
    assert card["seconds"] == pytest.approx(progress.seconds, abs=0.06)
    assert f"torch {torch.__version__}" in card["hardware"]
    assert str(tmp_path) not in (folder / "tiny_mixer.json").read_text(encoding="utf-8")
    assert card["parameters"] == sum(p.numel() for p in model.parameters())
    # Written out: 4 tokens of 8*8*3 pixels, 16 channels; token MLP 4-16-4 in each channel,
    # channel MLP 16-32-16 in each token; head 16-3.
    stem, head = 4 * 192 * 16, 16 * 3
    blocks = 16 * (4 * 16 + 16 * 4) + 4 * (16 * 32 + 32 * 16)
    assert card["multiply_adds"] == stem + blocks + head


def test_exported_files_are_read_by_the_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, _, _, folder = trained(tmp_path)
    monkeypatch.setattr(files, "FOLDER", folder)
    monkeypatch.setattr(registry, "MODEL_REGISTRY", {TINY.key: TINY})
    monkeypatch.setattr(loading, "MINI_CLASSES", 3)
    monkeypatch.setenv("MIXSCOPE_DEVICE", "cpu")
    loaded = loading.load(TINY.key)
    assert same(loaded.module.state_dict(), model.state_dict())
    assert loaded.labels == ("name of n01", "name of n02", "name of n03")


def test_weights_that_are_no_pair_are_refused(tmp_path: Path) -> None:
    _, _, held_out, folder = trained(tmp_path)
    module, card = load_trained(TINY, folder)
    other = replace(held_out, classes=("n01", "n02"))
    with pytest.raises(MixScopeError, match=r"knows 3 classes.*have 2"):
        measure(module, other, torch.device("cpu"))
    cards.write(card | {"classes": card["classes"][:2]}, folder)
    with pytest.raises(WeightsError, match="does not fit"):
        load_trained(TINY, folder)
    for broken in ("{", "[]", '{"key": "tiny_mixer"}', '{"key": "x", "classes": [["a", "b"]]}'):
        (folder / "tiny_mixer.json").write_text(broken, encoding="utf-8")
        with pytest.raises(WeightsError, match="Train the model again"):
            load_trained(TINY, folder)
    (folder / "tiny_mixer.safetensors").unlink()
    with pytest.raises(WeightsError, match="vislib train"):
        load_trained(TINY, folder)


def test_weights_beyond_float16_are_not_written(tmp_path: Path) -> None:
    model, progress, held_out, folder = trained(tmp_path)
    before = (folder / "tiny_mixer.safetensors").read_bytes()
    with torch.no_grad():
        next(model.parameters()).fill_(1e6)
    data = cards.DataFacts(
        name="toy", classes=(), train=1, held_out=1, size=SIZE, source="", terms=""
    )
    with pytest.raises(running.TrainingError, match="beyond float16"):
        exports.export(model, settings_for(tmp_path), progress, held_out, data=data, folder=folder)
    assert (folder / "tiny_mixer.safetensors").read_bytes() == before
