"""The finish of a recipe, and going on from a trained set."""

from __future__ import annotations

import itertools
import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.unit.training.test_training import (
    CLASSES,
    RECIPE_TINY_2,
    SIZE,
    TINY,
    TINY_CONV,
    run,
    same,
    settings_for,
    stop_after,
    tiny,
    toy,
)
from vislib.schema import ModelSpec, WeightsError
from vislib.training import beginning, filming, loop
from vislib.training import card as cards
from vislib.training import run as running
from vislib.training.augment import augment
from vislib.training.data import split_held_out
from vislib.training.export import export
from vislib.training.recipe import RECIPES, Recipe
from vislib.weights import film

__all__ = ["tiny"]  # a fixture that every test here uses

MAIN = replace(RECIPE_TINY_2, epochs=3)
RECIPE_TINY_4 = replace(
    MAIN,
    version=4,
    epochs=5,
    finish=2,
    finish_rate=1e-3,
    finish_shift=1,
    finish_cutmix=0.5,
    finish_batch=8,
)


def test_fourth_recipe_is_the_second_and_a_finish() -> None:
    second, fourth = asdict(RECIPES[2]), asdict(RECIPES[4])
    differing = {name for name in second if second[name] != fourth[name]}
    assert {name for name in differing if not name.startswith("finish")} == {*beginning.OTHERS}
    assert RECIPES[4].main_epochs == RECIPES[2].epochs
    assert RECIPES[4].small_epochs == RECIPES[2].small_epochs
    finish = {n[7:]: v for n, v in fourth.items() if n.startswith("finish_")}
    assert finish == {"rate": 5e-4, "shift": 4, "cutmix": 0.5, "batch": 128}
    assert RECIPES[4].finish == 2  # cards name a version: another number is another version
    for step in (0, 1000, 7359):  # the step sizes of the first passes do not know of the finish
        assert RECIPES[4].rate(step, 7360 + 100, 100) == RECIPES[2].rate(step, 7360)


def test_the_finish_has_a_fall_of_its_own() -> None:
    recipe, total, finish = RECIPE_TINY_4, 120, 20
    rates = [recipe.rate(step, total, finish) for step in range(total + 1)]
    assert rates[99] < 0.01 * recipe.learning_rate
    assert rates[100] == recipe.finish_rate
    assert rates[110] == pytest.approx(recipe.finish_rate / 2)
    assert rates[120] == 0
    assert all(a > b for a, b in itertools.pairwise(rates[100:]))


