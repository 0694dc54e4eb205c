"""What is bundled is what computing gives, and is not used with other weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from views.frame import state
from vislib import registry
from vislib.analysis import faithfulness as judging
from vislib.attribution import estimates
from vislib.commands import prepare
from vislib.models import loading
from vislib.observe import capture, intervention
from vislib.pictures import gallery
from vislib.schema import TableError
from vislib.tables import counting, prepared

BUNDLED = [row.key for row in registry.MODEL_REGISTRY.values() if row.weights == "bundled"]
CLOSE = 1e-4
"""Of an array's largest magnitude: another processor adds in another order."""


@pytest.fixture(name="kept")
def _kept() -> prepared.Prepared:
    found = prepared.read()
    assert found is not None
    return found


def close(kept: np.ndarray, fresh: np.ndarray) -> bool:
    """Whether two results are the same but for rounding."""
    assert kept.dtype == fresh.dtype
    return np.allclose(kept, fresh, rtol=0, atol=CLOSE * float(np.abs(fresh).max()))


@pytest.mark.parametrize("key", BUNDLED)
def test_the_answers_are_those_of_the_models(kept: prepared.Prepared, key: str) -> None:
    model = loading.load(key)
    for name in list(gallery.GALLERY)[:6]:
        picture = gallery.load(name)
        fresh = capture.run_with_cache(model, loading.prepare(model, picture), "logits")
        found = kept.answer(key, picture.sha256, (picture.width, picture.height))
        assert found is not None
        assert close(found.logits, fresh.logits)
        assert (found.labels, found.view_box) == (fresh.labels, fresh.view_box)
    assert kept.wordnet(key) == model.wordnet
    assert kept.header["pictures"] == [gallery.load(n).sha256 for n in gallery.GALLERY]


@pytest.mark.parametrize("key", BUNDLED)
def test_the_plans_are_those_of_the_models(kept: prepared.Prepared, key: str) -> None:
    assert kept.plan(key) == counting.plan_of(key)


@pytest.mark.parametrize("method", judging.METHODS)
@pytest.mark.parametrize("untrained", [False, True], ids=["map", "untrained"])
def test_the_maps_are_what_computing_gives(
    kept: prepared.Prepared, method: str, untrained: bool
) -> None:
    name, target, picture = first(kept)
    model = intervention.private(loading.load(prepare.MODELS[0], untrained=untrained))
    asked: dict[str, Any] = {"target": target, "stand_in": prepare.STAND_IN}
    inputs = loading.prepare(model, picture)
    fresh = estimates.map_of(model, inputs, method, report=silent, **asked)
    ends = estimates.ends_of(model, inputs, stand_in=prepare.STAND_IN)
    found, stored = kept.map_of(name, method, "untrained" if untrained else "map")
    assert close(found.values, fresh.values)
    assert (found.axes, found.unit, found.signed, found.source, found.provenance) == (
        fresh.axes, fresh.unit, fresh.signed, fresh.source, fresh.provenance
    )  # fmt: skip
    assert stored == pytest.approx(ends[0, target] - ends[1, target], rel=CLOSE)


def test_the_curves_are_what_computing_gives(kept: prepared.Prepared) -> None:
    name, target, picture = first(kept)
    model = intervention.private(loading.load(prepare.MODELS[0]))
    side = model.config.size
    order = judging.random_order(judging.CELLS, judging.SEEDS[0])
    masks = judging.masks(order, cells=judging.CELLS, steps=judging.STEPS, shape=(side, side))
    inputs = loading.prepare(model, picture)
    insertion, deletion = estimates.curves_of(
        model,
        inputs,
        masks,
        target=target,
        stand_in=prepare.STAND_IN,
        ends=estimates.ends_of(model, inputs, stand_in=prepare.STAND_IN),
        report=silent,
    )
    found = kept.curves(name, f"random.{judging.SEEDS[0]}")
    assert close(found.insertion, insertion)
    assert close(found.deletion, deletion)
    other = kept.curves(name, f"random.{judging.SEEDS[1]}")
    assert not close(other.insertion, insertion)


def first(kept: prepared.Prepared) -> tuple[str, int, Any]:
    """The first model's question: its name, class and picture."""
    picture = gallery.load(prepare.PICTURE)
    (name,) = [n for n in kept.header["estimates"] if n.startswith(f"{prepare.MODELS[0]}.")]
    return name, int(name.split(".")[2]), picture


def silent(_done: int, _total: int) -> None:
    """No report."""


def test_it_is_about_what_a_visitor_sees_first() -> None:
    assert prepare.PICTURE == state.DEFAULT_PICTURE
    assert prepare.MODELS == state.DEFAULT_MODELS


def test_other_weights_have_nothing_prepared(
    kept: prepared.Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, target, picture = first(kept)
    asked = (picture.sha256, target, prepare.STAND_IN)
    assert kept.estimate("mixer_mini", *asked) == name
    assert kept.estimate("mixer_mini", picture.sha256, target, "mean") == ""
    assert kept.answer("mixer_mini", "another picture", (10, 10)) is None
    monkeypatch.setattr(prepared, "digest", lambda _key: "another file")
    assert kept.estimate("mixer_mini", *asked) == ""
    assert kept.answer("mixer_mini", picture.sha256, (10, 10)) is None
    assert kept.labels("mixer_mini") is None
    assert kept.wordnet("mixer_mini") is None


def test_the_same_numbers_are_the_same_bytes(kept: prepared.Prepared, tmp_path: Path) -> None:
    prepared.write(kept, tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == prepared.FILE.read_bytes()
    assert prepared.FILE.stat().st_size < 400_000


def test_a_file_that_is_not_there_or_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepared, "FILE", tmp_path / "prepared.npz")
    prepared.read.cache_clear()
    try:
        assert prepared.read() is None
        prepared.read.cache_clear()
        (tmp_path / "prepared.npz").write_bytes(b"no archive")
        with pytest.raises(TableError, match=r"prepared\.npz in assets"):
            prepared.read()
    finally:
        prepared.read.cache_clear()
