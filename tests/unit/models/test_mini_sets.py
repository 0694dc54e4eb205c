"""The two sets of bundled models: which one a card names, and what the second one promises."""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.unit import tiny
from tests.unit.architectures import test_convmixer, test_davit, test_mixer, test_vit
from tests.unit.observe import test_capture
from vislib import registry
from vislib.models import loading
from vislib.models.loading import LoadedModel
from vislib.registry import MINI_SETS, MINI_SIZE
from vislib.schema import ModelError
from vislib.training import filming
from vislib.training.recipe import RECIPES

ROOT = Path(registry.__file__).resolve().parent.parent
KEYS = tuple(MINI_SETS[2])
TOKEN_GRIDS = ("mixer_mini", "convmixer_mini", "vit_mini")
CHECKS = {
    "mixer": (
        test_mixer.test_the_token_mlp_comes_out_of_the_shown_weights,
        test_mixer.test_the_channel_mlp_comes_out_of_the_shown_weights,
    ),
    "convmixer": (test_convmixer.test_a_depthwise_kernel_written_out_gives_the_hooked_output,),
    "davit": (
        test_davit.test_window_attention_comes_out_of_its_pattern,
        test_davit.test_channel_attention_comes_out_of_its_pattern,
    ),
    "vit": (test_vit.test_attention_comes_out_of_its_pattern,),
}
"""A family's own exactness tests."""


@functools.cache
def loaded(key: str) -> LoadedModel:
    """A model of the second set with random weights, as the app would have it."""
    row = registry.in_set(registry.spec(key), 2)
    with torch.random.fork_rng(devices=[]):
        module = loading.build(row, classes=tiny.CLASSES)
    tiny.draw_weights(module, seed=0)
    for part in module.modules():
        if hasattr(part, "fused_attn"):
            part.fused_attn = False
    module = module.eval().requires_grad_(False)
    return tiny.wrap(module, row.family, size=MINI_SIZE, spec=row)


def parameters(number: int) -> dict[str, int]:
    """Parameters of each model of a set, with the classes that it is trained on."""
    found = {}
    for key in MINI_SETS[number]:
        with torch.device("meta"):
            module = loading.build(registry.in_set(registry.spec(key), number))
        found[key] = sum(p.numel() for p in module.parameters())
    return found


# The second set


def test_both_sets_have_the_same_models() -> None:
    bundled = [k for k, row in registry.MODEL_REGISTRY.items() if row.weights == "bundled"]
    assert [list(builds) for builds in MINI_SETS.values()] == [bundled, bundled]
    for key in bundled:
        assert registry.MODEL_REGISTRY[key].build in [builds[key] for builds in MINI_SETS.values()]


def test_its_models_have_nearly_as_many_parameters() -> None:
    counted = parameters(2).values()
    assert min(counted) >= 1e6
    assert max(counted) <= 2e6
    assert max(counted) <= 1.25 * min(counted)
    first = parameters(1).values()  # negative control
    assert max(first) > 1.25 * min(first)


@pytest.mark.parametrize("key", KEYS)
def test_its_token_grid_is_16_by_16(key: str) -> None:
    model = loaded(key)
    first = model.sites[0]
    if key == "resnet_mini":  # whose stem does not pool: its second stage is the one of 16 x 16
        first = next(site for site in model.sites if (site.stage, site.block) == (1, 1))
    assert (first.rows, first.columns, first.stride) == (16, 16, 4)
    if key in TOKEN_GRIDS:
        assert (model.grid.rows, model.grid.columns, model.grid.patch) == (16, 16, 4)
        assert {site.rows for site in model.sites} == {16}


def test_its_windows_are_smaller_than_the_map_in_the_first_two_stages() -> None:
    sites = loaded("davit_mini").sites
    assert {site.stage for site in sites} == {0, 1, 2}
    for site in sites:
        assert (site.window is not None and site.window < site.rows) == (site.stage < 2)


@pytest.mark.parametrize("key", KEYS)
def test_what_is_shown_is_what_its_models_compute(key: str) -> None:
    model = loaded(key)
    test_capture.test_capture_leaves_the_logits_bitwise_unchanged(model)
    test_capture.test_sites_and_grid_agree_with_what_is_captured(model)
    for check in CHECKS.get(model.spec.family, ()):
        check(model)


def test_its_weights_and_films_will_fit() -> None:
    """22 MB for float16 weights and the films of all models: frames before, between and after."""
    last = RECIPES[2].epochs
    frames = sum(filming.is_kept(epoch, last) for epoch in range(last + 1))
    assert frames == 8
    total = 0
    for key in KEYS:
        model = loaded(key)
        state = model.module.state_dict().values()
        shown = filming.frame(model.spec, model.module).values()
        total += 2 * sum(value.numel() for value in state)
        total += 2 * frames * sum(array.values.size for array in shown)
    assert 10e6 < total < 21.5e6  # a head of 100 classes and the files' headers come on top


# Which set


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('{"set": 2}', 2),
        ('{"set": 1}', 1),
        ("{}", 1),
        ('{"set": 9}', 1),
        ('{"set": "2"}', 1),
        ('{"set": [2]}', 1),
        ("[2]", 1),
        ("{", 1),
        ("\xff", 1),
        (None, 1),
    ],
)
def test_a_card_says_which_set(text: str | None, wanted: int, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "mixer_mini.json").write_text(text, encoding="latin-1")
    assert registry.set_in_card("mixer_mini", tmp_path) == wanted
    assert registry.set_in_card("mixer_mini", tmp_path / "nowhere") == 1


def test_cards_switch_the_registry(tmp_path: Path) -> None:
    """A copy of the project with one card of the second set, one damaged and the others missing."""
    (tmp_path / "vislib").mkdir()
    for name in ("__init__.py", "texts.py", "schema.py", "registry.py"):
        shutil.copy(ROOT / "vislib" / name, tmp_path / "vislib" / name)
    cards = tmp_path / "assets" / "weights"
    cards.mkdir(parents=True)
    (cards / "mixer_mini.json").write_text('{"key": "mixer_mini", "set": 2}', encoding="utf-8")
    (cards / "vit_mini.json").write_text('{"set": 2', encoding="utf-8")
    code = (
        "import json; from vislib import registry as r; "
        "print(json.dumps({k: r.set_of(r.spec(k)) for k in r.MINI_SETS[1]}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == dict.fromkeys(KEYS, 1) | {"mixer_mini": 2}


def test_a_row_can_be_had_in_either_set() -> None:
    row = registry.spec("vit_mini")
    for number in MINI_SETS:
        there = registry.in_set(row, number)
        assert (there.key, there.build) == ("vit_mini", MINI_SETS[number]["vit_mini"])
        assert registry.set_of(there) == number
    other = registry.in_set(registry.spec("vit_mini@untrained"), 2)
    assert (other.key, registry.set_of(other)) == ("vit_mini@untrained", 2)
    published = registry.spec("resnet50.tv_in1k")
    assert registry.in_set(published, 2) == published
    with pytest.raises(ModelError, match="no set 3 of bundled models, only 1 and 2"):
        registry.in_set(row, 3)


def test_the_sets_differ_where_it_shows() -> None:
    """Negative control: the first set has another grid."""
    row = registry.in_set(registry.spec("mixer_mini"), 1)
    module = loading.build(row)
    grid = loading.adapters()["mixer"].grid(module, MINI_SIZE)
    assert (grid.rows, grid.patch) == (8, 8)
    assert np.prod([grid.rows, grid.columns]) * 4 == 256
