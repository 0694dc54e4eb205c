"""The command ``experiment`` on models and pictures that train in a second."""

from __future__ import annotations

import csv
import io
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import filelock
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from vislib import __main__ as cli
from vislib import registry
from vislib.experiments import session, table
from vislib.experiments.catalogue import ExperimentError, experiment
from vislib.experiments.orders import places
from vislib.experiments.pictures import share_of
from vislib.experiments.session import ExperimentOrder, run_experiment
from vislib.models import loading
from vislib.schema import MixScopeError
from vislib.training import loop
from vislib.training import run as running
from vislib.training.augment import normalise, rearrange
from vislib.training.data import DataError, PackedPictures, split_held_out
from vislib.training.evaluate import accuracy
from vislib.training.recipe import RECIPES

SIZE = 64
CLASSES = ("n01", "n02", "n03", "n04", "n05")
COLOURS = ((170, 110, 110), (110, 170, 110), (110, 110, 170), (170, 170, 90), (90, 170, 170))
SMALL = {
    "class": "timm.models.mlp_mixer.MlpMixer",
    "img_size": SIZE,
    "patch_size": 8,
    "num_blocks": 1,
    "embed_dim": 16,
    "mlp_ratio": (0.5, 1.0),
}


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "MINI_SETS", {1: dict.fromkeys(registry.MINI_SETS[1], SMALL)})


def pictures(per_class: int, seed: int = 0) -> PackedPictures:
    """Noise around one colour a class."""
    draw = np.random.default_rng(seed)
    targets = np.repeat(np.arange(len(CLASSES)), per_class)
    noise = draw.integers(-80, 80, (len(targets), 3, SIZE, SIZE))
    pixels = np.array(COLOURS)[targets][:, :, None, None] + noise
    return PackedPictures(
        images=torch.from_numpy(np.clip(pixels, 0, 255).astype(np.uint8)),
        targets=torch.from_numpy(targets),
        classes=CLASSES,
    )


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for seed, (part, count) in enumerate((("train", 10), ("val", 2))):
        packed = pictures(count, seed)
        for index, (image, target) in enumerate(zip(packed.images, packed.targets, strict=True)):
            place = tmp_path / "toys" / part / CLASSES[int(target)]
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image.permute(1, 2, 0).numpy()).save(place / f"{index:03d}.png")
    return tmp_path / "toys"


def order_for(data: Path, **changes: Any) -> ExperimentOrder:
    plain = ExperimentOrder(
        name="order",
        data=data,
        out=data.parent / "out",
        work=data.parent / "work",
        configs=("mixer_mini.patches", "vit_mini.original"),
        classes=2,
        epochs=2,
        batch_size=4,
        device="cpu",
    )
    return replace(plain, **changes)


def run(order: ExperimentOrder) -> tuple[str, str]:
    """Outcome and what was said."""
    said = io.StringIO()
    return run_experiment(order, said), said.getvalue()


def rows(folder: Path, name: str = "order") -> list[dict[str, str]]:
    """The table without what the clock says."""
    with (folder / f"{name}.csv").open(newline="", encoding="utf-8") as stream:
        return [row | {"seconds": ""} for row in csv.DictReader(stream)]


def interrupted(patch: pytest.MonkeyPatch, steps: int) -> None:
    """Let every training end after some steps, as if the time were over."""

    def short(*arguments: Any, **options: Any) -> Any:
        asked = iter([False] * (steps - 1) + [True] * 99)
        return loop.train(*arguments, **options | {"stop": lambda: next(asked)})

    patch.setattr(session, "train", short)


# A whole command


