"""The bundled weights and what is said about them: whole cards, small files, a true README."""

from __future__ import annotations

from pathlib import Path

import pytest

from vislib import models, weights

ROOT = Path(__file__).resolve().parents[2]
BUNDLED = [row.key for row in models.MODEL_REGISTRY.values() if row.weights == "bundled"]
WANTED = (
    "data recipe seed hardware seconds epochs history held_out_top1 val_top1 val_top5 val_pictures "
    "parameters multiply_adds stored_as classes"
).split()


@pytest.mark.parametrize("key", BUNDLED)
def test_a_card_is_whole_and_counts_what_the_model_has(key: str) -> None:
    card = weights.read_card(key)
    assert [name for name in WANTED if card.get(name) is None] == []
    model = models.load(key)
    assert card["parameters"] == model.parameters
    assert card["multiply_adds"] == models.multiply_adds(model)
    assert len(card["classes"]) == len(model.labels) == 100
    assert card["val_top1"] < card["val_top5"] <= 1


@pytest.mark.parametrize("key", BUNDLED)
def test_the_readme_says_what_was_measured(key: str) -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    row = next(line for line in lines if line.startswith(f"| `{key}`"))
    assert f"| {100 * weights.read_card(key)['val_top1']:.1f}% |" in row


def test_the_bundled_weights_stay_small() -> None:
    sizes = [weights.require(models.spec(key)).stat().st_size for key in BUNDLED]
    assert 0 < sum(sizes) < 10e6
