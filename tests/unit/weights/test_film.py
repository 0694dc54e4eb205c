"""The film of a training: the weights that were really there, after the epochs it names."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import save_file

from tests.unit import tiny
from vislib.models import loading
from vislib.schema import LabelledArray, ModelSpec, WeightsError
from vislib.training import filming, loop
from vislib.training import run as running
from vislib.training.data import PackedPictures
from vislib.training.recipe import RECIPE
from vislib.weights import files, film
from vislib.weights.film import CurvePoint

SIZE = 16
SPEC = ModelSpec(
    key="tiny_film",
    family="mixer",
    title="Tiny Mixer",
    weights="bundled",
    licence="MIT",
    paper="2105.01601",
    build={
        "class": "timm.models.mlp_mixer.MlpMixer",
        "img_size": SIZE,
        "patch_size": 8,
        "num_blocks": 4,
        "embed_dim": 8,
        "mlp_ratio": (1.0, 2.0),
    },
)
RECIPE_TINY = replace(RECIPE, epochs=4, batch_size=8, shift=2, held_out=4)
CURVE = (CurvePoint(epoch=1, loss=2.5, held_out=0.25),)


def drawn(seed: int = 0) -> LabelledArray:
    return LabelledArray(
        values=np.random.default_rng(seed).normal(size=(3, 2)).astype(np.float32),
        axes=("unit", "token_in"),
        role="token_mixing",
        unit="weight",
        signed=True,
        provenance="parameter",
        source="blocks.0.mlp_tokens.fc1.weight",
    )


def pictures() -> PackedPictures:
    """Seeded noise in two classes."""
    images = torch.randint(0, 256, (24, 3, SIZE, SIZE), generator=torch.Generator().manual_seed(5))
    return PackedPictures(
        images=images.to(torch.uint8), targets=torch.arange(24) % 2, classes=("a", "b")
    )


def test_a_film_comes_back_as_it_was_written(tmp_path: Path) -> None:
    frames = {0: {"x.fc1": drawn(0)}, 5: {"x.fc1": drawn(1)}}
    film.write("some", frames, CURVE, tmp_path)
    found = film.read("some", tmp_path)
    assert found is not None
    assert (found.epochs, found.last, found.curve) == ((0, 5), 5, CURVE)
    array = found.frame(5)["x.fc1"]
    assert np.array_equal(array.values, drawn(1).values.astype(np.float16).astype(np.float32))
    assert not np.array_equal(array.values, found.frame(0)["x.fc1"].values)
    assert (array.axes, array.role, array.unit, array.signed) == (
        drawn().axes,
        "token_mixing",
        "weight",
        True,
    )
    assert array.source == "blocks.0.mlp_tokens.fc1.weight, after epoch 5 of 5"
    assert [found.nearest(epoch) for epoch in (0, 2, 3, 99)] == [0, 0, 5, 5]
    with pytest.raises(WeightsError, match=r"no epoch 3; it has \[0, 5\]"):
        found.frame(3)


def test_no_film_is_no_error_and_a_damaged_one_is(tmp_path: Path) -> None:
    assert film.read("none", tmp_path) is None
    path = film.write("some", {0: {"x": drawn()}}, CURVE, tmp_path)
    whole = path.read_bytes()
    for part in (b"", whole[:40], whole[:-3]):
        path.write_bytes(part)
        with pytest.raises(WeightsError, match=r"some\.safetensors is damaged"):
            film.read("some", tmp_path)


def stored(path: Path, header: object, **tensors: np.ndarray) -> None:
    """A safetensors file with any header."""
    save_file(tensors, path, metadata={"film": json.dumps(header)})


def test_a_header_that_is_wrong_is_a_damaged_film(tmp_path: Path) -> None:
    path = film.write("some", {0: {"x": drawn()}, 1: {"x": drawn(1)}}, CURVE, tmp_path)
    assert film.read("some", tmp_path) is not None
    with safe_open(path, framework="numpy") as source:
        header = json.loads(source.metadata()["film"])
        tensors = {name: source.get_tensor(name) for name in source.keys()}
    wrong = {
        "an array is missing": header | {"epochs": [0, 1, 2]},
        "epochs are no numbers": header | {"epochs": ["0", "x"]},
        "epochs are not in order": header | {"epochs": [1, 0]},
        "no epoch": header | {"epochs": []},
        "no list": header | {"epochs": 3},
        "labels without axes": header | {"arrays": {"x": {"role": "tokens"}}},
        "labels are no table": header | {"arrays": ["x"]},
        "curve with other keys": header | {"curve": [{"epoch": 1}]},
        "curve with nan": header | {"curve": [{"epoch": 1, "loss": math.nan, "held_out": 0.1}]},
        "keys": {"a": 1},
        "no object": [],
    }
    for name, other in wrong.items():
        stored(path, other, **tensors)
        with pytest.raises(WeightsError, match=r"film some\.safetensors is damaged.*Get a comp"):
            pytest.fail(f"{name}: {film.read('some', tmp_path)}")
    save_file(tensors, path)  # no header at all
    with pytest.raises(WeightsError, match=r"some\.safetensors is damaged"):
        film.read("some", tmp_path)


def test_a_curve_without_a_kept_epoch_is_a_damaged_film(tmp_path: Path) -> None:
    film.write("some", {0: {"x": drawn()}, 1: {"x": drawn(1)}}, CURVE, tmp_path)
    film.write("other", {0: {"x": drawn()}, 2: {"x": drawn(1)}}, CURVE, tmp_path)
    whole, short = film.read("some", tmp_path), film.read("other", tmp_path)
    assert whole is not None
    assert short is not None
    whole.require_curve()
    with pytest.raises(WeightsError, match=r"other\.safetensors is damaged \(its curve"):
        short.require_curve()


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_a_frame_that_is_not_finite_is_an_error(tmp_path: Path, number: float) -> None:
    values = np.array(drawn().values)
    values[1, 1] = number
    frames = {0: {"x": drawn()}, 1: {"x": replace(drawn(), values=values)}}
    film.write("some", frames, CURVE, tmp_path)
    found = film.read("some", tmp_path)
    assert found is not None
    assert np.isfinite(found.frame(0)["x"].values).all()
    with pytest.raises(WeightsError, match=r"some\.safetensors holds numbers.* first in 1/x"):
        found.frame(1)


def test_frames_that_differ_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="Frame 1 of some holds other arrays"):
        film.write("some", {0: {"x": drawn()}, 1: {"y": drawn()}}, CURVE, tmp_path)
    with pytest.raises(WeightsError, match="no frame"):
        film.write("some", {}, CURVE, tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_frames_that_are_kept() -> None:
    def kept(last: int) -> list[int]:
        return [epoch for epoch in range(last + 1) if filming.is_kept(epoch, last)]

    assert kept(6) == [0, 1, 2, 5, 6]
    assert kept(100) == [0, 1, 2, 5, 10, 20, 50, 100]
    assert kept(1) == [0, 1]


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_a_frame_holds_what_the_pages_show(family: str) -> None:
    model = tiny.tiny_model(family)
    found = filming.frame(model.spec, model.module)
    assert "stem.filters" in found
    for name, array in found.items():
        assert array.provenance in ("parameter", "recomputed"), name
    others = {name.split(".", 2)[-1] for name in found if name.startswith("stage")}
    expected = {
        "mixer": {"token_mixing.fc1", "token_mixing.fc2"},
        "convmixer": {"depthwise.kernel"},
        "davit": {"window.qkv_weight", "channel.qkv_weight"},
    }
    assert others == expected.get(family, set())
    kernels = [name for name in found if name.endswith("depthwise.kernel")]
    assert len(kernels) == sum("depthwise" in site.operators for site in model.sites)


def record(folder: Path, *, stop_after: int | None = None) -> tuple[Path, running.Progress]:
    """Train the tiny model with its film, with an interruption after some steps."""
    settings = running.RunSettings(
        spec=SPEC, recipe=RECIPE_TINY, checkpoint=folder / "run.ckpt", device="cpu"
    )
    recorder = filming.Recorder(SPEC, folder / "frames", RECIPE_TINY.epochs)

    def part(stop: int | None) -> running.Progress:
        steps = iter(range(1, 999))
        _, progress, _ = loop.train(
            settings,
            pictures(),
            pictures(),
            lambda text: None,
            stop=lambda: next(steps) == stop,
            keep=recorder.record,
        )
        return progress

    if stop_after is not None:
        part(stop_after)
        with pytest.raises(WeightsError, match="is not in"):
            recorder.close([], folder / "early")
    progress = part(None)
    return recorder.close(progress.history, folder / "films"), progress


def test_the_film_shows_the_weights_that_were_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "MINI_SIZE", SIZE)
    path, progress = record(tmp_path / "whole")
    found = film.read(SPEC.key, path.parent)
    assert found is not None
    assert found.epochs == (0, 1, 2, 4)
    assert [point.epoch for point in found.curve] == [1, 2, 3, 4]
    assert found.curve[-1].loss == pytest.approx(progress.history[-1]["loss"], abs=1e-4)

    name, parameter = "stage0.block2.token_mixing.fc2", "blocks.2.mlp_tokens.fc2.weight"
    saved = torch.load(tmp_path / "whole" / "run.ckpt", weights_only=True)["model"]
    half = {key: value.half().float() for key, value in saved.items()}
    assert np.array_equal(found.frame(4)[name].values, half[parameter].numpy())
    torch.manual_seed(0)
    fresh = loading.build(SPEC, classes=2).get_parameter(parameter).detach().half().float()
    assert np.array_equal(found.frame(0)[name].values, fresh.numpy())
    assert not np.array_equal(found.frame(1)[name].values, found.frame(2)[name].values)
    assert not [key for key in found.labels if key.startswith("stage0.block3")]

    resumed, _ = record(tmp_path / "resumed", stop_after=7)
    assert resumed.read_bytes() == path.read_bytes()


def test_a_full_disk_leaves_no_half_film(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(tensors: object, path: Path, metadata: object) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(film, "save_file", full)
    with pytest.raises(WeightsError, match=r"No space left.*Make room"):
        film.write("some", {0: {"x": drawn()}}, CURVE, tmp_path)
    assert not list(tmp_path.iterdir())


BUNDLED = [key for key, row in loading.MODEL_REGISTRY.items() if row.weights == "bundled"]


@pytest.mark.parametrize("key", BUNDLED)
def test_a_bundled_film_ends_with_the_bundled_weights(key: str) -> None:
    found = film.read(key)
    if found is None:
        pytest.skip(f"there is no film of {key} in assets/films")
    state = files.read_state(files.require(loading.spec(key)))
    for array in found.frame(found.last).values():
        path = array.source.partition(",")[0]
        shown = state[path].numpy().reshape(array.values.shape)
        assert np.array_equal(array.values, shown), path
    card = files.read_card(key)
    assert [point.epoch for point in found.curve] == [row["epoch"] for row in card["history"]]
    assert found.curve[-1].held_out == pytest.approx(card["history"][-1]["held_out"])
