"""The page's measured answers: the same numbers as those that a command measures."""

from __future__ import annotations

import pytest

from tests.app.conftest import Ask, Open
from views.lecture import answers, shown
from vislib.commands.lecture_models import LectureModels
from vislib.lecture import measuring, reading
from vislib.lecture.measuring import Answer

STEPS = {step.key: step for step in reading.read(reading.FOLDER / "seminar").steps if step.ask}


def test_the_page_measures_what_the_command_measures(
    open_page: Open, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: dict[str, Answer] = {}

    def measure(step: reading.Step, _slot: str) -> None:
        if step.ask:
            found[step.key] = answers.measured(step)

    monkeypatch.setattr(shown, "draw", measure)
    at = open_page("lecture", picture="red_panda")
    for key in STEPS:
        at.selectbox(key="step").select(key)
        assert ask(at.run()).errors == []
    models = LectureModels("red_panda")
    assert found == {key: measuring.measured(step, models) for key, step in STEPS.items()}
    other = LectureModels("coffee")
    for key in ("cnn", "mixer_units", "davit_architecture"):  # negative control: another picture
        assert found[key].said != measuring.measured(STEPS[key], other).said
