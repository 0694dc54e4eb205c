"""Each language has every text with the same places, and the fonts have its letters."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from babel import Locale
from fontTools.ttLib import TTFont

from views import frame
from vislib import texts
from vislib.figures.fonts import FILES

ROOT = Path(__file__).resolve().parents[2]
OTHERS = [code for code in texts.languages() if code != texts.FALLBACK]
Text = str | Mapping[str, str]


def flat(table: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Text]]:
    """Dotted key -> text, or its plural forms."""
    for name, value in table.items():
        if isinstance(value, dict) and not texts.is_plural(value):
            yield from flat(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value


def table(code: str) -> dict[str, Text]:
    return dict(flat(texts._load(code)))


def forms(text: Text) -> dict[str, str]:
    """The plural forms of a text; a text without any has the general one alone."""
    return {"other": text} if isinstance(text, str) else dict(text)


def places(text: str) -> list[tuple[str, str | None, str | None]]:
    """The placeholders of a text (name, format, conversion); of a formula its mathematics."""
    if "\\" in text:
        return [(re.sub(r"\\text\{[^{}]*\}|\s", "", text), None, None)]
    found = [(name, spec, how) for _, name, spec, how in Formatter().parse(text) if name]
    return sorted(found, key=str)


def faults(english: Mapping[str, Text], other: Mapping[str, Text], plurals: set[str]) -> list[str]:
    """What a translation lacks, or has otherwise than English; empty when all is well."""
    wrong = [f"{key}: missing" for key in english if key not in other]
    wrong += [f"{key}: English has no such text" for key in other if key not in english]
    for key in english.keys() & other.keys():
        needed = places(forms(english[key])["other"])
        for name, text in forms(other[key]).items():
            came = places(text)
            if not set(came) <= set(needed) or (name == "other" and came != needed):
                wrong.append(f"{key}: the places {came} came, {needed} are needed")
            if not text.strip() and forms(english[key])["other"]:
                wrong.append(f"{key}: empty")
        odd = set(forms(other[key])) - plurals
        if odd:
            wrong.append(f"{key}: this language has no plural forms {sorted(odd)}")
    return sorted(wrong)


def plurals(code: str) -> set[str]:
    return {*Locale.parse(code).plural_form.tags, "other"}


@pytest.mark.parametrize("code", OTHERS)
def test_a_language_has_every_text_and_the_same_places(code: str) -> None:
    assert faults(table("en"), table(code), plurals(code)) == []


def test_english_has_its_plural_forms() -> None:
    assert faults(table("en"), table("en"), plurals("en")) == []
    for key, text in table("en").items():
        assert isinstance(text, str) or set(text) == {"one", "other"}, key


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({}, "a.b: missing"),
        ({"a.b": "{n:,} x", "a.c": "y"}, "a.c: English has no such text"),
        ({"a.b": "{n} x"}, "are needed"),
        ({"a.b": "{m:,} x"}, "are needed"),
        ({"a.b": "x"}, "are needed"),
        ({"a.b": "{n:,} {n:,}"}, "are needed"),
        ({"a.b": " "}, "empty"),
        ({"a.b": {"one": "{n:,} x", "other": "{n:,} x"}}, "no plural forms ['one']"),
        ({"a.b": {"other": "{n} x"}}, "are needed"),
    ],
)
def test_faults_of_a_translation_are_found(other: dict[str, Text], said: str) -> None:
    found = faults({"a.b": "{n:,} pictures"}, other, plurals("ko"))
    assert any(said in fault for fault in found), found


def test_formulas_may_have_other_words_and_no_other_mathematics() -> None:
    english = {"a.f": r"N = \frac{\text{side}}{p}"}
    assert faults(english, {"a.f": r"N = \frac{\text{변}}{p}"}, plurals("ko")) == []
    assert faults(english, {"a.f": r"N = \frac{\text{변}}{q}"}, plurals("ko")) != []


def test_a_third_language_is_one_more_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "en.toml").write_text('language = "English"\n[a]\nb = "{n} b"\n', encoding="utf-8")
    (tmp_path / "de.toml").write_text('language = "Deutsch"\n[a]\n', encoding="utf-8")
    (tmp_path / "glossary.toml").write_text("", encoding="utf-8")  # no language
    monkeypatch.setattr(texts, "FOLDER", tmp_path)
    texts.languages.cache_clear()
    texts._load.cache_clear()
    try:
        assert texts.languages() == {"de": "Deutsch", "en": "English"}
        assert faults(table("en"), table("de"), plurals("de")) == ["a.b: missing"]
        assert texts.text("de", "a.b", n=1.5) == "1.5 b"  # an English text has English numbers
    finally:
        texts.languages.cache_clear()
        texts._load.cache_clear()


# ---------------------------------------------------------------- the glossary


def test_every_term_is_in_every_language_in_one_sentence() -> None:
    terms = texts.glossary()
    assert len(terms) > 30
    for key, term in terms.items():
        assert set(term.by_language) == set(texts.languages()), key
        assert term.pages, key
        assert set(term.pages) <= set(frame.PAGES), key
        for name, sentence in term.by_language.values():
            assert len(re.findall(r"\.(?= |$)", sentence)) in (1, 2), sentence
            assert sentence.endswith("."), sentence
            assert name.strip(), key
        assert term.by_language["ko"][1].endswith("니다."), key
    for code in texts.languages():
        names = [term.words(code)[0] for term in terms.values()]
        assert len(set(names)) == len(names)
        assert terms["token"].words("xx") == terms["token"].words("en")


# ---------------------------------------------------------------- the style of Korean


def test_no_text_is_struck_through() -> None:
    """Markdown strikes out what stands between two tildes: ranges have a dash."""
    for code in texts.languages():
        assert [key for key, text in table(code).items() if "~" in forms(text)["other"]] == []


def other_style(text: str) -> list[str]:
    """Sentences of a Korean text that end otherwise than in -니다, -니까 or -시오."""
    parts = re.split(r"(?<=[.?!])\s", text)
    ends = [(part, re.search(r"([가-힣]+)\**[.?!]$", part)) for part in parts]
    verbs = [(part, end[1]) for part, end in ends if end and end[1][-1] in "다요까오라해"]
    return [part for part, end in verbs if not end.endswith(("니다", "니까", "시오"))]


def test_korean_sentences_are_in_one_style() -> None:
    odd = {k: f for k, text in table("ko").items() if (f := other_style(forms(text)["other"]))}
    assert odd == {}
    for path in sorted(ROOT.glob("assets/lecture/*/*.toml")):
        said = re.findall(r'^\w+\.ko = "(.*)"$', path.read_text(encoding="utf-8"), re.MULTILINE)
        assert [odd for text in said for odd in other_style(text)] == [], path.name
    assert other_style("맵이 같다. 맵이 같습니다.") == ["맵이 같다."]
    assert other_style("다시 시도하세요.") == ["다시 시도하세요."]
    assert other_style("왜 그런가요? 맞습니까? 고르십시오. 가장 강한 것.") == ["왜 그런가요?"]


# ---------------------------------------------------------------- numbers and plurals


def test_plural_forms_and_numbers_are_the_languages_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    english = '[a]\nb = {one = "{count} file", other = "{count} files"}\nc = "{n:,.1f} {s} {f:.0%}"'
    (tmp_path / "en.toml").write_text(english, encoding="utf-8")
    (tmp_path / "de.toml").write_text('[a]\nc = "{n:,.1f} {s} {f:.0%}"', encoding="utf-8")
    polish = '[a]\nb = {one = "{count} plik", few = "{count} pliki", many = "{count} plików", '
    (tmp_path / "pl.toml").write_text(polish + 'other = "{count} pliku"}', encoding="utf-8")
    monkeypatch.setattr(texts, "FOLDER", tmp_path)
    texts._load.cache_clear()
    try:
        assert [texts.text("en", "a.b", count=n) for n in (1, 2)] == ["1 file", "2 files"]
        said = [texts.text("pl", "a.b", count=n) for n in (1, 2, 5, 22)]
        assert said == ["1 plik", "2 pliki", "5 plików", "22 pliki"]
        assert texts.text("de", "a.b", count=1) == "1 file"  # what it lacks comes in English
        values = {"n": 1234.5, "s": "1.5", "f": 0.5}
        assert texts.text("en", "a.c", **values) == "1,234.5 1.5 50%"
        assert texts.text("de", "a.c", **values) == "1.234,5 1.5 50%"
        assert texts.text("en", "a.b") == "{count} files"
    finally:
        texts._load.cache_clear()


def test_the_language_is_the_nearest_that_is_there() -> None:
    assert texts.best(["ko-KR"]) == texts.best(["ko_KR.UTF-8"]) == texts.best(["ko"]) == "ko"
    assert texts.best(["fr-FR", "ko"]) == "ko"
    assert texts.best(["C"]) == texts.best(["fr"]) == texts.best([None, ""]) == "en"


@pytest.mark.parametrize(
    ("environment", "code"),
    [
        ({"LANG": "ko_KR.UTF-8"}, "ko"),
        ({"LANG": "ko_KR.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "C", "LC_MESSAGES": "ko_KR"}, "ko"),
        ({"LC_ALL": "en_GB", "MIXSCOPE_LANG": "ko"}, "ko"),
        ({"LC_ALL": "", "LANG": "ko"}, "ko"),
        ({}, "en"),
    ],
)
def test_the_command_line_takes_the_machines_language(
    environment: dict[str, str], code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (texts.LANGUAGE, "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert texts.of_machine() == code


# ---------------------------------------------------------------- the letters


def letters(path: Path) -> set[str]:
    """The characters that a font has."""
    return {chr(code) for code in TTFont(path).getBestCmap()}


KS_X_1001 = {bytes((a, b)).decode("euc-kr") for a in range(0xB0, 0xC9) for b in range(0xA1, 0xFF)}
OTHER_FONTS = {"ᵀ"}
"""In no text that is drawn by the project's typeface alone; DejaVu and browsers have it."""


