"""The page Lecture: its steps in both languages, what windows share, paths of one's own."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.app.conftest import Ask, Bring, OnStage, Open
from tests.unit.lecture.test_reading import GOOD, path_of
from views import frame
from views.frame import stage_packets
from vislib.classroom import here
from vislib.classroom.leading import Live
from vislib.classroom.room import Room
from vislib.lecture import numbers, reading
from vislib.tables import papers

SEMINAR = reading.read(reading.FOLDER / "seminar")
STEPS = [(step.key, language) for step in SEMINAR.steps for language in SEMINAR.languages]


@pytest.fixture(autouse=True)
def nobody_leads() -> Iterator[None]:
    """A lecture of each test's own."""
    here.set_room(Room())
    yield
    here.set_room(None)


def step_of(key: str) -> reading.Step:
    return next(step for step in SEMINAR.steps if step.key == key)


@pytest.mark.walk(6)
@pytest.mark.parametrize(("key", "language"), STEPS, ids=lambda value: str(value))
def test_a_step_shows_its_words_and_no_error(
    key: str, language: str, open_page: Open, ask: Ask
) -> None:
    seen = ask(open_page("lecture", step=key, lang=language))
    assert seen.errors == []
    step = step_of(key)
    assert step.title[language].split()[0] in seen.text
    assert numbers.words(step, language).split("'")[0][:60] in seen.text
    assert step.notes[language][:40] not in seen.text


def test_the_next_step_and_the_one_before_lie_beside_it(open_page: Open, ask: Ask) -> None:
    at = open_page("lecture", step=SEMINAR.steps[4].key)
    ask(at.selectbox(key="step").set_value(SEMINAR.steps[5].key).run())
    seen = ask(at)
    found = set(re.findall(r"lecture step-(\w+)", seen.text))
    assert found == {step.key for step in SEMINAR.steps[4:7]}
    first = ask(open_page("lecture", step=SEMINAR.steps[0].key))
    found = set(re.findall(r"lecture step-(\w+)", first.text))
    assert found == {step.key for step in SEMINAR.steps[:2]}


