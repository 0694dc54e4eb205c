"""Experiments: the catalogue, the orders of pixels, the tables and who may write them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from vislib import registry
from vislib.experiments import table, writer
from vislib.experiments.catalogue import (
    EXPERIMENTS,
    SEEDS,
    Config,
    ExperimentError,
    command,
    experiment,
)
from vislib.experiments.orders import places
from vislib.experiments.recipe import EXPERIMENT_RECIPE, differing, pick_classes
from vislib.experiments.session import build_of, places_of, spec_of
from vislib.models import loading
from vislib.training.augment import rearrange

ROOT = Path(__file__).resolve().parents[3]
SIZE, PATCH = 64, 8

# Catalogue


def parameters(config: Config) -> int:
    return sum(p.numel() for p in loading.build(spec_of(config), classes=20).parameters())


def test_catalogue_has_what_the_question_needs() -> None:
    counts = {name: len(row.configs) for name, row in EXPERIMENTS.items()}
    assert counts == {"order": 15, "attention": 3, "data": 15, "patch": 12}
    for row in EXPERIMENTS.values():
        ids = [config.id for config in row.configs]
        assert len(set(ids)) == len(ids)
        assert all(tuple(config.values) == row.factors for config in row.configs)
        values = [tuple(config.values.values()) for config in row.configs]
        assert len(set(values)) == len(values)
    assert experiment("patch").config("convmixer_mini.p8k5").values == {"patch": "8", "kernel": "5"}
    assert experiment("order").config("vit_mini.pixels").order == "pixels"


def test_unknown_names_are_refused_with_those_that_are_there() -> None:
    with pytest.raises(ExperimentError, match=r"no experiment 'ordr'.*order, attention, data, pat"):
        experiment("ordr")
    with pytest.raises(ExperimentError, match=r"attention has no config 'x'.*davit_mini\.both"):
        experiment("attention").config("x")


@pytest.mark.parametrize("name", ["attention", "patch"])
def test_changed_variants_build_and_answer(name: str) -> None:
    for config in EXPERIMENTS[name].configs:
        model = loading.build(spec_of(config), classes=20).eval()
        with torch.inference_mode():
            assert model(torch.zeros(1, 3, SIZE, SIZE)).shape == (1, 20), config.id


def test_parameters_are_equal_where_that_is_promised() -> None:
    attention = {c.values["attention"]: parameters(c) for c in EXPERIMENTS["attention"].configs}
    assert len(set(attention.values())) == 1
    for name in ("order", "data"):
        for config in EXPERIMENTS[name].configs:
            assert build_of(config) == registry.MINI_SETS[1][config.model]
    both = experiment("attention").config("davit_mini.both")
    plain = replace(both, changes={})
    assert parameters(plain) == attention["both"]
    wider = replace(both, changes={"attn_types": ("spatial",)})
    assert parameters(wider) != attention["both"]


def test_shares_take_about_as_many_steps() -> None:
    for config in EXPERIMENTS["data"].configs:
        work = config.epochs(4) * config.share
        assert work == pytest.approx(400, rel=0.03)
    assert [c.epochs(4) for c in EXPERIMENTS["order"].configs] == [4] * 15


def test_command_names_only_what_differs() -> None:
    assert command("order") == "python -m vislib experiment order --data FOLDER"
    words = command("order", ["vit_mini.pixels", "mixer_mini.pixels"], (1,))
    assert words.endswith("--data FOLDER --configs vit_mini.pixels,mixer_mini.pixels --seeds 1")


def test_classes_are_spread_over_the_folders() -> None:
    found = tuple(f"n{index:03d}" for index in range(100))
    assert pick_classes(found, 20) == found[::5]
    assert pick_classes(found, 30) == found[::3][:30]
    with pytest.raises(ExperimentError, match="the data has 100"):
        pick_classes(found, 101)


def test_recipe_says_when_its_numbers_change() -> None:
    plain = EXPERIMENT_RECIPE
    assert plain.version > 1 or (plain.classes, plain.order_seed) == (20, 0)
    assert (plain.training.epochs, plain.training.version, plain.training.batch_size) == (4, 1, 64)
    saved = json.loads(json.dumps(plain.facts()))
    assert differing(saved, plain) == []
    longer = replace(plain, training=replace(plain.training, epochs=6))
    assert list(map(str, differing(saved, longer))) == ["epochs 4 there and 6 now"]
    del saved["shift"]  # a number that came later has its default in an old table
    assert differing(saved, plain) == []


# Orders


@pytest.mark.parametrize("order", ["patches", "pixels"])
def test_orders_are_fixed_bijections(order: str) -> None:
    drawn = places(order, size=SIZE, patch=PATCH, seed=0)
    assert sorted(drawn) == list(range(SIZE * SIZE))
    assert drawn == places(order, size=SIZE, patch=PATCH, seed=0)
    assert drawn != places(order, size=SIZE, patch=PATCH, seed=1)
    assert drawn != tuple(range(SIZE * SIZE))


def patch_pixels(image: np.ndarray) -> set[tuple[int, ...]]:
    """The sorted pixels of each patch, patches in no order."""
    side = SIZE // PATCH
    cut = image.reshape(side, PATCH, side, PATCH).transpose(0, 2, 1, 3).reshape(side * side, -1)
    return {tuple(sorted(row.tolist())) for row in cut}


def test_patches_stay_together_and_pixels_do_not() -> None:
    plain = np.arange(SIZE * SIZE)
    by_patch = np.array(places("patches", size=SIZE, patch=PATCH, seed=0))
    by_pixel = np.array(places("pixels", size=SIZE, patch=PATCH, seed=0))
    assert patch_pixels(by_patch) == patch_pixels(plain)
    assert patch_pixels(by_pixel) != patch_pixels(plain)
    assert (by_patch != plain).mean() > 0.9
    side = SIZE // PATCH
    cut = by_patch.reshape(side, PATCH, side, PATCH).transpose(0, 2, 1, 3).reshape(side**2, -1)
    within = cut - cut.min(axis=1, keepdims=True)
    assert (within == within[0]).all()  # all patches alike
    assert not (np.diff(within[0]) > 0).all()  # in order they would rise


def test_original_is_no_order_and_others_are_refused() -> None:
    assert places("original", size=SIZE, patch=PATCH, seed=0) == ()
    with pytest.raises(ExperimentError, match="Known are: original, patches, pixels"):
        places("rows", size=SIZE, patch=PATCH, seed=0)
    with pytest.raises(ExperimentError, match="Patches of 7 pixels do not fill"):
        places("patches", size=SIZE, patch=7, seed=0)
    order = experiment("order").config("resnet_mini.patches")
    assert places_of(order, EXPERIMENT_RECIPE, SIZE) == places("patches", size=64, patch=8, seed=0)


def test_colours_of_a_pixel_stay_together() -> None:
    images = torch.arange(2 * SIZE * SIZE).view(2, 1, SIZE, SIZE).repeat(1, 3, 1, 1)
    order = places("pixels", size=SIZE, patch=PATCH, seed=0)
    moved = rearrange(images, order)
    assert torch.equal(moved[:, 0], moved[:, 2])
    assert moved[1].flatten(1)[0].tolist() == [SIZE * SIZE + place for place in order]
    assert rearrange(images, ()) is images


def follow(model: nn.Module, order: tuple[int, ...]) -> None:
    """Give a Mixer the weights that undo a shuffle of patches and of the pixels in them."""
    side = SIZE // PATCH
    cut = np.array(order).reshape(side, PATCH, side, PATCH).transpose(0, 2, 1, 3)
    rows, columns = np.divmod(cut.reshape(side * side, PATCH * PATCH), SIZE)
    moved = torch.from_numpy(rows[:, 0] // PATCH * side + columns[:, 0] // PATCH)
    within = torch.from_numpy(rows[0] % PATCH * PATCH + columns[0] % PATCH)
    with torch.no_grad():
        kernel = model.stem.proj.weight  # type: ignore[union-attr]
        kernel.copy_(kernel.flatten(2)[:, :, within].view(kernel.shape))  # type: ignore
        for block in model.blocks:  # type: ignore[union-attr]
            tokens = block.mlp_tokens
            tokens.fc1.weight.copy_(tokens.fc1.weight[:, moved])
            tokens.fc2.weight.copy_(tokens.fc2.weight[moved])
            tokens.fc2.bias.copy_(tokens.fc2.bias[moved])


def test_a_mixer_can_undo_a_shuffle_of_patches_but_none_of_pixels() -> None:
    torch.manual_seed(0)
    pictures = torch.randn(2, 3, SIZE, SIZE)
    mixer = spec_of(experiment("order").configs[0])
    plain = loading.build(mixer, classes=20).eval()
    nn.init.normal_(plain.head.weight, std=1.0)  # type: ignore[arg-type, union-attr]
    far = {}
    with torch.inference_mode():
        expected = plain(pictures)
    for name in ("patches", "pixels"):
        order = places(name, size=SIZE, patch=PATCH, seed=0)
        model = loading.build(mixer, classes=20).eval()
        model.load_state_dict(plain.state_dict())
        follow(model, order)
        with torch.inference_mode():
            far[name] = float((model(rearrange(pictures, order)) - expected).abs().max())
    assert far["patches"] < 1e-4
    assert far["pixels"] > 0.1


# Tables

DATA = {
    "name": "toy",
    "source": "drawn",
    "terms": "free",
    "size": 64,
    "classes": ["n01", "n02"],
    "train_pictures": 40,
    "held_out_pictures": 10,
    "val_pictures": 10,
}
RECIPE = replace(
    EXPERIMENT_RECIPE, classes=2, training=replace(EXPERIMENT_RECIPE.training, epochs=2)
)


def facts_for(name: str = "mixer_mini.original", **changes: object) -> writer.Facts:
    config = experiment("order").config(name)
    entry = {
        "model": config.model,
        "title": "Mini",
        "values": dict(config.values),
        "build": build_of(config),
        "parameters": 10,
        "multiply_adds": 20,
        "train_pictures": 40,
        "epochs": 2,
    }
    plain = writer.Facts(name="order", recipe=RECIPE, data=DATA, configs={name: entry})
    return replace(plain, **changes)  # type: ignore[arg-type]


def run_for(name: str = "mixer_mini.original", seed: int = 0) -> table.Run:
    rows = tuple(
        table.EpochRow(epoch=n, loss=3.0 / n, held_out=0.1 * n, seconds=1.5 * n) for n in (1, 2)
    )
    return table.Run(
        config=name, seed=seed, epochs=rows, val=0.25, seconds=3.0, hardware='CPU, "one" core'
    )


def test_what_is_written_is_read(tmp_path: Path) -> None:
    assert table.read("order", tmp_path) is None
    assert writer.add(run_for(), facts_for(), tmp_path)
    assert writer.add(run_for("vit_mini.pixels", 1), facts_for("vit_mini.pixels"), tmp_path)
    results = table.read("order", tmp_path)
    assert results is not None
    assert results.runs == (run_for(), run_for("vit_mini.pixels", 1))
    assert results.of("vit_mini.pixels") == results.runs[1:]
    assert set(results.settings["configs"]) == {"mixer_mini.original", "vit_mini.pixels"}
    assert results.settings["recipe"] == RECIPE.facts()
    assert results.settings["data"] == DATA
    lines = (tmp_path / "order.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "recipe,config,seed,epoch,loss,held_out,val,seconds,hardware"
    assert lines[1:3] == [
        '1,mixer_mini.original,0,1,3.0000,0.1000,,1.5,"CPU, ""one"" core"',
        '1,mixer_mini.original,0,2,1.5000,0.2000,0.2500,3.0,"CPU, ""one"" core"',
    ]
    lacking = table.missing(experiment("order"), results)
    assert len(lacking) == 28
    assert ("mixer_mini.original", 1) in lacking
    assert [seed for _, seed in lacking] == [0] * 14 + [1] * 14
    assert len(table.missing(experiment("order"), None, SEEDS)) == 30


def test_a_run_that_is_there_is_kept(tmp_path: Path) -> None:
    writer.add(run_for(), facts_for(), tmp_path)
    before = (tmp_path / "order.csv").read_bytes()
    assert not writer.add(replace(run_for(), val=0.9), facts_for(), tmp_path)
    assert (tmp_path / "order.csv").read_bytes() == before


FAULTS: dict[str, tuple[Callable[[str], str], str]] = {
    "no column": (lambda text: text.replace(",val,", ",top,", 1), "has no column val"),
    "empty": (lambda text: "", "it is empty"),
    "other columns": (lambda text: "a,b\n1,2\n", "has no column recipe, config"),
    "line cut": (lambda text: text[: text.rindex(",3.0")], r"line 3 has 7 of 9 values"),
    "quote cut": (lambda text: text[:-3], "no CSV file"),
    "last row gone": (
        lambda text: "".join(text.splitlines(keepends=True)[:-1]),
        "has the epochs 1, 1 to 2 are needed",
    ),
    "first row gone": (
        lambda text: "".join(text.splitlines(keepends=True)[::2]),
        "has the epochs 2, 1 to 2",
    ),
    "rows turned": (
        lambda text: "".join(np.array(text.splitlines(keepends=True))[[0, 2, 1]]),
        "has the epochs 2, 1, 1 to 2",
    ),
    "no val": (lambda text: text.replace("0.2500", ""), "accuracy on val in its last row"),
    "val early": (lambda text: text.replace("0.1000,,", "0.1000,0.1,"), "only there"),
    "percent": (lambda text: text.replace("0.2500", "25"), "25 is not from 0 to 1"),
    "no number": (lambda text: text.replace("3.0000", "much"), "a value that is none"),
    "not finite": (lambda text: text.replace("3.0000", "nan"), "no number"),
    "seed": (lambda text: text.replace("original,0", "original,x"), "has the seed 'x'"),
    "config": (lambda text: text.replace("original", "orignal"), "does not know config"),
    "version": (
        lambda text: text.replace("\n1,", "\n2,", 1),
        "line 2 is of recipe version '2', the others of 1",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_damaged_tables_are_refused_and_stay(tmp_path: Path, name: str) -> None:
    spoil, message = FAULTS[name]
    writer.add(run_for(), facts_for(), tmp_path)
    path = tmp_path / "order.csv"
    path.write_text(spoil(path.read_text(encoding="utf-8")), encoding="utf-8")
    before = [(tmp_path / f"order.{kind}").read_bytes() for kind in ("csv", "json")]
    with pytest.raises(ExperimentError, match=rf"order\.csv cannot be used.*{message}"):
        table.read("order", tmp_path)
    with pytest.raises(ExperimentError, match=message):
        writer.add(run_for(seed=1), facts_for(), tmp_path)
    assert [(tmp_path / f"order.{kind}").read_bytes() for kind in ("csv", "json")] == before


@pytest.mark.parametrize("text", ["", "{", "[]", '{"name": "order"}', '{"name": "data"}'])
def test_damaged_facts_are_refused(tmp_path: Path, text: str) -> None:
    writer.add(run_for(), facts_for(), tmp_path)
    (tmp_path / "order.json").write_text(text, encoding="utf-8")
    with pytest.raises(ExperimentError, match=r"order\.json cannot be used"):
        table.read("order", tmp_path)
    (tmp_path / "order.json").unlink()
    with pytest.raises(ExperimentError, match=r"order\.json cannot be used"):
        table.read("order", tmp_path)


def test_runs_of_another_kind_are_refused(tmp_path: Path) -> None:
    writer.add(run_for(), facts_for(), tmp_path)
    before = (tmp_path / "order.csv").read_bytes()
    longer = replace(RECIPE, training=replace(RECIPE.training, epochs=6))
    entry = dict(facts_for().configs["mixer_mini.original"]) | {"build": {"dim": 3}}
    others = {
        "epochs 2 there and 6 now": facts_for(recipe=longer),
        "version 1 there and 2 now": facts_for(recipe=replace(RECIPE, version=2)),
        "other classes": facts_for(data=DATA | {"classes": ["n01", "n03"]}),
        "other train_pictures": facts_for(data=DATA | {"train_pictures": 41}),
        "original: other build": facts_for(configs={"mixer_mini.original": entry}),
    }
    for message, facts in others.items():
        with pytest.raises(ExperimentError, match=f"{message}.*another --out"):
            writer.add(run_for(seed=1), facts, tmp_path)
    assert (tmp_path / "order.csv").read_bytes() == before
    assert writer.add(run_for(seed=1), facts_for(data=DATA | {"source": "x"}), tmp_path)


TWO = """
import contextlib, sys, time
from pathlib import Path
from vislib.experiments import recipe, table, writer
folder, model, mode = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
read = table.read
def slow(*arguments):
    results = read(*arguments)
    time.sleep(0.1)  # time for the other process to write
    return results
