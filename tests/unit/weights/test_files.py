"""Weights files: what is missing, damaged or for another model is said in words."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from huggingface_hub import close_session, constants
from safetensors.torch import load_file, save, save_file
from timm.models import build_model_with_cfg, generate_default_cfgs, register_model
from timm.models.mlp_mixer import MlpMixer
from torch import nn

from tests.unit import hub as play
from tests.unit import tiny
from vislib import registry
from vislib.__main__ import main
from vislib.models import footprint, loading
from vislib.observe.capture import run_with_cache
from vislib.registry import MODEL_REGISTRY
from vislib.schema import ModelSpec, WeightsError
from vislib.weights import files, hub

PUBLISHED = "davit_tiny.msft_in1k"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in the place of assets/weights."""
    monkeypatch.setattr(files, "FOLDER", tmp_path)
    return tmp_path


def put(folder: Path, key: str, *, source: str | None = None) -> Path:
    """Write seeded weights (of ``source`` if given) as the bundled ones of ``key``."""
    path = folder / f"{key}.safetensors"
    module = loading.load(source or key, untrained=True, seed=4).module
    files.write_state(module.state_dict(), path)
    path.with_suffix(".json").write_text("{}")  # a first card, without a digest
    return path


def test_what_is_written_is_read_as_float32(folder: Path) -> None:
    state = {
        "weight": torch.tensor([[1.0, -2.5], [0.1, 70.0]]),
        "num_batches_tracked": torch.tensor(3),
        "turned": torch.arange(6.0).reshape(2, 3).T,
    }
    path = folder / "deep" / "state.safetensors"
    files.write_state(state, path)
    found = files.read_state(path)
    assert found.keys() == state.keys()
    assert torch.equal(found["turned"], state["turned"])
    assert found["weight"].dtype == torch.float32
    assert found["num_batches_tracked"].dtype == torch.int64
    # float16 keeps 11 bits: 0.1 is rounded, the others are exact.
    assert torch.equal(found["weight"], state["weight"].half().float())
    assert not torch.equal(found["weight"], state["weight"])


@pytest.mark.parametrize("key", ["mixer_mini", "convmixer_mini", "davit_mini"])
def test_bundled_weights_are_loaded(folder: Path, key: str) -> None:
    path = put(folder, key)
    row = MODEL_REGISTRY[key]
    status = files.status(row)
    assert (status.present, status.path) == (True, path)
    assert status.megabytes == path.stat().st_size / 1e6
    model = loading.load(key)
    assert not model.untrained
    written = files.read_state(path)
    for name, value in model.module.state_dict().items():
        assert torch.equal(value.float(), written[name].float()), name
    logits = run_with_cache(model, tiny.noise(model), "logits").logits
    fresh = loading.load(key, untrained=True)
    assert not np.array_equal(logits, run_with_cache(fresh, tiny.noise(fresh), "logits").logits)


def test_missing_bundled_weights(folder: Path) -> None:
    row = MODEL_REGISTRY["mixer_mini"]
    status = files.status(row)
    assert (status.present, status.path, status.megabytes) == (False, None, None)
    with pytest.raises(WeightsError, match=r"mixer_mini are missing.*python -m vislib train"):
        files.require(row)
    put(folder, "mixer_mini")
    assert files.require(row).is_file()


def test_missing_published_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []
    monkeypatch.setattr(files, "try_to_load_from_cache", lambda *a: asked.append(a))
    assert not files.status(MODEL_REGISTRY[PUBLISHED]).present
    with pytest.raises(WeightsError) as caught:
        loading.load(PUBLISHED)
    for word in (f"weights pull {PUBLISHED}", "not on this machine", "bundled models"):
        assert word in str(caught.value)
    assert {file for _, file in asked} == {"model.safetensors"}
    assert all("davit_tiny" in repository for repository, _ in asked)


@pytest.mark.parametrize("damage", ["empty", "truncated", "text"])
def test_damaged_bundled_weights(folder: Path, damage: str) -> None:
    path = put(folder, "mixer_mini")
    whole = path.read_bytes()
    path.write_bytes({"empty": b"", "truncated": whole[:-100], "text": b"<html>404</html>"}[damage])
    with pytest.raises(WeightsError, match=r"mixer_mini\.safetensors is damaged.*get it again"):
        loading.load("mixer_mini")
    path.write_bytes(whole)
    assert not loading.load("mixer_mini").untrained


def test_weights_of_another_model_do_not_fit(folder: Path) -> None:
    put(folder, "mixer_mini", source="convmixer_mini")
    with pytest.raises(WeightsError, match=r"mixer_mini\.safetensors does not fit mixer_mini"):
        loading.load("mixer_mini")


