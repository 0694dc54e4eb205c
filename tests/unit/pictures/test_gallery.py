"""The gallery's pictures are there, small, credited, and drawn the same every time."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest

from vislib import registry, texts
from vislib.pictures import gallery
from vislib.schema import ImageError
from vislib.weights import files

FIRST = ("coffee", "cat", "astronaut", "rocket", "galaxies", "camera", "bricks")
"""The photographs of the first release, which links may name."""
CARDS = [key for key, row in registry.MODEL_REGISTRY.items() if row.weights == "bundled"]
PATTERNS = [key for key, row in gallery.GALLERY.items() if row.kind == "pattern"]
PHOTOGRAPHS = [key for key, row in gallery.GALLERY.items() if row.kind == "photograph"]


def share(grid: int, pixels: np.ndarray) -> np.ndarray:
    """Mean brightness of each cell, 0 to 1, axes (row, column)."""
    side = pixels.shape[0] // grid
    return pixels[:, :, 0].reshape(grid, side, grid, side).mean(axis=(1, 3)) / 255.0


@pytest.mark.parametrize("key", gallery.GALLERY)
def test_every_picture_loads_without_a_note(key: str) -> None:
    picture = gallery.load(key)
    row = gallery.GALLERY[key]
    assert row.key == key
    assert str(row.title) not in ("", row.title.key)
    assert row.credit
    assert row.licence
    assert max(picture.width, picture.height) <= 640
    assert picture.notes == ()
    assert picture.pixels.std() > 5
    assert gallery.load(key).sha256 == picture.sha256


def test_all_pictures_differ() -> None:
    assert len({gallery.load(key).sha256 for key in gallery.GALLERY}) == len(gallery.GALLERY) >= 12


def test_files_and_rows_and_licences_agree() -> None:
    files = {path.stem for path in gallery.FOLDER.glob("*.jpg")}
    assert files == set(PHOTOGRAPHS)
    licences = (gallery.FOLDER / "LICENCES.md").read_text(encoding="utf-8")
    for key in PHOTOGRAPHS:
        (line,) = [line for line in licences.splitlines() if line.startswith(f"| `{key}.jpg` |")]
        assert gallery.GALLERY[key].credit.split(",")[0] in line
        assert gallery.GALLERY[key].licence in line
    named = {line.split("`")[1] for line in licences.splitlines() if line.startswith("| `")}
    assert named == {f"{key}.jpg" for key in PHOTOGRAPHS}
    sizes = {path.stem: path.stat().st_size for path in gallery.FOLDER.iterdir()}
    assert sum(size for key, size in sizes.items() if key not in FIRST) < 1.2e6
    assert sum(sizes[key] for key in FIRST) < 0.5e6


def test_pictures_that_links_name_are_still_there() -> None:
    assert set(FIRST) <= set(PHOTOGRAPHS)


@pytest.mark.parametrize("key", gallery.GALLERY)
def test_every_picture_shows_a_class_of_the_cards_or_says_why_it_is_there(key: str) -> None:
    row = gallery.GALLERY[key]
    assert (row.shows is None) == (row.wordnet is None)
    if row.shows is None:
        assert row.why is not None
    for card in CARDS:
        classes = [tuple(pair) for pair in files.read_card(card)["classes"]]
        assert row.shows is None or classes.count((row.wordnet, row.shows)) == 1
        assert ("n02123045", "tiger cat") not in classes  # the pair counts, not its id alone


def test_every_title_and_reason_belongs_to_a_picture() -> None:
    table = tomllib.loads((texts.FOLDER / "en.toml").read_text(encoding="utf-8"))["gallery"]
    assert set(table["title"]) == set(gallery.GALLERY)
    assert set(table["why"]) <= set(gallery.GALLERY)
    said = [str(row.why) for row in gallery.GALLERY.values() if row.why]
    assert sorted(said) == sorted(table["why"].values())
    assert len(set(said)) == len(said)


def test_unknown_key_names_what_exists() -> None:
    with pytest.raises(ImageError, match=r"no 'dog'.*cat.*two_dots"):
        gallery.load("dog")


def test_missing_file_is_an_image_error_without_a_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(gallery, "FOLDER", tmp_path)
    with pytest.raises(ImageError, match=r"cat\.jpg") as caught:
        gallery.load("cat")
    assert str(tmp_path) not in str(caught.value)
    assert gallery.load("two_dots").width == gallery.SIDE


@pytest.mark.parametrize("fault", ["empty", "garbage", "cut off", "another kind of file"])
def test_a_damaged_file_is_named_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fault: str
) -> None:
    whole = (gallery.FOLDER / "cat.jpg").read_bytes()
    content = {"empty": b"", "garbage": bytes(range(256)) * 9, "cut off": whole[:3000]}
    (tmp_path / "cat.jpg").write_bytes(content.get(fault, b"%PDF-1.7\n" * 20))
    monkeypatch.setattr(gallery, "FOLDER", tmp_path)
    words = r"file cat\.jpg in assets/gallery .*Get a complete copy of the project, or choose"
    with pytest.raises(ImageError, match=words) as caught:
        gallery.load("cat")
    assert str(tmp_path) not in str(caught.value)


def test_bright_patch_lights_exactly_one_cell() -> None:
    lit = share(14, gallery.load("patch_14").pixels)
    assert lit[4, 9] == 1.0
    assert lit.sum() == 1.0
    coarse = share(8, gallery.load("patch_14").pixels)
    assert np.argwhere(coarse > 0).tolist() == [[2, 5]]
    eight = share(8, gallery.load("patch_8").pixels)
    assert eight[2, 5] == 1.0
    assert eight.sum() == 1.0
    # negative control: on a 16 x 16 grid the first one does touch several cells
    assert (share(16, gallery.load("patch_14").pixels) > 0).sum() > 1


def test_two_dots_light_two_cells() -> None:
    pixels = gallery.load("two_dots").pixels
    assert np.argwhere(share(8, pixels) > 0).tolist() == [[1, 1], [6, 6]]
    assert np.argwhere(share(14, pixels) > 0).tolist() == [[2, 2], [11, 11]]


@pytest.mark.parametrize(("key", "cell"), [("coarse", 112), ("middle", 56), ("fine", 14)])
def test_checkerboards(key: str, cell: int) -> None:
    bright = gallery.load(f"checker_{key}").pixels[:, :, 0] == 255
    assert bright[0, 0]
    assert bright.mean() == 0.5
    np.testing.assert_array_equal(bright[:, cell:], ~bright[:, :-cell])
    np.testing.assert_array_equal(bright[cell:], ~bright[:-cell])
    assert not np.array_equal(bright[:, cell // 2 :], ~bright[:, : -(cell // 2)])


def test_stripes_run_as_named() -> None:
    vertical = gallery.load("stripes_vertical").pixels
    assert (vertical == vertical[:1]).all()
    assert not (vertical == vertical[:, :1]).all()
    diagonal = gallery.load("stripes_diagonal").pixels
    np.testing.assert_array_equal(diagonal[1:, :-1], diagonal[:-1, 1:])  # down-left equals
    assert not np.array_equal(diagonal[1:, 1:], diagonal[:-1, :-1])


def test_colours_lie_where_the_docstring_says() -> None:
    wheel = gallery.load("colour_wheel").pixels.astype(int)
    red, green = wheel[224, 430], wheel[224 - 175, 224 - 101]
    assert red[0] == 255
    assert red[1:].max() < 30
    assert green[1] == 255
    assert green[[0, 2]].max() < 30
    assert wheel[0, 0].tolist() == [128, 128, 128]
    assert wheel[224, 224].min() > 250
    ramp = gallery.load("gradient").pixels
    assert ramp[0, 0].tolist() == [0, 0, 128]
    assert ramp[447, 0].tolist() == [0, 255, 128]
    assert ramp[0, 447].tolist() == [255, 0, 128]