@pytest.mark.parametrize("weight", FILES)
def test_the_fonts_have_all_letters_of_all_texts(weight: str) -> None:
    there = letters(FILES[weight])
    page = letters(ROOT / "static" / f"mixscope-sans-{weight}.woff2")
    assert len(KS_X_1001) == 2350
    assert KS_X_1001 <= there
    assert there == page
    for code in texts.languages():
        used = {c for text in table(code).values() for form in forms(text).values() for c in form}
        used |= {c for term in texts.glossary().values() for word in term.words(code) for c in word}
        assert used - there - OTHER_FONTS - {"\n"} == set(), code
    assert "\N{OX}" not in there


def test_the_fonts_are_small_and_have_a_licence_and_a_name_of_their_own() -> None:
    files = [*FILES.values(), *(ROOT / "static").glob("*.woff2")]
    assert len(files) == 4
    assert sum(path.stat().st_size for path in files) < 1_000_000
    for folder in {path.parent for path in files}:
        assert "SIL Open Font License" in (folder / "LICENSE.txt").read_text(encoding="utf-8")
    for path in files:  # the licence reserves the unchanged font's name
        names = [str(record) for record in TTFont(path)["name"].names]
        assert "MixScope Sans" in names
        assert not [name for name in names if "Pretendard" in name]


def test_the_page_asks_for_the_fonts_that_are_there() -> None:
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    faces = config["theme"]["fontFaces"]
    assert {face["url"] for face in faces} == {
        f"app/static/{path.name}" for path in (ROOT / "static").glob("*.woff2")
    }
    assert config["server"]["enableStaticServing"]
    assert "MixScope Sans" in config["theme"]["font"]
