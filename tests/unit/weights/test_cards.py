"""The bundled weights and what is said about them: whole cards, small files, a true README."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import asdict
from pathlib import Path

import pytest

from vislib import registry
from vislib.models import loading
from vislib.training.recipe import RECIPES, Recipe
from vislib.weights import files as weight_files

ROOT = Path(__file__).resolve().parents[3]
BUNDLED = [row.key for row in loading.MODEL_REGISTRY.values() if row.weights == "bundled"]
WANTED = (
    "data recipe seed hardware seconds epochs history held_out_top1 val_top1 val_top5 val_pictures "
    "parameters multiply_adds stored_as classes"
).split()


@pytest.mark.parametrize("key", BUNDLED)
def test_a_card_is_whole_and_counts_what_the_model_has(key: str) -> None:
    card = weight_files.read_card(key)
    assert [name for name in WANTED if card.get(name) is None] == []
    model = loading.load(key)
    assert card.get("set", 1) == registry.set_of(model.spec)  # the first cards name none
    assert card["parameters"] == model.parameters
    assert card["multiply_adds"] == loading.multiply_adds(model)
    assert len(card["classes"]) == len(model.labels) == 100
    assert card["val_top1"] < card["val_top5"] <= 1


def test_all_bundled_models_are_of_one_set_and_trained_by_one_recipe() -> None:
    cards = [weight_files.read_card(key) for key in BUNDLED]
    first = cards[0]
    assert all(card.get("set", 1) == first.get("set", 1) for card in cards)
    recipes = [asdict(Recipe(**card["recipe"])) for card in cards]  # what came later was off
    assert all(recipe == recipes[0] for recipe in recipes)
    assert recipes[0] == asdict(RECIPES[first["recipe"]["version"]])


@pytest.mark.parametrize("key", BUNDLED)
def test_the_readme_says_what_was_measured(key: str) -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    row = next(line for line in lines if line.startswith(f"| `{key}`"))
    assert f"| {100 * weight_files.read_card(key)['val_top1']:.1f}% |" in row


def test_weights_and_films_stay_under_22_megabytes() -> None:
    assets = ROOT / "assets"
    kept = [*(assets / "weights").glob("*"), *(assets / "films").glob("*")]
    assert {f"{key}.safetensors" for key in BUNDLED} <= {path.name for path in kept}
    assert sum(path.stat().st_size for path in kept) < 22e6
    assert max(path.stat().st_size for path in kept) < 16e6


def test_the_project_stays_under_26_megabytes() -> None:
    """With the photographs (38 MB) it fits into the 64 MiB that a training machine may take."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout, so that nothing says which files are the project's")
    # What is not tracked yet counts too: it will be.
    command = [git, "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    files = [ROOT / name for name in listed.decode("utf-8").split("\0") if name]
    assert set((ROOT / "assets" / "weights").glob("*.safetensors")) <= set(files)
    assert sum(path.stat().st_size for path in files if path.is_file()) < 26e6