def test_published_weights_are_loaded_from_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file with seeded weights stands in for the published one; a broken one is refused."""
    path = tmp_path / "model.safetensors"
    monkeypatch.setattr(files, "try_to_load_from_cache", lambda *_: str(path))
    drawn = loading.load(PUBLISHED, untrained=True, seed=4).module.state_dict()
    save_file({name: value.contiguous() for name, value in drawn.items()}, path)
    assert files.status(MODEL_REGISTRY[PUBLISHED]).path == path
    before = torch.random.get_rng_state()
    model = loading.load(PUBLISHED)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert not model.untrained
    for name, value in model.module.state_dict().items():
        assert torch.equal(value, drawn[name]), name
    assert not any(getattr(part, "fused_attn", False) for part in model.module.modules())
    path.write_bytes(path.read_bytes()[:1_000_000])
    assert not files.status(MODEL_REGISTRY[PUBLISHED]).present
    with pytest.raises(WeightsError, match=rf"damaged.*weights pull {PUBLISHED}"):
        loading.load(PUBLISHED)
    save_file({"another": torch.zeros(3)}, path)
    with pytest.raises(WeightsError, match=rf"do not load.*weights pull {PUBLISHED}"):
        loading.load(PUBLISHED)


@pytest.mark.parametrize("published", [False, True], ids=["bundled", "published"])
@pytest.mark.parametrize("damage", ["cut off", "other bytes"])
def test_a_loaded_model_stays_as_it_was_when_its_file_is_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str, published: bool
) -> None:
    """In the same file, as a disk or a person damages it: what safetensors reads is mapped."""
    key = PUBLISHED if published else "mixer_mini"
    path = tmp_path / "model.safetensors"
    if published:
        monkeypatch.setattr(files, "try_to_load_from_cache", lambda *_: str(path))
        drawn = loading.load(key, untrained=True, seed=4).module.state_dict()
        save_file({name: value.contiguous() for name, value in drawn.items()}, path)
        blob = tmp_path / "blobs" / files.sha256(path)  # where the cache says what it must be
        blob.parent.mkdir()
        path.rename(blob)
        path.symlink_to(blob)
    else:
        for end in ("json", "safetensors"):
            path = Path(shutil.copy(files.FOLDER / f"{key}.{end}", tmp_path))
        monkeypatch.setattr(files, "FOLDER", tmp_path)
    model = loading.load(key)
    before = {name: value.clone() for name, value in model.module.state_dict().items()}
    mapped = load_file(path)  # the negative control
    if damage == "cut off":
        mapped.clear()  # one look at it would end the process
        os.truncate(path, 1000)
    else:
        with path.open("r+b") as file:
            file.seek(1_000_000 if published else path.stat().st_size // 2)
            file.write(bytes(path.stat().st_size // 4))
        changed = [n for n, v in mapped.items() if not torch.equal(v.float(), before[n])]
        assert changed
    for tensor, value in model.module.state_dict().items():
        assert torch.equal(value, before[tensor]), tensor
    with pytest.raises(WeightsError):
        loading.load(key)


SMALL = {"input_size": (3, 16, 16), "first_conv": "stem.proj", "classifier": "head"}
default_cfgs = generate_default_cfgs(  # where timm's decorator looks for it
    {"mixscope_small.test": {"hf_hub_id": "timm/", "license": "mit", **SMALL}}
)


@register_model
def mixscope_small(pretrained: bool = False, **more: object) -> nn.Module:
    """A published Mixer that is small enough for a test."""
    size = {"img_size": 16, "patch_size": 8, "num_blocks": 1, "embed_dim": 16}
    return build_model_with_cfg(MlpMixer, "mixscope_small", pretrained, **size, **more)


def test_what_was_pulled_is_what_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a hub on this machine into the cache, and through timm into the model."""
    key = "mixscope_small.test"
    row = ModelSpec(
        key=key, family="mixer", title="Small", weights="timm", licence="MIT", paper="2105.01601"
    )
    monkeypatch.setitem(MODEL_REGISTRY, key, row)
    drawn = loading.load(key, untrained=True, seed=4).module.state_dict()
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with play.running() as server:
        server.files[key] = save({name: value.contiguous() for name, value in drawn.items()})
        template = server.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        expected = footprint.expected_megabytes(row)
        with pytest.raises(WeightsError, match="not on this machine"):
            loading.load(key)
        path = hub.pull(row)
        close_session()
    assert expected == pytest.approx(path.stat().st_size / 1e6, rel=0.1)
    assert 0 < path.stat().st_size / 1e6 - expected < 0.003  # the header
    model = loading.load(key)
    for name, value in model.module.state_dict().items():
        assert torch.equal(value, drawn[name]), name
    state = dict(drawn, **{"head.bias": drawn["head.bias"] + 1})  # the negative control
    save_file(state, path.resolve())
    with pytest.raises(WeightsError, match=rf"sha256 differs.*weights pull {key}"):
        loading.load(key)


