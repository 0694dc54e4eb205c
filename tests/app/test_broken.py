"""A file that comes with the project and is broken: named on its page, and the rest goes on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import streamlit as st
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from streamlit.testing.v1 import AppTest

from tests.app.conftest import Ask, Open, Seen
from views.disagreement import page as page_of_ranking
from views.frame import asked, server
from vislib import registry
from vislib.experiments import table as experiments
from vislib.pictures import gallery
from vislib.tables import papers, prepared, similarity
from vislib.texts import text
from vislib.weights import files, film

Copied = Callable[[ModuleType], Path]
Spoil = Callable[[Path], None]
FAULTS: dict[str, Spoil] = {
    "missing": Path.unlink,
    "empty": lambda path: path.write_bytes(b"") and None,
    "garbage": lambda path: path.write_bytes(bytes(range(128, 256)) * 4) and None,
}
fault = pytest.mark.parametrize("fault", FAULTS)
pytestmark = pytest.mark.walk(4)


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Copied:
    """Lets a module read a copy of its folder; what was kept of the real one is forgotten."""
    st.cache_resource.clear()

    def copy(module: ModuleType) -> Path:
        folder = tmp_path / module.FOLDER.name
        shutil.copytree(module.FOLDER, folder)
        monkeypatch.setattr(module, "FOLDER", folder)
        return folder

    yield copy
    st.cache_resource.clear()


def named(at: AppTest, page: str, *words: str) -> Seen:
    """The page with its title, and just one message with all of these words and no path."""
    seen = Seen(at)
    assert Seen(at).title == text("en", f"{page}.title")
    assert len(seen.errors) == 1, seen.errors
    for word in (*words, "Get a complete copy of the project"):
        assert word in seen.errors[0]
    assert "/tmp" not in seen.errors[0]
    return seen


@fault
def test_a_papers_table(open_page: Open, copied: Copied, fault: str) -> None:
    FAULTS[fault](copied(papers) / "mlp_mixer_table3.csv")
    at = open_page("papers")
    named(at, "papers", "mlp_mixer_table3.csv")
    assert not at.dataframe
    at.segmented_control(key="paper").set_value("davit").run()
    assert not at.error
    assert len(at.dataframe) == 1


@fault
def test_our_counts(
    open_page: Open, copied: Copied, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    path = copied(papers) / "counted.csv"
    monkeypatch.setattr(papers, "COUNTED", path)
    FAULTS[fault](path)
    at = open_page("papers")
    named(at, "papers", "counted.csv")
    assert len(at.dataframe[0].value) == len(papers.table("mixer").rows)


@fault
@pytest.mark.parametrize("kind", ["csv", "json"])
def test_an_experiments_table(open_page: Open, copied: Copied, kind: str, fault: str) -> None:
    FAULTS[fault](copied(experiments) / f"order.{kind}")
    at = open_page("experiments")
    named(at, "experiments", f"order.{kind}")
    at.segmented_control(key="experiment").set_value("attention").run()
    assert not at.error
    assert at.segmented_control(key="attention_answer")


@fault
def test_a_papers_table_beside_an_experiment(
    open_page: Open, ask: Ask, copied: Copied, fault: str
) -> None:
    FAULTS[fault](copied(papers) / "mlp_mixer_table3.csv")
    at = open_page("experiments", experiment="data", experiment_tab="papers")
    named(at, "experiments", "mlp_mixer_table3.csv")
    assert at.get("plotly_chart")  # our runs
    at.session_state["experiment_tab"] = "table"
    assert len(at.run().dataframe) == 1


@fault
def test_the_table_of_similarity(
    open_page: Open, tmp_path: Path, copied: Copied, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    path = tmp_path / "similarity.npz"
    shutil.copy(similarity.FILE, path)
    monkeypatch.setattr(similarity, "FILE", path)
    FAULTS[fault](path)
    at = open_page("inside", inside="similarity")
    named(at, "inside", "similarity.npz")
    keys = [button.key for button in at.button]
    assert "similarity_now" in keys or at.get("plotly_chart")  # it is computed instead


@fault
@pytest.mark.parametrize("page", ["compare", "papers"])
def test_the_picture_that_is_shown(open_page: Open, copied: Copied, page: str, fault: str) -> None:
    FAULTS[fault](copied(gallery) / "cat.jpg")
    at = open_page(page, picture="cat")
    seen = named(at, page, "cat.jpg", "Shown instead")
    assert "Rachel Michetti" in seen.text
    assert at.selectbox(key="picture").value == "cat"
    at.selectbox(key="picture").set_value("rocket").run()
    assert not at.error


@fault
def test_the_first_picture_and_all_others(open_page: Open, copied: Copied, fault: str) -> None:
    for path in copied(gallery).glob("*.jpg"):
        FAULTS[fault](path)
    seen = named(open_page("papers"), "papers", "coffee.jpg", "Shown instead")
    assert "Drawn by MixScope" in seen.text


@fault
def test_another_picture_beside(open_page: Open, copied: Copied, fault: str) -> None:
    FAULTS[fault](copied(gallery) / "cat.jpg")
    at = open_page("compare", second="cat", reads="raw")
    seen = named(at, "compare", "cat.jpg", "Shown instead")
    assert len(seen.pictures) > 3
    at = open_page("token_mixing", mixing_view="beside", other_picture="cat")
    named(at, "token_mixing", "cat.jpg", "Shown instead")


@fault
def test_the_ranking_of_pictures(open_page: Open, copied: Copied, fault: str) -> None:
    folder = copied(gallery)
    for name in ("cat", "bee"):
        FAULTS[fault](folder / f"{name}.jpg")
    at = open_page("disagreement", shown="all")
    seen = named(at, "disagreement", "cat.jpg", "bee.jpg", "Left out of the ranking: 2.")
    keys = {button.key for button in at.button if str(button.key).startswith("open-")}
    assert len(keys) == len(gallery.GALLERY) - 2
    assert "open-cat" not in keys
    assert seen.text


@pytest.fixture
def films(copied: Copied, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the films, which the app reads."""
    folder, real = copied(film), film.read
    monkeypatch.setattr(film, "read", lambda key: real(key, folder))
    return folder