def test_command_trains_what_the_table_lacks(data: Path) -> None:
    order = order_for(data)
    outcome, said = run(order)
    assert outcome == "finished"
    found = rows(order.out)
    assert [(row["config"], row["seed"], row["epoch"]) for row in found] == [
        (config, seed, epoch)
        for seed in "01"
        for config in ("mixer_mini.patches", "vit_mini.original")
        for epoch in "12"
    ]
    assert "Experiment order: 4 of 30 runs are there." in said
    assert "Not run with seed 0: mixer_mini.original, convmixer_mini.original" in said
    assert f"experiment order --data {data} --configs mixer_mini.original" in said
    assert "--classes 2 --epochs 2 --batch-size 4" in said
    results = table.read("order", order.out)
    assert results is not None
    assert results.settings["data"] == {
        "name": "toys",
        "source": "not stated",
        "terms": "not stated",
        "size": SIZE,
        "classes": ["n01", "n03"],  # every second of five
        "train_pictures": 16,
        "held_out_pictures": 4,
        "val_pictures": 4,
    }
    entry = results.settings["configs"]["mixer_mini.patches"]
    assert (entry["model"], entry["values"]["order"]) == ("mixer_mini", "patches")
    assert entry["parameters"] == sum(p.numel() for p in build(2).parameters())
    assert (entry["train_pictures"], entry["epochs"]) == (16, 2)
    assert not list(order.work.rglob("*.ckpt"))
    before = (order.out / "order.csv").read_bytes()
    outcome, said = run(order)  # again: nothing is trained, no picture is read
    assert (outcome, "Reading" in said) == ("finished", False)
    assert (order.out / "order.csv").read_bytes() == before


def build(classes: int) -> nn.Module:
    row = session.spec_of(experiment("order").configs[0])
    return loading.build(row, classes=classes)


