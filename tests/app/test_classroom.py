"""The class on the page Lecture: who may do what, what is held back, what the phones are given."""

from __future__ import annotations

import html
from collections.abc import Iterator

import pytest

from tests.app.conftest import Ask, Open
from tests.app.test_lecture import SEMINAR
from views.lecture import joining, published, slots, tallying
from vislib.classroom import addresses, here
from vislib.classroom.asked import Measured
from vislib.classroom.room import Room
from vislib.classroom.tally import tally

ASKS = next(step for step in SEMINAR.steps if step.ask and step.ask.kind == "models")
PLACE = next(step for step in SEMINAR.steps if step.ask and step.ask.kind == "place")


@pytest.fixture(params=["", "a-key"], ids=["alone", "room"])
def room(request: pytest.FixtureRequest) -> Iterator[Room]:
    """A lecture that another window leads, in which a question is open."""
    found = Room(key=request.param)
    here.set_room(found)
    with found.lock:
        found.live.lead("window", "seminar", ASKS.key)
        found.set_outline(published._outline(SEMINAR))
    found.open(ASKS.key)
    yield found
    here.set_room(None)


def test_only_a_lecturer_sees_notes_votes_and_what_leads(
    room: Room, open_page: Open, ask: Ask
) -> None:
    at = open_page("lecture", step=ASKS.key, role="notes")
    seen = ask(at)
    lecturer = not room.rights.needs_key
    keys = {button.key for button in at.button}
    assert ("lecture_lead" in keys) is lecturer
    assert (ASKS.notes["en"][:40] in html.unescape(seen.text)) is lecturer
    assert ("0 answers" in seen.text) is lecturer
    assert ASKS.ask is not None
    assert ASKS.ask.text["en"] in seen.text
    assert not any(str(key).startswith("lecture_ask_") for key in keys)  # another window leads


def test_what_shows_the_answer_is_held_back_until_it_is_revealed(
    room: Room, open_page: Open, ask: Ask
) -> None:
    shown: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slots.shown, "draw", lambda step, _slot: shown.append(step.key))
        ask(open_page("lecture", step=ASKS.key))
        assert ASKS.key not in shown
        assert shown  # its neighbours are drawn ahead
        room.reveal(ASKS.key, Measured(text={"en": "None of them."}))
        seen = ask(open_page("lecture", step=ASKS.key))
        assert ASKS.key in shown
        assert "None of them." in seen.text


def test_a_participant_cannot_lead(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(published.frame, "is_lecturer", lambda: False)
    published.lead("mine", SEMINAR, ASKS.key)
    assert room.live.state.leader == "window"


def test_phones_get_every_step_and_question_in_every_language(room: Room) -> None:
    outline = published._outline(SEMINAR)
    assert [told.key for told in outline] == [step.key for step in SEMINAR.steps]
    for told, step in zip(outline, SEMINAR.steps, strict=True):
        assert set(told.title) == set(told.words) == set(SEMINAR.languages)
        assert (told.asked is None) == (step.ask is None)
        assert "{" not in "".join(told.words.values())
        assert not any(note[:40] in repr(told) for note in step.notes.values())


def test_bars_and_heat_map_say_what_was_voted(room: Room) -> None:
    asked = {told.key: told.asked for told in published._outline(SEMINAR)}
    question = asked[ASKS.key]
    assert question is not None
    first, second = (key for key, _ in question.options[:2])
    found = tally(question, [first, first, second])
    rows = tallying._rows(ASKS, found, Measured(text={}, options=(second,)))
    assert [(votes, right) for _, votes, _, right in rows[:2]] == [(2, False), (1, True)]
    written = tallying._bars([("<b>", 2, "#000000", False), ("x", 1, "#000000", True)])
    assert written.count("width:100.00%") == written.count("width:50.00%") == 1
    assert "&lt;b&gt;" in written
    question = asked[PLACE.key]
    assert question is not None
    found = tally(question, [(0, 500), (999, 0)])
    drawn = tallying._heat_map(PLACE, found, Measured(text={}, box=(100, 200, 150, 260)))
    assert drawn.count("<i ") == 2
    assert "left:0.000%;top:50.000%" in drawn
    assert "left:91.667%;top:0.000%" in drawn
    assert "left:10.0%;top:20.0%;width:5.0%;height:6.0%" in drawn


@pytest.mark.parametrize(
    ("page_address", "own", "shown"),
    [
        ("http://127.0.0.1:8501/lecture", ["192.168.0.5"], "http://192.168.0.5:8501/room"),
        ("http://localhost:8501/app/lecture", ["10.0.0.2"], "http://10.0.0.2:8501/app/room"),
        ("http://192.168.0.5:8501/lecture", ["192.168.0.5"], "http://192.168.0.5:8501/room"),
        ("http://192.168.0.5:8501/lecture", ["10.0.0.2"], "http://10.0.0.2:8501/room"),
        ("https://mixscope.example.org/lecture", ["10.0.0.2"], "https://mixscope.example.org/room"),
        ("http://127.0.0.1:8501/lecture", [], "http://127.0.0.1:8501/room"),
    ],
)
def test_the_code_shows_where_phones_reach_this_machine_now(
    page_address: str, own: list[str], shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addresses, "own", lambda: own)
    assert joining.address(page_address) == shown
