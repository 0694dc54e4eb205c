"""What all pages share: the picture, the point, the models, the address, and the words."""

from __future__ import annotations

import html
import io
import re
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from tests.app.conftest import Ask, OnStage, Open
from views import frame
from views.frame import state, uploads
from vislib import texts
from vislib.lecture import reading
from vislib.pictures import decoding, limits
from vislib.schema import DecodedImage

ROOT = Path(__file__).resolve().parents[2]
TEXT = tomllib.loads((ROOT / "assets" / "text" / "en.toml").read_text(encoding="utf-8"))


def encoded(pixels: np.ndarray, kind: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format=kind, **options)
    return stream.getvalue()


def shown_digest(at: AppTest) -> str | None:
    """The digest of the visitor's own picture, None where a gallery picture is shown."""
    own = own_picture(at) if at.session_state["picture"] == state.OWN else None
    return own.sha256 if own else None


def own_picture(at: AppTest) -> DecodedImage | None:
    """The picture that the visitor's token stands for."""
    held = "own_upload" in at.session_state
    return uploads.UPLOADS.get(at.session_state["own_upload"]) if held else None


def upload(at: AppTest, data: bytes, name: str = "mine.png") -> AppTest:
    return at.file_uploader(key="upload").set_value((name, data, "image/png")).run()