@pytest.mark.parametrize("recipe", [MAIN, RECIPE_TINY_4, replace(RECIPE_TINY_4, epochs=1)])
def test_a_step_has_its_place_in_an_epoch(recipe: Recipe) -> None:
    pictures, slow = 45, []
    for epoch in range(recipe.epochs):
        batch = recipe.in_epoch(epoch + 1).batch_size
        slow += [(epoch, place) for place in range(pictures // batch)]
    total = recipe.first_step(recipe.epochs + 1, pictures)
    assert [recipe.place(step, pictures) for step in range(total)] == slow
    assert recipe.place(total, pictures) == (recipe.epochs, 0)
    firsts = [slow.index((epoch, 0)) for epoch in range(recipe.epochs)]
    assert [recipe.first_step(epoch + 1, pictures) for epoch in range(recipe.epochs)] == firsts


def test_the_finish_sees_pictures_as_they_are() -> None:
    """Mirrored or not and shifted by whole pixels: no value of a pixel is new."""
    images = torch.randint(0, 256, (40, 3, 8, 8), dtype=torch.uint8)
    targets = torch.randint(0, 3, (40,))

    def seen(recipe: Recipe) -> set[float]:
        made, _ = augment(
            images,
            targets,
            recipe=recipe,
            mean=(0.0,) * 3,
            std=(1 / 255,) * 3,
            classes=3,
            generator=torch.Generator().manual_seed(0),
        )
        return set(made.flatten().double().mul(1e3).round().div(1e3).tolist())

    whole = {float(value) for value in range(256)}
    assert seen(RECIPE_TINY_4.in_epoch(4)) <= whole
    assert not seen(RECIPE_TINY_4.in_epoch(3)) <= whole
    assert RECIPE_TINY_4.in_epoch(3) is RECIPE_TINY_4
    assert RECIPES[2].in_epoch(80) is RECIPES[2]


def test_a_run_treats_the_pictures_of_each_pass_as_the_recipe_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[Recipe, int]] = []

    def watched(images: torch.Tensor, *given: object, recipe: Recipe, **more: object) -> object:
        seen.append((recipe, len(images)))
        return augment(images, *given, recipe=recipe, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "augment", watched)
    run(settings_for(tmp_path, recipe=RECIPE_TINY_4))
    finish = RECIPE_TINY_4.in_epoch(4)
    assert seen == [(RECIPE_TINY_4, 16)] * 9 + [(finish, 8)] * 12


@pytest.mark.parametrize("row", [TINY, TINY_CONV], ids=lambda row: row.key)
def test_a_resumed_finish_ends_where_an_uninterrupted_one_ends(
    tmp_path: Path, row: ModelSpec
) -> None:
    """Three passes of three steps, two of six; stopped within, between, and within."""
    settings = settings_for(tmp_path / "whole", spec=row, recipe=RECIPE_TINY_4)
    whole, progress, finished = run(settings)
    assert (progress.step, finished) == (21, True)
    assert [int(line["epoch"]) for line in progress.history] == [1, 2, 3, 4, 5]
    parts = replace(settings, checkpoint=tmp_path / "parts" / "tiny.ckpt")
    for steps, stands in ((4, 4), (5, 9), (8, 17)):
        _, progress, finished = run(parts, stop_after(steps))
        assert (progress.step, finished) == (stands, False)
    resumed, _, finished = run(parts)
    assert finished
    assert same(whole, resumed)
    # Negative control: with the moments of the passes before, it leads elsewhere.
    other = replace(settings, checkpoint=tmp_path / "other" / "tiny.ckpt")
    run(other, stop_after(10))
    state = torch.load(other.checkpoint, weights_only=True)
    state["optimizers"][1]["state"][0]["momentum"] += 1
    torch.save(state, other.checkpoint)
    assert not same(whole, run(other)[0])


@pytest.mark.parametrize("row", [TINY, TINY_CONV], ids=lambda row: row.key)
def test_weights_alone_are_enough_to_begin_the_finish(tmp_path: Path, row: ModelSpec) -> None:
    whole, wanted, _ = run(settings_for(tmp_path / "whole", spec=row, recipe=RECIPE_TINY_4))
    longer = replace(RECIPE_TINY_4, epochs=3, finish=0)
    state, progress, _ = run(settings_for(tmp_path / "main", spec=row, recipe=longer))
    begun = running.Beginning(
        state=state,
        progress=running.Progress(seconds=7.0, history=progress.history, hardware=["one"]),
    )
    settings = settings_for(tmp_path / "on", spec=row, recipe=RECIPE_TINY_4, beginning=begun)
    ended, progress, finished = run(settings)
    assert finished
    assert same(whole, ended)
    assert [line["held_out"] for line in progress.history] == [
        line["held_out"] for line in wanted.history
    ]
    assert progress.seconds > 7
    assert (progress.hardware[0], len(progress.hardware)) == ("one", 2)
    # What a finish of its own makes of other weights.
    zeros = {name: value * 0 for name, value in state.items()}
    lost = replace(begun, state=zeros)
    assert not same(whole, run(replace(settings, beginning=lost, checkpoint=tmp_path / "l"))[0])


def trained(folder: Path) -> Path:
    """A folder of weights and films, as assets is, of three passes."""
    settings = settings_for(folder, recipe=MAIN)
    pictures, held_out = split_held_out(toy(), 4)
    recorder = filming.Recorder(TINY, folder / "frames", 3)
    model, progress, _ = loop.train(
        settings, pictures, held_out, lambda text: None, keep=recorder.record
    )
    facts = cards.DataFacts(
        name="toy",
        classes=tuple((wnid, wnid) for wnid in CLASSES),
        train=len(pictures),
        held_out=len(held_out),
        size=SIZE,
        source="drawn",
        terms="none",
    )
    export(model, settings, progress, held_out, data=facts, folder=folder / "weights")
    recorder.close(progress.history, folder / "films")
    return folder


def begin(folder: Path, **changes: object) -> running.Beginning:
    plain: dict[str, object] = {
        "recipe": RECIPE_TINY_4,
        "seed": 0,
        "classes": CLASSES,
        "pictures": 48,
    }
    return beginning.read(TINY, folder, **(plain | changes))  # type: ignore[arg-type]


def test_a_trained_set_is_a_beginning_with_its_film(tmp_path: Path) -> None:
    folder = trained(tmp_path / "assets")
    begun = begin(folder)
    settings = settings_for(tmp_path / "on", recipe=RECIPE_TINY_4, beginning=begun)
    recorder = filming.Recorder(TINY, tmp_path / "on" / "frames", 5, 2)
    beginning.adopt_film(TINY, folder, recorder)
    pictures, held_out = split_held_out(toy(), 4)
    model, progress, _ = loop.train(
        settings, pictures, held_out, lambda text: None, keep=recorder.record
    )
    recorder.close(progress.history, tmp_path / "films")
    before, after = film.read(TINY.key, folder / "films"), film.read(TINY.key, tmp_path / "films")
    assert before is not None
    assert after is not None
    assert (before.epochs, after.epochs) == ((0, 1, 2, 3), (0, 1, 2, 5))
    assert after.curve[:3] == before.curve
    assert [point.finish for point in after.curve] == [False] * 3 + [True] * 2
    for epoch in (0, 2):
        for name, array in before.frame(epoch).items():
            again = after.frame(epoch)[name]
            assert np.array_equal(array.values, again.values)
            assert again.source.replace("of 5", "of 3") == array.source
    weight = model.get_parameter("blocks.0.mlp_tokens.fc1.weight").detach().half().float()
    shown = after.frame(5)["stage0.block0.token_mixing.fc1"].values
    assert np.array_equal(shown, weight.numpy())


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"seed": 1}, "seed"),
        ({"classes": ("n01", "n02")}, "classes"),
        ({"pictures": 47}, "training pictures"),
        ({"recipe": replace(RECIPE_TINY_4, epochs=6)}, "passes"),
        ({"recipe": replace(RECIPE_TINY_4, erase=0.3, batch_size=8)}, "batch_size, erase"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_weights_of_another_run_are_no_beginning(
    tmp_path: Path, changes: dict[str, object], named: str
) -> None:
    folder = trained(tmp_path)
    with pytest.raises(running.TrainingError, match=f"no beginning of recipe 4: {named} differ"):
        begin(folder, **changes)


def test_what_cannot_be_a_beginning_says_why(tmp_path: Path) -> None:
    with pytest.raises(running.TrainingError, match="Recipe 2 has no finish"):
        begin(tmp_path, recipe=MAIN)
    with pytest.raises(WeightsError, match=r"card tiny_mixer\.json cannot be read"):
        begin(tmp_path / "nothing")
    folder = trained(tmp_path)
    path = folder / "weights" / "tiny_mixer.json"
    card = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**card, "recipe": {"speed": 3}}), encoding="utf-8")
    with pytest.raises(WeightsError, match="does not say how it was trained"):
        begin(folder)
    recorder = filming.Recorder(TINY, tmp_path / "none", 5)
    beginning.adopt_film(TINY, tmp_path / "nothing", recorder)  # then there is no film
    assert not (tmp_path / "none").exists()