def test_a_step_ahead_has_its_own_picture_and_place(
    open_page: Open, ask: Ask, stage: OnStage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = GOOD.replace('"first"\nminutes', '"second"\nminutes')
    other = other.replace('depth = "first"', 'picture = "cat", place = [100, 200]')
    path_of(tmp_path, GOOD, other)
    monkeypatch.setenv("MIXSCOPE_LECTURES", str(tmp_path))
    at = open_page("lecture", lecture="mine")
    assert ask(at).errors == []
    assert stage.options["point"] == (100, 200)  # the last one that was drawn: the one ahead
    ahead = stage.rows[0].picture
    assert (at.session_state["picture"], at.session_state["x"]) == ("coffee", 500)
    assert ask(at.selectbox(key="step").set_value("second").run()).errors == []
    assert (at.session_state["picture"], at.session_state["x"]) == ("cat", 100)
    drawn = [row.picture for row in stage.rows]
    assert drawn == [ahead]


PUBLISHED = {
    "mixer_mini": "mixer_b16_224.goog_in21k_ft_in1k",
    "convmixer_mini": "convmixer_768_32.in1k",
    "davit_mini": "davit_tiny.msft_in1k",
    "vit_mini": "deit_small_patch16_224.fb_in1k",
    "resnet_mini": "resnet50.tv_in1k",
}


@pytest.mark.walk(36)
@pytest.mark.parametrize("key", [step.key for step in SEMINAR.steps])
def test_a_step_stands_with_published_models_of_random_weights(
    key: str,
    open_page: Open,
    ask: Ask,
    bring: Bring,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = tmp_path / "published"
    place.mkdir()
    for file in (reading.FOLDER / "seminar").glob("*.toml"):
        lines = file.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines):
            if line.startswith("view"):
                for mini, published in PUBLISHED.items():
                    line = line.replace(f'"{mini}"', f'"{published}"')
                lines[number] = line
        (place / file.name).write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.setenv("MIXSCOPE_LECTURES", str(tmp_path))
    bring(*PUBLISHED.values())
    said: list[str] = []
    send = stage_packets.send

    def recorded(name: str, target: str, shown: Sequence[frame.StageShown]) -> None:
        said.extend(one.message for one in shown)
        send(name, target, shown)

    monkeypatch.setattr(stage_packets, "send", recorded)
    at = open_page("lecture", lecture="published", step=key)
    seen = ask(at)
    assert seen.errors == []
    assert at.selectbox(key="step").value == key
    assert not any(said)


def test_the_table_has_the_papers_cells(open_page: Open, ask: Ask) -> None:
    seen = ask(open_page("lecture", step="convmixer_result"))
    for row in papers.table("convmixer").rows:
        assert row.model in seen.text
        assert f"<td>{row.values['imagenet_top1_percent']:,g}</td>" in seen.text


def test_notes_are_for_the_lecturers_window(open_page: Open, ask: Ask) -> None:
    step, after = SEMINAR.steps[4], SEMINAR.steps[5]
    seen = ask(open_page("lecture", step=step.key, role="notes"))
    for words in (step.title["en"], after.title["en"], f"5 / {len(SEMINAR.steps)}"):
        assert words in seen.text
    assert step.notes["en"][:40] in seen.text


def test_a_path_of_ones_own_says_which_step_is_out(
    open_page: Open, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = GOOD.replace('"first"\nminutes', '"second"\nminutes').replace('"maps"', '"mops"')
    path_of(tmp_path, GOOD, other)
    monkeypatch.setenv("MIXSCOPE_LECTURES", str(tmp_path))
    at = open_page("lecture", lecture="mine")
    seen = ask(at)
    assert "A place." in seen.text
    (error,) = seen.errors
    assert "1.toml:4" in error
    assert "no view 'mops'" in error
    assert at.selectbox(key="step").options == ["1. One"]


# ------------------------------------------------------------ what windows share


def test_only_the_window_that_leads_moves_the_lecture() -> None:
    state = Live()
    state.lead("a", "seminar", "one")
    assert state.change("a", step="two", black=False, frozen=False)
    assert not state.change("b", step="nine", black=True, frozen=True)
    assert not state.change("", step="nine", black=True, frozen=True)
    assert (state.state.step, state.state.shown, state.state.black) == ("two", "two", False)
    state.end("b")
    assert state.state.leader == "a"
    started = state.state.started
    state.lead("b", "seminar", "two")  # handed over: the clock goes on
    assert state.state.started == started
    assert not state.change("a", step="three", black=False, frozen=False)
    state.end("b")
    assert (state.state.leader, state.state.step, state.state.started) == ("", "", 0.0)


def test_frozen_followers_stay_until_it_ends() -> None:
    state = Live()
    state.lead("a", "seminar", "one")
    state.change("a", step="one", black=False, frozen=True)
    state.change("a", step="two", black=False, frozen=True)
    assert (state.state.step, state.state.shown) == ("two", "one")
    state.change("a", step="three", black=False, frozen=False)
    assert state.state.shown == "three"


def test_a_change_that_changes_nothing_wakes_nobody() -> None:
    state = Live()
    state.lead("a", "seminar", "one")
    before = state.state.version
    state.change("a", step="one", black=False, frozen=False)
    assert state.state.version == before
    state.change("a", step="two", black=False, frozen=False)
    assert state.state.version == before + 1


def test_many_windows_at_once_leave_one_leader() -> None:
    state = Live()

    def take(name: str) -> None:
        for _ in range(200):
            state.lead(name, "seminar", name)
            state.change(name, step=name, black=False, frozen=False)

    threads = [threading.Thread(target=take, args=(f"w{n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert state.state.leader == state.state.step
