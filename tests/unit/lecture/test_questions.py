"""Questions to the class in a path's files: what they hold, and the line of each mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.lecture.test_reading import GOOD, path_of
from vislib.lecture import reading
from vislib.lecture.steps import MEASURES, Question, Step

PLACED = GOOD.replace('depth = "first"', 'depth = "first", place = [500, 250]')
MODELS = """\
[step.ask]
kind = "models"
answer = "survives_shuffle"
options = ["mixer_mini", "resnet_mini"]
text.en = "Which one?"
text.ko = "어느 것입니까?"
"""
HEAD = """\
[step.ask]
kind = "number"
answer = "head"
model = "vit_mini"
depth = "last"
target = [300, 700]
limits = [1, 8.5]
text.en = "Which head?"
text.ko = "어느 head입니까?"
"""
FACT = """\
[step.ask]
kind = "number"
answer = "fact"
number = { model = "mixer_mini", column = "val_top1" }
limits = [0, 100]
text.en = "How many percent?"
text.ko = "몇 퍼센트입니까?"
"""
MOVES = MODELS.replace('"survives_shuffle"', '"moves_most"') + 'second = "coffee"\n'


def read(folder: Path, ask: str, before: str = PLACED) -> reading.LecturePath:
    """A path of one step that asks."""
    return reading.read(path_of(folder, before + ask))


def asked(folder: Path, ask: str) -> Question:
    path = read(folder, ask)
    assert path.faults == (), [str(fault.said) for fault in path.faults]
    found = path.steps[0].ask
    assert found
    return found


def test_a_question_is_read(tmp_path: Path) -> None:
    found = asked(tmp_path, HEAD)
    assert found == Question(
        kind="number",
        text={"en": "Which head?", "ko": "어느 head입니까?"},
        answer="head",
        limits=(1.0, 8.5),
        model="vit_mini",
        where={"depth": "last"},
        target=(300, 700),
    )


@pytest.mark.parametrize(
    ("ask", "kind", "unit"), [(MODELS, "models", ""), (MOVES, "models", ""), (FACT, "number", "")]
)
def test_each_kind_is_read(ask: str, kind: str, unit: str, tmp_path: Path) -> None:
    found = asked(tmp_path, ask)
    assert (found.kind, found.unit) == (kind, unit)
    assert found.options == (("mixer_mini", "resnet_mini") if kind == "models" else ())
    assert found.second == ("coffee" if ask is MOVES else "")
    assert (found.number is not None) is (ask is FACT)


MISTAKES = [
    (MODELS, 'kind = "models"', 'kind = "model"', 2, "kind is 'model'"),
    (MODELS, '"survives_shuffle"', '"survives"', 3, "Nothing here answers 'survives'"),
    (MODELS, '["mixer_mini", "resnet_mini"]', '["mixer_mini"]', 4, "1 came"),
    (MODELS, '"resnet_mini"', '"mixer_mini"', 4, "each once"),
    (MODELS, '"resnet_mini"', '"resnet_maxi"', 4, "resnet_maxi"),
    (MODELS, '"resnet_mini"', "3", 4, "3"),
    (MODELS, 'text.ko = "어느 것입니까?"\n', "", 5, "lacks the language ko"),
    (MODELS, '"Which one?"', f'"{"word " * 31}"', 5, "31 words"),
    (MODELS, "options =", "options2 =", 4, "takes no 'options2'"),
    (MODELS, "options =", "options2 =", 1, "lacks options"),
    (MOVES, 'second = "coffee"', 'second = "tea"', 7, "no gallery picture 'tea'"),
    (HEAD, '"vit_mini"', '"mixer_mini"', 4, "cannot be measured on mixer_mini"),
    (HEAD, '"last"', '"lats"', 5, "depth is 'lats'"),
    (HEAD, 'depth = "last"', "block = 3", 5, "block is 3"),
    (HEAD, "[300, 700]", "[300, 1700]", 6, "two whole numbers from 0 to 1000"),
    (HEAD, "limits = [1, 8.5]", "limits = [8, 1]", 7, "limits is [8, 1]"),
    (HEAD, "limits = [1, 8.5]", "limits = [1, nan]", 7, "limits is [1, nan]"),
    (HEAD, "limits = [1, 8.5]\n", "", 1, "lacks limits"),
    (FACT, '"mixer_mini"', '"x"', 4, "card of x"),
    (FACT, "[0, 100]", "[0, 1]", 5, "does not lie from 0 to 1"),
]


@pytest.mark.parametrize(("ask", "right", "wrong", "line", "said"), MISTAKES)
def test_a_mistake_in_a_question_is_named_with_its_line(
    ask: str, right: str, wrong: str, line: int, said: str, tmp_path: Path
) -> None:
    assert right in ask
    path = read(tmp_path, ask.replace(right, wrong))
    assert path.steps == ()  # the step is out: its question cannot be asked
    found = [fault for fault in path.faults if said in str(fault.said)]
    assert found, [str(fault.said) for fault in path.faults]
    assert found[0].line == PLACED.count("\n") + line
    assert said in found[0].said.text("en")
    assert found[0].said.text("ko") != found[0].said.text("en")


@pytest.mark.parametrize("ask", ["ask = 3\n", 'ask = "models"\n', "ask = []\n"])
def test_what_is_no_table_is_named(ask: str, tmp_path: Path) -> None:
    path = read(tmp_path, ask)
    assert any("Nothing here answers None" in str(fault.said) for fault in path.faults)


def test_what_depends_on_a_place_has_one(tmp_path: Path) -> None:
    path = read(tmp_path, HEAD, before=GOOD)
    assert any("place = [x, y]" in str(fault.said) for fault in path.faults)


def test_a_step_without_a_question_has_none(tmp_path: Path) -> None:
    (step,) = read(tmp_path, "").steps
    assert step.ask is None


def seminar() -> list[Step]:
    """The seminar's steps that ask."""
    return [step for step in reading.read(reading.FOLDER / "seminar").steps if step.ask]


def test_the_manual_names_every_measure() -> None:
    manual = (Path(__file__).parents[3] / "docs" / "lecture.md").read_text(encoding="utf-8")
    for name in MEASURES:
        assert f"| `{name}` |" in manual, name