@pytest.mark.parametrize("fault", ["empty", "garbage"])
def test_a_film(open_page: Open, films: Path, fault: str) -> None:
    FAULTS[fault](films / "mixer_mini.safetensors")
    at = open_page("patch_embedding", view="filters", models=["mixer_mini", "convmixer_mini"])
    seen = named(at, "patch_embedding", "mixer_mini.safetensors")
    assert at.select_slider(key="epoch")  # of the other model
    assert "ConvMixer mini: after pass" in seen.text
    assert "Mixer mini: after pass" not in seen.text.replace("ConvMixer", "")


def test_a_film_that_is_not_there_is_not_offered(open_page: Open, films: Path) -> None:
    (films / "mixer_mini.safetensors").unlink()
    at = open_page("token_mixing", mixing_view="units")
    assert not at.error
    assert not at.select_slider


def test_a_frame_that_is_not_finite(open_page: Open, films: Path) -> None:
    path = films / "convmixer_mini.safetensors"
    with safe_open(path, framework="numpy") as stored:
        facts = stored.metadata()
    frames = {name: np.array(values) for name, values in load_file(path).items()}
    for name, values in frames.items():
        if name.startswith("0/"):
            values.flat[0] = np.nan
    save_file(frames, path, metadata=facts)
    at = open_page("depthwise_kernels")
    assert not at.error
    at.select_slider(key="epoch").set_value("0").run()
    named(at, "depthwise_kernels", "convmixer_mini.safetensors", "nan or infinite")
    assert at.select_slider(key="epoch")


@pytest.mark.parametrize("fault", [*FAULTS, "other keys"])
def test_the_words_of_old_links(
    open_page: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    path = tmp_path / "old_links.toml"
    path.write_text('[paper]\n"The third of them" = "davit"\n')
    monkeypatch.setattr(asked, "OLD_WORDS", path)
    at = open_page("papers", paper="The third of them")
    assert not at.error
    assert at.segmented_control(key="paper").value == "davit"
    FAULTS.get(fault, lambda p: p.write_text('paper = "a"') and None)(path)
    at = open_page("papers", paper="The third of them")
    named(at, "papers", "old_links.toml")
    assert len(at.dataframe) == 1
    assert not open_page("papers", paper="davit").error  # a new link needs no old words


@fault
def test_a_card(
    open_page: Open, copied: Copied, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    path = copied(files) / "mixer_mini.json"
    FAULTS[fault](path)
    number = registry.set_in_card("mixer_mini", path.parent)
    assert number == 1  # with what a start of the app makes of such a card
    row = registry.in_set(registry.spec("mixer_mini"), number)
    monkeypatch.setattr(registry, "MODEL_REGISTRY", {**registry.MODEL_REGISTRY, "mixer_mini": row})
    monkeypatch.setattr(server, "_made", {})  # no model was loaded yet
    at = open_page("compare")
    seen = Seen(at)
    assert seen.title == text("en", "compare.title")
    assert seen.errors
    assert all("mixer_mini.json" in error for error in seen.errors)
    assert "ConvMixer mini" in seen.text


@pytest.mark.parametrize("page", ["costs", "disagreement"])
def test_without_what_is_bundled_a_page_computes(
    open_page: Open, page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepared, "FILE", tmp_path / "prepared.npz")
    monkeypatch.setattr(page_of_ranking, "QUICK_SECONDS", float("inf"))
    (tmp_path / "prepared.npz").write_bytes(b"no archive")
    prepared.read.cache_clear()
    try:
        at = open_page(page)
    finally:
        prepared.read.cache_clear()
    seen = Seen(at)
    assert not seen.errors
    assert text("en", "prepared.said") not in seen.text
    assert at.get("plotly_chart") or "<span>disagreement " in seen.text