table.read = slow
if mode == "bare":
    writer.filelock.FileLock = lambda *a, **k: contextlib.nullcontext()
name = model + ".original"
(folder / model).touch()
while len(list(folder.glob("*_mini"))) < 2:
    time.sleep(0.01)
for seed in range(5):
    rows = (table.EpochRow(epoch=1, loss=1.0, held_out=0.5, seconds=1.0),)
    run = table.Run(config=name, seed=seed, epochs=rows, val=0.5, seconds=1.0, hardware="CPU")
    facts = writer.Facts(
        name="order",
        recipe=recipe.EXPERIMENT_RECIPE,
        data={"name": "toy", "classes": ["n01", "n02"], "val_pictures": 2},
        configs={name: {"title": "T", "values": {}, "build": {}, **dict.fromkeys(table.COUNTS, 1)}},
    )
    writer.add(run, facts, folder)
"""


@pytest.mark.slow
@pytest.mark.parametrize("bare", [False, True])
def test_two_processes_lose_no_rows(tmp_path: Path, bare: bool) -> None:
    both = [
        subprocess.Popen(
            [sys.executable, "-c", TWO, str(tmp_path), model, "bare" if bare else "locked"],
            cwd=ROOT,
            stderr=subprocess.DEVNULL,
        )
        for model in ("mixer_mini", "vit_mini")
    ]
    codes = [process.wait(timeout=300) for process in both]
    try:
        results = table.read("order", tmp_path)
    except ExperimentError:  # two writers without a lock can leave files that do not fit
        results = None
    found = {(run.config, run.seed) for run in results.runs} if results else set()
    whole = len(found) == 10 and codes == [0, 0]
    assert whole is not bare  # without the lock rows go missing


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_what_the_project_ships_can_be_read_and_repeated(name: str) -> None:
    results = table.read(name)
    if results is None:
        pytest.skip(f"there is no table of experiment {name} in assets/experiments")
    wanted = writer.Facts(
        name=name,
        recipe=EXPERIMENT_RECIPE,
        data=results.settings["data"],
        configs={
            run.config: {"build": build_of(EXPERIMENTS[name].config(run.config))}
            for run in results.runs
        },
    )
    writer.refuse_other(results, wanted, table.FOLDER)
    chance = 1 / len(results.settings["data"]["classes"])
    for run in results.runs:
        facts = results.settings["configs"][run.config]
        assert facts["parameters"] == parameters(EXPERIMENTS[name].config(run.config))
        assert run.val > chance / 2
    changed = replace(wanted, recipe=replace(EXPERIMENT_RECIPE, classes=3))
    with pytest.raises(ExperimentError, match="classes 20 there and 3 now"):
        writer.refuse_other(results, changed, table.FOLDER)
