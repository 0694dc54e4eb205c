"""Figures carry Korean on a machine that has no Korean font."""

from __future__ import annotations

import io
import logging
import re
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vislib.figures import export, fonts, heatmap, legend
from vislib.schema import LabelledArray

WORDS = "선택한 위치가 읽는 것, 확률 (µ ≈ ½)"
BEYOND = "뷁쀍"
"""Syllables that KS X 1001 does not have, and so the typeface neither."""


def array() -> LabelledArray:
    return LabelledArray(
        values=np.linspace(-1, 1, 16).reshape(4, 4),
        axes=("token_out", "token_in"),
        role="token_mixing",
        unit="weight",
        signed=True,
        provenance="parameter",
        source="blocks.0",
    )


def words(text: str, language: str = "ko") -> dict[str, Any]:
    return {"words": export.Words(title=text, caption=text, language=language)}


def png(text: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(export.to_png(array(), **words(text)))).convert("L"))


@pytest.mark.parametrize("write", [export.to_png, export.to_svg, export.to_pdf])
def test_no_letter_of_an_export_is_missing(write: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert write(array(), **words(WORDS))
    assert [r.getMessage() for r in caplog.records if "lyph" in r.getMessage()] == []


def test_a_letter_beyond_the_typeface_is_noticed() -> None:
    with pytest.warns(UserWarning, match="Glyph"):
        export.to_png(array(), **words(BEYOND))


def test_hangul_is_no_row_of_boxes() -> None:
    one, other = png("가나다라마바"), png("사아자차카타")
    assert one.shape == other.shape
    assert np.count_nonzero(one != other) > 500  # boxes would be alike
    with pytest.warns(UserWarning, match="Glyph"):
        boxes = [png(text) for text in ("뷁뷁", "쀍쀍")]
    assert np.array_equal(*boxes)


def test_a_pdf_has_its_letters_as_outlines() -> None:
    pdf = export.to_pdf(array(), **words(WORDS))
    kinds = set(re.findall(rb"/Subtype /(Type\w+|CIDFont\w+|TrueType)", pdf))
    assert kinds == {b"Type3"}
    streams = re.findall(rb"stream\r?\n(.*?)endstream", pdf, re.S)
    assert b" d1" in b"".join(zlib.decompress(s) for s in streams if s[:1] == b"x")


def test_axes_unit_and_note_are_in_the_language() -> None:
    svg_words: list[str] = []
    figure = export.draw(array(), limits=(-0.5, 0.5), **words("제목"))
    axes = figure.axes[0]
    svg_words += [axes.get_xlabel(), axes.get_ylabel(), figure.axes[1].get_ylabel()]
    assert svg_words[0].splitlines()[0] == "입력 token"
    assert "값 16개 중 8개가 색의 범위" in " ".join(svg_words[0].splitlines())
    assert svg_words[1:] == ["출력 token", "가중치"]
    chart = heatmap.heatmap(array(), language="ko", limits=(-0.5, 0.5))
    assert chart.layout.xaxis.title.text == "입력 token"
    assert chart.data[0].colorbar.title.text == "가중치"
    assert "값 16개 중 8개" in chart.layout.title.subtitle.text
    assert fonts.FAMILY in chart.layout.font.family
    english = heatmap.heatmap(array())
    assert english.layout.xaxis.title.text == "token in"


def test_a_legend_has_its_letters() -> None:
    def drawn(unit: str) -> np.ndarray:
        png = legend.colour_bar_png(False, (0.0, 1.0), unit)
        return np.asarray(Image.open(io.BytesIO(png)))

    assert not np.array_equal(drawn("가나다라"), drawn("마바사아"))
    assert np.array_equal(drawn("뷁뷁"), drawn("쀍쀍"))


def test_lines_are_broken_at_spaces_by_their_width() -> None:
    assert fonts.columns("ab 한글") == 7
    assert fonts.wrap("ab 한글 cd 한", 7) == ["ab 한글", "cd 한"]
    assert fonts.wrap("한글한글한글 a", 4) == ["한글한글한글", "a"]
    assert fonts.wrap("", 4) == []
    lines = fonts.wrap(WORDS * 5, 84)
    assert all(fonts.columns(line) <= 84 for line in lines)


def test_hangul_in_a_picture_of_svg_is_outlines() -> None:
    plain = fonts.svg_text("a < b, µ", 3, 4, anchor="end")
    assert plain == '<text x="3" y="4" text-anchor="end">a &lt; b, µ</text>'
    left = fonts.svg_text("확률, %", 100, 50, size=20)
    assert "<text" not in left
    path = re.findall(r"[-\d.]+", left.partition('d="')[2])
    across, up = np.array(path[::2], float), np.array(path[1::2], float)
    assert 0 <= across.min() < 3
    assert 50 < across.max() < 80  # two syllables of about 17, a comma, a space, a percent sign
    assert -20 < up.min() < -12  # y goes down: letters stand above the base line
    assert up.max() < 6

    def start(anchor: str) -> float:
        words = fonts.svg_text("확률, %", 100, 50, anchor=anchor, size=20)
        return float(words.partition("translate(")[2].partition(" ")[0])

    assert start("start") == 100
    assert start("end") == pytest.approx(100 - across.max(), abs=0.2)
    assert start("middle") == pytest.approx((start("start") + start("end")) / 2, abs=0.1)