def test_resumed_runs_end_where_uninterrupted_ones_end(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = order_for(data, out=data.parent / "whole", work=data.parent / "whole_work")
    run(whole)
    parts = order_for(data)
    with monkeypatch.context() as patch:
        interrupted(patch, 3)  # of 8 steps
        for _ in range(2):
            outcome, said = run(parts)
            assert outcome == "out of time"
            assert "Run the same command again" in said
            assert not (parts.out / "order.csv").exists()
    run(parts)
    assert rows(parts.out) == rows(whole.out)
    run(replace(parts, seeds=(7,), configs=("mixer_mini.patches",)))
    losses: dict[tuple[str, str], list[str]] = {}
    for row in rows(parts.out):
        losses.setdefault((row["config"], row["seed"]), []).append(row["loss"])
    assert len(losses) == 5
    assert len(set(map(tuple, losses.values()))) == 5  # seeds and orders are told apart


def test_time_limit_ends_before_the_next_run(data: Path) -> None:
    order = order_for(data, minutes=1e-9)
    outcome, said = run(order)
    assert outcome == "out of time"
    assert "The time is over before mixer_mini.patches seed 0." in said
    assert not (order.out / "order.csv").exists()


def test_val_is_measured_once_a_run_and_held_out_each_epoch(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = []

    def spy(model: nn.Module, part: PackedPictures, device: torch.device, order: Any) -> float:
        measured.append((len(part), order))
        return accuracy(model, part, device, order)

    monkeypatch.setattr(session, "accuracy", spy)
    run(order_for(data, seeds=(0,)))
    shuffled = places("patches", size=SIZE, patch=8, seed=0)
    assert measured == [(4, shuffled), (4, ())]


def test_a_run_of_another_process_is_left_to_it(data: Path) -> None:
    order = order_for(data, seeds=(0,))
    run(replace(order, configs=("vit_mini.original",)))
    held = []

    class Busy(filelock.FileLock):  # whoever asks for the run of the mixer comes too late
        def acquire(self, *arguments: Any, **options: Any) -> Any:
            if "mixer_mini.patches" in str(self.lock_file) and "timeout" in options:
                held.append(self.lock_file)
                raise filelock.Timeout(str(self.lock_file))
            return super().acquire(*arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session.filelock, "FileLock", Busy)
        outcome, said = run(order)
    assert outcome == "finished"
    assert len(held) == 1
    assert "mixer_mini.patches seed 0: another process trains it" in said
    assert [row["config"] for row in rows(order.out)] == ["vit_mini.original"] * 2


def test_ctrl_c_saves_and_says_so(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def pressed(*arguments: Any, **options: Any) -> Any:
        return loop.train(*arguments, **options | {"watch": press})

    def press(state: running.StepReport) -> None:
        if state.step == 3:
            signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(session, "train", pressed)
            outcome, said = run(order_for(data))
    finally:
        signal.signal(signal.SIGINT, before)
    assert outcome == "stopped"
    assert "stopped after step 3" in said
    assert len(list((data.parent / "work").rglob("*.ckpt"))) == 1


# What is refused


def test_other_recipes_data_and_classes_are_refused_before_training(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = order_for(data, seeds=(0,), configs=("vit_mini.original",))
    run(order)
    before = [path.read_bytes() for path in sorted(order.out.glob("order.[cj]*"))]

    def never(*arguments: Any, **options: Any) -> Any:
        raise AssertionError("it began to train")

    monkeypatch.setattr(session, "train", never)
    for change, message in (
        ({"epochs": 3}, "epochs 2 there and 3 now"),
        ({"batch_size": 8}, "batch_size 4 there and 8 now"),
        ({"classes": 3}, "classes 2 there and 3 now"),
    ):
        with pytest.raises(ExperimentError, match=f"{message}.*another --out"):
            run(replace(order, seeds=(1,), **change))
    (data / "train" / "n01" / "more.png").write_bytes((data / "train/n01/000.png").read_bytes())
    with pytest.raises(ExperimentError, match="other train_pictures"):
        run(replace(order, seeds=(1,)))
    renamed = data.rename(data.with_name("others"))
    with pytest.raises(ExperimentError, match="other name"):
        run(replace(order, seeds=(1,), data=renamed))
    assert [path.read_bytes() for path in sorted(order.out.glob("order.[cj]*"))] == before
    with pytest.raises(AssertionError, match="began to train"):
        run(replace(order, seeds=(1,), data=renamed, out=data.parent / "new"))


def test_missing_parts_of_the_data_are_named(data: Path) -> None:
    with pytest.raises(ExperimentError, match="9 classes were asked for; the data has 5"):
        run(order_for(data, classes=9))
    (data / "val").rename(data / "test")
    with pytest.raises(DataError, match="no folder 'val'"):
        run(order_for(data))
    for name in CLASSES[1:3]:
        (data / "test" / name).rename(data / "test" / f"x{name}")
    (data / "test").rename(data / "val")
    with pytest.raises(DataError, match="holds no class n03"):
        run(order_for(data))


# Shares and orders in training


def test_smaller_shares_lie_within_larger_ones() -> None:
    kept, _ = split_held_out(pictures(25), 5)
    small, large = share_of(kept, 10), share_of(kept, 30)
    assert torch.bincount(small.targets).tolist() == [2] * 5
    assert torch.bincount(large.targets).tolist() == [6] * 5
    assert share_of(kept, 100) is kept
    known = {bytes(image.numpy().tobytes()) for image in large.images}
    assert all(bytes(image.numpy().tobytes()) in known for image in small.images)


def test_share_is_what_a_run_trains_on(data: Path) -> None:
    order = order_for(data, name="data", configs=("vit_mini.30",), seeds=(0,), batch_size=2)
    run(order)
    results = table.read("data", order.out)
    assert results is not None
    entry = results.settings["configs"]["vit_mini.30"]
    assert entry["train_pictures"] == 4  # 2 of 8 in each of two classes
    assert entry["epochs"] == len(results.runs[0].epochs) == 7


def test_pictures_are_flipped_before_they_are_shuffled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = places("pixels", size=SIZE, patch=8, seed=0)
    back = tuple(np.argsort(order).tolist())
    packed, held_out = split_held_out(pictures(6), 1)
    seen: dict[bool, list[torch.Tensor]] = {True: [], False: []}

    def watched(row: Any, *, classes: int | None = None) -> nn.Module:
        model = loading.__dict__["plain_build"](row, classes=classes)
        model.register_forward_pre_hook(
            lambda module, inputs: seen[module.training].append(inputs[0].detach().clone())
        )
        return model

    monkeypatch.setattr(loading, "plain_build", loading.build, raising=False)
    monkeypatch.setattr(loading, "build", watched)
    settings = running.RunSettings(
        spec=session.spec_of(experiment("order").configs[0]),
        recipe=replace(RECIPES[1], epochs=1, batch_size=5, shift=0),
        checkpoint=tmp_path / "run.ckpt",
        places=order,
    )
    loop.train(settings, packed, held_out, lambda text: None)
    config = loading.input_config(build(5))
    plain = normalise(packed.images, config.mean, config.std)
    shown = torch.cat(seen[True])
    kinds = [kind(picture, plain) for picture in rearrange(shown, back)]
    assert len(kinds) == 25
    assert set(kinds) == {"picture", "mirrored"}
    wrong = rearrange(rearrange(plain[:1], order).flip(3), back)  # shuffled, then flipped
    assert kind(wrong[0], plain) == "neither"
    watched_part = normalise(held_out.images, config.mean, config.std)
    assert torch.equal(rearrange(torch.cat(seen[False]), back), watched_part)


def kind(picture: torch.Tensor, plain: torch.Tensor) -> str:
    if any(torch.equal(picture, other) for other in plain):
        return "picture"
    return "mirrored" if any(torch.equal(picture.flip(2), other) for other in plain) else "neither"


def test_checkpoint_of_another_order_is_refused(tmp_path: Path) -> None:
    packed, held_out = split_held_out(pictures(6), 1)
    settings = running.RunSettings(
        spec=session.spec_of(experiment("order").configs[0]),
        recipe=replace(RECIPES[1], epochs=1, batch_size=5),
        checkpoint=tmp_path / "run.ckpt",
    )
    loop.train(settings, packed, held_out, lambda text: None)
    shuffled = replace(settings, places=places("pixels", size=SIZE, patch=8, seed=0))
    with pytest.raises(running.TrainingError, match="another run: places differ"):
        loop.train(shuffled, packed, held_out, lambda text: None)
    state = torch.load(settings.checkpoint, weights_only=True)
    del state["identity"]["places"]  # checkpoints from before there were orders
    torch.save(state, settings.checkpoint)
    assert loop.train(settings, packed, held_out, lambda text: None)[2]
    with pytest.raises(running.TrainingError, match="another run: places differ"):
        loop.train(shuffled, packed, held_out, lambda text: None)


# Command line


def test_command_line(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = data.parent / "out"
    words = ["experiment", "attention", "--data", str(data), "--out", str(out), "--device", "cpu"]
    words += ["--work", str(data.parent / "work"), "--configs", "davit_mini.both", "--seeds", "1"]
    with pytest.MonkeyPatch.context() as patch:  # the small model takes no attn_types
        plain = experiment("attention").config("davit_mini.both")
        patch.setattr(session, "build_of", lambda config: dict(SMALL))
        assert plain.changes
        assert cli.main([*words, "--classes", "3", "--epochs", "1", "--batch-size", "4"]) == 0
        assert cli.main([*words, "--minutes", "0.0000001", "--seeds", "2", "--classes", "3"]) == 2
        few = ["--classes", "3", "--epochs", "1", "--batch-size", "4", "--seeds", "2"]
        assert cli.main([*words, *few, "--minutes", "0.0000001"]) == 3
    captured = capsys.readouterr()
    assert "1 of 6 runs are there" in captured.out
    assert "give another --out" in captured.err
    assert cli.main(["experiment", "--list", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "attention: 1 of 6 runs" in said
    assert "davit_mini.both     seed 1 val" in said
    assert "davit_mini.window   not run" in said
    assert "patch: 0 of 24 runs" in said
    assert "python -m vislib experiment patch --data FOLDER" in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nothing", "--data", "x"], "no experiment 'nothing'. Known are: order, attention"),
        (["order", "--data", "x", "--configs", "vit"], "no config 'vit'. Known are: mixer_mini."),
        (["order"], "Give the name of an experiment and --data FOLDER, or --list"),
        (["order", "--data", "nowhere"], "nowhere holds no folder 'train'"),
        (["nothing", "--list"], "no experiment 'nothing'"),
    ],
)
def test_command_line_refuses_in_words(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["experiment", *words]) == 2
    assert message in capsys.readouterr().err


def test_seeds_must_be_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    for text in ("one", "-1", ","):
        with pytest.raises(SystemExit):
            cli.main(["experiment", "order", "--data", "x", f"--seeds={text}"])
        assert "--seeds" in capsys.readouterr().err


def test_error_is_one_of_ours() -> None:
    assert issubclass(ExperimentError, MixScopeError)
