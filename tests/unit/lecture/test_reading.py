"""A lecture's path: what its files hold, and the line of each mistake."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from vislib import registry
from vislib.__main__ import main
from vislib.lecture import checking, numbers, reading
from vislib.lecture.steps import MOST_WORDS, Number
from vislib.tables import papers

HEAD = 'languages = ["en", "ko"]\ntitle.en = "Mine"\ntitle.ko = "나의 강의"\n'
GOOD = """\
[[step]]
key = "first"
minutes = 2
view = { kind = "maps", models = ["mixer_mini"], depth = "first" }
title.en = "One"
title.ko = "하나"
words.en = "A place."
words.ko = "한 위치입니다."
notes.en = "Say it."
notes.ko = "말합니다."
"""


def path_of(folder: Path, *files: str, head: str = HEAD) -> Path:
    """A path of one's own."""
    place = folder / "mine"
    place.mkdir()
    (place / reading.HEAD).write_text(head, encoding="utf-8")
    for number, text in enumerate(files):
        (place / f"{number}.toml").write_text(text, encoding="utf-8")
    return place


def test_the_seminars_lecture_has_no_mistake() -> None:
    path = reading.read(reading.FOLDER / "seminar")
    assert path.faults == ()
    assert 30 <= len(path.steps) <= 40
    assert 40 <= path.minutes <= 60
    assert path.languages == ("en", "ko")
    parts = list(dict.fromkeys(step.part for step in path.steps))
    assert [part[2:] for part in parts] == [
        "introduction",
        "mixer",
        "convmixer",
        "davit",
        "closing",
    ]
    for step in path.steps:
        for language in path.languages:
            told = numbers.words(step, language)
            assert 1 <= len(told.split()) <= MOST_WORDS, step.key
            assert "{" not in told, step.key


def test_a_number_is_the_tables_cell_or_the_cards() -> None:
    group = "Pre-trained on ImageNet (with extra regularization)"
    with (papers.FOLDER / "mlp_mixer_table3.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["model"] == "Mixer-L/16"]
    wanted = next(float(r["imagenet_top1_percent"]) for r in rows if r["pretraining"] == group)
    cell = Number(table="mixer", model="Mixer-L/16", group=group, column="imagenet_top1_percent")
    assert numbers.value(cell) == wanted
    other = Number(
        table="mixer", model="Mixer-L/16", group="Pre-trained on JFT-300M", column=cell.column
    )
    assert numbers.value(other) != wanted  # negative control: another group's row
    card = json.loads((numbers.CARDS / "davit_mini.json").read_text(encoding="utf-8"))
    found = numbers.value(Number(model="davit_mini", column="val_top1"))
    assert found == pytest.approx(100 * card["val_top1"])
    count = numbers.value(Number(model="davit_mini", column="parameters"))
    assert count == pytest.approx(card["parameters"] / 1e6)


def test_a_path_of_ones_own_is_found_beside_the_bundled_one(tmp_path: Path) -> None:
    place = path_of(tmp_path, GOOD)
    found = reading.folders([tmp_path, tmp_path / "nowhere"])
    assert found == [reading.FOLDER / "seminar", place]
    path = reading.read(place)
    assert (path.faults, path.key, path.title["ko"]) == ((), "mine", "나의 강의")
    (step,) = path.steps
    assert (step.key, step.minutes, step.line, step.part) == ("first", 2.0, 1, "0")
    assert (step.view.kind, step.view.models) == ("maps", ("mixer_mini",))
    assert step.view.options == {"depth": "first"}


MISTAKES = [
    ('kind = "maps"', 'kind = "mops"', 4, "no view 'mops'"),
    ('"mixer_mini"', '"mixer_maxi"', 4, "mixer_maxi"),
    ('["mixer_mini"]', "[]", 4, "takes 1 to 5 models; 0 came"),
    ('depth = "first"', 'depth = "fist"', 4, "depth is 'fist'"),
    ('depth = "first"', 'dept = "first"', 4, "takes no 'dept'"),
    ('depth = "first"', "place = [500, 1001]", 4, "two whole numbers from 0 to 1000"),
    ('depth = "first"', 'picture = "dog"', 4, "no gallery picture 'dog'"),
    ('key = "first"', 'key = "The First"', 2, "small letters"),
    ("minutes = 2", 'minutes = "two"', 3, "minutes is 'two'"),
    ("minutes = 2", "minutes = -1", 3, "minutes is -1"),
    ("minutes = 2", "minuts = 2", 3, "no 'minuts'"),
    ('title.ko = "하나"\n', "", 5, "title lacks the language ko"),
    ('words.ko = "한 위치입니다."', "words.ko = 3", 7, "words lacks the language ko"),
    ('"A place."', f'"{"word " * 41}"', 7, "41 words"),
    ('"A place."', '"A {place}."', 7, "has no number"),
    ('"A place."', '"A { place."', 7, "has no number"),
    ("minutes = 2", 'numbers.n = { model = "x", column = "val_top1" }', 3, "card of x"),
    ("minutes = 2", 'numbers.n = { model = "mixer_mini" }', 3, "needs model and column"),
    ("minutes = 2", "formula = 3", 3, "formula must be a text"),
]


@pytest.mark.parametrize(("right", "wrong", "line", "said"), MISTAKES)
def test_a_mistake_is_named_with_its_line_and_the_other_steps_stand(
    right: str, wrong: str, line: int, said: str, tmp_path: Path
) -> None:
    assert right in GOOD
    other = GOOD.replace('"first"\nminutes', '"second"\nminutes')
    path = reading.read(path_of(tmp_path, other + "\n" + GOOD.replace(right, wrong)))
    assert [step.key for step in path.steps] == ["second"]
    before = other.count("\n") + 1
    found = [fault for fault in path.faults if said in str(fault.said)]
    assert found, [str(fault.said) for fault in path.faults]
    assert found[0].line == before + line
    assert found[0].file.name == "0.toml"


def test_a_key_stands_for_one_step(tmp_path: Path) -> None:
    path = reading.read(path_of(tmp_path, GOOD, GOOD))
    assert len(path.steps) == 1
    (fault,) = path.faults
    assert (fault.file.name, fault.line, fault.step) == ("1.toml", 2, "first")


def test_a_file_that_is_no_toml_takes_no_other_with_it(tmp_path: Path) -> None:
    place = path_of(tmp_path, GOOD, "[[step]]\nkey = first\n")
    (place / "2.toml").write_bytes(b"\xff\xfe\x00")
    path = reading.read(place)
    assert len(path.steps) == 1
    assert [(fault.file.name, fault.line) for fault in path.faults] == [
        ("1.toml", 2),
        ("2.toml", 0),
    ]


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ("languages = 3", "list of codes"),
        ('languages = ["en"]\ntitle = "Mine"', "in each language"),
        ("", "in each language"),
    ],
)
def test_a_wrong_head_is_named(head: str, said: str, tmp_path: Path) -> None:
    path = reading.read(path_of(tmp_path, GOOD, head=head))
    assert any(said in str(fault.said) and fault.file.name == "path.toml" for fault in path.faults)