@pytest.fixture
def turned(picture_pixels: np.ndarray) -> bytes:
    """A JPEG whose EXIF says that it lies on its side."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(picture_pixels, "JPEG", quality=95, exif=exif)


def test_an_upload_is_shown_and_bad_ones_leave_it(
    open_page: Open, ask: Ask, picture_png: bytes, picture_pixels: np.ndarray
) -> None:
    at = upload(open_page(), picture_png)
    own = shown_digest(at)
    assert own == decoding.decode(picture_png, name="x").sha256
    assert not ask(at).errors
    wide = io.BytesIO()
    Image.new("1", (7000, 7000)).save(wide, format="PNG")
    bad = {
        "corrupt.png": picture_png[:200],
        "words.png": b"this is no picture at all " * 20,
        "empty.png": b"",
        "wide.png": wide.getvalue(),
        "heavy.png": picture_png + b"\0" * limits.MAX_BYTES,
    }
    for name, data in bad.items():
        seen = ask(upload(at, data, name))
        assert shown_digest(at) == own, name
        assert len(seen.errors) == 1, (name, seen.errors)
        assert TEXT["picture"]["kept"] in seen.errors[0]
        assert "Traceback" not in seen.errors[0]
        assert name in seen.errors[0].replace("\\", "")
        assert str(ROOT) not in seen.errors[0]
    seen = ask(upload(at, encoded(picture_pixels[::-1].copy())))
    assert not seen.errors
    assert shown_digest(at) != own


def test_a_picture_whose_time_is_over_is_gone_and_the_page_says_so(
    open_page: Open, ask: Ask, picture_png: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = ask(open_page(reads="raw")).pictures
    monkeypatch.setattr(uploads, "SWEEP_SECONDS", 0.0)
    monkeypatch.setattr(uploads, "STORE_MINUTES", 30)
    late = [0.0]
    held = uploads.Uploads(timer=lambda: time.monotonic() + late[0])
    monkeypatch.setattr(uploads, "UPLOADS", held)
    at = upload(open_page(reads="raw"), picture_png)
    words = TEXT["picture"]["removed"].format(minutes=30)
    assert words not in ask(at).infos
    assert ask(at).pictures != plain
    late[0] = 60.0 * 30
    seen = ask(at.run())
    assert words in seen.infos
    assert seen.pictures == plain  # the gallery's
    assert own_picture(at) is None


def test_no_session_holds_a_picture(open_page: Open, picture_png: bytes) -> None:
    at = upload(open_page(), picture_png)
    assert shown_digest(at) is not None
    values = list(at.session_state._state.filtered_state.values())
    assert any(isinstance(value, str) for value in values)
    assert not [value for value in values if isinstance(value, DecodedImage | np.ndarray)]
    assert not any(value.getvalue() for value in values if isinstance(value, io.BytesIO))


@pytest.mark.parametrize("name", ["# heading.png", ":material_home:.png", "[a](b) **c**.png"])
def test_a_name_is_shown_as_text(open_page: Open, ask: Ask, picture_png: bytes, name: str) -> None:
    at = upload(open_page(), picture_png, name)
    shown = [c.value for c in at.caption if "128 × 96" in c.value]
    assert shown == [f"{frame.plain(name)} · 128 × 96 pixels"]
    seen = ask(upload(at, b"nothing", name))
    assert len(seen.errors) == 1
    assert frame.plain(name) in seen.errors[0]


def test_a_bad_upload_leaves_the_gallery_picture(open_page: Open, ask: Ask) -> None:
    at = upload(open_page(picture="cat"), b"GIF89a but not really")
    assert at.session_state["picture"] == "cat"
    assert shown_digest(at) is None
    assert len(ask(at).errors) == 1


def test_transparent_and_turned_pictures_are_shown_upright(
    open_page: Open, ask: Ask, picture_pixels: np.ndarray, turned: bytes
) -> None:
    veil = np.full((*picture_pixels.shape[:2], 1), 128, dtype=np.uint8)
    at = upload(open_page(), encoded(np.concatenate([picture_pixels, veil], axis=2)))
    assert not ask(at).errors
    own = own_picture(at)
    assert own is not None
    assert own.pixels.shape == (96, 128, 3)
    upload(at, turned, "turned.jpg")
    seen = ask(at)
    own = own_picture(at)
    assert own is not None
    assert own.pixels.shape == (128, 96, 3)
    for note in own.notes:
        assert str(note) in seen.text


def test_the_point_comes_from_the_inputs_and_the_address(open_page: Open, ask: Ask) -> None:
    at = open_page(x="300", y="640", reads="raw")
    assert (at.number_input(key="x").value, at.number_input(key="y").value) == (300, 640)
    before = ask(at).pictures
    at.number_input(key="x").set_value(700).run()
    assert at.session_state["x"] == 700
    after = ask(at).pictures
    assert len(after) == len(before)
    assert after != before
    at.number_input(key="x").set_value(300).run()
    assert ask(at).pictures == before


def test_across_and_down_move_the_point_on_the_stage(
    open_page: Open, ask: Ask, stage: OnStage
) -> None:
    at = open_page("patch_embedding", models=["mixer_mini"], x="500", y="500")
    for name, typed, point in (("x", 200, (200, 500)), ("y", 30, (200, 30))):
        at.number_input(key=name).set_value(typed).run()
        assert not ask(at).errors
        assert stage.options["point"] == point


def test_a_gallery_picture_is_chosen(open_page: Open, ask: Ask) -> None:
    at = open_page(reads="raw")
    before = ask(at).pictures
    at.selectbox(key="picture").set_value("rocket").run()
    seen = ask(at)
    assert seen.pictures != before
    assert "Rocket" in seen.text or "rocket" in seen.text


def test_models_are_chosen(open_page: Open, ask: Ask, minis: tuple[str, ...]) -> None:
    at = open_page(models=[minis[1]], reads="raw")
    one = len(ask(at).pictures)
    at.multiselect(key="models").set_value(list(minis)[:5]).run()
    assert len(ask(at).pictures) > one
    at.multiselect(key="models").set_value([]).run()
    assert not ask(at).errors  # none chosen: the page says so and shows the usual ones


def test_a_link_opens_the_same_view(open_page: Open, ask: Ask) -> None:
    link = {"picture": "rocket", "models": ["davit_mini"], "x": "420", "y": "390"}
    link["reads"] = "raw"
    at, again = open_page(**link), open_page(**link)
    assert at.session_state["picture"] == "rocket"
    assert list(at.session_state["models"]) == ["davit_mini"]
    assert ask(at).pictures == ask(again).pictures
    assert ask(at).pictures != ask(open_page(**link | {"x": "600"})).pictures


def test_an_upload_in_a_link_asks_for_the_picture(open_page: Open, ask: Ask) -> None:
    assert TEXT["picture"]["missing_upload"] in ask(open_page(picture=state.OWN)).infos


@pytest.mark.parametrize(
    "address",
    [
        {"picture": "no such picture"},
        {"models": ["no_such_model"]},
        {"x": "-5", "y": "99999"},
        {"x": "left", "y": ""},
        {"depth": "everywhere"},
    ],
    ids=str,
)
def test_unknown_values_in_the_address_do_no_harm(
    open_page: Open, ask: Ask, address: dict[str, str | list[str]]
) -> None:
    at = open_page(**address)
    assert not ask(at).errors
    assert 0 <= at.session_state["x"] <= 1000
    assert at.session_state["picture"] == state.DEFAULT_PICTURE


@pytest.mark.parametrize("page", frame.PAGES)
def test_each_page_opens_and_asks_its_question(open_page: Open, ask: Ask, page: str) -> None:
    at = open_page(page)
    seen = ask(at)
    assert not seen.errors
    heads = {title.value for title in at.title} | set(re.findall("<h1>(.*?)</h1>", seen.text))
    step = reading.read(reading.FOLDER / "seminar").steps[0]  # the lecture's title is its step's
    wanted = step.title["en"] if page == "lecture" else TEXT[page]["title"]
    assert wanted in heads
    if page == "lecture":
        return
    assert TEXT[page]["question"] in html.unescape(seen.text)


def known(key: str) -> bool:
    """Whether a dotted key, in which "*" stands for anything, names a text."""
    nodes: list[object] = [TEXT]
    for part in key.split("."):
        pattern = re.compile("[a-z0-9_]+".join(re.escape(piece) for piece in part.split("*")))
        nodes = [
            value
            for node in nodes
            if isinstance(node, dict)
            for name, value in node.items()
            if pattern.fullmatch(name)
        ]
    return any(
        isinstance(node, str) or (isinstance(node, dict) and set(node) == {"one", "other"})
        for node in nodes
    )


def asked_keys(source: str) -> Iterator[str]:
    """The keys that a file asks for, through t() and through its own words()."""
    section = re.search(r't\(f"(\w+)\.\{name\}"', source)
    lender = re.search(
        r"from views\.(\w+)\.(\w+) import (\([^)]*\bwords\b|[^\n]*\bwords\b)", source
    )
    if lender and not section:
        lent = (ROOT / "views" / lender[1] / f"{lender[2]}.py").read_text(encoding="utf-8")
        section = re.search(r't\(f"(\w+)\.\{name\}"', lent)
    calls = [(r"\bt", "")]
    if section:
        calls.append((r"\bwords", f"{section[1]}."))
    for call, prefix in calls:
        string = r"""\(\s*(f?)(["'])((?:(?!\2).)+)\2"""
        for mark, _, text in re.findall(call + string, source):
            yield prefix + (re.sub(r"\{[^}]*\}", "*", text) if mark else text)


def test_every_text_that_a_page_asks_for_exists() -> None:
    keys = {
        (f"{path.parent.name}/{path.name}", key)
        for path in sorted((ROOT / "views").glob("*/*.py"))
        for key in asked_keys(path.read_text(encoding="utf-8"))
    }
    assert len(keys) > 100
    assert sorted(pair for pair in keys if not known(pair[1])) == []
    assert not known("compare.no_such_text")
    assert not known("compare.no_such_*")


@pytest.mark.parametrize("page", frame.PAGES)
def test_every_page_has_its_section(page: str) -> None:
    assert TEXT["nav"][page]
    assert TEXT[page]["title"] == TEXT["nav"][page], "the navigation's word is the title"
    for name in ("title", "question"):
        assert TEXT[page][name], f"[{page}] {name} is empty"


def draw_an_error() -> None:
    from views import frame
    from vislib.schema import ModelError
    from vislib.texts import Message

    known = ["a", Message("error.shape.every_pair")]
    frame.problem(ModelError("error.model.none", model="x", known=known))


def test_a_page_words_an_error_in_the_visitors_language(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    english = (texts.FOLDER / "en.toml").read_text(encoding="utf-8")
    (tmp_path / "en.toml").write_text(english, encoding="utf-8")
    (tmp_path / "de.toml").write_text(
        'language = "Deutsch"\n'
        "[error]\n"
        'title = "Das ging nicht."\n'
        "[error.model]\n"
        'none = "Kein Modell {model!r}; es gibt {known}."\n'
        "[error.shape]\n"
        'every_pair = "alle"\n',
        encoding="utf-8",
    )
    monkeypatch.setattr(texts, "FOLDER", tmp_path)
    at = AppTest.from_function(draw_an_error)
    found = {}
    for language in ("de", "en"):
        texts.languages.cache_clear()
        texts._load.cache_clear()
        at.session_state["lang"] = language
        at.run()
        assert not at.exception
        found[language] = at.error[0].value
    monkeypatch.undo()
    texts.languages.cache_clear()
    texts._load.cache_clear()
    assert found == {
        "de": "**Das ging nicht.** Kein Modell 'x'; es gibt a, alle.",
        "en": "**That did not work** There is no model 'x'. Known are: a, all.",
    }


def draw_a_choice_and_a_pin() -> None:
    import streamlit as st

    from views import frame
    from views.frame.following import follows_place, rerun_for_place

    choices = (
        frame.choose("one", ["a", "b"], key="one"),
        frame.choose("two", ["a", "b"], key="two", compact=False),
        frame.choose_freely("three", ["a", "b"], key="three", words={"a": "a", "b": "b"}),
        frame.choose_number("four", 9, key="four"),
        frame.choose_switch("five", key="five"),
    )
    st.button("pin", key="pin", on_click=rerun_for_place)
    st.text(f"{choices}")
    follows_place(lambda: st.markdown("pinned"))


@pytest.mark.parametrize(
    ("kind", "number", "value"),
    [
        ("button_group", 0, "b"),
        ("selectbox", 0, "b"),
        ("button_group", 1, "b"),
        ("number_input", 0, 3),
        ("toggle", 0, True),
    ],
)
def test_a_choice_that_comes_with_a_pin_runs_the_page(
    kind: str, number: int, value: object
) -> None:
    at = AppTest.from_function(draw_a_choice_and_a_pin).run()
    before = at.text[0].value
    at.get(kind)[number].set_value(value)
    at.button(key="pin").click().run()
    assert not at.exception
    assert at.text[0].value != before
