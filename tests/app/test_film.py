"""The training slider, and the switch to untrained weights."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.app.conftest import Ask, OnStage, Open, Seen, Shown
from views import frame
from views.frame import captures, state
from views.frame import film as frame_film
from vislib import registry
from vislib.models import loading
from vislib.schema import WeightsError
from vislib.training import filming
from vislib.weights import files, film
from vislib.weights.film import CurvePoint

READ = film.read
SIZES = {1: 32, 2: 32, 3: 64}
CURVE = [CurvePoint(epoch=e, loss=3.0 - e / 2, held_out=e / 10, size=SIZES[e]) for e in (1, 2, 3)]


@pytest.fixture(scope="module")
def reels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Films of two of the bundled models: seeded random weights, other ones, then the trained."""
    folder = tmp_path_factory.mktemp("films")
    for key in ("mixer_mini", "convmixer_mini"):
        row = registry.spec(key)
        frames = {
            epoch: filming.frame(row, loading.load(key, untrained=True, seed=epoch).module)
            for epoch in (0, 1)
        }
        frames[3] = filming.frame(row, loading.load(key).module)
        film.write(key, frames, CURVE, folder)
    return folder


@pytest.fixture
def with_films(reels: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The app finds these films and no others."""
    captures.film_of.clear()
    state._store().clear()
    monkeypatch.setattr(film, "read", lambda key: READ(key, reels))
    yield
    captures.film_of.clear()
    state._store().clear()


def slider(at: AppTest) -> object:
    return at.select_slider(key=frame_film.WIDGET)


PLACES = [
    ("patch_embedding", {"view": "filters", "models": ["mixer_mini", "davit_mini"]}, "Mixer mini"),
    ("token_mixing", {"mixing_view": "units"}, "Mixer mini"),
    ("token_mixing", {"mixing_view": "blocks"}, "Mixer mini"),
    ("depthwise_kernels", {"kernel_view": "block"}, "ConvMixer mini"),
    ("depthwise_kernels", {"kernel_view": "depth"}, "ConvMixer mini"),
]


@pytest.mark.usefixtures("minis", "with_films")
@pytest.mark.parametrize(("page", "choice", "title"), PLACES)
def test_the_slider_plays_the_training(
    open_page: Open, ask: Ask, page: str, choice: dict[str, object], title: str
) -> None:
    at = open_page(page, **choice)
    last = ask(at)
    assert not last.errors
    assert slider(at).value == "3"
    (key,) = (row.key for row in registry.MODEL_REGISTRY.values() if row.title == title)
    stated = 100 * files.read_card(key)["held_out_top1"]  # of the weights that are shown, not 30.0
    said = f"{title}: epoch 3 of 3, {stated:.1f} % correct (held-out), training loss 1.50"
    assert said in last.text
    assert last.text.count("Epochs 1 to 2 saw images of 32 x 32 pixels") == 1
    slider(at).set_value("0").run()
    first = ask(at)
    assert not first.errors
    assert f"{title}: before training, random weights." in first.text
    slider(at).set_value("1").run()
    second = ask(at)
    assert "epoch 1 of 3, 10.0 %" in second.text


@pytest.mark.usefixtures("minis", "with_films")
@pytest.mark.parametrize(
    ("page", "choice", "canvas", "numbered"),
    [
        ("patch_embedding", {"view": "filters"}, "filter-tiles-mixer_mini", r"filter (\d+)"),
        ("token_mixing", {"mixing_view": "units"}, "unit_pairs", r"unit (\d+)"),
        ("token_mixing", {"mixing_view": "units"}, "unit_singles", r"unit (\d+)"),
        ("token_mixing", {"mixing_view": "blocks"}, "block-1.1-singles", r"unit (\d+)"),
        ("depthwise_kernels", {"kernel_view": "block"}, "kernel_tiles", r"channel (\d+)"),
        ("depthwise_kernels", {"kernel_view": "depth"}, "kernel_samples", r"channel (\d+)"),
    ],
)
def test_a_tile_keeps_its_number_and_place_while_the_training_is_played(
    open_page: Open,
    shown: Shown,
    page: str,
    choice: dict[str, str],
    canvas: str,
    numbered: str,
) -> None:
    at = open_page(page, **choice, models=["mixer_mini", "convmixer_mini"])

    def seen() -> tuple[list[str], np.ndarray]:
        key = next(key for key in shown.tiles if key.startswith(canvas))
        indices, options = shown.tiles[key]
        return [re.findall(numbered, label)[-1] for label in options["labels"]], indices

    numbers, trained = seen()
    for epoch in ("0", "1"):
        shown.clear()
        slider(at).set_value(epoch).run()
        assert not at.exception
        again, values = seen()
        assert again == numbers
        assert not np.array_equal(values, trained)


def test_films_whose_pictures_were_all_of_one_size_say_nothing_of_it() -> None:
    for sizes in ((None, None), (64, 64)):
        curve = tuple(
            CurvePoint(epoch=epoch, loss=1.0, held_out=0.5, size=size)
            for epoch, size in enumerate(sizes, 1)
        )
        reel = film.Film(key="k", epochs=(0, 2), curve=curve, path=Path("k"), labels={})
        assert (frame_film._small(reel), frame_film._finish(reel)) == ("", "")


def test_passes_over_pictures_as_they_are_are_named() -> None:
    curve = tuple(
        CurvePoint(epoch=epoch, loss=1.0, held_out=0.5, finish=epoch > 3) for epoch in range(1, 6)
    )
    reel = film.Film(key="k", epochs=(0, 5), curve=curve, path=Path("k"), labels={})
    assert frame_film._finish(reel).startswith("Up to epoch 3 the images were cut and enlarged")
    after = film.Film(key="k", epochs=(0, 5), curve=curve[3:], path=Path("k"), labels={})
    assert frame_film._finish(after) == ""  # none was cut


@pytest.mark.usefixtures("minis", "with_films")
def test_a_link_opens_an_epoch_and_its_weights(open_page: Open, ask: Ask, reels: Path) -> None:
    at = open_page("token_mixing", mixing_view="units", epoch="1")
    assert slider(at).value == "1"
    reel = READ("mixer_mini", reels)
    name = "stage0.block0.token_mixing.fc1"
    shown = captures.film_frame("mixer_mini@epoch1")[name]
    assert np.array_equal(shown.values, reel.frame(1)[name].values)
    assert not np.array_equal(shown.values, reel.frame(3)[name].values)
    assert "Mixer mini (after epoch 1)" in registry.spec("mixer_mini@epoch1").title


@pytest.mark.usefixtures("minis", "with_films")
@pytest.mark.parametrize(
    ("link", "shown", "words"), [("2", "1", "1"), ("80", "3", "3"), ("soon", "3", "3")]
)
def test_a_link_to_an_epoch_that_was_not_kept_says_what_is_shown(
    open_page: Open, ask: Ask, link: str, shown: str, words: str
) -> None:
    at = open_page("token_mixing", mixing_view="units", epoch=link)
    assert slider(at).value == shown
    told = f"does not have. Shown instead: {words}."
    assert sum(told in info for info in ask(at).infos) == 1
    slider(at).set_value("0").run()
    seen = ask(at)
    assert not any("does not have" in info for info in seen.infos)
    assert "before training" in seen.text


@pytest.mark.usefixtures("minis", "with_films")
def test_no_slider_where_no_frame_holds_what_is_shown(open_page: Open) -> None:
    for page, choice in (
        ("token_mixing", {"mixing_view": "units", "mixer_block": "1.5"}),
        ("token_mixing", {"mixing_view": "reads"}),
        ("patch_embedding", {"view": "filters", "models": ["davit_mini"]}),
        ("patch_embedding", {"view": "patches"}),
    ):
        at = open_page(page, **choice)
        assert not at.select_slider, (page, choice)


@pytest.mark.usefixtures("minis")
@pytest.mark.parametrize("page", [p for p in frame.PAGES[1:8] if p != "lecture"])
def test_the_switch_shows_untrained_weights_and_says_so(
    open_page: Open, ask: Ask, stage: OnStage, page: str, flip: Callable[[AppTest], AppTest]
) -> None:
    def drawn(seen: Seen) -> tuple[list[str], list[bytes], list[tuple[bytes, str]]]:
        entries = [entry for block in stage.blocks.values() for entry in block]
        fields = [entry.field.values.tobytes() for entry in entries if entry.field]
        return seen.pictures, fields, [(entry.image, entry.word) for entry in entries]

    def labels() -> str:
        return " ".join(tile.label for row in stage.rows for tile in row.tiles)

    view = {"view": "filters"} if page == "patch_embedding" else {}  # pixels know no weights
    at = open_page(page, **view)
    trained = ask(at)
    maps = drawn(trained)
    assert "(untrained)" not in trained.text + labels()
    untrained = ask(flip(at))
    assert not untrained.errors
    assert any("Untrained." in info for info in untrained.infos)
    assert "(untrained)" in (labels() if stage.rows else untrained.text)
    assert drawn(untrained) != maps
    at.toggle(key=state.SWITCH).set_value(False).run()
    assert drawn(ask(at)) == maps


@pytest.fixture
def flip() -> Callable[[AppTest], AppTest]:
    return lambda at: at.toggle(key=state.SWITCH).set_value(True).run()


def test_a_block_that_the_film_has_not_kept_is_said(
    reels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(captures, "film_of", lambda key: film.read(key, reels))
    sites = loading.load("mixer_mini").sites
    reel = film.read("mixer_mini", reels)
    assert reel is not None
    names = {name.rsplit(".token", 1)[0] for name in reel.frame(1) if ".token" in name}
    left_out = next((site.group for site in sites if site.group not in names), "stage9.block9")
    kept = next(site.group for site in sites if site.group in names)
    assert captures.weights("mixer_mini@epoch1", kept)
    with pytest.raises(WeightsError, match="has no frame of"):
        captures.weights("mixer_mini@epoch1", left_out)