@pytest.mark.parametrize("key", [k for k, r in MODEL_REGISTRY.items() if r.weights == "timm"])
def test_rows_are_as_timm_records_them(key: str) -> None:
    row, cfg = MODEL_REGISTRY[key], timm.get_pretrained_cfg(key, allow_unregistered=False)
    assert cfg.hf_hub_id == files.repository(row)
    assert cfg.hf_hub_filename is None  # model.safetensors
    assert row.licence.lower() == cfg.license.lower()


@pytest.mark.parametrize(
    ("key", "megabytes"), [("davit_tiny.msft_in1k", 113.4), ("resnet50.tv_in1k", 102.4)]
)
def test_the_size_is_known_before_the_download(key: str, megabytes: float) -> None:
    """28.36 and 25.56 million parameters (and batch statistics), 4 bytes each."""
    before = torch.random.get_rng_state()
    assert footprint.expected_megabytes(MODEL_REGISTRY[key]) == pytest.approx(megabytes, abs=0.1)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_the_size_of_a_bundled_model_is_that_of_its_file(folder: Path) -> None:
    row = MODEL_REGISTRY["convmixer_mini"]
    expected = footprint.expected_megabytes(row)
    put(folder, "convmixer_mini")
    found = footprint.expected_megabytes(row)
    assert found == files.status(row).megabytes
    assert 0 < found - expected < 0.03  # the header


def test_a_card_names_the_classes(folder: Path) -> None:
    put(folder, "mixer_mini")
    assert loading.load("mixer_mini").labels[:2] == ("class 1", "class 2")
    names = ", ".join(f'["n{index:08d}", "name {index}"]' for index in range(100))
    (folder / "mixer_mini.json").write_text(f'{{"classes": [{names}]}}', encoding="utf-8")
    assert loading.load("mixer_mini").labels[:2] == ("name 0", "name 1")


@pytest.mark.parametrize("text", [None, "no JSON", "\udcff"])
def test_a_card_that_cannot_be_read(folder: Path, text: str | None) -> None:
    if text is not None:
        data = text.encode("utf-8", "surrogateescape")
        (folder / "mixer_mini.json").write_bytes(data)
    with pytest.raises(
        WeightsError, match=r"card mixer_mini\.json .*cannot be read.*complete copy"
    ):
        files.read_card("mixer_mini")


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with copies of one bundled model's weights and card, which is then the folder."""
    for end in ("safetensors", "json"):
        shutil.copy(files.FOLDER / f"mixer_mini.{end}", tmp_path)
    monkeypatch.setattr(files, "FOLDER", tmp_path)
    return tmp_path


def test_overwritten_bytes_of_bundled_weights_are_noticed(
    copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = registry.spec("mixer_mini")
    assert files.require(row) == copied / "mixer_mini.safetensors"
    path = copied / "mixer_mini.safetensors"
    whole = path.read_bytes()
    middle = len(whole) // 2
    path.write_bytes(whole[:middle] + bytes(60_000) + whole[middle + 60_000 :])
    assert files.is_whole(path)
    with pytest.raises(WeightsError, match=r"mixer_mini\.safetensors is damaged.*sha256 differs"):
        loading.load("mixer_mini")
    assert main(["weights", "verify"]) == 2
    said = capsys.readouterr()
    assert "mixer_mini.safetensors is damaged" in said.err
    assert "mixer_mini: whole" not in said.out


@pytest.mark.parametrize("text", ["", "{", "[]", None])
def test_a_broken_card_is_named(copied: Path, text: str | None) -> None:
    card = copied / "mixer_mini.json"
    card.unlink() if text is None else card.write_text(text)
    with pytest.raises(WeightsError, match=r"mixer_mini\.json .*Get a complete copy"):
        loading.load("mixer_mini")
    assert loading.load("mixer_mini", untrained=True).labels[0] == "class 1"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused(copied: Path, value: float) -> None:
    path, card = copied / "mixer_mini.safetensors", copied / "mixer_mini.json"
    state = files.read_state(path)
    state["blocks.0.mlp_tokens.fc1.weight"][0, 0] = value
    files.write_state(state, path)
    card.write_text(
        re.sub(r'"sha256": "\w+"', f'"sha256": "{files.sha256(path)}"', card.read_text())
    )
    with pytest.raises(WeightsError, match=r"first in blocks\.0\.mlp_tokens\.fc1\.weight"):
        loading.load("mixer_mini")


def test_each_bundled_card_has_the_digest_of_its_weights() -> None:
    for row in registry.MODEL_REGISTRY.values():
        if row.weights == "bundled":
            assert files.read_card(row.key)["sha256"] == files.sha256(
                files.FOLDER / f"{row.key}.safetensors"
            )
