"""The stored table of similar layers: its pictures, its form, and one entry computed again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.unit import tiny
from vislib import registry
from vislib.__main__ import main
from vislib.analysis.cka import linear_cka
from vislib.models import loading
from vislib.observe import probing
from vislib.pictures import gallery
from vislib.schema import DecodedImage, ShapeError, TableError
from vislib.tables import similarity


@pytest.fixture(scope="module")
def pictures() -> list[DecodedImage]:
    return similarity.samples()


def test_enough_different_pictures_and_always_the_same(pictures: list[DecodedImage]) -> None:
    assert len(pictures) == similarity.VIEWS * len(gallery.GALLERY) >= 100
    digests = [picture.sha256 for picture in pictures]
    assert digests == [picture.sha256 for picture in similarity.samples()]
    assert digests != [picture.sha256 for picture in similarity.samples(seed=1)]
    # A pattern may be its own mirror image; crops of it may be alike too.
    assert len(set(digests)) > 0.9 * len(digests)
    assert all(min(p.width, p.height) >= 32 for p in pictures)


def test_token_means_are_means_of_what_was_captured(pictures: list[DecodedImage]) -> None:
    model = tiny.tiny_model("vit")
    inputs = [tiny.noise(model, seed=seed) for seed in (1, 2)]
    seen: list[int] = []
    found = probing.token_means(model, inputs, report=seen.append)
    assert seen == [1, 2]
    assert list(found) == ["stem.out", *(f"{site.group}.out" for site in model.sites)]
    run = probing.run_with_cache(model, inputs[1], "tokens")
    array = run["stage0.block1.out"]
    wanted = array.values.mean(axis=array.axes.index("token"))
    np.testing.assert_allclose(found["stage0.block1.out"][1], wanted, rtol=1e-5, atol=1e-6)
    assert tiny.relative_error(found["stage0.block1.out"][0], wanted) > 1e-2


def test_the_table_comes_back_as_it_was_written(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    features = {
        "one": {"stem.out": random.normal(size=(30, 5)), "b": random.normal(size=(30, 6))},
        "two": {"stem.out": random.normal(size=(30, 4))},
    }
    path = tmp_path / "table.npz"
    assert similarity.write(features, 30, path) == path.stat().st_size
    before = path.read_bytes()
    similarity.write(features, 30, path)
    assert path.read_bytes() == before
    stored = similarity.read(path)
    assert stored.samples == 30
    assert stored.names("one") == ("stem.out", "b")
    pair = stored.pair("one", "two")
    wanted = linear_cka(features["one"]["b"], features["two"]["stem.out"], debiased=True)
    assert pair.shape == (2, 1)
    assert pair[1, 0] == pytest.approx(wanted, abs=1e-6)
    assert not stored.fits("one")  # no such weights in the project
    with pytest.raises(ShapeError, match="three"):
        stored.pair("one", "three")


@pytest.mark.parametrize("content", [None, b"", b"not a table"])
def test_a_file_that_is_no_table_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "table.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TableError, match=r"table\.npz in assets cannot be used.*Get a complete"):
        similarity.read(path)


@pytest.mark.slow
def test_the_command_writes_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if not similarity.weights_digest("mixer_mini"):
        pytest.skip("the bundled weights are not here")
    real = similarity.samples
    monkeypatch.setattr(similarity, "samples", lambda: real(views=1)[:6])
    path = tmp_path / "table.npz"
    assert main(["similarity", "--out", str(path)]) == 0
    stored = similarity.read(path)
    assert stored.samples == 6
    assert stored.fits("mixer_mini")
    blocks = registry.spec("mixer_mini").build["num_blocks"]
    assert len(stored.names("mixer_mini")) == 1 + blocks
    np.testing.assert_allclose(np.diag(stored.table), 1.0, atol=1e-5)
    assert "mixer_mini: 6 pictures" in capsys.readouterr().out


@pytest.mark.slow
def test_one_entry_of_the_project_s_own_table(pictures: list[DecodedImage]) -> None:
    stored = similarity.read()
    assert similarity.FILE.stat().st_size < 200_000
    assert stored.samples == len(pictures)
    keys = ("vit_mini", "resnet_mini")
    if not all(similarity.weights_digest(key) for key in keys):
        pytest.skip("the bundled weights are not here")
    stale = [key for key in stored.digests if not stored.fits(key)]
    assert stale == [], "The weights have changed: run python -m vislib similarity again."
    features = []
    for key in keys:
        model = loading.load(key)
        inputs = (loading.prepare(model, picture) for picture in pictures)
        features.append(probing.token_means(model, inputs))
    names = stored.names("vit_mini"), stored.names("resnet_mini")
    assert [tuple(found) for found in features] == list(names)
    again = similarity.compare(*features)
    np.testing.assert_allclose(stored.pair(*keys), again, atol=1e-4)
    assert np.abs(stored.pair(*keys) - again[::-1]).max() > 0.02