@pytest.mark.parametrize(
    ("view", "said"),
    [
        ('{ kind = "table", table = "mixed" }', "mixed"),
        ('{ kind = "table", table = "mixer", rows = ["Mixer-X"] }', "Mixer-X"),
        ('{ kind = "table", table = "mixer", columns = ["top1"] }', "top1"),
        ('{ kind = "table", table = "davit", pretraining = ["JFT"] }', "JFT"),
        ('{ kind = "table", table = "mixer", rows = "Mixer-B/16" }', "rows is"),
        ('{ kind = "channels", models = ["mixer_mini"] }', "cannot show mixer_mini"),
        ('{ kind = "channels", models = ["davit_mini"], group = 0 }', "group is 0"),
        ("3", "no view None"),
    ],
)
def test_what_a_view_cannot_show_is_named(view: str, said: str, tmp_path: Path) -> None:
    start, _, rest = GOOD.partition("view = ")
    text = f"{start}view = {view}\n{rest.partition(chr(10))[2]}"
    path = reading.read(path_of(tmp_path, text))
    assert any(said in str(fault.said) and fault.line == 4 for fault in path.faults)


def test_the_command_names_file_and_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["lecture", "check"]) == 0
    assert "seminar: 36 steps" in capsys.readouterr().out
    place = path_of(tmp_path, GOOD.replace('"maps"', '"mops"'))
    assert main(["lecture", "check", str(tmp_path)]) == 2
    out = capsys.readouterr().out
    assert f"{place / '0.toml'}:4: [first] There is no view 'mops'" in out
    assert main(["lecture", "check", str(tmp_path / "nothing")]) == 2
    assert "is no folder" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert main(["lecture", "check", str(tmp_path / "empty")]) == 2
    assert "holds a path.toml" in capsys.readouterr().err


KS_X_1001 = {bytes((a, b)).decode("euc-kr") for a in range(0xB0, 0xC9) for b in range(0xA1, 0xFF)}


def test_syllables_that_the_typeface_lacks_are_told_from_those_it_has() -> None:
    every = {chr(code) for code in range(0xAC00, 0xD7A4)}
    assert set(checking.beyond("".join(every))) == every - KS_X_1001
    assert checking.beyond("Patch, 시그마 σ, 뷁과 똠") == ["똠", "뷁"]
    assert checking.hint("펩시 똑딱") is None


def test_the_command_names_syllables_beyond_the_typeface_and_the_step_stands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = GOOD.replace("한 위치입니다.", "똠방각하입니다.").replace("말합니다.", "뷁.")
    place = path_of(tmp_path, text, head=HEAD.replace("나의", "나의 쌰"))
    path = reading.read(place)
    assert (len(path.steps), path.faults) == (1, ())
    assert main(["lecture", "check", str(tmp_path)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert any(f"{place / '0.toml'}:8: [first]" in line and "똠" in line for line in said)
    assert any(f"{place / '0.toml'}:10: [first]" in line and "뷁" in line for line in said)
    assert any(f"{place / 'path.toml'}:3:" in line and "쌰" in line for line in said)


def test_the_command_speaks_the_lecturers_language(capsys: pytest.CaptureFixture[str]) -> None:
    for language, words in (
        ("ko", "강의의 단계를 검사합니다"),
        ("en", "check the steps of a lecture"),
    ):
        with pytest.raises(SystemExit):
            main(["--lang", language, "lecture", "--help"])
        with pytest.raises(SystemExit):
            main(["--lang", language, "--help"])
        assert words in capsys.readouterr().out
    main(["--lang", "en", "lecture", "check"])


def test_every_model_of_the_seminar_is_bundled() -> None:
    for step in reading.read(reading.FOLDER / "seminar").steps:
        assert all(registry.spec(key).weights == "bundled" for key in step.view.models)
