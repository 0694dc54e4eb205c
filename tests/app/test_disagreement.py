"""The page Disagreement: the ranking against the library, models with other classes, opening."""

from __future__ import annotations

import re
import time

import numpy as np
import pytest

from tests.app.conftest import Ask, Bring, Open
from views.disagreement import page as page_of_ranking
from views.frame import uploads
from vislib.analysis.disagreement import ranked
from vislib.models import loading
from vislib.observe import capture
from vislib.pictures import encoding, gallery
from vislib.texts import text

KEYS = ("mixer_mini", "convmixer_mini", "davit_mini")
APART = "<span>disagreement "


def wanted() -> list[tuple[str, float]]:
    """The ranking of the gallery as the library gives it."""
    loaded = [loading.load(key) for key in KEYS]
    table = {}
    for name in gallery.GALLERY:
        picture = gallery.load(name)
        runs = [capture.run_with_cache(m, loading.prepare(m, picture), "logits") for m in loaded]
        table[name] = np.stack([run.probabilities() for run in runs])
    return ranked(table)


def right_answers() -> int:
    """How often a model's best class is, by name, what the picture shows."""
    count = 0
    for key in KEYS:
        model = loading.load(key)
        for name, entry in gallery.GALLERY.items():
            inputs = loading.prepare(model, gallery.load(name))
            count += capture.run_with_cache(model, inputs, "logits").top(1)[0][0] == entry.shows
    return count


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine too, nothing waits for a click."""
    monkeypatch.setattr(page_of_ranking, "QUICK_SECONDS", float("inf"))


ROW = r'<span>([^<]+) <span class="credit">([^<]*)</span></span><span>disagreement (\d+) %</span>'
"""Title, credit and licence, percent."""


def test_the_gallery_is_ranked_as_the_library_ranks_it(open_page: Open, ask: Ask) -> None:
    at = open_page("disagreement")
    page = ask(at)
    order = wanted()
    assert page.errors == []
    titles = [str(gallery.GALLERY[name].title) for name, _ in order]
    shown = re.findall(ROW, page.text)
    assert [title for title, *_ in shown] == titles[:6]
    entries = [gallery.GALLERY[name] for name, _ in order[:6]]
    assert [credit for _, credit, _ in shown] == [f"{e.credit} · {e.licence}" for e in entries]
    assert [int(value) for *_, value in shown] == [round(100 * value) for _, value in order[:6]]
    assert titles[:6] != [str(entry.title) for entry in gallery.GALLERY.values()][:6]
    at.session_state["shown"] = "all"
    shown = re.findall(ROW, ask(at.run()).text)
    assert [title for title, *_ in shown] == titles
    at.session_state["source"] = "photographs"
    page = ask(at.run())
    shown = re.findall(ROW, page.text)
    kinds = {str(entry.title): entry.kind for entry in gallery.GALLERY.values()}
    assert [title for title, *_ in shown] == [
        title for title in titles if kinds[title] == "photograph"
    ]
    marks = re.findall(r'title="(Right|Wrong): [^"]+">(right|wrong)</span>', page.text)
    entries = [entry for entry in gallery.GALLERY.values() if entry.shows]
    assert len(marks) == len(entries) * len(KEYS)
    assert [word for word, _ in marks].count("Right") == right_answers()
    assert all(word.lower() == short for word, short in marks)


def test_a_picture_opens_on_compare(open_page: Open, ask: Ask) -> None:
    at = open_page("disagreement", source="photographs", shown="all")
    at.button(key="open-rocket").click().run()
    page = ask(at)
    assert at.session_state["picture"] == "rocket"
    assert page.errors == []
    assert page.title == text("en", "compare.title")


def test_models_with_other_classes_are_left_out(open_page: Open, ask: Ask, bring: Bring) -> None:
    bring("deit_small_patch16_224.fb_in1k")
    at = open_page(
        "disagreement", models=["mixer_mini", "davit_mini", "deit_small_patch16_224.fb_in1k"]
    )
    page = ask(at)
    assert any("Not compared: DeiT-S/16" in info for info in page.infos)
    assert "all 2 models" in page.text
    at.session_state["models"] = ["mixer_mini", "deit_small_patch16_224.fb_in1k"]
    page = ask(at.run())
    assert any("know the same classes" in info for info in page.infos)
    assert APART not in page.text


def test_own_pictures(open_page: Open, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    cat, rocket = (encoding.encode_png(gallery.load(name).pixels) for name in ("cat", "rocket"))
    files = [("a.png", cat), ("bad.png", b"no picture"), ("b.png", rocket)]
    files += [(f"{n}.png", cat) for n in range(12)]
    late = [0.0]
    held = uploads.Uploads(timer=lambda: time.monotonic() + late[0])
    monkeypatch.setattr(uploads, "UPLOADS", held)
    at = open_page("disagreement", source="own", shown="all")
    assert APART not in ask(at).text
    came = [(name, data, "image/png") for name, data in files]
    page = ask(at.file_uploader(key="many_uploads").set_value(came).run())
    assert len(page.errors) == 1
    left = [info.replace("\\", "") for info in page.infos]
    assert any("15 pictures came" in info and "9.png, 10.png, 11.png" in info for info in left)
    assert "bad.png" in page.errors[0].replace("\\", "")
    assert len(re.findall(APART, page.text)) == 11
    assert len(held) == 11
    assert len(re.findall(APART, ask(at.run()).text)) == 11
    assert len(held) == 11  # nothing is decoded twice
    late[0] = 60.0 * uploads.STORE_MINUTES
    page = ask(at.run())
    assert APART not in page.text
    assert any("11 of your pictures were removed" in info for info in page.infos)


def test_an_own_picture_opens_on_compare(open_page: Open, ask: Ask) -> None:
    at = open_page("disagreement", source="own", shown="all")
    cat, rocket = (encoding.encode_png(gallery.load(name).pixels) for name in ("cat", "rocket"))
    came = [("a.png", cat, "image/png"), ("b.png", rocket, "image/png")]
    at.file_uploader(key="many_uploads").set_value(came).run()
    second = list(at.session_state["_many_known"])[1]
    at.button(key=f"open-{second}").click().run()
    assert ask(at).errors == []
    assert at.session_state["picture"] == "own"
    shown = uploads.UPLOADS.get(at.session_state["own_upload"])
    assert shown is not None
    assert shown.name == "b.png"


def test_it_opens_with_what_was_computed_beforehand(
    open_page: Open, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[object] = []
    monkeypatch.setattr(page_of_ranking, "_answers", lambda *asked: ran.append(asked))
    seen = ask(open_page("disagreement"))
    assert text("en", "prepared.said") in seen.text
    assert len(re.findall(APART, seen.text)) == 6
    assert not ran
    seen = ask(open_page("disagreement", untrained="true"))
    assert text("en", "prepared.said") not in seen.text
    assert ran  # nothing is known beforehand of random weights
