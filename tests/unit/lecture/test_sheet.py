"""The exercise sheet and its key: questions, links that restore the view, measured answers."""

from __future__ import annotations

import html
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.unit.lecture.test_questions import FACT, MODELS, PLACED
from tests.unit.lecture.test_reading import GOOD, path_of
from vislib.__main__ import main
from vislib.commands.lecture_models import LectureModels
from vislib.lecture import measuring, numbers, reading
from vislib.lecture.steps import Number

SERVER = "http://192.168.0.7:8501"


def written(folder: Path, *more: str) -> dict[str, str]:
    """File -> its text; the pages of a path with two questions."""
    second = PLACED.replace('"first"\nminutes', '"second"\nminutes') + FACT
    place = path_of(folder, PLACED + MODELS.replace("Which one?", "Which <b>one</b>?") + second)
    assert main(["lecture", "sheet", str(place), "--out", str(folder), *more]) == 0
    return {file.name: file.read_text(encoding="utf-8") for file in folder.glob("*.html")}


def test_sheet_and_key_in_each_language(tmp_path: Path) -> None:
    pages = written(tmp_path, "--server", f"{SERVER}/", "--picture", "red_panda")
    assert sorted(pages) == [
        f"mine_{kind}_{code}.html" for kind in ("key", "sheet") for code in ("en", "ko")
    ]
    card = f"{numbers.value(Number(model='mixer_mini', column='val_top1')):.4g}"
    step = reading.read(tmp_path / "mine").steps[0]
    answer = measuring.measured(step, LectureModels("red_panda"))
    for name, text in pages.items():
        code = name[-7:-5]
        is_key = "_key_" in name
        said = html.escape(answer.said.text(code))
        assert (said in text) is is_key
        assert (f"<span>{card}</span>" in text) is is_key
        assert ("\N{BALLOT BOX WITH CHECK}" in text) is (is_key and bool(answer.models))
        assert "<b>one" not in text  # nothing typed is markup
        assert ("Which &lt;b&gt;one&lt;/b&gt;?" in text) is (code == "en")
        assert ("어느 것입니까?" in text) is (code == "ko")
        assert "http" not in re.sub(
            rf"{SERVER}[^<\"]*", "", text
        )  # it needs nothing from elsewhere


def test_a_link_restores_the_view_and_hides_the_rest(tmp_path: Path) -> None:
    text = written(tmp_path, "--server", SERVER, "--picture", "red_panda")["mine_sheet_ko.html"]
    first, second = (urlsplit(html.unescape(found)) for found in re.findall('href="(.*?)"', text))
    assert (first.netloc, first.path) == ("192.168.0.7:8501", "/lecture")
    asked = {"lecture": ["mine"], "picture": ["red_panda"], "lang": ["ko"]}
    asked["hide"] = ["picture,language,pages"]
    assert parse_qs(first.query) == {**asked, "step": ["first"]}
    assert parse_qs(second.query) == {**asked, "step": ["second"]}


def test_the_seminars_key_says_every_answer(tmp_path: Path) -> None:
    assert main(["lecture", "sheet", "--out", str(tmp_path)]) == 0
    key = (tmp_path / "seminar_key_en.html").read_text(encoding="utf-8")
    sheet = (tmp_path / "seminar_sheet_en.html").read_text(encoding="utf-8")
    asking = [step for step in reading.read(reading.FOLDER / "seminar").steps if step.ask]
    assert len(asking) >= 6
    assert key.count('class="said"') == key.count("<li>") == sheet.count("<li>") == len(asking)
    assert 'class="said"' not in sheet
    assert 'class="area"' in key
    assert 'class="area"' not in sheet


def test_what_cannot_be_measured_is_said_in_the_key(tmp_path: Path) -> None:
    ask = MODELS.replace("survives_shuffle", "right")
    place = path_of(tmp_path, GOOD + ask)
    assert (
        main(["lecture", "sheet", str(place), "--out", str(tmp_path), "--picture", "two_dots"]) == 0
    )
    assert "Nobody has said" in (tmp_path / "mine_key_en.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--picture", "dog"], "no 'dog'"),
        (["--out", "nowhere/at/all"], "no folder nowhere"),
    ],
)
def test_what_cannot_be_written_is_named(
    more: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = path_of(tmp_path, GOOD + MODELS)
    assert main(["lecture", "sheet", str(place), "--out", str(tmp_path), *more]) == 2
    assert said in capsys.readouterr().err


def test_a_path_that_asks_nothing_has_no_sheet(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["lecture", "sheet", str(path_of(tmp_path, GOOD)), "--out", str(tmp_path)]) == 2
    assert "asks anything" in capsys.readouterr().err
